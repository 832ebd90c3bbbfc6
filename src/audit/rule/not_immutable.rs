//! A copy under a lock that no credential can lift.

use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::policy::Protection;

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(asked) = context.objective(asset).immutable.filter(|asked| asked.value) else { continue };
        let locked: Vec<&Protection> = context.copies_of(asset).filter(|p| p.lock.is_some()).collect();
        let unlocked = locked.iter().all(|p| shown_unlocked(context, p, &asset.name));
        if let Some(protection) = locked.first().filter(|_| !unlocked) {
            let lock = protection.lock.as_ref().map(|lock| lock.value).unwrap_or_default();
            let why = format!("`{}` is locked for {lock}", protection.name);
            report.pass(Code::NotImmutable, Subject::asset(&asset.name), why);
            continue;
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
fn shown_unlocked(context: &Context, protection: &Protection, asset: &str) -> bool {
    let Some(evidence) = context.evidence else { return false };
    let own = |p: &&crate::evidence::RecoveryPoint| {
        p.asset == asset && p.protection.as_deref() == Some(protection.name.as_str())
    };
    let mut points = evidence.points.iter().filter(own).peekable();
    points.peek().is_some() && points.all(|p| p.locked_until.is_none_or(|until| until <= context.as_of))
}
