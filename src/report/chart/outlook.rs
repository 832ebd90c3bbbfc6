//! When restores outgrow their objective: what drills took, and what they would take as the data grows.

use plotters::prelude::DrawingBackend;

use super::axis;
use super::canvas::{At, Canvas, Drawn, Frame, Side, Type};
use super::style::{BLUE, GRID, INK, MUTED, PAPER, VERMILION};
use super::{Chart, LABEL, MARGIN, STRONG, Sheet};
use crate::base::{Bytes, Instant, Span, Window};
use crate::timeline::outgrown::Outlook;

#[derive(Debug, Clone)]
pub struct Outgrowing {
    pub asset: String,
    pub rto: Span,
    /// The failure whose runbook leaves the restore the least of it; none where no runbook measures a restore.
    pub leaves: Option<String>,
    /// Every other step of that runbook has a time.
    pub whole: bool,
    /// The growth is the policy's word; otherwise the recorded sizes show it.
    pub declared: bool,
    pub outlook: Outlook,
}

const TOP: f64 = 26.0;
const BOTTOM: f64 = 30.0;
const PLOT: f64 = 210.0;
const LEFT: f64 = 58.0;
const YEAR: Span = Span::days(365);
/// Further ahead than this nothing is drawn, nor said to come.
const AHEAD_MOST: Span = Span::days(3650);
const STEPS: i64 = 48;

/// A length of time as people plan with it.
pub fn months(span: Span) -> String {
    let days = span.0 as f64 / Span::days(1).0 as f64;
    match days {
        d if d < 45.0 => format!("about {} days", d.round().max(1.0)),
        d if d < 3.0 * 365.0 => format!("about {:.0} months", d / (365.0 / 12.0)),
        d => format!("about {:.0} years", d / 365.0),
    }
}

impl Outgrowing {
    /// From when on a restore at the middle drill's pace takes longer than it has, if within ten years.
    pub fn at(&self) -> Option<Instant> {
        self.within(self.outlook.outgrown_at(self.outlook.pace()?.middle))
    }

    fn within(&self, at: Option<Instant>) -> Option<Instant> {
        at.filter(|at| *at - self.outlook.as_of <= AHEAD_MOST)
    }

    fn window(&self) -> Window {
        let as_of = self.outlook.as_of;
        let first = self.outlook.drills.iter().map(|drill| drill.at).min().unwrap_or(as_of).max(as_of - YEAR);
        let pace = self.outlook.pace();
        let ends = pace.iter().flat_map(|pace| [pace.middle, pace.fastest]).map(|pace| self.outlook.outgrown_at(pace));
        let last = ends.filter_map(|at| self.within(at)).max().unwrap_or(as_of + YEAR);
        let ahead = (last - as_of).max(YEAR);
        Window::new(first - Span(ahead.0 / 24), as_of + Span(ahead.0 + ahead.0 / 5))
    }

    fn grows(&self) -> String {
        let percent = self.outlook.growth * 100.0;
        let by = if self.declared { "as declared" } else { "as its recorded sizes show" };
        match percent {
            p if p < 0.0 => format!("shrinking {:.0} % a year {by}", -p),
            p => format!("growing {p:.0} % a year {by}"),
        }
    }

    fn left(&self) -> String {
        match &self.leaves {
            Some(title) if self.whole => {
                format!("Of {}, the other steps of “{title}” leave {} for it", self.rto, self.outlook.room)
            }
            Some(title) => format!(
                "Of {}, the other steps of “{title}” leave {} at most: not each declares a time",
                self.rto, self.outlook.room
            ),
            None => format!("No runbook measures it, so it is held against all of {}", self.rto),
        }
    }
}

impl Chart for Outgrowing {
    fn title(&self) -> String {
        let (asset, rto) = (&self.asset, self.rto);
        match self.at() {
            Some(at) if at <= self.outlook.as_of => {
                format!("Restores of {asset} already take more than the {rto} RTO leaves them")
            }
            Some(at) => format!("Restores of {asset} outgrow the {rto} RTO in {}", months(at - self.outlook.as_of)),
            None => format!("Restores of {asset} stay within the {rto} RTO for ten years at this growth"),
        }
    }

    fn subtitle(&self) -> String {
        format!(
            "Time to restore {asset}, {grows}: {n} drills, each scaled to the size of its day, and the size to come; the \
             band is from the fastest to the slowest of them. {left}",
            asset = self.asset,
            grows = self.grows(),
            n = self.outlook.drills.len(),
            left = self.left(),
        )
    }

    fn description(&self) -> String {
        let drills = self.outlook.drills.iter().map(|drill| {
            format!(
                "{}: {} for {}, {} at full size.",
                drill.at,
                drill.took,
                Bytes(drill.bytes),
                self.outlook.scaled(drill)
            )
        });
        format!("{}. {}. {}", self.title(), self.subtitle(), drills.collect::<Vec<_>>().join(" "))
    }

