//! How long restores really took, phase by phase, against the time that is allowed.

use plotters::prelude::DrawingBackend;

use super::axis;
use super::canvas::{Canvas, Drawn, Frame, Side, Type};
use super::style::{GRID, INK, MUTED, PAPER, PARTS, Paint, VERMILION};
use super::{Chart, LABEL, MARGIN, STRONG, Sheet};
use crate::base::{Bytes, Instant, Span};

#[derive(Debug, Clone)]
pub struct DrillTimes {
    /// The shortest recovery time objective among the scenarios that these drills prove.
    pub rto: Option<Span>,
    /// Oldest first.
    pub drills: Vec<Bar>,
}

/// One drill.
#[derive(Debug, Clone)]
pub struct Bar {
    pub id: String,
    pub asset: String,
    pub started_at: Instant,
    pub took: Span,
    pub bytes: Bytes,
    pub phases: Vec<(String, Span)>,
    pub failed: Option<String>,
}

/// More drills than this are not told apart by eye: the newest are drawn, the table holds all.
const SHOWN_MOST: usize = 10;
const ROW: f64 = 42.0;
/// A line of names of phases, above the rows; below them the axis.
const HEAD: f64 = 18.0;
const FOOT: f64 = 44.0;
/// An objective up to this many times the longest drill is drawn to scale; one further off is named at the edge.
const WITHIN_SCALE: i64 = 3;

impl DrillTimes {
    fn shown(&self) -> &[Bar] {
        self.drills.get(self.drills.len().saturating_sub(SHOWN_MOST)..).unwrap_or_default()
    }

    fn longest(&self) -> Option<&Bar> {
        self.drills.iter().filter(|bar| bar.failed.is_none()).max_by_key(|bar| bar.took)
    }

    fn failures(&self) -> usize {
        self.drills.iter().filter(|bar| bar.failed.is_some()).count()
    }

    /// Names of phases in the order in which restores go through them.
    fn phases(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.shown().iter().flat_map(|bar| &bar.phases) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    fn paint_of(&self, phase: &str) -> Paint {
        let place = self.phases().iter().position(|name| *name == phase).unwrap_or(PARTS.len());
        PARTS.get(place).copied().unwrap_or(MUTED)
    }

    /// Room for the names of the phases: a phone's width holds about 40 letters and marks in a line.
    fn head(&self, sheet: Sheet) -> f64 {
        let letters: usize = self.phases().iter().map(|name| name.chars().count() + 4).sum();
        let lines = match sheet {
            Sheet::Wide => letters.div_ceil(80),
            Sheet::Narrow => letters.div_ceil(38),
        };
        HEAD * lines.clamp(1, 6) as f64 + 8.0
    }

    /// End of the axis, and whether the objective lies on it.
    fn extent(&self) -> (Span, bool) {
        let longest = self.shown().iter().map(|bar| bar.took).max().unwrap_or(Span::secs(1)).max(Span::millis(1));
        match self.rto {
            Some(rto) if rto <= longest.saturating_mul(WITHIN_SCALE) => (rto.max(longest), true),
            _ => (longest, false),
        }
    }
}

impl Chart for DrillTimes {
    fn title(&self) -> String {
        let failures = match self.failures() {
            0 => String::new(),
            1 => "; one drill failed".to_string(),
            n => format!("; {n} drills failed"),
        };
        match (self.longest(), self.rto) {
            (None, _) => "No restore drill succeeded".to_string(),
            (Some(bar), Some(rto)) if bar.took > rto => {
                format!("A restore took {}; {rto} is allowed for all of the recovery{failures}", bar.took)
            }
            (Some(bar), Some(rto)) => {
                let share = bar.took.0 as f64 / rto.0.max(1) as f64 * 100.0;
                let share = if share < 1.0 { "under 1".to_string() } else { format!("{share:.0}") };
                format!("The longest restore took {}, {share} % of the {rto} allowed{failures}", bar.took)
            }
            (Some(bar), None) => format!("The longest restore took {}; no objective is declared{failures}", bar.took),
        }
    }

