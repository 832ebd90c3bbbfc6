//! Storage growth: bytes on record until today, and what they come to as the data grows.

use plotters::prelude::DrawingBackend;

use super::axis;
use super::canvas::{At, Canvas, Drawn, Frame, Side, Type};
use super::style::{BLUE, GREEN, GRID, INK, MUTED, ORANGE, PURPLE, Paint, SKY};
use super::{Chart, LABEL, MARGIN, STRONG, Sheet};
use crate::base::quantity::money;
use crate::base::{Bytes, Instant, Span, Window};
use crate::cost::kept::DAYS;

#[derive(Debug, Clone)]
pub struct StorageGrowth {
    /// Instants of the past, the last of them today.
    pub at: Vec<Instant>,
    /// The largest first.
    pub bands: Vec<Band>,
    pub price: Option<Price>,
}

/// One protection of one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    pub name: String,
    /// Bytes at each instant of the past.
    pub past: Vec<f64>,
    /// Bytes on each day from today on, where that can be said.
    pub ahead: Option<Vec<f64>>,
    /// A fraction a year, and whether it is declared.
    pub growth: Option<(f64, bool)>,
}

/// What keeping it costs, a month.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    pub currency: String,
    pub now: f64,
    pub then: f64,
    pub unverified: bool,
}

/// Bands drawn at most; the others are one.
const BANDS_MOST: usize = 5;
const PAINTS: [Paint; BANDS_MOST] = [BLUE, ORANGE, GREEN, SKY, PURPLE];
const TOP: f64 = 26.0;
const BOTTOM: f64 = 30.0;
const PLOT: f64 = 220.0;
const LEFT: f64 = 56.0;
/// Names beside the bands, or on a phone below them.
const NAMES: f64 = 196.0;
const LINE: f64 = 16.0;
/// Days between two places of a line.
const STEP: usize = 5;

fn shown(bytes: f64) -> Bytes {
    Bytes(bytes.max(0.0).round() as u64)
}

impl Band {
    fn now(&self) -> f64 {
        self.past.last().copied().unwrap_or_default()
    }

    /// On a day from today; where that cannot be said, what is stored today, which is not drawn as if it grew.
    fn on(&self, day: usize) -> f64 {
        self.ahead.as_ref().and_then(|ahead| ahead.get(day).copied()).unwrap_or_else(|| self.now())
    }
}

impl StorageGrowth {
    /// The largest, and all others as one.
    fn drawn(&self) -> Vec<Band> {
        let mut bands = self.bands.clone();
        bands.sort_by(|a, b| b.on(DAYS).total_cmp(&a.on(DAYS)));
        if bands.len() <= BANDS_MOST {
            return bands;
        }
        let others = bands.split_off(BANDS_MOST - 1);
        let past = (0..self.at.len()).map(|n| others.iter().filter_map(|band| band.past.get(n)).sum());
        let ahead = (0..=DAYS).map(|day| others.iter().map(|band| band.on(day)).sum());
        bands.push(Band {
            name: format!("{} others together", others.len()),
            past: past.collect(),
            ahead: Some(ahead.collect()),
            growth: None,
        });
        bands
    }

    fn total(&self) -> (f64, f64) {
        let now = self.bands.iter().map(Band::now).sum();
        (now, self.bands.iter().map(|band| band.on(DAYS)).sum())
    }

    fn today(&self) -> Instant {
        self.at.last().copied().unwrap_or(Instant(0))
    }

    fn window(&self) -> Window {
        let from = self.at.first().copied().unwrap_or(Instant(0));
        Window::new(from, self.today() + Span::days(DAYS as i64))
    }

    fn names(&self, sheet: Sheet) -> f64 {
        if sheet == Sheet::Wide { 0.0 } else { LINE * self.drawn().len() as f64 + 6.0 }
    }
}

impl Chart for StorageGrowth {
    fn title(&self) -> String {
        let (now, then) = self.total();
        let goes = match then {
            then if then > now * 1.02 => "grows from",
            then if then < now * 0.98 => "shrinks from",
            _ => "stays about as it is:",
        };
        let bytes = format!("What is stored {goes} {} to {} in a year", shown(now), shown(then));
        match &self.price {
            None => bytes,
            Some(price) => {
                let (now, then) = (money(price.now, &price.currency), money(price.then, &price.currency));
                format!("{bytes}, and costs {now} a month now, {then} then")
            }
        }
    }