    fn height(&self, _sheet: Sheet) -> f64 {
        TOP + PLOT + BOTTOM
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB> {
        let Some(pace) = self.outlook.pace() else { return Ok(()) };
        let plot =
            Frame { left: MARGIN + LEFT, right: sheet.width() - MARGIN, top: top + TOP, bottom: top + TOP + PLOT };
        let window = self.window();
        let most = self.most(window);
        let x = |at: Instant| {
            plot.left + plot.width() * ((at - window.from).0 as f64 / window.length().0.max(1) as f64).clamp(0.0, 1.0)
        };
        let y = |span: Span| plot.bottom - plot.height() * (span.0 as f64 / most.0.max(1) as f64).clamp(0.0, 1.0);
        canvas.text("Time to restore", (MARGIN, plot.top - 15.0), Side::Left, LABEL)?;
        for (tick, name) in axis::spans(most, 5) {
            canvas.line(&[(plot.left, y(tick)), (plot.right, y(tick))], GRID, 1.0)?;
            canvas.text(&name, (plot.left - 8.0, y(tick)), Side::Right, LABEL)?;
        }
        for (at, name) in axis::instants(window, plot.width(), 78.0) {
            let half = canvas.width_of(&name, LABEL) / 2.0;
            canvas.line(&[(x(at), plot.bottom), (x(at), plot.bottom + 4.0)], MUTED, 1.0)?;
            if x(at) - half >= MARGIN && x(at) + half <= plot.right + MARGIN {
                canvas.text(&name, (x(at), plot.bottom + 15.0), Side::Middle, LABEL)?;
            }
        }
        self.draw_growth(canvas, window, pace.middle, (pace.fastest, pace.slowest), (&x, &y))?;
        let mut taken = self.draw_limit(canvas, plot, (x(self.outlook.as_of), y(self.outlook.room)))?;
        for drill in &self.outlook.drills {
            let at = (x(drill.at), y(self.outlook.scaled(drill)));
            canvas.dot(at, 5.0, PAPER, true)?;
            canvas.dot(at, 3.5, BLUE, true)?;
            taken.push(Frame::around(at, 5.0));
            canvas.note(
                Frame::around(at, 8.0),
                format!(
                    "{}: {} for {}; {} at the size of that day",
                    drill.at.to_utc().format("%-d %b %Y"),
                    drill.took,
                    Bytes(drill.bytes),
                    self.outlook.scaled(drill)
                ),
            );
        }
        self.draw_end(canvas, plot, (&x, &y), taken)
    }

    fn numbers(&self) -> Vec<Vec<String>> {
        let header = ["kind", "at", "bytes", "fastest_s", "middle_s", "slowest_s", "time_left_s"];
        let mut rows = vec![header.map(String::from).to_vec()];
        let room = self.outlook.room.as_secs().to_string();
        for drill in &self.outlook.drills {
            let took = drill.took.as_secs().to_string();
            let (at, bytes) = (drill.at.to_string(), drill.bytes.to_string());
            rows.push(vec!["drill".into(), at, bytes, took.clone(), took.clone(), took, room.clone()]);
        }
        let Some(pace) = self.outlook.pace() else { return rows };
        let window = Window::new(self.outlook.as_of, self.window().until);
        for at in instants(window) {
            let takes = |pace| self.outlook.takes_at(at, pace).as_secs().to_string();
            let bytes = format!("{:.0}", self.outlook.size_at(at));
            let (fast, middle, slow) = (takes(pace.fastest), takes(pace.middle), takes(pace.slowest));
            rows.push(vec!["forecast".into(), at.to_string(), bytes, fast, middle, slow, room.clone()]);
        }
        rows
    }
}

/// Evenly over the window, both ends among them.
fn instants(window: Window) -> impl Iterator<Item = Instant> {
    let length = window.length().0;
    (0..=STEPS).map(move |n| window.from + Span((i128::from(length) * i128::from(n) / i128::from(STEPS)) as i64))
}

/// Places of instants and of spans.
type Places<'a> = (&'a dyn Fn(Instant) -> f64, &'a dyn Fn(Span) -> f64);

impl Outgrowing {
    /// The longest span drawn: the limit with air above it, or what the restores come to, but no more than three limits.
    fn most(&self, window: Window) -> Span {
        let room = self.outlook.room.max(Span::secs(1));
        let slowest = self.outlook.pace().map_or(Span::ZERO, |pace| {
            self.outlook.takes_at(window.until, pace.middle).max(self.outlook.takes_at(window.from, pace.slowest))
        });
        let most = slowest.min(room.saturating_mul(3)).max(room);
        Span(most.0.saturating_add(most.0 / 5))
    }

