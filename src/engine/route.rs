//! Which slices of a log lead from a base to an instant. Slices may overlap, after a capture that was begun anew.

use crate::base::OpTime;
use crate::repository::SliceName;

/// The slices that hold every entry of `(from, to]`, in order; none if there is a gap. `slices` in order of `first`.
pub fn between(slices: &[SliceName], from: OpTime, to: OpTime) -> Option<Vec<&SliceName>> {
    let (chain, reached) = walk(slices, from, to);
    (reached >= to).then_some(chain)
}

/// The last instant to which `from` can be rolled forward.
pub fn reach(slices: &[SliceName], from: OpTime) -> OpTime {
    walk(slices, from, OpTime::new(u32::MAX, u32::MAX)).1
}

/// Takes at each place the slice that leads furthest.
fn walk(slices: &[SliceName], from: OpTime, to: OpTime) -> (Vec<&SliceName>, OpTime) {
    let (mut chain, mut reached) = (Vec::new(), from);
    let mut left = slices;
    while reached < to {
        let passed = left.iter().take_while(|slice| slice.last <= reached).count();
        left = left.get(passed..).unwrap_or_default();
        let within = left.iter().take_while(|slice| slice.first <= reached);
        let Some(next) = within.max_by_key(|slice| slice.last).filter(|slice| slice.last > reached) else { break };
        reached = next.last;
        chain.push(next);
    }
    (chain, reached)
}
