//! Points that are still there after their time: stored, and paid for, longer than the plan says.

use std::collections::BTreeSet;

use crate::audit::{Code, Context, Finding, Report, Stock, Subject};
use crate::base::{Bytes, Span};
use crate::evidence::{Health, RecoveryPoint};
use crate::policy::{Mechanism, Protection};
use crate::retention::{Point, Rules, Standing, decide};

/// Deletion runs once a day at most places.
const GRACE: Span = Span::days(1);

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    for protection in context.copies_of(stock.asset) {
        let Some(kept) = &protection.retention else { continue };
        let mut points = stock.points_by(&protection.name).peekable();
        if points.peek().is_none() {
            continue;
        }
        let by_tiers = kept_by_tiers(context, protection, stock);
        // Points grow old by the newest one, which may be as old as two runs are apart.
        let gap = match &protection.mechanism {
            Mechanism::Snapshot { schedule, .. } => schedule.worst_gap(context.window.from).unwrap_or_default(),
            _ => GRACE,
        };
        let is_over = |p: &&RecoveryPoint| p.consistent_at + kept.value + gap + GRACE < stock.read_at;
        let over: Vec<_> = points.filter(is_over).filter(|p| !by_tiers.contains(p.id.as_str())).collect();
        let mut subject = Subject::asset(&stock.asset.name);
        subject.protection = Some(protection.name.clone());
        let Some(oldest) = over.iter().min_by_key(|p| p.consistent_at) else {
            let why = format!("no point is older than the {} that it is kept", kept.value);
            report.pass(Code::PointsOverdue, subject, why);
            continue;
        };
        let stored: u64 = over.iter().filter_map(|p| p.bytes_stored).fold(0, u64::saturating_add);
        let size = if stored > 0 { format!(", {} stored", Bytes(stored)) } else { String::new() };
        let message = format!(
            "`{}` is kept for {}, and {} of its points of `{}` are older{size}, the oldest of {}",
            protection.name,
            kept.value,
            over.len(),
            stock.asset.name,
            oldest.consistent_at
        );
        let finding = Finding::breached(Code::PointsOverdue, message).about(subject).at(kept.at);
        let shown = over.iter().map(|p| p.id.clone()).take(20);
        report
            .find(finding.shown_by(shown).remedy("let the pruning run, or declare the longer retention and its price"));
    }
}

/// Older points that the plan keeps all the same.
fn kept_by_tiers<'a>(context: &Context, protection: &Protection, stock: &'a Stock) -> BTreeSet<&'a str> {
    if protection.keep.is_none() {
        return BTreeSet::new();
    }
    let standing = |health: &Health| match health {
        Health::Verified { .. } => Standing::Verified,
        Health::Unverified => Standing::Unverified,
        Health::Bad { .. } => Standing::Bad,
    };
    let points: Vec<Point> = stock
        .points_by(&protection.name)
        .map(|p| Point {
            id: p.id.as_str(),
            at: p.consistent_at,
            standing: standing(&p.health),
            expires_at: None,
            locked_until: None,
        })
        .collect();
    let decisions = decide(&points, Rules::of(context.policy, protection).as_ref(), stock.read_at);
    points.iter().zip(decisions).filter(|(_, decision)| decision.is_kept()).map(|(point, _)| point.id).collect()
}
