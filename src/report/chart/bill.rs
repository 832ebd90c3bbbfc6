//! What the plan costs a year: a bar for each protection, parted by what the money is for.

use std::collections::BTreeMap;

use plotters::prelude::DrawingBackend;

use super::axis;
use super::canvas::{Canvas, Drawn, Frame, Side, Type};
use super::style::{BLUE, GREEN, GRID, INK, ORANGE, PAPER, Paint, SKY};
use super::{Chart, LABEL, MARGIN, STRONG, Sheet};
use crate::base::quantity::money;
use crate::cost::{Bill, Grade};

#[derive(Debug, Clone)]
pub struct AnnualCost {
    pub bill: Bill,
}

/// What the money is for, in the order in which bars are parted.
const ITEMS: [(&str, Paint); 4] = [("storage", BLUE), ("requests", SKY), ("transfer", GREEN), ("drills", ORANGE)];
/// Bars drawn at most; the others are one.
const BARS_MOST: usize = 8;
/// From which share of all the largest line is what the chart is about.
const LARGE_PERCENT: f64 = 10.0;
const BAR: f64 = 14.0;
const LINE: f64 = 17.0;
const ROW: f64 = LINE + BAR + 10.0;
const HEAD: f64 = 24.0;
/// Room behind the longest bar for its amount.
const END: f64 = 64.0;

/// One protection: its amount by item, and how much of each nobody has verified.
struct Row {
    name: String,
    parts: Vec<(f64, f64)>,
}

impl Row {
    fn total(&self) -> f64 {
        self.parts.iter().map(|(amount, _)| amount).sum()
    }
}

impl AnnualCost {
    fn rows(&self) -> Vec<Row> {
        let mut by_name: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for line in &self.bill.lines {
            let parts = by_name.entry(&line.protection).or_insert_with(|| vec![(0.0, 0.0); ITEMS.len()]);
            let place = ITEMS.iter().position(|(item, _)| *item == line.item).unwrap_or_default();
            if let Some(part) = parts.get_mut(place) {
                part.0 += line.amount;
                part.1 += if line.grade == Grade::Unverified { line.amount } else { 0.0 };
            }
        }
        let mut rows: Vec<Row> =
            by_name.into_iter().map(|(name, parts)| Row { name: name.to_string(), parts }).collect();
        rows.sort_by(|a, b| b.total().total_cmp(&a.total()));
        if rows.len() > BARS_MOST {
            let others = rows.split_off(BARS_MOST - 1);
            let sum = |n: usize| {
                let parts = others.iter().filter_map(|row| row.parts.get(n));
                parts.fold((0.0, 0.0), |(a, b), (amount, unverified)| (a + amount, b + unverified))
            };
            let parts = (0..ITEMS.len()).map(sum).collect();
            rows.push(Row { name: format!("{} others together", others.len()), parts });
        }
        rows
    }

    fn money(&self, amount: f64) -> String {
        money(amount, &self.bill.currency)
    }
}

impl Chart for AnnualCost {
    fn title(&self) -> String {
        let lines = self.bill.lines.iter();
        let Some(most) = lines.max_by(|a, b| a.amount.total_cmp(&b.amount)).filter(|_| self.bill.total > 0.0) else {
            return "Nothing of the plan has a known cost".to_string();
        };
        let total = self.money(self.bill.total);
        let share = |amount: f64| amount / self.bill.total * 100.0;
        if share(most.amount) >= LARGE_PERCENT {
            let (item, of) = (super::super::text::sentence(&most.item), &most.protection);
            return format!("{item} of {of} is {:.0} % of the {total} that the plan costs a year", share(most.amount));
        }
        // Of many that are alike none is worth a name.
        let sum = |item: &str| -> f64 {
            self.bill.lines.iter().filter(|line| line.item == item).map(|line| line.amount).sum()
        };
        let sums = ITEMS.iter().map(|(item, _)| (*item, sum(item)));
        let (item, sum) = sums.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
        let item = super::super::text::sentence(item);
        format!("{item} is {:.0} % of the {total} that the plan costs a year", share(sum))
    }

