//! How things stood before: in the same evidence a week ago, or in a file that was kept.

use std::path::Path;

use super::Week;
use super::verify;
use crate::audit::{self, Audit};
use crate::base::{Fault, Instant, Result, Span, Window};
use crate::cli::evidence_file;
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::report::digest;
use crate::report::view::{Earlier, With};

/// What a weekly report is compared with where no file is named.
const BEFORE: Span = Span::days(7);

/// None where no evidence tells.
pub fn of(policy: &Policy, evidence: Option<&Evidence>, week: Week, since: Option<&Path>) -> Result<Option<Earlier>> {
    let Some(file) = since else {
        let at = week.as_of - BEFORE;
        let then = |evidence: &Evidence| {
            let known = evidence.clone().as_of(at);
            Earlier::of(policy, &known, &judged(policy, &known, at, week), With::SameEvidence, evidence.read_at)
        };
        return Ok(evidence.map(then));
    };
    let bytes = verify::read(file)?;
    let earlier = match Earlier::of_report(&bytes) {
        Some(earlier) => earlier,
        None => {
            let then = evidence_file::read(file).map_err(|fault| {
                fault.within(format!("`{}` is neither a report.json of `report weekly` nor evidence", file.display()))
            })?;
            let audit = judged(policy, &then, then.read_at, week);
            let earlier = Earlier::of(policy, &then, &audit, With::Evidence, then.read_at);
            Earlier { sha256: Some(digest(&bytes)), ..earlier }
        }
    };
    if earlier.as_of >= week.as_of {
        let (file, then, now) = (file.display(), earlier.as_of, week.as_of);
        return Err(Fault::usage(format!("`{file}` is of {then}, which is not before {now}"))
            .help("name an earlier report.json, or leave --since out: then the week before is worked out"));
    }
    Ok(Some(earlier))
}

fn judged(policy: &Policy, evidence: &Evidence, at: Instant, week: Week) -> Audit {
    audit::run(policy, Some(evidence), at, Window::new(at - week.window, at))
}
