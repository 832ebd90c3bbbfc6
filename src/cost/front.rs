//! The Pareto front: what no other beats in every respect. Naive and fast ways agree; the tests hold one against the other.

use std::collections::BTreeMap;

/// A plan in three figures, each the better the smaller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    pub cost: f64,
    pub loss: f64,
    pub complexity: u32,
}

/// The order by cost, then loss, then complexity: whoever comes later beats no one before.
fn order(a: &Figures, b: &Figures) -> std::cmp::Ordering {
    a.cost.total_cmp(&b.cost).then(a.loss.total_cmp(&b.loss)).then(a.complexity.cmp(&b.complexity))
}

/// Places of those that none beats: at least as good in all three figures and better in one. Of equals the first. By
/// rising cost.
pub fn three_way(all: &[(usize, Figures)]) -> Vec<usize> {
    let mut sorted = all.to_vec();
    sorted.sort_by(|(i, a), (j, b)| order(a, b).then(i.cmp(j)));
    // Of all that cost no more: for a complexity, the least loss at it or below. Losses fall as complexities rise.
    let mut stairs: BTreeMap<u32, f64> = BTreeMap::new();
    let mut front = vec![];
    for (index, figures) in sorted {
        let beaten = stairs.range(..=figures.complexity).next_back().is_some_and(|(_, loss)| *loss <= figures.loss);
        if beaten {
            continue;
        }
        front.push(index);
        stairs.retain(|complexity, loss| *complexity < figures.complexity || *loss < figures.loss);
        stairs.insert(figures.complexity, figures.loss);
    }
    front
}

/// The same for cost and loss alone: the line in a chart of the two.
pub fn two_way(all: &[(usize, Figures)]) -> Vec<usize> {
    let flat: Vec<_> = all.iter().map(|(index, figures)| (*index, Figures { complexity: 0, ..*figures })).collect();
    three_way(&flat)
}
