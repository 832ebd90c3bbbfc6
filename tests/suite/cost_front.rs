//! The Pareto front against a naive one that holds every plan against every other.

use plimsoll::cost::front::{Figures, three_way, two_way};
use proptest::prelude::*;

fn naive(all: &[(usize, Figures)]) -> Vec<usize> {
    let better = |a: &Figures, b: &Figures| {
        let no_worse = a.cost <= b.cost && a.loss <= b.loss && a.complexity <= b.complexity;
        no_worse && a != b
    };
    let kept = |(place, (_, own)): &(usize, &(usize, Figures))| {
        let beaten = all.iter().any(|(_, other)| better(other, own));
        let second = all.iter().take(*place).any(|(_, other)| other == own);
        !beaten && !second
    };
    let mut front: Vec<&(usize, Figures)> = all.iter().enumerate().filter(kept).map(|(_, one)| one).collect();
    front.sort_by(|(_, a), (_, b)| {
        (a.cost, a.loss, a.complexity).partial_cmp(&(b.cost, b.loss, b.complexity)).expect("no NaN")
    });
    front.into_iter().map(|(index, _)| *index).collect()
}

/// Small whole numbers, so that many figures are equal.
fn plans() -> impl Strategy<Value = Vec<(usize, Figures)>> {
    let figures = (0_u32..12, 0_u32..12, 0_u32..6);
    proptest::collection::vec(figures, 0..60).prop_map(|all| {
        let figures = |(cost, loss, complexity): (u32, u32, u32)| Figures {
            cost: f64::from(cost),
            loss: f64::from(loss),
            complexity,
        };
        all.into_iter().map(figures).enumerate().collect()
    })
}

proptest! {
    #[test]
    fn the_front_of_three_figures_is_the_naive_one(all in plans()) {
        prop_assert_eq!(three_way(&all), naive(&all));
    }

    #[test]
    fn the_front_of_two_figures_is_the_naive_one_without_the_third(all in plans()) {
        let flat: Vec<_> = all.iter().map(|(n, f)| (*n, Figures { complexity: 0, ..*f })).collect();
        prop_assert_eq!(two_way(&all), naive(&flat));
    }
}

#[test]
fn a_front_of_one_plan_and_of_none_are_fronts() {
    let one = Figures { cost: 1.0, loss: 2.0, complexity: 3 };
    assert_eq!(three_way(&[(7, one)]), [7]);
    assert_eq!(three_way(&[]), [0_usize; 0]);
}