    fn subtitle(&self) -> String {
        let declared = self.bands.iter().filter(|band| band.growth.is_some_and(|(_, declared)| declared)).count();
        let recorded = self.bands.iter().filter(|band| band.growth.is_some_and(|(_, declared)| !declared)).count();
        let growth = match (declared, recorded) {
            (0, 0) => "at today’s size",
            (_, 0) => "with the growth that is declared",
            (0, _) => "with the growth that the recorded sizes show",
            _ => "with the growth that is declared, or else that the recorded sizes show",
        };
        let open = self.bands.iter().filter(|band| band.ahead.is_none()).count();
        let open = match open {
            0 => String::new(),
            n => format!("; {} without a known future as today", super::super::text::count(n, "band", "bands")),
        };
        let unverified = match &self.price {
            Some(price) if price.unverified => "; at prices that nobody has verified",
            _ => "",
        };
        format!(
            "Bytes of recovery points on record until today; dashed: as the plan goes on, which first fills \
             what it keeps, old points expire, and new ones come {growth}{open}{unverified}"
        )
    }

    fn description(&self) -> String {
        let band =
            |band: &Band| format!("{}: {} now, {} in a year.", band.name, shown(band.now()), shown(band.on(DAYS)));
        let bands: Vec<String> = self.drawn().iter().map(band).collect();
        format!("{}. {}. {}", self.title(), self.subtitle(), bands.join(" "))
    }

    fn height(&self, sheet: Sheet) -> f64 {
        TOP + PLOT + BOTTOM + self.names(sheet)
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB> {
        let names = if sheet == Sheet::Wide { NAMES } else { 0.0 };
        let plot = Frame {
            left: MARGIN + LEFT,
            right: sheet.width() - MARGIN - names,
            top: top + TOP,
            bottom: top + TOP + PLOT,
        };
        let bands = self.drawn();
        let sum = |n: usize| bands.iter().filter_map(|band| band.past.get(n)).sum::<f64>();
        let most = (0..self.at.len()).map(sum).chain((0..=DAYS).map(|day| bands.iter().map(|b| b.on(day)).sum()));
        let most = most.fold(1.0, f64::max) * 1.1;
        let window = self.window();
        let x = |at: Instant| {
            plot.left + plot.width() * ((at - window.from).0 as f64 / window.length().0.max(1) as f64).clamp(0.0, 1.0)
        };
        let y = |bytes: f64| plot.bottom - plot.height() * (bytes / most).clamp(0.0, 1.0);
        self.grid(canvas, plot, most, (&x, &y))?;
        // The largest at the bottom, each on what lies below it.
        let mut floor = (vec![0.0; self.at.len()], vec![0.0; DAYS + 1]);
        let mut middles = Vec::new();
        for (band, paint) in bands.iter().zip(PAINTS) {
            let before = floor.clone();
            let pile = |floor: &mut f64, bytes: f64| *floor += bytes;
            floor.0.iter_mut().zip(&band.past).for_each(|(floor, bytes)| pile(floor, *bytes));
            floor.1.iter_mut().enumerate().for_each(|(day, floor)| pile(floor, band.on(day)));
            let past = |floor: &[f64]| -> Vec<At> {
                self.at.iter().zip(floor).map(|(at, bytes)| (x(*at), y(*bytes))).collect()
            };
            let ahead = |floor: &[f64]| -> Vec<At> {
                let days = floor.iter().enumerate().step_by(STEP);
                days.map(|(day, bytes)| (x(self.today() + Span::days(day as i64)), y(*bytes))).collect()
            };
            area(canvas, past(&before.0), past(&floor.0), (paint, 0.75))?;
            area(canvas, ahead(&before.1), ahead(&floor.1), (paint, 0.30))?;
            for pair in ahead(&floor.1).windows(2) {
                if let [from, to] = pair {
                    canvas.dashes(*from, *to, paint, 1.5)?;
                }
            }
            let last = |floor: &[f64]| floor.last().copied().unwrap_or_default();
            middles.push((y(last(&before.1)) + y(last(&floor.1))) / 2.0);
        }
        self.draw_names(canvas, &bands, plot, (sheet, &middles))
    }

    fn numbers(&self) -> Vec<Vec<String>> {
        let header = ["kind", "at", "what", "bytes"];
        let mut rows = vec![header.map(String::from).to_vec()];
        for band in &self.bands {
            for (at, bytes) in self.at.iter().zip(&band.past) {
                rows.push(vec!["on record".into(), at.to_string(), band.name.clone(), format!("{bytes:.0}")]);
            }
            for (day, bytes) in band.ahead.iter().flatten().enumerate().skip(STEP).step_by(STEP) {
                let at = self.today() + Span::days(day as i64);
                rows.push(vec!["projected".into(), at.to_string(), band.name.clone(), format!("{bytes:.0}")]);
            }
        }
        rows
    }
}

fn area<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    floor: Vec<At>,
    mut top: Vec<At>,
    (paint, alpha): (Paint, f64),
) -> Drawn<DB> {
    if top.len() < 2 {
        return Ok(());
    }
    top.extend(floor.into_iter().rev());
    canvas.area(&top, paint, alpha)
}

