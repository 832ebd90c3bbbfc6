//! Assets by failures: what each failure takes of each asset and for how long, against what is allowed.

mod cells;

use std::collections::{BTreeMap, BTreeSet};

use plotters::prelude::DrawingBackend;

use super::canvas::{Canvas, Drawn, Frame, Side, Type};
use super::style::{INK, MUTED};
use super::{Chart, LABEL, MARGIN, STRONG, Sheet};
use crate::audit::Verdict;
use crate::base::Span;
use crate::timeline::Loss;
use cells::{Half, verdicts};

/// One asset in one failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub asset: String,
    pub scenario: String,
    /// The failure in the policy's words.
    pub title: String,
    pub rpo: Option<Span>,
    /// The worse of what the plan declares and what was observed; None where neither is known.
    pub lost: Option<Loss>,
    pub rpo_verdict: Verdict,
    pub rto: Option<Span>,
    /// The longer of what the runbook declares and what drills measured; None where neither is known.
    pub down: Option<Span>,
    pub rto_verdict: Verdict,
}

/// The worst asset and the worst failure first.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    rows: Vec<Row>,
    /// Names of the failures that are drawn, and what people call them.
    columns: Vec<(String, String)>,
    /// Failures in all.
    failures: usize,
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    asset: String,
    cells: Vec<Cell>,
}

/// Assets and failures drawn at most; the numbers hold them all.
const ROWS_MOST: usize = 8;
const COLUMNS_MOST: usize = 6;
const HALF: f64 = 22.0;
const GAP: f64 = 4.0;
const NAME: f64 = 20.0;
const LINE: f64 = 15.0;
/// Names of the two halves, left of the cells.
const HALVES: f64 = 70.0;

impl Row {
    fn cell(&self, scenario: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.scenario == scenario)
    }

    fn verdict(&self) -> Verdict {
        self.cells.iter().flat_map(verdicts).max().unwrap_or(Verdict::Unproven)
    }
}

impl HeatMap {
    /// None of no cells.
    pub fn of(cells: Vec<Cell>) -> Option<Self> {
        let mut rows: Vec<Row> = Vec::new();
        let mut place: BTreeMap<String, usize> = BTreeMap::new();
        let mut failures: BTreeSet<String> = BTreeSet::new();
        for cell in cells {
            failures.insert(cell.scenario.clone());
            let row = *place.entry(cell.asset.clone()).or_insert_with(|| {
                rows.push(Row { asset: cell.asset.clone(), cells: Vec::new() });
                rows.len() - 1
            });
            if let Some(row) = rows.get_mut(row) {
                row.cells.push(cell);
            }
        }
        // Stable, so that equals keep the order of the policy.
        rows.sort_by(|a, b| cells::badness(&b.cells).total_cmp(&cells::badness(&a.cells)));
        let columns = columns(rows.iter().take(ROWS_MOST));
        (!rows.is_empty()).then_some(HeatMap { rows, columns, failures: failures.len() })
    }

    fn columns(&self) -> &[(String, String)] {
        &self.columns
    }

    fn rows(&self) -> &[Row] {
        self.rows.get(..ROWS_MOST).unwrap_or(&self.rows)
    }

    fn count(&self, verdict: Verdict) -> usize {
        let all = self.rows.iter().flat_map(|row| &row.cells).flat_map(verdicts);
        all.filter(|found| *found == verdict).count()
    }

    /// What is not drawn, in words.
    fn rest(&self) -> Vec<String> {
        let mut said = Vec::new();
        let others = self.rows.get(ROWS_MOST..).unwrap_or_default();
        if !others.is_empty() {
            let of = |verdict| others.iter().filter(|row| row.verdict() == verdict).count();
            said.push(format!(
                "{} more: {} break a limit, {} leave one unproven, {} keep all",
                super::super::text::count(others.len(), "asset", "assets"),
                of(Verdict::Breached),
                of(Verdict::Unproven),
                of(Verdict::Met)
            ));
        }
        let more = self.failures - self.columns.len();
        if more > 0 {
            let failures = super::super::text::count(more, "failure", "failures");
            said.push(format!("{failures} more: they strike other assets, or break no more limits of these"));
        }
        said
    }

    /// Lines that the longest name of a failure takes above its column.
    fn head_lines(&self, width: f64) -> usize {
        let letters = (width / 6.4).floor().max(1.0);
        let lines = self.columns().iter().map(|(_, title)| (title.chars().count() as f64 / letters).ceil() as usize);
        // Words are not parted, so a line is seldom full.
        (lines.max().unwrap_or(1) + 1).min(4)
    }

