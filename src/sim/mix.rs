//! Figures read from strata: each stratum's plain counts, weighed by its exact probability, with the error that follows.

use super::loss::{Share, Sketch};
use super::result::{Errors, Estimate, Quantiles};
use crate::base::Span;

/// One stratum's values.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// Probability that a year is of this stratum.
    pub chance: f64,
    /// Years simulated of it.
    pub years: u64,
    pub values: &'a Sketch,
}

/// Values of all strata, by size.
#[derive(Debug, Clone)]
pub struct Mix {
    levels: Vec<Level>,
    /// Sum of all weights, and of their squares.
    weight: f64,
    squared: f64,
    greatest: u64,
    /// How many times the variance is that of independent values (Kish's design effect).
    design: f64,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    value: f64,
    weight: f64,
    /// Sum of the squares of its values' weights.
    squared: f64,
}

/// Values above a quantile, at least, for an error of it to be said.
const ENOUGH: f64 = 4.0;

impl Mix {
    pub fn of(parts: &[Part]) -> Self {
        let parts: Vec<&Part> = parts.iter().filter(|part| part.years > 0).collect();
        // Alone, a value weighs 1: whole sums stay exact.
        let weights: Vec<f64> = match parts.as_slice() {
            [_] => vec![1.0],
            several => several.iter().map(|part| part.chance / part.years as f64).collect(),
        };
        let cells = parts.iter().map(|part| part.values.cells()).max().unwrap_or_default();
        let mut mix = Mix { levels: vec![], weight: 0.0, squared: 0.0, greatest: 0, design: 1.0 };
        for cell in 0..cells {
            let mut level = Level { value: 0.0, weight: 0.0, squared: 0.0 };
            for (part, weight) in parts.iter().zip(&weights) {
                let (count, sum) = part.values.cell(cell);
                level.weight += weight * count as f64;
                level.squared += weight * weight * count as f64;
                level.value += weight * sum;
            }
            if level.weight > 0.0 {
                level.value /= level.weight;
                mix.weight += level.weight;
                mix.squared += level.squared;
                mix.levels.push(level);
            }
        }
        mix.greatest = parts.iter().map(|part| part.values.greatest()).max().unwrap_or_default();
        mix
    }

    /// Values that hang together: their mean with its true error says by how much.
    fn of_incidents(parts: &[Part], mean: Estimate) -> Self {
        let mut mix = Mix::of(parts);
        let away: f64 = mix.levels.iter().map(|level| level.squared * (level.value - mean.mean).powi(2)).sum();
        if away > 0.0 {
            mix.design = (mean.standard_error * mix.weight).powi(2).max(away) / away;
        }
        mix
    }

