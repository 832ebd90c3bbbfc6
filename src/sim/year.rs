//! One year: how often each scenario strikes, when, and what comes of it.

use super::incident::{Chances, Incident, Stage};
use super::model::Hazard;
use super::outage::Outage;
use super::prepared::{Prepared, Ready};
use super::second::{Coming, Meetings, after_time};
use super::tally::{HazardTally, Place, Tally, Worst, YearOfHazard, consider};
use super::wheel::Wheel;
use crate::base::Instant;
use crate::base::rng::{Forks, Stream};
use crate::timeline::Loss;

/// Parts of a year's stream: scenarios from the first, assets from the second, and where in the schedules it begins.
const SCENARIOS: u64 = 0;
const ASSETS: u64 = 1 << 32;
const BEGINS: u64 = 1 << 33;
/// Incidents come evenly over a mean year.
const MILLIS: u64 = 31_557_600_000;

/// Simulates years one by one, each by its number alone, in memory that is used again.
pub struct Years<'y, 'a> {
    prepared: &'y Prepared<'a>,
    seed: u64,
    /// For each hazard: this year's stream, its assets' chances, and counts.
    streams: Vec<Stream>,
    chances: Vec<Vec<Chances>>,
    counts: Vec<YearOfHazard>,
    arrivals: Vec<u64>,
    coming: Vec<Coming>,
    incident: Incident,
    /// What each of `coming` comes to by itself.
    alone: Vec<Incident>,
}

/// The year that is simulated.
#[derive(Clone, Copy)]
struct Now {
    year: u64,
    stratum: usize,
    begins: Begins,
}

/// Where in the schedules' period a year begins.
#[derive(Clone, Copy)]
enum Begins {
    /// Anywhere: this part of each window's length.
    Anywhere(u64),
    /// Where it must for the first incident of this hazard, which comes at this time, to strike at this part of its window.
    Strike { hazard: usize, time: u64, part: u64 },
}

impl<'y, 'a> Years<'y, 'a> {
    pub fn new(prepared: &'y Prepared<'a>, seed: u64) -> Self {
        let count = prepared.hazards.len();
        let of = |hazard: &Hazard| YearOfHazard::new(hazard.assets.len());
        Years {
            prepared,
            seed,
            streams: vec![Stream::new(0, 0); count],
            chances: vec![vec![]; count],
            counts: prepared.model.scenarios.iter().map(of).collect(),
            arrivals: vec![0; count],
            coming: vec![],
            incident: Incident::empty(),
            alone: vec![],
        }
    }

    pub fn simulate(&mut self, year: u64, tally: &mut Tally) {
        let prepared = self.prepared;
        let stream = Stream::new(self.seed, year);
        let forks = stream.forks();
        let (stratum, nth) = prepared.strata.of_year(year);
        let mut meeting = 0;
        for (index, ready) in prepared.hazards.iter().enumerate() {
            let own = forks.of(SCENARIOS + index as u64);
            let number = ready.counts.draw(prepared.strata.strikes(stratum, index), &mut own.clone());
            if let (Some(place), Some(arrivals)) = (self.streams.get_mut(index), self.arrivals.get_mut(index)) {
                (*place, *arrivals) = (own, number);
            }
            meeting += if ready.meets_any { number } else { 0 };
        }
        if prepared.uncertain {
            self.draw_chances(&stream);
        }
        let now = Now { year, stratum, begins: self.begins(&stream, stratum, nth) };
        self.coming.clear();
        let mut unpriced = false;
        for (index, ready) in prepared.hazards.iter().enumerate() {
            let number = self.arrivals.get(index).copied().unwrap_or_default();
            match meeting > 1 && ready.meets_any {
                true => self.put_off(index, number),
                false => unpriced |= self.play(index, number, now, tally),
            }
        }
        if !self.coming.is_empty() {
            unpriced |= self.play_meetings(now, tally);
        }
        tally.close_year(stratum, &prepared.model.scenarios, &mut self.counts, unpriced);
    }