/// Places of instants and of bytes.
type Places<'a> = (&'a dyn Fn(Instant) -> f64, &'a dyn Fn(f64) -> f64);

impl StorageGrowth {
    fn grid<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        plot: Frame,
        most: f64,
        (x, y): Places<'_>,
    ) -> Drawn<DB> {
        canvas.text("Stored", (MARGIN, plot.top - 15.0), Side::Left, LABEL)?;
        let rough = most / 4.0;
        let magnitude = 10f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * magnitude).find(|step| *step >= rough).unwrap_or(rough);
        for tick in (0..=8).map(|n| f64::from(n) * step).take_while(|tick| *tick <= most) {
            canvas.line(&[(plot.left, y(tick)), (plot.right, y(tick))], GRID, 1.0)?;
            let name = if tick > 0.0 { shown(tick).to_string() } else { "0".to_string() };
            canvas.text(&name, (plot.left - 8.0, y(tick)), Side::Right, LABEL)?;
        }
        for (at, name) in axis::instants(self.window(), plot.width(), 78.0) {
            let half = canvas.width_of(&name, LABEL) / 2.0;
            canvas.line(&[(x(at), plot.bottom), (x(at), plot.bottom + 4.0)], MUTED, 1.0)?;
            if x(at) - half >= MARGIN && x(at) + half <= plot.right + MARGIN {
                canvas.text(&name, (x(at), plot.bottom + 15.0), Side::Middle, LABEL)?;
            }
        }
        let today = x(self.today());
        canvas.line(&[(today, plot.top), (today, plot.bottom)], INK, 1.0)?;
        canvas.text("today", (today + 4.0, plot.top + 2.0), Side::Left, LABEL)?;
        let days = (0..=DAYS).step_by(STEP * 3);
        for day in days {
            let at = self.today() + Span::days(day as i64);
            let sum: f64 = self.bands.iter().map(|band| band.on(day)).sum();
            let frame = Frame { left: x(at) - 5.0, right: x(at) + 5.0, top: plot.top, bottom: plot.bottom };
            canvas.note(frame, format!("{}: {} projected", at.to_utc().format("%-d %b %Y"), shown(sum)));
        }
        Ok(())
    }

    /// Each band's name where it ends, those of thin bands moved apart; on a phone below the plot.
    fn draw_names<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        bands: &[Band],
        plot: Frame,
        (sheet, middles): (Sheet, &[f64]),
    ) -> Drawn<DB> {
        let name = Type { paint: INK, ..LABEL };
        if sheet == Sheet::Narrow {
            for (n, (band, paint)) in bands.iter().zip(PAINTS).enumerate() {
                let y = plot.bottom + BOTTOM + 6.0 + LINE * (n as f64 + 0.5);
                let box_ = Frame { left: MARGIN, right: MARGIN + 9.0, top: y - 4.5, bottom: y + 4.5 };
                canvas.rect(box_, paint, 1.0)?;
                let said = format!("{} → {} · {}", shown(band.now()), shown(band.on(DAYS)), band.name);
                let said = canvas.fit(&said, sheet.width() - 2.0 * MARGIN - 14.0, name);
                canvas.text(&said, (MARGIN + 14.0, y), Side::Left, name)?;
            }
            return Ok(());
        }
        // From the bottom up: none lower than its band, each a label's height above the one below it.
        let mut free = plot.bottom - LINE;
        for ((band, paint), middle) in bands.iter().zip(PAINTS).zip(middles) {
            let y = middle.min(free);
            free = y - 2.0 * LINE;
            let left = plot.right + 10.0;
            canvas.line(&[(plot.right + 1.0, *middle), (plot.right + 7.0, y)], paint, 2.0)?;
            let room = NAMES - 10.0;
            canvas.text(&canvas.fit(&band.name, room, name), (left, y - 7.0), Side::Left, name)?;
            let amount = format!("{} → {}", shown(band.now()), shown(band.on(DAYS)));
            canvas.text(&canvas.fit(&amount, room, STRONG), (left, y + 8.0), Side::Left, STRONG)?;
        }
        Ok(())
    }
}
