//! Importance sampling of rare scenarios by strata: a part of the years is simulated that have at least one incident of a
//! rare scenario, and each stratum counts with its exact probability.
//!
//! With the rare scenarios in order, the rarest first, stratum k holds the years in which scenario k strikes and no rarer
//! one does; stratum 0 those in which none strikes. They are disjoint and make up all years, so a sum over strata of
//! probability times mean is an unbiased estimate (Cochran, Sampling Techniques, 5), whatever number of years each is given.

use super::count::Counts;

/// A scenario that strikes fewer years than this is rare.
const RARE: f64 = 0.05;
/// Rare scenarios that get a stratum, at most: the rarest first.
const MOST: usize = 12;
/// One year in so many is of a rare stratum.
const EVERY: u64 = 4;
/// Years of each rare stratum, at least; with fewer, all years are drawn alike.
const FEWEST: u64 = 64;

#[derive(Debug, Clone)]
pub struct Strata {
    /// The hazard of each stratum from 1 on.
    rare: Vec<usize>,
    /// Probability of each stratum.
    pub chances: Vec<f64>,
}

impl Strata {
    pub fn of(counts: &[Counts], years: u64) -> Self {
        let mut rare: Vec<(f64, usize)> =
            counts.iter().enumerate().map(|(hazard, counts)| (counts.some, hazard)).collect();
        rare.retain(|(some, _)| *some > 0.0 && *some < RARE);
        rare.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        rare.truncate(MOST);
        if years < EVERY * FEWEST * rare.len() as u64 {
            rare.clear();
        }
        let mut none_so_far = 1.0;
        let mut chances = vec![];
        for (some, _) in &rare {
            chances.push(none_so_far * some);
            none_so_far *= 1.0 - some;
        }
        chances.insert(0, none_so_far);
        Strata { rare: rare.into_iter().map(|(_, hazard)| hazard).collect(), chances }
    }

    /// The stratum of a year, and how many years of that stratum come before it.
    pub fn of_year(&self, year: u64) -> (usize, u64) {
        let strata = self.rare.len() as u64;
        let (turn, place) = (year / EVERY, year % EVERY);
        if strata == 0 {
            return (0, year);
        }
        match place == EVERY - 1 {
            true => (1 + (turn % strata) as usize, turn / strata),
            false => (0, turn * (EVERY - 1) + place),
        }
    }

    /// Whether the hazard strikes in years of the stratum; none where that is open.
    pub fn strikes(&self, stratum: usize, hazard: usize) -> Option<bool> {
        let own = self.rare.iter().position(|rare| *rare == hazard)? + 1;
        match stratum {
            0 => Some(false),
            _ if own < stratum => Some(false),
            _ if own == stratum => Some(true),
            _ => None,
        }
    }

    /// The hazard that strikes every year of the stratum.
    pub fn struck_by(&self, stratum: usize) -> Option<usize> {
        self.rare.get(stratum.checked_sub(1)?).copied()
    }
}
