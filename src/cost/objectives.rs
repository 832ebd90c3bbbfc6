//! Which of the business's objectives a plan misses by its own figures: what `check` would say of it.

use std::collections::BTreeSet;

use crate::audit::{self, Code, Verdict};
use crate::base::{Instant, Span, Window};
use crate::policy::Policy;

/// The findings that say that an objective is missed, and what the objective is called.
const OF: [(Code, &str); 13] = [
    (Code::UnprotectedAsset, "RPO"),
    (Code::LossWindowDeclared, "RPO"),
    (Code::LateNoticing, "RPO"),
    (Code::NoUsablePoint, "RPO"),
    (Code::RtoDeclared, "RTO"),
    (Code::RetentionShort, "retention"),
    (Code::RetentionLong, "longest retention"),
    (Code::CopiesFew, "copies"),
    (Code::MediaFew, "media"),
    (Code::NotOffsite, "another site"),
    (Code::NotImmutable, "immutability"),
    (Code::NotEncrypted, "encryption"),
    (Code::ConsistencyWeak, "consistency"),
];

/// The names of the objectives that `plan` cannot keep, whether somebody accepts that or not. What no evidence shows is
/// not among them: a plan that is not there yet has left none.
pub fn missed(plan: &Policy, as_of: Instant) -> BTreeSet<&'static str> {
    let audit = audit::run(plan, None, as_of, Window::new(as_of - Span::days(7), as_of));
    let breached = audit.findings.iter().filter(|finding| finding.verdict == Verdict::Breached);
    breached.filter_map(|finding| OF.iter().find(|(code, _)| *code == finding.code).map(|(_, name)| *name)).collect()
}