    fn subtitle(&self) -> String {
        let unverified = match self.bill.rests_on_unverified() {
            true => "; hatched: at a price that nobody has verified",
            false => "",
        };
        let missing = match self.bill.unpriced.len() {
            0 => String::new(),
            1 => "; one thing has no price and is not drawn".to_string(),
            n => format!("; {n} things have no price and are not drawn"),
        };
        format!("Cost a year by protection, {}{unverified}{missing}", self.bill.currency)
    }

    fn description(&self) -> String {
        let rows = self.rows();
        let row = |row: &Row| {
            let parts = row.parts.iter().zip(ITEMS).filter(|((amount, _), _)| *amount > 0.0);
            let parts: Vec<String> =
                parts.map(|((amount, _), (item, _))| format!("{item} {}", self.money(*amount))).collect();
            format!("{}: {} ({}).", row.name, self.money(row.total()), parts.join(", "))
        };
        let rows: Vec<String> = rows.iter().map(row).collect();
        format!("{}. {}. {}", self.title(), self.subtitle(), rows.join(" "))
    }

    fn height(&self, _sheet: Sheet) -> f64 {
        HEAD + ROW * self.rows().len() as f64
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB> {
        let rows = self.rows();
        let (left, right) = (MARGIN, sheet.width() - MARGIN - END);
        let most = rows.iter().map(Row::total).fold(0.0, f64::max);
        let width = |amount: f64| if most > 0.0 { (right - left) * amount / most } else { 0.0 };
        self.legend(canvas, &rows, top + 8.0)?;
        let name = Type { paint: INK, ..LABEL };
        for (n, row) in rows.iter().enumerate() {
            let y = top + HEAD + ROW * n as f64;
            let room = sheet.width() - 2.0 * MARGIN;
            canvas.text(&canvas.fit(&row.name, room, name), (left, y + LINE / 2.0), Side::Left, name)?;
            let mut x = left;
            for ((amount, unverified), (_, paint)) in row.parts.iter().zip(ITEMS) {
                let part = Frame { left: x, top: y + LINE, right: x + width(*amount), bottom: y + LINE + BAR };
                if part.width() <= 0.0 {
                    continue;
                }
                canvas.rect(part, paint, 1.0)?;
                let hatched = Frame { right: x + width(*unverified), ..part };
                if hatched.width() > 1.0 {
                    canvas.hatch(hatched, PAPER)?;
                }
                x = part.right;
            }
            canvas.line(&[(left, y + LINE + BAR + 1.0), (right, y + LINE + BAR + 1.0)], GRID, 1.0)?;
            let amount = axis::amount_label((row.total() * 100.0).round() / 100.0);
            canvas.text(&amount, (x + 6.0, y + LINE + BAR / 2.0), Side::Left, STRONG)?;
        }
        Ok(())
    }

    fn numbers(&self) -> Vec<Vec<String>> {
        let header = ["protection", "item", "annual_cost", "currency", "price_checked", "basis"];
        let grade = |grade| match grade {
            Grade::Published => "published",
            Grade::Mirrored => "mirrored",
            Grade::Unverified => "unverified",
        };
        let lines = self.bill.lines.iter().map(|line| {
            vec![
                line.protection.clone(),
                line.item.clone(),
                format!("{:.4}", line.amount),
                self.bill.currency.clone(),
                grade(line.grade).to_string(),
                super::super::text::harmless(&line.basis).into_owned(),
            ]
        });
        std::iter::once(header.map(String::from).to_vec()).chain(lines).collect()
    }
}

impl AnnualCost {
    /// The items that occur, each once.
    fn legend<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, rows: &[Row], y: f64) -> Drawn<DB> {
        let mut x = MARGIN;
        for (n, (item, paint)) in ITEMS.iter().enumerate() {
            let occurs = rows.iter().filter_map(|row| row.parts.get(n)).any(|(amount, _)| *amount > 0.0);
            if !occurs {
                continue;
            }
            canvas.rect(Frame { left: x, top: y - 5.0, right: x + 10.0, bottom: y + 5.0 }, *paint, 1.0)?;
            canvas.text(item, (x + 15.0, y), Side::Left, LABEL)?;
            x += 15.0 + canvas.width_of(item, LABEL) + 14.0;
        }
        Ok(())
    }
}
