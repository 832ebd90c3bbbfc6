//! How far copies are of one instant, against what is asked.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Stock, Subject, Verdict};
use crate::policy::{Consistency, Mechanism};

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    let (asset, mut items) = (stock.asset, Vec::new());
    if let Some(asked) = context.objective(asset).consistency {
        let points = context
            .copies_of(asset)
            .filter(|p| matches!(p.mechanism, Mechanism::Snapshot { .. } | Mechanism::Mirror { .. }));
        for protection in points {
            // The weakest that any point of the evidence states.
            let shown = stock.points_by(&protection.name).filter_map(|p| p.consistency).min();
            let declared = protection.consistency.as_ref();
            let weakest = declared.map(|c| c.value).into_iter().chain(shown).min();
            let at = declared.map_or(protection.at, |c| c.at);
            let (verdict, says) = match weakest {
                Some(weakest) if weakest >= asked.value => {
                    let mut subject = Subject::asset(&asset.name);
                    subject.protection = Some(protection.name.clone());
                    report.pass(Code::ConsistencyWeak, subject, format!("`{}`, as asked", word(weakest)));
                    continue;
                }
                Some(weakest) => {
                    let says = format!("`{}` of `{}` is `{}`", protection.name, asset.name, word(weakest));
                    (Verdict::Breached, says)
                }
                None => (Verdict::Unproven, format!("`{}` of `{}` does not say", protection.name, asset.name)),
            };
            items.push(Item { asset: asset.name.clone(), at: Some(at), verdict, says, evidence: vec![] });
        }
    }
    let remedy = "read all at one instant (`plimsoll backup` of a replica set, or of a bucket that keeps versions), or dump \
                  with the log of the dump's own time";
    report.find_all(context, Code::ConsistencyWeak, "copies are not of one instant as asked", remedy, items);
}

fn word(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::None => "none",
        Consistency::Oplog => "oplog",
        Consistency::Snapshot => "snapshot",
    }
}