    fn draw_chances(&mut self, stream: &Stream) {
        let model = &self.prepared.model;
        for (hazard, chances) in model.scenarios.iter().zip(&mut self.chances) {
            chances.clear();
            chances.extend(hazard.assets.iter().map(|struck| {
                let mut own = stream.fork(ASSETS + struck.index as u64);
                model.histories.get(struck.index).map(|recorded| Chances::draw(recorded, &mut own)).unwrap_or_default()
            }));
        }
    }

    /// In a rare stratum the years take the hazard's window in the order of the scrambled van der Corput sequence, which
    /// leaves no part of it out; elsewhere any.
    #[inline]
    fn begins(&self, stream: &Stream, stratum: usize, nth: u64) -> Begins {
        let Some(hazard) = self.prepared.strata.struck_by(stratum) else {
            return Begins::Anywhere(stream.fork(BEGINS).next_u64());
        };
        let scramble = Stream::new(self.seed, u64::MAX).fork(hazard as u64).next_u64();
        let time = self.streams.get(hazard).map_or(0, |own| time(&mut own.fork(0)));
        Begins::Strike { hazard, time, part: nth.reverse_bits() ^ scramble }
    }

    /// Plays the incidents of a hazard that meets no other this year; true if one lost for good what has no amount.
    fn play(&mut self, index: usize, number: u64, now: Now, tally: &mut Tally) -> bool {
        let model = &self.prepared.model;
        let (Some(hazard), Some(ready), Some(own), Some(counts)) = (
            model.scenarios.get(index),
            self.prepared.hazards.get(index),
            self.streams.get(index),
            self.counts.get_mut(index),
        ) else {
            return false;
        };
        let chances = self.chances.get(index).map_or(&[][..], Vec::as_slice);
        let stage = Stage { hazard, histories: &model.histories, bands: &ready.bands, chances, gone: None };
        let Some((counted, worst)) = tally.of(now.stratum, index) else { return false };
        let begin = beginning(now.begins, &self.prepared.hazards, &ready.wheel);
        let forks = own.forks();
        if let Some(outage) = &ready.outage {
            let strikes = |time| ready.wheel.at(begin + time);
            play_outages(outage, (forks, number, now.year, index), strikes, (hazard, counted, counts, worst));
            return false;
        }
        let mut unpriced = false;
        for number in 0..number {
            let mut stream = forks.of(number);
            let at = ready.wheel.at(begin + time(&mut stream));
            if !stage.play(at, &stream, &mut self.incident) {
                break;
            }
            let cents = self.incident.cents(hazard);
            unpriced |= ready.unpriced_total && self.incident.losses.contains(&Loss::Total);
            counted.add(hazard, &self.incident, cents, counts);
            consider(worst, Place { year: now.year, hazard: index, number }, cents, &self.incident);
        }
        unpriced
    }

    fn put_off(&mut self, hazard: usize, number: u64) {
        let Some(own) = self.streams.get(hazard) else { return };
        let one = |number: u64| Coming { time: time(&mut own.fork(number)) as i64, hazard, number };
        self.coming.extend((0..number).map(one));
    }

    /// Plays those that may meet as if none did; false as soon as one strikes before all earlier ones are recovered from.
    /// Most years of several have them far apart, and so need none of the care that a meeting takes.
    fn play_alone(&mut self, now: Now) -> bool {
        let model = &self.prepared.model;
        if self.alone.len() < self.coming.len() {
            self.alone.resize_with(self.coming.len(), Incident::empty);
        }
        let mut recovered = i64::MIN;
        for (one, incident) in self.coming.iter().zip(&mut self.alone) {
            let (Some(hazard), Some(ready), Some(own)) =
                (model.scenarios.get(one.hazard), self.prepared.hazards.get(one.hazard), self.streams.get(one.hazard))
            else {
                return false;
            };
            let chances = self.chances.get(one.hazard).map_or(&[][..], Vec::as_slice);
            let stage = Stage { hazard, histories: &model.histories, bands: &ready.bands, chances, gone: None };
            let at = strikes_at(&self.prepared.hazards, now, one);
            if recovered > one.time || !stage.play(at, &after_time(&own.fork(one.number)), incident) {
                return false;
            }
            let Some(back) = incident.back_at(hazard) else { return false };
            recovered = recovered.max(one.time.saturating_add((back - at).0));
        }
        true
    }