    fn column_width(&self, sheet: Sheet) -> f64 {
        let room = sheet.width() - 2.0 * MARGIN - HALVES;
        (room / self.columns().len().max(1) as f64).min(240.0)
    }
}

impl Chart for HeatMap {
    fn title(&self) -> String {
        let (broken, unproven) = (self.count(Verdict::Breached), self.count(Verdict::Unproven));
        let all = broken + unproven + self.count(Verdict::Met);
        let limits = "limits on loss and downtime";
        let Some(worst) = self.rows.first() else { return format!("No {limits} are declared") };
        match (broken, unproven) {
            (0, 0) => format!("All {all} {limits} are kept, with evidence for each"),
            (0, n) => format!("{n} of {all} {limits} are unproven; none is known to be broken"),
            (n, 0) => format!("{n} of {all} {limits} are broken, the worst for {}", worst.asset),
            (n, m) => format!("{n} of {all} {limits} are broken and {m} unproven, the worst for {}", worst.asset),
        }
    }

    fn subtitle(&self) -> String {
        "Worst loss window and longest downtime by asset and failure, of what is allowed. Filled and ×: broken; hatched and \
         ?: unproven, whatever the figure; pale: kept, with evidence"
            .to_string()
    }

    fn description(&self) -> String {
        let cell = |cell: &Cell| {
            let halves = [("data lost", Half::loss(cell)), ("time down", Half::downtime(cell))];
            let halves = halves.map(|(name, half)| format!("{name} {} ({})", half.figure(), half.word()));
            format!("{}, {}: {}.", cell.asset, cell.title, halves.join(", "))
        };
        let cells = self.rows().iter().flat_map(|row| {
            self.columns().iter().filter_map(|(scenario, _)| row.cell(scenario)).map(cell).collect::<Vec<_>>()
        });
        let rest = self.rest().into_iter().map(|line| line + ".");
        format!("{}. {}", self.title(), cells.chain(rest).collect::<Vec<_>>().join(" "))
    }

