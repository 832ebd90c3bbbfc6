//! Accumulators that merge in any order to the same bits: every sum is a whole number (milliseconds, cents, counts), so
//! no split of the trials over threads or machines can change a figure.

use serde::{Deserialize, Serialize};

use super::{Estimate, Quantiles};
use crate::base::Span;

/// Width of a cell: values below 2^9 have one each, larger ones share a cell with their neighbours within 0.2 %.
const PRECISION_BITS: u32 = 9;

/// A distribution of whole numbers: count and exact sum per cell of a log-linear histogram (as in HdrHistogram), and
/// the exact sum of squares, least and greatest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sketch {
    #[serde(with = "sparse")]
    cells: Vec<Cell>,
    count: u64,
    sum: u128,
    squares: u128,
    greatest: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cell {
    count: u64,
    sum: u128,
}

/// Cells as (place, count, sum), the empty ones left out.
mod sparse {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Cell, cell_of};

    pub fn serialize<S: Serializer>(cells: &[Cell], serializer: S) -> Result<S::Ok, S::Error> {
        let held = cells.iter().enumerate().filter(|(_, cell)| cell.count > 0);
        serializer.collect_seq(held.map(|(place, cell)| (place, cell.count, cell.sum)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cell>, D::Error> {
        let mut cells: Vec<Cell> = Vec::new();
        for (place, count, sum) in Vec::<(usize, u64, u128)>::deserialize(deserializer)? {
            if place > cell_of(u64::MAX) || place < cells.len() {
                return Err(D::Error::custom(format!("there is no cell {place} here")));
            }
            cells.resize(place, Cell::default());
            cells.push(Cell { count, sum });
        }
        Ok(cells)
    }
}

fn cell_of(value: u64) -> usize {
    let exponent = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    // The mantissa keeps its leading one, so neighbouring exponents continue each other without a gap.
    let mantissa = value >> exponent;
    ((u64::from(exponent) << PRECISION_BITS) + mantissa) as usize
}

impl Sketch {
    pub fn add(&mut self, value: u64) {
        let index = cell_of(value);
        if index >= self.cells.len() {
            self.cells.resize(index + 1, Cell::default());
        }
        if let Some(cell) = self.cells.get_mut(index) {
            cell.count += 1;
            cell.sum += u128::from(value);
        }
        self.count += 1;
        self.sum += u128::from(value);
        self.squares = self.squares.saturating_add(u128::from(value) * u128::from(value));
        self.greatest = self.greatest.max(value);
    }

    pub fn merge(&mut self, other: &Sketch) {
        if other.cells.len() > self.cells.len() {
            self.cells.resize(other.cells.len(), Cell::default());
        }
        for (mine, theirs) in self.cells.iter_mut().zip(&other.cells) {
            mine.count = mine.count.saturating_add(theirs.count);
            mine.sum = mine.sum.saturating_add(theirs.sum);
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.squares = self.squares.saturating_add(other.squares);
        self.greatest = self.greatest.max(other.greatest);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// Mean with its standard error; none of nothing.
    pub fn mean(&self) -> Option<Estimate> {
        if self.count == 0 {
            return None;
        }
        let n = self.count as f64;
        let mean = self.sum as f64 / n;
        let variance = (self.squares as f64 / n - mean * mean).max(0.0);
        let standard_error = if self.count > 1 { (variance / (n - 1.0)).sqrt() } else { 0.0 };
        Some(Estimate { mean, standard_error })
    }

    /// The value that a share `q` of all values does not exceed (its cell's mean, so within 0.2 %, exact where the cell
    /// holds one value only).
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = ((q.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).max(1);
        let mut below = 0_u64;
        let cell = self.cells.iter().find(|cell| {
            below = below.saturating_add(cell.count);
            below >= rank
        })?;
        Some(cell.sum as f64 / cell.count as f64)
    }

    /// Mean of the greatest share `tail` of the values: conditional value at risk, as Acerbi and Tasche (2002) define it
    /// for distributions with atoms, so that a split cell counts with the part that belongs to the tail.
    pub fn tail_mean(&self, tail: f64) -> Option<f64> {
        let wanted = tail.clamp(0.0, 1.0) * self.count as f64;
        if wanted <= 0.0 {
            return None;
        }
        let (mut left, mut sum) = (wanted, 0.0);
        for cell in self.cells.iter().rev().filter(|c| c.count > 0) {
            let taken = (cell.count as f64).min(left);
            sum += cell.sum as f64 / cell.count as f64 * taken;
            left -= taken;
            if left <= 0.0 {
                break;
            }
        }
        Some(sum / wanted)
    }

    /// (value, share of the values above it), values rising from 0, at most `points` of them.
    pub fn exceedance(&self, points: usize) -> Vec<(f64, f64)> {
        if self.count == 0 || points < 2 {
            return vec![];
        }
        let held: Vec<&Cell> = self.cells.iter().filter(|c| c.count > 0 && c.sum > 0).collect();
        let mut above = held.iter().map(|c| c.count).fold(0, u64::saturating_add);
        let mut curve = vec![(0.0, above as f64 / self.count as f64)];
        let all: Vec<(f64, f64)> = held
            .iter()
            .map(|cell| {
                above = above.saturating_sub(cell.count);
                (cell.sum as f64 / cell.count as f64, above as f64 / self.count as f64)
            })
            .collect();
        // Even steps over the occupied cells, which are themselves even in the logarithm of the value; the last stays.
        let room = points - 1;
        let kept = all.len().min(room);
        curve.extend((1..=kept).filter_map(|i| all.get(i * all.len() / kept - 1)));
        curve
    }

    /// Read as milliseconds.
    pub fn spans(&self) -> Option<Quantiles> {
        let mean = self.mean()?;
        let at = |q| Some(Span(self.quantile(q)?.round() as i64));
        Some(Quantiles {
            mean: Span(mean.mean.round() as i64),
            standard_error: Span(mean.standard_error.ceil() as i64),
            p50: at(0.5)?,
            p90: at(0.9)?,
            p95: at(0.95)?,
            p99: at(0.99)?,
            worst: Span(i64::try_from(self.greatest).unwrap_or(i64::MAX)),
        })
    }
}

/// A share of incidents, where incidents of one year hang together (they share that year's draw of what is unknown):
/// the ratio estimator over years, with its standard error by linearisation (Cochran, Sampling Techniques, 6.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    hits: u64,
    of: u64,
    hits_squared: u128,
    of_squared: u128,
    product: u128,
}

impl Share {
    /// One year's incidents: how many of them count.
    pub fn add(&mut self, hits: u64, of: u64) {
        self.hits += hits;
        self.of += of;
        let (hits, of) = (u128::from(hits), u128::from(of));
        self.hits_squared += hits * hits;
        self.of_squared += of * of;
        self.product += hits * of;
    }

    pub fn merge(&mut self, other: &Share) {
        self.hits = self.hits.saturating_add(other.hits);
        self.of = self.of.saturating_add(other.of);
        self.hits_squared = self.hits_squared.saturating_add(other.hits_squared);
        self.of_squared = self.of_squared.saturating_add(other.of_squared);
        self.product = self.product.saturating_add(other.product);
    }

    pub fn of(&self) -> u64 {
        self.of
    }

    pub fn hits(&self) -> u64 {
        self.hits
    }

    pub fn estimate(&self) -> Option<Estimate> {
        if self.of == 0 {
            return None;
        }
        let n = self.of as f64;
        let share = self.hits as f64 / n;
        let spread =
            self.hits_squared as f64 - 2.0 * share * self.product as f64 + share * share * self.of_squared as f64;
        Some(Estimate { mean: share, standard_error: spread.max(0.0).sqrt() / n })
    }
}