    fn add_alone(&mut self, now: Now, tally: &mut Tally) -> bool {
        let mut unpriced = false;
        for (one, incident) in self.coming.iter().zip(&self.alone) {
            let Coming { hazard: index, number, .. } = *one;
            let (Some(hazard), Some(counts)) = (self.prepared.model.scenarios.get(index), self.counts.get_mut(index))
            else {
                continue;
            };
            let cents = incident.cents(hazard);
            unpriced |= hazard.rates.total_is_unpriced() && incident.losses.contains(&Loss::Total);
            let Some((counted, worst)) = tally.of(now.stratum, index) else { continue };
            counted.add(hazard, incident, cents, counts);
            consider(worst, Place { year: now.year, hazard: index, number }, cents, incident);
        }
        unpriced
    }

    fn play_meetings(&mut self, now: Now, tally: &mut Tally) -> bool {
        self.coming.sort_unstable();
        if self.play_alone(now) {
            return self.add_alone(now, tally);
        }
        let scenarios = &self.prepared.model.scenarios;
        let at = |coming: &Coming| strikes_at(&self.prepared.hazards, now, coming);
        let meetings = Meetings { prepared: self.prepared, chances: &self.chances, streams: &self.streams };
        let mut unpriced = false;
        for played in meetings.play(&self.coming, at) {
            let Coming { hazard: index, number, .. } = played.coming;
            let (Some(hazard), Some(counts)) = (scenarios.get(index), self.counts.get_mut(index)) else { continue };
            let cents = played.cents(hazard);
            unpriced |= hazard.rates.total_is_unpriced() && played.incident.losses.contains(&Loss::Total);
            let Some((counted, worst)) = tally.of(now.stratum, index) else { continue };
            counted.add(hazard, &played.incident, cents, counts);
            consider(worst, Place { year: now.year, hazard: index, number }, cents, &played.incident);
        }
        unpriced
    }
}

/// Plays failures that take nothing, by their times alone.
#[inline]
fn play_outages(
    outage: &Outage,
    (forks, number, year, index): (Forks, u64, u64, usize),
    strikes: impl Fn(u64) -> Instant,
    (hazard, counted, counts, worst): (&Hazard, &mut HazardTally, &mut YearOfHazard, &mut Option<Worst>),
) {
    for number in 0..number {
        let stream = forks.of(number);
        let downtime = outage.downtime(&after_time(&stream));
        let cents = hazard.rates.cents(Some(downtime), std::iter::empty());
        counted.add_outage(hazard, Some(downtime), cents, counts);
        if worst.as_ref().is_none_or(|worst| cents >= worst.cents) {
            let at = strikes(time(&mut stream.clone()));
            consider(worst, Place { year, hazard: index, number }, cents, &outage.incident(at, downtime));
        }
    }
}

/// The instant in its hazard's window at which a failure strikes.
#[inline]
fn strikes_at(hazards: &[Ready], now: Now, coming: &Coming) -> Instant {
    let wheel = hazards.get(coming.hazard).map(|ready| &ready.wheel);
    let at = |wheel: &Wheel| wheel.at(beginning(now.begins, hazards, wheel) + coming.time as u64);
    wheel.map_or(Instant(0), at)
}

/// The time of the year of an incident, the first that is drawn for it.
#[inline]
fn time(stream: &mut Stream) -> u64 {
    stream.below(MILLIS)
}

/// Milliseconds after the window's beginning at which the year begins in it.
#[inline]
fn beginning(begins: Begins, hazards: &[Ready], wheel: &Wheel) -> u64 {
    match begins {
        Begins::Anywhere(number) => wheel.part(number),
        Begins::Strike { hazard, time, part } => {
            let strike = hazards.get(hazard).map_or(wheel, |ready| &ready.wheel).part(part);
            (strike as i64 - time as i64).rem_euclid(wheel.length() as i64) as u64
        }
    }
}
