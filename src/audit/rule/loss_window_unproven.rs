//! Objectives that the evidence neither shows to be kept nor to be broken.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Verdict};
use crate::timeline::Loss;

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for case in &context.cases {
        let (Some(rpo), Some(observed)) = (&case.objective.rpo, &case.observed) else { continue };
        let unknown = observed.pieces == 0 || observed.exposure.worst == Loss::Total;
        if !unknown || observed.leaves_nothing() {
            continue;
        }
        let (name, title) = (&case.asset.name, &case.scenario.title);
        let says = match (observed.pieces, observed.surviving) {
            (0, _) => format!("there is no evidence of any copy of `{name}` ({title})"),
            (_, 0) => format!("there is no evidence of a copy of `{name}` that survives ({title})"),
            _ => format!(
                "nothing shows what could be restored of `{name}` for {} of {} ({title})",
                observed.losses.in_total_loss,
                observed.exposure.window.length()
            ),
        };
        items.push(Item {
            asset: name.clone(),
            at: Some(rpo.at),
            verdict: Verdict::Unproven,
            says,
            evidence: observed.newest.clone().into_iter().collect(),
        });
    }
    let remedy = "read the inventory of every store that holds copies into the evidence, over the whole window";
    report.find_all(context, Code::LossWindowUnproven, "the RPO is unproven", remedy, items);
}
