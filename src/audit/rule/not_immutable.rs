//! A copy under a lock that no credential can lift.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Stock, Subject, Verdict};
use crate::policy::Protection;

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    let (asset, mut items) = (stock.asset, Vec::new());
    if let Some(asked) = context.objective(asset).immutable.filter(|asked| asked.value) {
        let locked: Vec<&Protection> = context.copies_of(asset).filter(|p| p.lock.is_some()).collect();
        let unlocked = locked.iter().all(|p| shown_unlocked(context, stock, p));
        if let Some(protection) = locked.first().filter(|_| !unlocked) {
            let lock = protection.lock.as_ref().map(|lock| lock.value).unwrap_or_default();
            let why = format!("`{}` is locked for {lock}", protection.name);
            report.pass(Code::NotImmutable, Subject::asset(&asset.name), why);
            return;
        }
        let (verdict, says) = match locked.is_empty() {
            true => (Verdict::Breached, format!("`{}`", asset.name)),
            false => (Verdict::Unproven, format!("a lock is declared for `{}`, no point shows one", asset.name)),
        };
        items.push(Item { asset: asset.name.clone(), at: Some(asked.at), verdict, says, evidence: vec![] });
    }
    let remedy = "lock one copy (`lock = \"30d\"`) for longer than it takes to notice";
    report.find_all(context, Code::NotImmutable, "no copy is immutable", remedy, items);
}

/// Whether the evidence holds points of the protection, and none of them is locked now.
fn shown_unlocked(context: &Context, stock: &Stock, protection: &Protection) -> bool {
    let mut points = stock.points_by(&protection.name).peekable();
    points.peek().is_some() && points.all(|p| p.locked_until.is_none_or(|until| until <= context.as_of))
}
