//! How sure the number of drills makes that a restore succeeds.

use crate::audit::context::Item;
use crate::audit::strength::{clean_drills_for, succeeds_at_least};
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::base::Span;

pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let asked = context.objective(asset).restores_shown;
        let recent = |age: Span| age >= Span::ZERO && age <= Span::days(366);
        let drills: Vec<_> =
            evidence.drills_of(&asset.name).iter().filter(|d| recent(context.as_of - d.ended_at)).collect();
        let passed = drills.iter().filter(|drill| drill.passed()).count();
        let shown = succeeds_at_least(passed, drills.len());
        let figures = format!(
            "{passed} of {} drills of `{}` in a year passed, which shows with 95 % confidence that at least {:.1} % of \
             restores succeed",
            drills.len(),
            asset.name,
            100.0 * shown
        );
        match asked {
            Some(asked) if shown < asked.value => {
                let needed = clean_drills_for(asked.value).map(|n| format!(", which {n} clean ones would"));
                let says = format!("{figures}; {:.0} % is asked{}", 100.0 * asked.value, needed.unwrap_or_default());
                let evidence = drills.iter().map(|drill| format!("drill {}", drill.id)).take(20).collect();
                let at = Some(asked.at);
                items.push(Item { asset: asset.name.clone(), at, verdict: Verdict::Unproven, says, evidence });
            }
            _ if drills.is_empty() => {}
            _ => report.pass(Code::DrillsFew, Subject::asset(&asset.name), figures),
        }
    }
    let remedy = "drill more often; each clean drill raises what they show";
    report.find_all(context, Code::DrillsFew, "the drills are too few for what is asked", remedy, items);
}
