//! Two clocks: losses are reckoned by the server's cluster time, the lengths of runs by this machine's.

use crate::base::{Instant, OpTime, Span};

/// More is no delay of the network, nor of a server that nobody writes to.
const SKEW_MAX: Span = Span::minutes(5);

/// What is to be said where they differ.
pub fn told(now: Instant, at: OpTime) -> Option<String> {
    let ahead = now - at.instant();
    let (by, way) = if ahead.0 < 0 { (at.instant() - now, "behind") } else { (ahead, "ahead of") };
    let text =
        format!("this machine's clock is {by} {way} the server's cluster time, which counts; set one of them right");
    (by > SKEW_MAX).then_some(text)
}
