//! Drills that left out a part of what they should have restored or checked.

use crate::audit::context::Item;
use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Report, Stock, Subject, Verdict};
use crate::evidence::Drill;

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let mut items = Vec::new();
    for asset in [stock.asset] {
        let every = context.objective(asset).drill_every;
        if every.is_none() && asset.checks.is_empty() {
            continue;
        }
        let Some((newest, good)) = context.good_drills(evidence, asset) else { continue };
        let whole = good.iter().filter(|drill| left_out(stock, drill).is_empty()).max_by_key(|d| d.ended_at);
        if let Some(drill) = whole {
            let why = format!("drill {} restored and checked all of it", drill.id);
            report.pass(Code::DrillPartial, Subject::asset(&asset.name), why);
            continue;
        }
        let left_out = left_out(stock, newest);
        // Whole and too old: that is another rule's.
        if left_out.is_empty() {
            continue;
        }
        let says = format!("that of `{}`, {}, {}", asset.name, newest.id, left_out.join(", "));
        let at = asset.checks.first().map(|c| c.at).or(every.map(|every| every.at));
        let evidence = vec![format!("drill {}", newest.id)];
        items.push(Item { asset: asset.name.clone(), at, verdict: Verdict::Unproven, says, evidence });
    }
    let remedy = "drill the whole of it, with every check that the policy names";
    report.find_all(context, Code::DrillPartial, "the newest drills leave something out", remedy, items);
}

/// What a drill that passed does not speak for.
fn left_out(stock: &Stock, drill: &Drill) -> Vec<String> {
    let asset = stock.asset;
    let done = |name: &str| drill.checks.iter().any(|c| c.name == name && c.passed);
    let missing: Vec<&str> = asset.checks.iter().map(|c| c.value.as_str()).filter(|name| !done(name)).collect();
    let point = stock.points.iter().find(|p| p.id == drill.point);
    let without = point.map(|p| p.without.as_slice()).unwrap_or_default();
    let open: Vec<&str> = drill.checks.iter().filter(|c| c.leaves_open).map(|c| c.name.as_str()).collect();
    let mut out = vec![];
    if !missing.is_empty() {
        out.push(format!("did not check {}", quoted(&missing)));
    }
    if !without.is_empty() {
        out.push(format!("restored a point without {}", quoted(without)));
    }
    if !open.is_empty() {
        out.push(format!("left {} open", quoted(&open)));
    }
    out
}
