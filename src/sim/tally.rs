//! What a campaign remembers of its incidents: sums that merge, in any order, to the same bits.

use serde::{Deserialize, Serialize};

use super::incident::Incident;
use super::loss::{Share, Sketch};
use super::model::Hazard;
use crate::timeline::Loss;

/// All scenarios of some of the years.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    pub hazards: Vec<HazardTally>,
    /// Cents lost in each year.
    pub year_cents: Sketch,
    /// Years in which something was lost for good that has no amount.
    pub years_unpriced_total: Share,
    pub worst: Option<Worst>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HazardTally {
    pub incidents: u64,
    pub downtime: Sketch,
    pub within_rto: Share,
    pub year_cents: Sketch,
    pub assets: Vec<AssetTally>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetTally {
    /// Milliseconds, of the incidents that do not lose everything.
    pub window: Sketch,
    pub total: Share,
    pub within_rpo: Share,
}

/// The worst incident so far, and where it can be played again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worst {
    pub hazard: usize,
    pub year: u64,
    pub number: u64,
    pub cents: u64,
    pub incident: Incident,
}

/// One year's counts of one scenario, before they enter the shares.
#[derive(Debug, Clone, Default)]
pub struct YearOfHazard {
    pub incidents: u64,
    pub cents: u64,
    pub within_rto: u64,
    pub timed: u64,
    /// (total losses, within the objective) for each asset.
    pub assets: Vec<(u64, u64)>,
}

impl Tally {
    pub fn new(hazards: &[Hazard]) -> Self {
        let of = |h: &Hazard| HazardTally { assets: vec![AssetTally::default(); h.assets.len()], ..Default::default() };
        Tally { hazards: hazards.iter().map(of).collect(), ..Default::default() }
    }

    /// Whether it counts the same scenarios and assets, as one read from a file may not.
    pub fn is_like(&self, other: &Tally) -> bool {
        let shape = |tally: &Tally| tally.hazards.iter().map(|hazard| hazard.assets.len()).collect::<Vec<_>>();
        shape(self) == shape(other)
    }

    pub fn merge(&mut self, other: Tally) {
        for (mine, theirs) in self.hazards.iter_mut().zip(&other.hazards) {
            mine.merge(theirs);
        }
        self.year_cents.merge(&other.year_cents);
        self.years_unpriced_total.merge(&other.years_unpriced_total);
        if let Some(worst) = other.worst {
            self.consider(worst);
        }
    }

    /// Keeps the incident if it is worse than the worst; of two alike, the one of the earlier year.
    pub fn consider(&mut self, new: Worst) {
        if self.worst.as_ref().is_none_or(|old| new.is_worse_than(old)) {
            self.worst = Some(new);
        }
    }
}

impl Worst {
    pub fn is_worse_than(&self, old: &Worst) -> bool {
        let harm = |w: &Worst| (w.cents, w.incident.losses.iter().max().copied(), w.incident.downtime);
        let place = |w: &Worst| (w.year, w.hazard, w.number);
        (harm(self), place(old)) > (harm(old), place(self))
    }
}

impl HazardTally {
    /// Adds an incident to the distributions, and to the year's counts.
    pub fn add(&mut self, hazard: &Hazard, incident: &Incident, cents: u64, year: &mut YearOfHazard) {
        self.incidents += 1;
        year.incidents += 1;
        year.cents = year.cents.saturating_add(cents);
        if let Some(downtime) = incident.downtime {
            self.downtime.add(millis(downtime.0));
            year.timed += 1;
            year.within_rto += u64::from(hazard.rto.is_some_and(|rto| downtime <= rto));
        }
        year.assets.resize(self.assets.len(), (0, 0));
        for (((asset, counts), struck), loss) in
            self.assets.iter_mut().zip(&mut year.assets).zip(&hazard.assets).zip(&incident.losses)
        {
            match loss {
                Loss::Window(span) => {
                    asset.window.add(millis(span.0));
                    counts.1 += u64::from(struck.rpo.is_some_and(|rpo| *span <= rpo));
                }
                Loss::Total => counts.0 += 1,
            }
        }
    }

    /// Ends a year: its money, and what share of its incidents was within the objectives.
    pub fn close(&mut self, year: &YearOfHazard) {
        self.year_cents.add(year.cents);
        if year.incidents == 0 {
            return;
        }
        self.within_rto.add(year.within_rto, year.timed);
        for (asset, (total, within_rpo)) in self.assets.iter_mut().zip(&year.assets) {
            asset.total.add(*total, year.incidents);
            asset.within_rpo.add(*within_rpo, year.incidents);
        }
    }

    fn merge(&mut self, other: &HazardTally) {
        self.incidents = self.incidents.saturating_add(other.incidents);
        self.downtime.merge(&other.downtime);
        self.within_rto.merge(&other.within_rto);
        self.year_cents.merge(&other.year_cents);
        for (mine, theirs) in self.assets.iter_mut().zip(&other.assets) {
            mine.window.merge(&theirs.window);
            mine.total.merge(&theirs.total);
            mine.within_rpo.merge(&theirs.within_rpo);
        }
    }
}

fn millis(span: i64) -> u64 {
    u64::try_from(span).unwrap_or_default()
}