    fn subtitle(&self) -> String {
        let hidden = self.drills.len() - self.shown().len();
        let newest =
            if hidden > 0 { format!(" (the newest {SHOWN_MOST} of {})", self.drills.len()) } else { String::new() };
        format!(
            "Restore drills by phase{newest}. Noticing, deciding, provisioning and switching over come on top of these times"
        )
    }

    fn description(&self) -> String {
        let drills = self.shown().iter().map(|bar| {
            let phases: Vec<String> = bar.phases.iter().map(|(name, took)| format!("{name} {took}")).collect();
            let failed = bar.failed.as_ref().map(|why| format!(", failed: {why}")).unwrap_or_default();
            format!("{} on {}, {}: {} ({}){failed}.", bar.asset, bar.started_at, bar.bytes, bar.took, phases.join(", "))
        });
        format!("{}. {}", self.title(), drills.collect::<Vec<_>>().join(" "))
    }

    fn height(&self, sheet: Sheet) -> f64 {
        self.head(sheet) + ROW * self.shown().len() as f64 + FOOT
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB> {
        let rows = self.shown();
        let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
        let names = rows.iter().map(|bar| canvas.width_of(&bar.asset, STRONG).max(canvas.width_of(&size(bar), LABEL)));
        let totals = rows.iter().map(|bar| canvas.width_of(&total(bar), STRONG));
        let plot = Frame {
            left: MARGIN + widest(&mut { names }).min(sheet.width() * 0.34) + 10.0,
            top: top + self.head(sheet),
            right: sheet.width() - MARGIN - widest(&mut { totals }) - 8.0,
            bottom: top + self.head(sheet) + ROW * rows.len() as f64,
        };
        let (extent, on_scale) = self.extent();
        let ticks = axis::spans(extent, ((plot.width() / 64.0) as i64).clamp(1, 7));
        let end = extent.max(Span(1));
        let x = |span: Span| plot.left + plot.width() * span.0 as f64 / end.0 as f64;
        for (tick, name) in &ticks {
            canvas.line(&[(x(*tick), plot.top), (x(*tick), plot.bottom)], GRID, 1.0)?;
            canvas.text(name, (x(*tick), plot.bottom + 14.0), Side::Middle, LABEL)?;
        }
        for (n, bar) in rows.iter().enumerate() {
            let middle = plot.top + ROW * (n as f64 + 0.5);
            self.draw_row(canvas, bar, plot, middle, &x)?;
        }
        self.name_phases(canvas, plot, sheet)?;
        self.draw_objective(canvas, plot, on_scale.then_some(()).and(self.rto).map(x))
    }

    fn numbers(&self) -> Vec<Vec<String>> {
        let header = ["drill", "asset", "started_at", "bytes_restored", "phase", "took_s", "outcome"];
        let mut rows = vec![header.map(String::from).to_vec()];
        for bar in &self.drills {
            let total = ("total".to_string(), bar.took);
            for (name, took) in bar.phases.iter().chain([&total]) {
                rows.push(vec![
                    bar.id.clone(),
                    bar.asset.clone(),
                    bar.started_at.to_string(),
                    bar.bytes.0.to_string(),
                    name.clone(),
                    took.as_secs().to_string(),
                    if bar.failed.is_some() { "failed" } else { "passed" }.to_string(),
                ]);
            }
        }
        rows
    }
}

impl DrillTimes {
    fn draw_row<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        bar: &Bar,
        plot: Frame,
        middle: f64,
        x: &impl Fn(Span) -> f64,
    ) -> Drawn<DB> {
        let room = plot.left - MARGIN - 10.0;
        let (name, size) = (bar.asset.clone(), size(bar));
        canvas.text(&canvas.fit(&name, room, STRONG), (MARGIN, middle - 8.0), Side::Left, STRONG)?;
        canvas.text(&canvas.fit(&size, room, LABEL), (MARGIN, middle + 8.0), Side::Left, LABEL)?;
        let mut at = Span::ZERO;
        for (phase, took) in &bar.phases {
            let piece = Frame { left: x(at), right: x(at + *took), top: middle - 9.0, bottom: middle + 9.0 };
            let alpha = if bar.failed.is_some() { 0.35 } else { 1.0 };
            canvas.rect(piece, self.paint_of(phase), alpha)?;
            if at > Span::ZERO && piece.width() > 2.0 {
                canvas.line(&[(piece.left, piece.top), (piece.left, piece.bottom)], PAPER, 1.0)?;
            }
            at = at + *took;
        }
        // What no phase accounts for is time all the same.
        if bar.took > at {
            let rest = Frame { left: x(at), right: x(bar.took), top: middle - 9.0, bottom: middle + 9.0 };
            canvas.rect(rest, GRID, 1.0)?;
        }
        let phases: Vec<String> = bar.phases.iter().map(|(name, took)| format!("{name} {took}")).collect();
        let row = Frame { left: plot.left, right: plot.right, top: middle - 12.0, bottom: middle + 12.0 };
        canvas.note(row, format!("{}, {size}: {} ({})", bar.asset, total(bar), phases.join(", ")));
        let end = x(bar.took.max(at)) + 7.0;
        let paint = if bar.failed.is_some() { VERMILION } else { INK };
        canvas.text(&total(bar), (end, middle), Side::Left, Type { paint, ..STRONG })
    }

