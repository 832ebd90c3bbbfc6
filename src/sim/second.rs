//! Failures that strike while another is being recovered from.
//!
//! Until its runbook ends, what a failure took is still gone. A second one that meets the first (it strikes the same asset,
//! or takes what such an asset could be restored from) finds both gone together:
//!
//! - the second loses what it does with what the first took gone as well;
//! - an asset that the first has lost is not lost twice: it belongs to the first, and is restored to the newest state that
//!   survives both;
//! - once the second is noticed, the runbook of the first begins again from its first step, and its points must live that
//!   much longer; the second's runbook runs beside it;
//! - service is down once: an hour that both are down is paid for once, at the dearer of the two rates.
//!
//! Failures that do not meet are recovered from side by side. A year begins with nothing lost.

use super::incident::{Chances, Incident, Stage};
use super::model::Hazard;
use super::prepared::{Prepared, Ready};
use crate::base::rng::Stream;
use crate::base::{Instant, Span};
use crate::timeline::{Failure, Loss};

/// A failure that is to be played, of those that meet others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coming {
    /// Milliseconds from the beginning of the year.
    pub time: i64,
    pub hazard: usize,
    pub number: u64,
}

/// A failure as it came out in the end.
#[derive(Debug)]
pub struct Played {
    pub coming: Coming,
    pub incident: Incident,
    /// Time of the year at which its runbook ends.
    back: i64,
    /// Failures that it struck in the midst of, by their places, and the assets that they had lost already.
    amid: Vec<usize>,
    lost_before: Vec<bool>,
    /// The time that an earlier failure keeps service down anyway, and what that pays for an hour of it.
    paid: (Span, f64),
}

impl Played {
    /// Money, in whole cents so that sums are exact.
    pub fn cents(&self, hazard: &Hazard) -> u64 {
        let losses = self.incident.losses.iter().enumerate().map(|(place, loss)| match self.lost_before.get(place) {
            Some(true) => Loss::Window(Span::ZERO),
            _ => *loss,
        });
        let (paid, at) = self.paid;
        let own = hazard.rates.cost(self.incident.downtime.map(|down| down - paid), losses);
        let dearer = hazard.rates.downtime_per_hour.map_or(0.0, |rate| (rate - at).max(0.0));
        ((own + paid.as_hours() * dearer) * 100.0 + 0.5) as u64
    }

    /// The runbook begins at `takes_from`, and does not end before `at_least`.
    fn ends(&mut self, hazard: &Hazard, takes_from: i64, at_least: i64) {
        let notice = if hazard.scenario.writes_continue { self.incident.noticed_after } else { Span::ZERO };
        let runbook = self.incident.downtime.map_or(Span::ZERO, |down| down + notice - self.incident.noticed_after);
        self.back = takes_from.saturating_add(runbook.0).max(at_least);
        let down_from = self.coming.time.saturating_add(notice.0);
        self.incident.downtime = self.incident.downtime.map(|_| Span(self.back.saturating_sub(down_from)));
    }

    fn noticed(&self) -> i64 {
        self.coming.time.saturating_add(self.incident.noticed_after.0)
    }
}

/// The year's failures that meet others, in the order of their times.
pub struct Meetings<'y, 'a> {
    pub prepared: &'y Prepared<'a>,
    /// Each hazard's assets' chances, and its stream.
    pub chances: &'y [Vec<Chances>],
    pub streams: &'y [Stream],
}

