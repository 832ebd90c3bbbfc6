//! What a campaign remembers of its incidents: sums that merge, in any order, to the same bits.

use serde::{Deserialize, Serialize};

use super::incident::Incident;
use super::loss::{Share, Sketch};
use super::model::Hazard;
use super::prepared::Prepared;
use crate::base::Span;
use crate::timeline::Loss;

/// All scenarios of some of the years.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// The years by stratum, each counted plainly: a stratum's weight enters when the tally is read.
    pub strata: Vec<Stratum>,
    pub worst: Option<Worst>,
}

/// The years of one stratum.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stratum {
    pub years: u64,
    pub hazards: Vec<HazardTally>,
    /// Cents lost in each year that lost any.
    pub year_cents: Sketch,
    /// Years in which something was lost for good that has no amount.
    pub years_unpriced_total: Share,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HazardTally {
    pub incidents: u64,
    /// Milliseconds, and their sum against the incidents of each year, since those of one year hang together.
    pub downtime: Sketch,
    pub downtime_in_year: Share,
    pub within_rto: Share,
    /// Cents lost in each year that lost any.
    pub year_cents: Sketch,
    pub assets: Vec<AssetTally>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetTally {
    /// Milliseconds, of the incidents that do not lose everything.
    pub window: Sketch,
    pub window_in_year: Share,
    pub total: Share,
    pub within_rpo: Share,
}

/// The worst incident so far, and where it can be played again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worst {
    pub place: Place,
    pub cents: u64,
    pub incident: Incident,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub year: u64,
    pub hazard: usize,
    pub number: u64,
}

/// One year's counts of one scenario, before they enter the shares.
#[derive(Debug, Clone, Default)]
pub struct YearOfHazard {
    incidents: u64,
    cents: u64,
    within_rto: u64,
    timed: u64,
    down: u64,
    assets: Vec<YearOfAsset>,
}

#[derive(Debug, Clone, Copy, Default)]
struct YearOfAsset {
    total: u64,
    within_rpo: u64,
    lost: u64,
}

impl YearOfHazard {
    pub fn new(assets: usize) -> Self {
        YearOfHazard { assets: vec![YearOfAsset::default(); assets], ..Default::default() }
    }

    fn clear(&mut self) {
        let mut assets = std::mem::take(&mut self.assets);
        assets.iter_mut().for_each(|asset| *asset = YearOfAsset::default());
        *self = YearOfHazard { assets, ..Default::default() };
    }
}

impl Tally {
    pub fn new(prepared: &Prepared) -> Self {
        let of = |h: &Hazard| HazardTally { assets: vec![AssetTally::default(); h.assets.len()], ..Default::default() };
        let hazards: Vec<HazardTally> = prepared.model.scenarios.iter().map(of).collect();
        let stratum = Stratum { hazards, ..Default::default() };
        Tally { strata: vec![stratum; prepared.strata.chances.len()], worst: None }
    }

    /// Whether it counts the same scenarios and assets, as one read from a file may not.
    pub fn is_like(&self, other: &Tally) -> bool {
        let of = |stratum: &Stratum| stratum.hazards.iter().map(|hazard| hazard.assets.len()).collect::<Vec<_>>();
        let shape = |tally: &Tally| tally.strata.iter().map(of).collect::<Vec<_>>();
        let place = |worst: &Worst| other.strata.first().is_some_and(|s| worst.place.hazard < s.hazards.len());
        shape(self) == shape(other) && self.worst.as_ref().is_none_or(place)
    }

    pub fn merge(&mut self, other: Tally) {
        for (mine, theirs) in self.strata.iter_mut().zip(&other.strata) {
            mine.merge(theirs);
        }
        if let Some(Worst { place, cents, incident }) = other.worst {
            consider(&mut self.worst, place, cents, &incident);
        }
    }

    /// Where the incidents of one hazard in the years of one stratum are counted, and the worst of all.
    #[inline]
    pub fn of(&mut self, stratum: usize, hazard: usize) -> Option<(&mut HazardTally, &mut Option<Worst>)> {
        let hazard = self.strata.get_mut(stratum)?.hazards.get_mut(hazard)?;
        Some((hazard, &mut self.worst))
    }

