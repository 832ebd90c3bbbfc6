//! Loss exceedance: for each amount, the share of simulated years that lose more.

use plotters::prelude::DrawingBackend;

use super::axis::{self, Amounts};
use super::canvas::{At, Canvas, Drawn, Frame, Side};
use super::style::{BLUE, GRID, INK, PAPER, VERMILION};
use super::{Chart, LABEL, MARGIN, STRONG, Sheet};
use crate::base::quantity::money;

#[derive(Debug, Clone)]
pub struct LossExceedance {
    pub currency: String,
    pub years: u64,
    /// Something that costs money has no amount: the true curve lies further right.
    pub at_least: bool,
    /// (amount, probability that a year loses more, its standard error), amounts rising.
    pub curve: Vec<(f64, f64, f64)>,
    pub half: f64,
    pub one_in_twenty: f64,
    pub one_in_a_hundred: f64,
}

const LEFT: f64 = 52.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
const PLOT: f64 = 220.0;
/// Standard errors that the band is wide, each way: 95 %.
const BAND: f64 = 1.96;

impl LossExceedance {
    fn marks(&self) -> [(f64, f64, &'static str); 3] {
        [
            (self.half, 0.5, "half of all years"),
            (self.one_in_twenty, 0.05, "one year in twenty"),
            (self.one_in_a_hundred, 0.01, "one year in a hundred"),
        ]
    }

    fn at_least(&self) -> &'static str {
        if self.at_least { "at least " } else { "" }
    }

    fn grid<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, plot: Frame, across: &Amounts) -> Drawn<DB> {
        for percent in [0, 25, 50, 75, 100] {
            let y = plot.bottom - plot.height() * f64::from(percent) / 100.0;
            canvas.line(&[(plot.left, y), (plot.right, y)], GRID, 1.0)?;
            canvas.text(&format!("{percent} %"), (plot.left - 8.0, y), Side::Right, LABEL)?;
        }
        for tick in across.ticks() {
            let x = plot.left + plot.width() * across.share(tick);
            canvas.line(&[(x, plot.bottom), (x, plot.top)], GRID, 1.0)?;
            canvas.text(&axis::amount_label(tick), (x, plot.bottom + 15.0), Side::Middle, LABEL)?;
        }
        canvas.text("Years that lose more", (MARGIN, plot.top - 16.0), Side::Left, LABEL)?;
        let log = if across.logarithmic { ", logarithmic" } else { "" };
        let under = format!("Lost in a year, {}{log}", self.currency);
        canvas.text(&under, (plot.right, plot.bottom + 35.0), Side::Right, LABEL)
    }
}

impl Chart for LossExceedance {
    fn title(&self) -> String {
        let amount = money(self.one_in_twenty, &self.currency);
        format!("One year in twenty loses {} {amount}", if self.at_least { "at least" } else { "more than" })
    }

    fn subtitle(&self) -> String {
        let years = crate::base::quantity::grouped(self.years);
        let unpriced = match self.at_least {
            true => "; what has no declared amount is not in it",
            false => "",
        };
        format!(
            "Share of years that lose more than an amount, of {years} simulated years of the plan as declared; the band is \
             the simulation’s own error{unpriced}"
        )
    }

    fn description(&self) -> String {
        let marks = self
            .marks()
            .map(|(amount, _, name)| format!("{name}: {}more than {}", self.at_least(), money(amount, &self.currency)));
        format!("{}. {}. {}.", self.title(), self.subtitle(), marks.join("; "))
    }

    fn height(&self, _sheet: Sheet) -> f64 {
        TOP + PLOT + BOTTOM
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB> {
        let right = sheet.width() - MARGIN;
        let plot = Frame { left: MARGIN + LEFT, right, top: top + TOP, bottom: top + TOP + PLOT };
        let ticks = if sheet == Sheet::Wide { 8 } else { 4 };
        let across = Amounts::over(self.curve.iter().map(|(amount, ..)| *amount), ticks);
        self.grid(canvas, plot, &across)?;
        let x = |amount: f64| plot.left + plot.width() * across.share(amount);
        let y = |share: f64| plot.bottom - plot.height() * share.clamp(0.0, 1.0);
        let edge =
            |side: f64| self.curve.iter().map(move |(amount, share, error)| (*amount, share + side * BAND * error));
        let upper = edge(1.0).map(|(amount, share)| (x(amount), y(share)));
        let mut lower: Vec<At> = edge(-1.0).map(|(amount, share)| (x(amount), y(share))).collect();
        lower.reverse();
        let band: Vec<At> = upper.chain(lower).collect();
        let line: Vec<At> = self.curve.iter().map(|(amount, share, _)| (x(*amount), y(*share))).collect();
        if line.len() > 1 {
            canvas.area(&band, BLUE, 0.2)?;
            canvas.line(&line, BLUE, 2.0)?;
        }
        for (amount, share, _) in &self.curve {
            let said = format!("{} or more is lost in {:.1} % of years", money(*amount, &self.currency), share * 100.0);
            canvas.note(Frame { left: x(*amount) - 4.0, right: x(*amount) + 4.0, ..plot }, said);
        }
        let mut taken: Vec<Frame> =
            line.iter().map(|(x, y)| Frame { left: x - 4.0, top: y - 4.0, right: x + 4.0, bottom: y + 4.0 }).collect();
        // From the right, so that the labels stand in the order of their dots.
        for (amount, share, name) in self.marks().into_iter().rev() {
            let at = (x(amount), y(share));
            canvas.dot(at, 4.5, PAPER, true)?;
            canvas.dot(at, 4.5, VERMILION, true)?;
            let said = money(amount, &self.currency);
            let width = canvas.width_of(name, LABEL).max(canvas.width_of(&said, STRONG));
            let free = axis::free_place(at, (width, 31.0), &taken, &plot)
                .or_else(|| axis::any_place(at, (width, 31.0), &taken, &plot));
            let Some(frame) = free else { continue };
            canvas.rect(frame, PAPER, 0.85)?;
            canvas.text(
                &said,
                (frame.left, frame.top + 8.0),
                Side::Left,
                super::canvas::Type { paint: INK, ..STRONG },
            )?;
            canvas.text(name, (frame.left, frame.top + 23.0), Side::Left, LABEL)?;
            taken.push(frame);
        }
        Ok(())
    }

    fn numbers(&self) -> Vec<Vec<String>> {
        let header = ["amount", "currency", "probability_that_a_year_loses_more", "standard_error"];
        let row = |(amount, share, error): &(f64, f64, f64)| {
            vec![format!("{amount:.2}"), self.currency.clone(), share.to_string(), error.to_string()]
        };
        std::iter::once(header.map(String::from).to_vec()).chain(self.curve.iter().map(row)).collect()
    }
}