impl Meetings<'_, '_> {
    /// Plays all, each at its instant in its hazard's window.
    pub fn play(&self, coming: &[Coming], at: impl Fn(&Coming) -> Instant) -> Vec<Played> {
        let mut played: Vec<Played> = Vec::with_capacity(coming.len());
        for one in coming {
            let Some((stage, ready)) = self.stage(one) else { continue };
            let Some(stream) = self.stream(one) else { continue };
            let open = |(_, first): &(usize, &mut Played)| {
                ready.meets.get(first.coming.hazard) == Some(&true) && first.back > one.time
            };
            let mut open: Vec<(usize, &mut Played)> = played.iter_mut().enumerate().filter(open).collect();
            let mut gone = Failure::default();
            for ready in open.iter().filter_map(|(_, first)| self.prepared.hazards.get(first.coming.hazard)) {
                gone.destroyed.extend(ready.takes.destroyed.iter().cloned());
                gone.deletable.extend(ready.takes.deletable.iter().cloned());
            }
            let stage = Stage { gone: (!open.is_empty()).then_some(&gone), ..stage };
            let mut incident = Incident::empty();
            if !stage.play(at(one), &after_time(&stream), &mut incident) {
                continue;
            }
            let lost_before = vec![false; incident.losses.len()];
            let amid = open.iter().map(|(place, _)| *place).collect();
            let mut second = Played { coming: *one, incident, back: 0, amid, lost_before, paid: (Span::ZERO, 0.0) };
            let noticed = second.noticed();
            second.ends(stage.hazard, noticed, noticed);
            for (number, (_, first)) in open.iter_mut().enumerate() {
                self.worsen(first, ready, noticed, &mut stream.fork(AGAIN + number as u64));
                second.after(first, &self.prepared.model.scenarios);
            }
            played.push(second);
        }
        self.pay_once(&mut played);
        played
    }

    /// How long each is down while one that it struck in the midst of is down anyway, now that all ends are known.
    fn pay_once(&self, played: &mut [Played]) {
        let rate = |one: &Played| self.prepared.model.scenarios.get(one.coming.hazard)?.rates.downtime_per_hour;
        let ends: Vec<(i64, f64)> = played.iter().map(|one| (one.back, rate(one).unwrap_or_default())).collect();
        for one in played {
            let down = one.incident.downtime.unwrap_or_default();
            let both = |back: i64| Span(back.min(one.back) - (one.back - down.0)).max(Span::ZERO).min(down);
            let firsts = one.amid.iter().filter_map(|place| ends.get(*place));
            one.paid = firsts.map(|(back, rate)| (both(*back), *rate)).max_by(|a, b| a.0.cmp(&b.0)).unwrap_or_default();
        }
    }

    /// The first failure, now that what the second takes is gone too, and its runbook begins again when that is noticed.
    fn worsen(&self, first: &mut Played, second: &Ready, noticed: i64, steps: &mut Stream) {
        let (Some((stage, _)), Some(stream)) = (self.stage(&first.coming), self.stream(&first.coming)) else { return };
        let again = noticed.max(first.noticed());
        let stage = Stage { gone: Some(&second.takes), ..stage };
        let before = (first.incident.losses.clone(), first.back);
        stage.recover(Span(again - first.noticed()), &after_time(&stream), steps, &mut first.incident);
        for (loss, before) in first.incident.losses.iter_mut().zip(before.0) {
            *loss = before.max(*loss);
        }
        first.ends(stage.hazard, again, before.1);
    }

    fn stage(&self, one: &Coming) -> Option<(Stage<'_>, &Ready)> {
        let model = &self.prepared.model;
        let (hazard, ready) = (model.scenarios.get(one.hazard)?, self.prepared.hazards.get(one.hazard)?);
        let chances = self.chances.get(one.hazard).map_or(&[][..], Vec::as_slice);
        Some((Stage { hazard, histories: &model.histories, bands: &ready.bands, chances, gone: None }, ready))
    }

    fn stream(&self, one: &Coming) -> Option<Stream> {
        self.streams.get(one.hazard).map(|stream| stream.fork(one.number))
    }
}

/// Part of the second's stream for the runbook of the first; each first has one of its own.
const AGAIN: u64 = 1 << 40;

/// The stream of an incident, past the number that its time was drawn with.
pub fn after_time(stream: &Stream) -> Stream {
    let mut own = stream.clone();
    own.next_u64();
    own
}

impl Played {
    /// What the second does not lose, since the first has.
    fn after(&mut self, first: &Played, hazards: &[Hazard]) {
        let (Some(own), Some(other)) = (hazards.get(self.coming.hazard), hazards.get(first.coming.hazard)) else {
            return;
        };
        for (place, struck) in own.assets.iter().enumerate() {
            let theirs = other.assets.iter().position(|theirs| theirs.index == struck.index);
            let loss = theirs.and_then(|place| first.incident.losses.get(place));
            if let (Some(loss), Some(mine)) = (loss, self.incident.losses.get_mut(place)) {
                *mine = *loss;
                if let Some(before) = self.lost_before.get_mut(place) {
                    *before = true;
                }
            }
        }
    }
}
