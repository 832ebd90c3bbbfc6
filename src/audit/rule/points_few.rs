//! Recovery points that were made, as a part of those that the schedules ask for.

use crate::audit::context::Item;
use crate::audit::runs::slots;
use crate::audit::{Code, Context, Report, Stock, Subject, Verdict};

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    if context.evidence.is_none() {
        return;
    }
    let mut items = Vec::new();
    for asset in [stock.asset] {
        let Some(asked) = context.objective(asset).points_created else { continue };
        let all: Vec<_> = context.copies_of(asset).filter_map(|p| slots(context, stock, p)).collect();
        let expected: usize = all.iter().map(|slots| slots.all.len()).sum();
        let shown: usize = all.iter().map(|slots| slots.all.len() - slots.before_first).sum();
        let made: usize = all.iter().map(|slots| slots.made()).sum();
        let part = |of: usize| if of == 0 { 0.0 } else { made as f64 / of as f64 };
        let percent = 100.0 * part(expected);
        let figures = format!("{made} of {expected} planned points of `{}` were made ({percent:.1} %)", asset.name);
        if expected > 0 && part(expected) >= asked.value {
            report.pass(Code::PointsFew, Subject::asset(&asset.name), figures);
            continue;
        }
        // What was planned before anything is known of may have been made too.
        let unknown = expected == 0 || part(shown) >= asked.value;
        let verdict = if unknown { Verdict::Unproven } else { Verdict::Breached };
        let says = format!("{figures}, {:.0} % is asked", 100.0 * asked.value);
        items.push(Item { asset: asset.name.clone(), at: Some(asked.at), verdict, says, evidence: vec![] });
    }
    let remedy = "look at the runs that left nothing, and repair what failed";
    report.find_all(context, Code::PointsFew, "too few of the planned points were made", remedy, items);
}