    /// The band, and the middle of it: dashed from today on, since nothing is measured there.
    fn draw_growth<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        window: Window,
        middle: f64,
        (fastest, slowest): (f64, f64),
        (x, y): Places<'_>,
    ) -> Drawn<DB> {
        let line =
            |pace: f64| -> Vec<At> { instants(window).map(|at| (x(at), y(self.outlook.takes_at(at, pace)))).collect() };
        let mut band = line(slowest);
        band.extend(line(fastest).into_iter().rev());
        canvas.area(&band, BLUE, 0.18)?;
        let middle = line(middle);
        let today = x(self.outlook.as_of);
        let before: Vec<At> = middle.iter().copied().filter(|(x, _)| *x <= today).collect();
        if before.len() > 1 {
            canvas.line(&before, BLUE, 2.0)?;
        }
        for pair in middle.windows(2) {
            if let [from, to] = pair
                && to.0 > today
            {
                canvas.dashes(*from, *to, BLUE, 2.0)?;
            }
        }
        Ok(())
    }

    /// The time that a restore has, and today; the frames of their names.
    fn draw_limit<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        plot: Frame,
        (today, limit): At,
    ) -> Result<Vec<Frame>, plotters::drawing::DrawingAreaErrorKind<DB::ErrorType>> {
        canvas.dashes((plot.left, limit), (plot.right, limit), INK, 1.5)?;
        let said = match self.outlook.room == self.rto {
            true => format!("{} allowed", self.rto),
            false => format!("{} left of the {} allowed", self.outlook.room, self.rto),
        };
        let set = Type { paint: INK, ..STRONG };
        // Behind today, if it fits there.
        let width = canvas.width_of(&said, set);
        let left = if today + 6.0 + width <= plot.right { today + 6.0 } else { plot.left + 4.0 };
        canvas.text(&said, (left, limit - 10.0), Side::Left, set)?;
        let named = Frame { left, right: left + width, top: limit - 18.0, bottom: limit + 3.0 };
        canvas.line(&[(today, plot.top), (today, plot.bottom)], MUTED, 1.0)?;
        canvas.text("today", (today + 4.0, plot.bottom - 9.0), Side::Left, LABEL)?;
        let of_today = Frame { left: today - 2.0, right: today + 40.0, top: plot.bottom - 18.0, bottom: plot.bottom };
        let line = Frame { left: plot.left, right: plot.right, top: limit - 3.0, bottom: limit + 3.0 };
        Ok(vec![named, of_today, line])
    }

    /// Where the middle crosses the limit, and between which months the others do.
    fn draw_end<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        plot: Frame,
        (x, y): Places<'_>,
        taken: Vec<Frame>,
    ) -> Drawn<DB> {
        let (Some(at), Some(pace)) = (self.at(), self.outlook.pace()) else { return Ok(()) };
        if at <= self.outlook.as_of {
            return Ok(());
        }
        let place = (x(at), y(self.outlook.room));
        canvas.dot(place, 4.5, PAPER, true)?;
        canvas.dot(place, 4.5, VERMILION, true)?;
        let month = |at: Instant| at.to_utc().format("%b %Y").to_string();
        let said = month(at);
        let earliest = self.outlook.outgrown_at(pace.slowest).map(month).unwrap_or_default();
        let range = match self.within(self.outlook.outgrown_at(pace.fastest)) {
            Some(latest) => format!("{earliest} to {}", month(latest)),
            None => format!("{earliest} or later"),
        };
        canvas.note(
            Frame::around(place, 9.0),
            format!("Outgrown in {said}; {range} by the slowest and the fastest drill"),
        );
        let width = canvas.width_of(&said, STRONG).max(canvas.width_of(&range, LABEL));
        let mut taken = taken;
        let reach = plot.width() / STEPS as f64;
        taken.extend(instants(self.window()).map(|at| Frame {
            left: x(at) - reach,
            right: x(at) + reach,
            top: y(self.outlook.takes_at(at, pace.slowest)) - 2.0,
            bottom: y(self.outlook.takes_at(at, pace.fastest)) + 2.0,
        }));
        let free = axis::free_place(place, (width, 31.0), &taken, &plot)
            .or_else(|| axis::any_place(place, (width, 31.0), &taken, &plot));
        let Some(frame) = free else { return Ok(()) };
        canvas.rect(frame, PAPER, 0.85)?;
        canvas.text(&said, (frame.left, frame.top + 8.0), Side::Left, Type { paint: INK, ..STRONG })?;
        canvas.text(&range, (frame.left, frame.top + 23.0), Side::Left, LABEL)
    }
}
