//! Copies that nobody has read back.

use crate::audit::beside::unread_by_script;
use crate::audit::context::Item;
use crate::audit::{Code, Context, Report, Stock, Subject, Verdict};
use crate::base::Span;
use crate::evidence::{Health, RecoveryPoint};
use crate::policy::{Mechanism, Protection};

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    let mut items = Vec::new();
    for asset in [stock.asset] {
        for protection in context.copies_of(asset) {
            // Where its script is at hand, the line that takes a listing for a verification says it better.
            let told = unread_by_script(context.policy, protection).is_some();
            if let Some(verified) = protection.verified.as_ref().filter(|verified| !verified.value && !told) {
                items.push(Item {
                    asset: asset.name.clone(),
                    at: Some(verified.at),
                    verdict: Verdict::Unproven,
                    says: format!("`{}` of `{}` is never read back", protection.name, asset.name),
                    evidence: vec![],
                });
            }
        }
        if context.evidence.is_none() {
            continue;
        }
        let mut judged = false;
        for protection in context.copies_of(asset) {
            let own = points(stock, Some(protection));
            judged |= !own.is_empty();
            items.extend(judge(context, stock, Some(protection), &own, report));
        }
        // Points that do not say what made them are judged where there are no others.
        if !judged {
            let own = points(stock, None);
            items.extend(judge(context, stock, None, &own, report));
        }
    }
    let remedy = "read each point back and compare its hashes; a listing shows only that something exists";
    report.find_all(context, Code::UnverifiedPoints, "nothing shows that the copies are whole", remedy, items);
}

fn points<'e>(stock: &Stock<'e>, protection: Option<&Protection>) -> Vec<&'e RecoveryPoint> {
    let own = |p: &&RecoveryPoint| protection.is_none_or(|own| p.protection.as_deref() == Some(own.name.as_str()));
    stock.points.iter().copied().filter(own).collect()
}

/// By the age of the newest point that was read back, not by whether the newest point was: hiding a point that was not
/// must not help.
fn judge(
    context: &Context,
    stock: &Stock,
    protection: Option<&Protection>,
    points: &[&RecoveryPoint],
    report: &mut Report,
) -> Option<Item> {
    let asset = stock.asset;
    let newest = points.iter().max_by_key(|p| p.consistent_at)?;
    let is_verified = |p: &&&RecoveryPoint| matches!(p.health, Health::Verified { .. });
    let verified = points.iter().filter(is_verified).max_by_key(|p| p.consistent_at);
    let allowed = protection.map_or(Span::days(2), |protection| pace(context, protection, DEPTH));
    if let Some(point) = verified.filter(|p| stock.read_at - p.consistent_at <= allowed) {
        let mut subject = Subject::asset(&asset.name);
        subject.protection = protection.map(|p| p.name.clone());
        report.pass(Code::UnverifiedPoints, subject, format!("{} was read back and is equal", point.id));
        return None;
    }
    let unread = points.len() - points.iter().filter(is_verified).count();
    let says = match (&newest.health, verified) {
        (Health::Bad { why, .. }, _) => format!("the newest point of `{}` is known bad: {why}", asset.name),
        (_, None) => format!("none of {} points of `{}` was ever read back", points.len(), asset.name),
        (_, Some(verified)) => format!(
            "{unread} of {} points of `{}` were never read back, and the newest that was is of {}",
            points.len(),
            asset.name,
            verified.consistent_at
        ),
    };
    let at = protection.map_or(asset.at, |p| p.at);
    let (asset, evidence) = (asset.name.clone(), vec![newest.id.clone()]);
    Some(Item { asset, at: Some(at), verdict: Verdict::Unproven, says, evidence })
}

/// Copies of copies, at most.
const DEPTH: usize = 8;

/// How old the newest point that was read back may be: two intervals, since a point is read back after it was made and the
/// next one is made meanwhile; each as long as the schedule and the failures that the plan allows make it.
fn pace(context: &Context, protection: &Protection, depth: usize) -> Span {
    match &protection.mechanism {
        Mechanism::Snapshot { schedule, takes, allowed_failures }
        | Mechanism::Mirror { schedule, takes, allowed_failures } => {
            let gap = schedule.value.worst_gap(context.window.from).unwrap_or(Span::days(366));
            gap.saturating_mul(i64::from(*allowed_failures).saturating_add(2)) + takes.value + takes.value
        }
        Mechanism::Copy { of, delay } if depth > 0 => {
            let source = context.policy.protection(&of.value);
            source.map_or(Span::days(2), |source| pace(context, source, depth - 1)) + delay.value
        }
        _ => Span::days(2),
    }
}