    /// Names of the phases, each behind its colour, in lines as long as the sheet.
    fn name_phases<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, plot: Frame, sheet: Sheet) -> Drawn<DB> {
        let right = sheet.width() - MARGIN;
        let start = if sheet == Sheet::Wide { plot.left } else { MARGIN };
        let (mut x, mut y) = (start, plot.top - self.head(sheet) + HEAD / 2.0);
        for phase in self.phases() {
            let name = canvas.fit(phase, right - start - 13.0, LABEL);
            let width = canvas.width_of(&name, LABEL) + 13.0;
            if x + width > right && x > start {
                (x, y) = (start, y + HEAD);
            }
            canvas.rect(Frame { left: x, right: x + 9.0, top: y - 4.5, bottom: y + 4.5 }, self.paint_of(phase), 1.0)?;
            canvas.text(&name, (x + 13.0, y), Side::Left, LABEL)?;
            x += width + 14.0;
        }
        Ok(())
    }

    fn draw_objective<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, plot: Frame, x: Option<f64>) -> Drawn<DB> {
        let Some(rto) = self.rto else { return Ok(()) };
        let set = Type { paint: INK, ..STRONG };
        let y = plot.bottom + 33.0;
        match x {
            Some(x) => {
                canvas.dashes((x, plot.top - 2.0), (x, plot.bottom + 5.0), INK, 1.5)?;
                let half = canvas.width_of(&format!("{rto} allowed"), set) / 2.0;
                let middle = x.clamp(MARGIN + half, (plot.right + MARGIN - half).max(MARGIN + half));
                canvas.text(&format!("{rto} allowed"), (middle, y), Side::Middle, set)
            }
            None => {
                let longest = self.shown().iter().map(|bar| bar.took).max().unwrap_or(Span(1)).0.max(1);
                let times = rto.0 / longest;
                let long = format!("{rto} allowed, over {times} times the longest: far to the right →");
                let short = format!("{rto} allowed, over {times} × the longest →");
                let fits = |text: &String| canvas.width_of(text, set) <= plot.right - MARGIN;
                let text = [long, short].into_iter().find(fits).unwrap_or_else(|| format!("{rto} allowed →"));
                canvas.text(&text, (plot.right, y), Side::Right, set)
            }
        }
    }
}

fn size(bar: &Bar) -> String {
    format!("{} · {}", bar.started_at.to_utc().format("%-d %b"), bar.bytes)
}

fn total(bar: &Bar) -> String {
    if bar.failed.is_some() { format!("× failed, {}", bar.took) } else { bar.took.to_string() }
}
