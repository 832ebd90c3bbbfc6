//! Accumulators that merge in any order to the same bits: every sum is a whole number (milliseconds, cents, counts), so
//! no split of the trials over threads or machines can change a figure.

use serde::{Deserialize, Serialize};

use super::Estimate;

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
    /// Sum of what its values are above the least that it holds: two words a cell, so that the busy ones stay near.
    above: u64,
}

/// Cells as (place, count, sum above the least), the empty ones left out.
mod sparse {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Cell, cell_of};

    pub fn serialize<S: Serializer>(cells: &[Cell], serializer: S) -> Result<S::Ok, S::Error> {
        let held = cells.iter().enumerate().filter(|(_, cell)| cell.count > 0);
        serializer.collect_seq(held.map(|(place, cell)| (place, cell.count, cell.above)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cell>, D::Error> {
        let mut cells: Vec<Cell> = Vec::new();
        for (place, count, above) in Vec::<(usize, u64, u64)>::deserialize(deserializer)? {
            if place > cell_of(u64::MAX) || place < cells.len() {
                return Err(D::Error::custom(format!("there is no cell {place} here")));
            }
            cells.resize(place, Cell::default());
            cells.push(Cell { count, above });
        }
        Ok(cells)
    }
}

#[inline]
fn cell_of(value: u64) -> usize {
    let exponent = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    // The mantissa keeps its leading one, so neighbouring exponents continue each other without a gap.
    let mantissa = value >> exponent;
    ((u64::from(exponent) << PRECISION_BITS) + mantissa) as usize
}

/// The least value of a cell.
#[inline]
fn least_of(cell: usize) -> u64 {
    let exponent = (cell >> PRECISION_BITS).saturating_sub(1);
    ((cell - (exponent << PRECISION_BITS)) as u64) << exponent
}

impl Sketch {
    #[inline]
    pub fn add(&mut self, value: u64) {
        let index = cell_of(value);
        if index >= self.cells.len() {
            self.cells.resize(index + 1, Cell::default());
        }
        if let Some(cell) = self.cells.get_mut(index) {
            cell.count += 1;
            cell.above = cell.above.saturating_add(value - least_of(index).min(value));
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
            mine.above = mine.above.saturating_add(theirs.above);
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

    /// The same with as many zeros more as make it `count` values.
    pub fn filled_up(&self, count: u64) -> Sketch {
        let mut filled = self.clone();
        let zeros = count.saturating_sub(self.count);
        if filled.cells.is_empty() {
            filled.cells.push(Cell::default());
        }
        if let Some(first) = filled.cells.first_mut() {
            first.count = first.count.saturating_add(zeros);
        }
        filled.count = filled.count.saturating_add(zeros);
        filled
    }

    pub fn greatest(&self) -> u64 {
        self.greatest
    }

    /// Number of cells, and count and sum of one of them.
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    pub fn cell(&self, place: usize) -> (u64, f64) {
        self.cells
            .get(place)
            .map_or((0, 0.0), |cell| (cell.count, cell.count as f64 * least_of(place) as f64 + cell.above as f64))
    }
}

/// A share or a mean over incidents, where incidents of one year hang together (they share that year's draw of what is
/// unknown): the sums that a ratio estimator over years needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    hits: u128,
    of: u64,
    hits_squared: u128,
    of_squared: u128,
    product: u128,
}

impl Share {
    /// One year's incidents: how many of them count.
    #[inline]
    pub fn add(&mut self, hits: u64, of: u64) {
        self.hits += u128::from(hits);
        self.of += of;
        let (hits, of) = (u128::from(hits), u128::from(of));
        self.hits_squared = self.hits_squared.saturating_add(hits * hits);
        self.of_squared += of * of;
        self.product = self.product.saturating_add(hits * of);
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

    pub fn hits(&self) -> u128 {
        self.hits
    }

    /// One year's incidents in sum: hits and incidents, and over years Σ(hits − ratio · incidents)².
    pub fn sums(&self, ratio: f64) -> (f64, f64, f64) {
        let spread =
            self.hits_squared as f64 - 2.0 * ratio * self.product as f64 + ratio * ratio * self.of_squared as f64;
        (self.hits as f64, self.of as f64, spread.max(0.0))
    }
}