    /// The value that a share `q` of all values does not exceed (its cell's mean, so within 0.2 %, exact where the cell
    /// holds one value only).
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let wanted = q.clamp(0.0, 1.0) * self.weight * (1.0 - f64::EPSILON);
        let mut below = 0.0;
        let reaches = |level: &&Level| {
            below += level.weight;
            below >= wanted
        };
        self.levels.iter().find(reaches).or(self.levels.last()).map(|level| level.value)
    }

    /// Standard error of that quantile: half the distance of the quantiles one standard error of the share away. None
    /// where too few values are beyond it to say.
    pub fn quantile_error(&self, q: f64) -> Option<f64> {
        let value = self.quantile(q)?;
        if self.effective() * (1.0 - q) < ENOUGH {
            return None;
        }
        let error = self.share_error(q, |level| level.value <= value);
        Some((self.quantile(q + error)? - self.quantile(q - error)?) / 2.0)
    }

    /// How many independent values of one weight would say as much.
    fn effective(&self) -> f64 {
        if self.squared > 0.0 { self.weight * self.weight / self.squared / self.design } else { 0.0 }
    }

    fn share_error(&self, share: f64, within: impl Fn(&Level) -> bool) -> f64 {
        let inside: f64 = self.levels.iter().filter(|level| within(level)).map(|level| level.squared).sum();
        let variance = (1.0 - 2.0 * share) * inside + share * share * self.squared;
        (self.design * variance.max(0.0)).sqrt() / self.weight
    }

    /// Mean of the greatest share `tail` of the values: conditional value at risk, as Acerbi and Tasche (2002) define it
    /// for distributions with atoms, so that a split cell counts with the part that belongs to the tail. Its error is that
    /// of the mean excess over the quantile.
    pub fn tail_mean(&self, tail: f64) -> Option<Estimate> {
        let wanted = tail.clamp(0.0, 1.0) * self.weight;
        if wanted <= 0.0 {
            return None;
        }
        let (mut left, mut sum, mut least) = (wanted, 0.0, 0.0);
        for level in self.levels.iter().rev() {
            let taken = level.weight.min(left);
            sum += level.value * taken;
            least = level.value;
            left -= taken;
            if left <= wanted * f64::EPSILON {
                break;
            }
        }
        let excess = |level: &Level| (level.value - least).max(0.0);
        let mean = self.levels.iter().map(|level| level.weight * excess(level)).sum::<f64>() / self.weight;
        let spread: f64 = self.levels.iter().map(|level| level.squared * (excess(level) - mean).powi(2)).sum();
        Some(Estimate { mean: sum / wanted, standard_error: (self.design * spread).sqrt() / wanted })
    }

    /// (value, share of the values above it, standard error of the share), values rising from 0, at most `points` of them.
    pub fn exceedance(&self, points: usize) -> Vec<(f64, f64, f64)> {
        if self.levels.is_empty() || points < 2 {
            return vec![];
        }
        let point = |value: f64, above: f64| {
            let share = (above / self.weight).clamp(0.0, 1.0);
            (value, share, self.share_error(share, |level| level.value > value))
        };
        let held: Vec<&Level> = self.levels.iter().filter(|level| level.value > 0.0).collect();
        let mut above: f64 = held.iter().map(|level| level.weight).sum();
        let mut curve = vec![(0.0, above)];
        let mut all = vec![];
        for (left, level) in held.iter().enumerate().map(|(place, level)| (held.len() - 1 - place, level)) {
            above = if left == 0 { 0.0 } else { (above - level.weight).max(0.0) };
            all.push((level.value, above));
        }
        // Even steps over the occupied cells, which are themselves even in the logarithm of the value; the last stays.
        let kept = all.len().min(points - 1);
        curve.extend((1..=kept).filter_map(|i| all.get(i * all.len() / kept - 1)));
        curve.into_iter().map(|(value, above)| point(value, above)).collect()
    }
}

/// The mean of years, each of which has one value.
pub fn mean_of_years(parts: &[Part]) -> Option<Estimate> {
    let (mut mean, mut variance, mut whole) = (0.0, 0.0, 0.0);
    for part in parts.iter().filter(|part| part.years > 0) {
        let own = part.values.filled_up(part.years).mean()?;
        whole += part.chance;
        mean += part.chance * own.mean;
        variance += (part.chance * own.standard_error).powi(2);
    }
    (whole > 0.0).then(|| Estimate { mean: mean / whole, standard_error: variance.sqrt() / whole })
}

/// What is true of a part of the incidents, over strata: the combined ratio estimator, with its standard error by
/// linearisation (Cochran, Sampling Techniques, 6.11).
pub fn ratio<'a>(shares: impl Iterator<Item = (f64, u64, &'a Share)> + Clone) -> Option<Estimate> {
    let shares = shares.filter(|(_, years, _)| *years > 0);
    let (mut hits, mut of) = (0.0, 0.0);
    for (chance, years, share) in shares.clone() {
        let sums = share.sums(0.0);
        hits += chance / years as f64 * sums.0;
        of += chance / years as f64 * sums.1;
    }
    if of <= 0.0 {
        return None;
    }
    let ratio = hits / of;
    let variance: f64 = shares
        .map(|(chance, years, share)| {
            let (hits, of, spread) = share.sums(ratio);
            let away = hits - ratio * of;
            (chance / years as f64).powi(2) * (spread - away * away / years as f64).max(0.0)
        })
        .sum();
    Some(Estimate { mean: ratio, standard_error: variance.sqrt() / of })
}

/// Incidents' milliseconds, whose mean is known with its error.
pub fn spans(parts: &[Part], mean: Option<Estimate>) -> Option<Quantiles> {
    let mean = mean?;
    let mix = Mix::of_incidents(parts, mean);
    let at = |q| Some(Span(mix.quantile(q)?.round() as i64));
    let error = |q| mix.quantile_error(q).map(|millis| Span(millis.ceil() as i64));
    Some(Quantiles {
        mean: Span(mean.mean.round() as i64),
        standard_error: Span(mean.standard_error.ceil() as i64),
        p50: at(0.5)?,
        p90: at(0.9)?,
        p95: at(0.95)?,
        p99: at(0.99)?,
        worst: Span(i64::try_from(mix.greatest).unwrap_or(i64::MAX)),
        errors: Errors { p50: error(0.5), p90: error(0.9), p95: error(0.95), p99: error(0.99) },
    })
}
