//! Chains of slices, against the plain meaning of what is covered.

use plimsoll::base::OpTime;
use plimsoll::engine::route::{between, reach};
use plimsoll::repository::SliceName;
use proptest::prelude::*;

fn slice(first: u32, last: u32) -> SliceName {
    SliceName::new("shop", OpTime::new(first, 0), OpTime::new(last, 0)).expect("a name")
}

proptest! {
    /// Against the plain meaning: an instant is reached if each step before it lies in some slice.
    #[test]
    fn a_chain_exists_exactly_where_every_step_is_covered(
        mut ends in prop::collection::vec((0u32..40, 0u32..8), 0..20),
        from in 0u32..40,
    ) {
        ends.sort_unstable();
        let slices: Vec<SliceName> = ends.iter().map(|(first, length)| slice(*first, first + length)).collect();
        let covered = |step: u32| ends.iter().any(|(first, length)| *first <= step && step < first + length);
        let naive = (from..).find(|step| !covered(*step)).expect("an end");
        prop_assert_eq!(reach(&slices, OpTime::new(from, 0)), OpTime::new(naive, 0));
        let chain = between(&slices, OpTime::new(from, 0), OpTime::new(naive, 0)).expect("a chain");
        let mut at = OpTime::new(from, 0);
        for slice in chain {
            prop_assert!(slice.first <= at && slice.last > at);
            at = slice.last;
        }
        prop_assert!(between(&slices, OpTime::new(from, 0), OpTime::new(naive + 1, 0)).is_none());
    }
}