    /// Ends a year: its money, and what share of its incidents was within the objectives.
    pub fn close_year(&mut self, stratum: usize, hazards: &[Hazard], years: &mut [YearOfHazard], unpriced: bool) {
        let Some(stratum) = self.strata.get_mut(stratum) else { return };
        stratum.years += 1;
        let mut cents = 0_u64;
        // Most scenarios strike in few years: nothing else is looked at where one did not.
        for (index, year) in years.iter_mut().enumerate().filter(|(_, year)| year.incidents > 0) {
            if let (Some(tally), Some(hazard)) = (stratum.hazards.get_mut(index), hazards.get(index)) {
                if hazard.stands_for > 1.0 {
                    year.cents = (year.cents as f64 * hazard.stands_for).round() as u64;
                }
                cents = cents.saturating_add(year.cents);
                tally.close(year);
                year.clear();
            }
        }
        if cents > 0 {
            stratum.year_cents.add(cents);
        }
        stratum.years_unpriced_total.add(u64::from(unpriced), 1);
    }
}

/// Keeps the incident if it is worse than the worst; of two alike, the one of the earlier year.
#[inline]
pub fn consider(worst: &mut Option<Worst>, place: Place, cents: u64, incident: &Incident) {
    if worst.as_ref().is_none_or(|old| cents >= old.cents && old.is_less_than(place, cents, incident)) {
        *worst = Some(Worst { place, cents, incident: incident.clone() });
    }
}

impl Worst {
    fn is_less_than(&self, place: Place, cents: u64, incident: &Incident) -> bool {
        if cents != self.cents {
            return cents > self.cents;
        }
        let harm = |incident: &Incident| (incident.losses.iter().max().copied(), incident.downtime);
        (harm(incident), self.place) > (harm(&self.incident), place)
    }
}

impl Stratum {
    fn merge(&mut self, other: &Stratum) {
        self.years = self.years.saturating_add(other.years);
        for (mine, theirs) in self.hazards.iter_mut().zip(&other.hazards) {
            mine.merge(theirs);
        }
        self.year_cents.merge(&other.year_cents);
        self.years_unpriced_total.merge(&other.years_unpriced_total);
    }
}

impl HazardTally {
    /// Adds an incident to the distributions, and to the year's counts.
    #[inline]
    pub fn add(&mut self, hazard: &Hazard, incident: &Incident, cents: u64, year: &mut YearOfHazard) {
        self.add_outage(hazard, incident.downtime, cents, year);
        if self.assets.is_empty() {
            return;
        }
        for (((asset, counts), struck), loss) in
            self.assets.iter_mut().zip(&mut year.assets).zip(&hazard.assets).zip(&incident.losses)
        {
            match loss {
                Loss::Window(span) => {
                    let lost = millis(span.0);
                    asset.window.add(lost);
                    counts.lost = counts.lost.saturating_add(lost);
                    counts.within_rpo += u64::from(struck.rpo.is_some_and(|rpo| *span <= rpo));
                }
                Loss::Total => counts.total += 1,
            }
        }
    }

    /// The same of one that takes nothing away.
    #[inline]
    pub fn add_outage(&mut self, hazard: &Hazard, downtime: Option<Span>, cents: u64, year: &mut YearOfHazard) {
        self.incidents += 1;
        year.incidents += 1;
        year.cents = year.cents.saturating_add(cents);
        if let Some(downtime) = downtime {
            let down = millis(downtime.0);
            self.downtime.add(down);
            year.timed += 1;
            year.down = year.down.saturating_add(down);
            year.within_rto += u64::from(hazard.rto.is_some_and(|rto| downtime <= rto));
        }
    }

    #[inline]
    fn close(&mut self, year: &YearOfHazard) {
        if year.cents > 0 {
            self.year_cents.add(year.cents);
        }
        self.within_rto.add(year.within_rto, year.timed);
        self.downtime_in_year.add(year.down, year.timed);
        if self.assets.is_empty() {
            return;
        }
        for (asset, counts) in self.assets.iter_mut().zip(&year.assets) {
            asset.total.add(counts.total, year.incidents);
            asset.within_rpo.add(counts.within_rpo, year.incidents);
            asset.window_in_year.add(counts.lost, year.incidents - counts.total);
        }
    }

    fn merge(&mut self, other: &HazardTally) {
        self.incidents = self.incidents.saturating_add(other.incidents);
        self.downtime.merge(&other.downtime);
        self.downtime_in_year.merge(&other.downtime_in_year);
        self.within_rto.merge(&other.within_rto);
        self.year_cents.merge(&other.year_cents);
        for (mine, theirs) in self.assets.iter_mut().zip(&other.assets) {
            mine.window.merge(&theirs.window);
            mine.window_in_year.merge(&theirs.window_in_year);
            mine.total.merge(&theirs.total);
            mine.within_rpo.merge(&theirs.within_rpo);
        }
    }
}

fn millis(span: i64) -> u64 {
    u64::try_from(span).unwrap_or_default()
}