    fn height(&self, sheet: Sheet) -> f64 {
        let rest = LINE * self.rest().len() as f64 * if sheet == Sheet::Wide { 1.0 } else { 2.0 };
        let rows = self.rows();
        let body = match sheet {
            Sheet::Wide => {
                LINE * self.head_lines(self.column_width(sheet)) as f64
                    + (NAME + 2.0 * HALF + 3.0 * GAP) * rows.len() as f64
            }
            Sheet::Narrow => {
                let cells = rows.iter().flat_map(|row| self.columns().iter().filter_map(|(name, _)| row.cell(name)));
                LINE + NAME * rows.len() as f64 + (LINE + HALF + 3.0 * GAP) * cells.count() as f64
            }
        };
        body + rest + if rest > 0.0 { 2.0 * GAP } else { 0.0 }
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB> {
        let mut y = match sheet {
            Sheet::Wide => self.draw_table(canvas, sheet, top)?,
            Sheet::Narrow => self.draw_list(canvas, sheet, top)?,
        };
        y += 2.0 * GAP;
        for line in self.rest() {
            for line in canvas.wrap(&line, sheet.width() - 2.0 * MARGIN, LABEL).into_iter().take(2) {
                canvas.text(&line, (MARGIN, y + LINE / 2.0), Side::Left, LABEL)?;
                y += LINE;
            }
        }
        Ok(())
    }

    fn numbers(&self) -> Vec<Vec<String>> {
        let header = [
            "asset",
            "scenario",
            "title",
            "allowed_loss_s",
            "worst_loss_s",
            "loss_verdict",
            "allowed_downtime_s",
            "longest_downtime_s",
            "downtime_verdict",
        ];
        let rows = self.rows.iter().flat_map(|row| &row.cells).map(cells::numbers);
        std::iter::once(header.map(String::from).to_vec()).chain(rows).collect()
    }
}

/// The failures that strike these assets: those that break most of their limits first, then those that strike most.
fn columns<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<(String, String)> {
    let mut columns: Vec<(&Cell, usize, usize)> = Vec::new();
    for cell in rows.flat_map(|row| &row.cells) {
        let broken = verdicts(cell).into_iter().filter(|verdict| *verdict == Verdict::Breached).count();
        match columns.iter_mut().find(|(known, ..)| known.scenario == cell.scenario) {
            Some((_, limits, struck)) => (*limits, *struck) = (*limits + broken, *struck + 1),
            None => columns.push((cell, broken, 1)),
        }
    }
    columns.sort_by_key(|(_, limits, struck)| std::cmp::Reverse((*limits, *struck)));
    columns.iter().take(COLUMNS_MOST).map(|(cell, ..)| (cell.scenario.clone(), cell.title.clone())).collect()
}

/// A backend's own error, beside how far down the drawing came.
type Reached<DB> = Result<f64, plotters::drawing::DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

impl HeatMap {
    /// Failures across, assets down.
    fn draw_table<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Reached<DB> {
        let width = self.column_width(sheet);
        let lines = self.head_lines(width);
        let left = |column: usize| MARGIN + HALVES + width * column as f64;
        for (n, (_, title)) in self.columns().iter().enumerate() {
            let mut all = canvas.wrap(title, width - 2.0 * GAP, LABEL);
            let over = all.split_off(all.len().min(lines));
            if let Some(last) = all.last_mut().filter(|_| !over.is_empty()) {
                *last = canvas.fit(&format!("{last} {}", over.join(" ")), width - 2.0 * GAP, LABEL);
            }
            // On the floor of the heading, right above the cells.
            let first = top + LINE * (lines - all.len().min(lines)) as f64;
            for (line, text) in all.iter().enumerate() {
                canvas.text(text, (left(n), first + LINE * (line as f64 + 0.5)), Side::Left, LABEL)?;
            }
        }
        let mut y = top + LINE * lines as f64;
        let room = sheet.width() - 2.0 * MARGIN;
        for row in self.rows() {
            canvas.text(&canvas.fit(&row.asset, room, STRONG), (MARGIN, y + NAME / 2.0), Side::Left, STRONG)?;
            y += NAME;
            for (line, name) in ["data lost", "time down"].into_iter().enumerate() {
                let middle = y + (HALF + 1.0) * line as f64 + HALF / 2.0;
                canvas.text(name, (MARGIN, middle), Side::Left, LABEL)?;
                for (n, (scenario, _)) in self.columns().iter().enumerate() {
                    let frame = Frame {
                        left: left(n),
                        right: left(n) + width - GAP,
                        top: middle - HALF / 2.0,
                        bottom: middle + HALF / 2.0,
                    };
                    match row.cell(scenario) {
                        None if line == 0 => {
                            let unstruck = Type { paint: MUTED, ..LABEL };
                            let said = canvas.fit("not struck", frame.width(), unstruck);
                            canvas.text(&said, (frame.left, frame.bottom), Side::Left, unstruck)?;
                        }
                        None => {}
                        Some(cell) if line == 0 => Half::loss(cell).draw(canvas, frame)?,
                        Some(cell) => Half::downtime(cell).draw(canvas, frame)?,
                    }
                }
            }
            y += 2.0 * HALF + 3.0 * GAP;
        }
        Ok(y)
    }

    /// A phone's width holds no table: each asset's failures below each other.
    fn draw_list<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Reached<DB> {
        let room = sheet.width() - 2.0 * MARGIN;
        let half = (room - GAP) / 2.0;
        canvas.text("data lost", (MARGIN, top + LINE / 2.0), Side::Left, LABEL)?;
        canvas.text("time down", (MARGIN + half + GAP, top + LINE / 2.0), Side::Left, LABEL)?;
        let mut y = top + LINE;
        for row in self.rows() {
            canvas.text(&canvas.fit(&row.asset, room, STRONG), (MARGIN, y + NAME / 2.0), Side::Left, STRONG)?;
            y += NAME;
            for cell in self.columns().iter().filter_map(|(scenario, _)| row.cell(scenario)) {
                let name = Type { paint: INK, ..LABEL };
                let title = canvas.fit(&cell.title, room, name);
                canvas.text(&title, (MARGIN, y + LINE / 2.0), Side::Left, name)?;
                y += LINE + 2.0;
                let frame = Frame { left: MARGIN, right: MARGIN + half, top: y, bottom: y + HALF };
                Half::loss(cell).draw(canvas, frame)?;
                let beside = Frame { left: frame.right + GAP, right: MARGIN + room, ..frame };
                Half::downtime(cell).draw(canvas, beside)?;
                y += HALF + 3.0 * GAP - 2.0;
            }
        }
        Ok(y)
    }
}
