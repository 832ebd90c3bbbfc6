//! Assets that refer to each other: the newest instant to which both can be brought with no reference left dangling.

use crate::audit::{Code, Context, Finding, Report, Subject, Verdict};

const REMEDY: &str = "copy what is referred to after what refers to it, and as often, and keep its versions";

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let until = evidence.read_at.min(context.as_of);
    for asset in &context.policy.assets {
        let (Some(references), Some(rpo)) = (&asset.references, context.objective(asset).rpo) else { continue };
        let states = |name: &str| context.states.get(name).filter(|states| !states.is_empty());
        // Without any evidence of one, other rules have said so already.
        let (Some(own), Some(theirs)) = (states(&asset.name), states(&references.value)) else { continue };
        let together = own.together_with(theirs);
        let subject = Subject::asset(&asset.name);
        if let Some(both) = together.exact.filter(|both| until - *both <= rpo.value) {
            let why = format!("both can be brought to {both}, {} before the evidence was read", until - both);
            report.pass(Code::ReferencesDangle, subject, why);
            continue;
        }
        let lead = format!("`{}` refers to `{}`", asset.name, references.value);
        let (verdict, message) = match together.before {
            None => {
                let message = format!("{lead}, and nothing of the one is as new as the oldest of the other");
                (Verdict::Unproven, message)
            }
            // A copy of what is referred to was begun at that very instant, and took its time.
            Some((before, after)) if until - before <= rpo.value && before == after => {
                let message = format!(
                    "{lead}, whose copy from {after} on is not of one instant: what was deleted while it was made dangles"
                );
                (Verdict::Unproven, message)
            }
            Some((before, after)) if until - before <= rpo.value => {
                let message = format!(
                    "{lead}, and they can be brought to {before} and to {after}, not to one instant: what was deleted in \
                     between dangles"
                );
                (Verdict::Unproven, message)
            }
            Some((before, _)) => {
                let (lost, allowed) = (until - before, rpo.value);
                let message = format!(
                    "{lead}, and the newest of it that still finds what it refers to is of {before}: {lost} is lost to keep \
                     every reference, {allowed} is allowed"
                );
                (Verdict::Breached, message)
            }
        };
        let finding = Finding::new(Code::ReferencesDangle, verdict, message).about(subject).at(references.at);
        report.find(finding.remedy(REMEDY));
    }
}
