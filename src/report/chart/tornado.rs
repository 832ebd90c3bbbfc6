//! What moves the answer: each assumption halved and doubled, the one that moves most on top.

use plotters::prelude::DrawingBackend;

use super::axis;
use super::canvas::{Canvas, Drawn, Frame, Side, Type};
use super::style::{BLUE, INK, MUTED, VERMILION};
use super::{Chart, LABEL, MARGIN, STRONG, Sheet};
use crate::base::quantity::money;

#[derive(Debug, Clone)]
pub struct Tornado {
    pub currency: String,
    /// Today's cost and expected loss together, a year.
    pub today: f64,
    /// The widest first.
    pub bars: Vec<Bar>,
}

#[derive(Debug, Clone)]
pub struct Bar {
    pub name: String,
    pub at_half: f64,
    pub at_double: f64,
    /// Multiples of what is declared at which another plan becomes the best.
    pub turns: Vec<f64>,
}

/// Bars drawn at most: below them nothing moves much. The numbers hold them all.
const BARS_MOST: usize = 9;
const BAR: f64 = 12.0;
const LINE: f64 = 16.0;
const HEAD: f64 = 22.0;
/// Room beside the bars for the amounts at their ends.
const ENDS: f64 = 62.0;

impl Tornado {
    fn drawn(&self) -> &[Bar] {
        self.bars.get(..BARS_MOST).unwrap_or(&self.bars)
    }

    fn row(sheet: Sheet) -> f64 {
        let lines = if sheet == Sheet::Wide { 1.0 } else { 2.0 };
        lines * LINE + BAR + 12.0
    }
}

/// `another plan is best below 62 % and above 240 %`; nothing turns where no multiple does.
fn turns(bar: &Bar) -> String {
    let side = |times: &f64| {
        let side = if *times < 1.0 { "below" } else { "above" };
        format!("{side} {}", crate::cost::advice::times(*times))
    };
    match bar.turns.iter().map(side).collect::<Vec<_>>().as_slice() {
        [] => "turns nothing".to_string(),
        all => format!("another plan is best {}", all.join(" and ")),
    }
}

impl Chart for Tornado {
    fn title(&self) -> String {
        let Some(first) = self.bars.first() else { return "No assumption moves the total".to_string() };
        format!(
            "“{}” moves the total most: from {} at half to {} at double",
            super::super::text::sentence(&first.name),
            money(first.at_half, &self.currency),
            money(first.at_double, &self.currency)
        )
    }

    fn subtitle(&self) -> String {
        let more = self.bars.len() - self.drawn().len();
        let more = if more > 0 { format!("; {more} more move it less") } else { String::new() };
        format!(
            "Today’s cost and expected loss together, {} a year, with each assumption halved (blue) and doubled (orange), \
             the rest as declared{more}",
            money(self.today, &self.currency)
        )
    }

    fn description(&self) -> String {
        let bars = self.drawn().iter().map(|bar| {
            format!(
                "{}: {} at half, {} at double; {}.",
                bar.name,
                money(bar.at_half, &self.currency),
                money(bar.at_double, &self.currency),
                turns(bar)
            )
        });
        format!("{}. {}. {}", self.title(), self.subtitle(), bars.collect::<Vec<_>>().join(" "))
    }

    fn height(&self, sheet: Sheet) -> f64 {
        HEAD + Self::row(sheet) * self.drawn().len() as f64
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB> {
        let (left, right) = (MARGIN + ENDS, sheet.width() - MARGIN - ENDS);
        let ends = self.drawn().iter().flat_map(|bar| [bar.at_half, bar.at_double]);
        let (low, high) = ends.fold((self.today, self.today), |(low, high), end| (low.min(end), high.max(end)));
        let x = |amount: f64| match high > low {
            true => left + (right - left) * (amount - low) / (high - low),
            false => (left + right) / 2.0,
        };
        let middle = x(self.today);
        let said = format!("today {}", money(self.today, &self.currency));
        let half = canvas.width_of(&said, LABEL) / 2.0;
        let at = middle.clamp(MARGIN + half, (sheet.width() - MARGIN - half).max(MARGIN + half));
        canvas.text(&said, (at, top + 7.0), Side::Middle, LABEL)?;
        let name = Type { paint: INK, ..LABEL };
        let room = sheet.width() - 2.0 * MARGIN;
        for (n, bar) in self.drawn().iter().enumerate() {
            let y = top + HEAD + Self::row(sheet) * n as f64;
            let turns = canvas.fit(&turns(bar), room, LABEL);
            let (place, side, line) = match sheet {
                Sheet::Wide => (sheet.width() - MARGIN, Side::Right, y + LINE / 2.0),
                Sheet::Narrow => (MARGIN, Side::Left, y + LINE * 1.5),
            };
            let beside = if sheet == Sheet::Wide { canvas.width_of(&turns, LABEL) + 14.0 } else { 0.0 };
            canvas.text(&canvas.fit(&bar.name, room - beside, name), (MARGIN, y + LINE / 2.0), Side::Left, name)?;
            canvas.text(&turns, (place, line), side, LABEL)?;
            let from = y + Self::row(sheet) - BAR - 8.0;
            let part =
                |a: f64, b: f64| Frame { left: x(a).min(x(b)), right: x(a).max(x(b)), top: from, bottom: from + BAR };
            canvas.rect(part(bar.at_half, self.today), BLUE, 1.0)?;
            canvas.rect(part(self.today, bar.at_double), VERMILION, 1.0)?;
            canvas.line(&[(middle, from - 2.0), (middle, from + BAR + 2.0)], INK, 1.5)?;
            let (start, end) = (x(bar.at_half).min(middle), x(bar.at_double).max(middle));
            let amount = Type { paint: MUTED, ..STRONG };
            canvas.text(
                &axis::amount_label(bar.at_half.round()),
                (start - 5.0, from + BAR / 2.0),
                Side::Right,
                amount,
            )?;
            canvas.text(
                &axis::amount_label(bar.at_double.round()),
                (end + 5.0, from + BAR / 2.0),
                Side::Left,
                amount,
            )?;
        }
        Ok(())
    }

    fn numbers(&self) -> Vec<Vec<String>> {
        let header = ["assumption", "at_half", "today", "at_double", "currency", "turns_below", "turns_above"];
        let turn = |bar: &Bar, below: bool| {
            let turn = bar.turns.iter().find(|times| (**times < 1.0) == below);
            turn.map_or(String::new(), |times| format!("{times:.4}"))
        };
        let row = |bar: &Bar| {
            vec![
                bar.name.clone(),
                format!("{:.2}", bar.at_half),
                format!("{:.2}", self.today),
                format!("{:.2}", bar.at_double),
                self.currency.clone(),
                turn(bar, true),
                turn(bar, false),
            ]
        };
        std::iter::once(header.map(String::from).to_vec()).chain(self.bars.iter().map(row)).collect()
    }
}
