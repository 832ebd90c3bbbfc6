//! Points that are still there after their time: stored, and paid for, longer than the plan says.

use crate::audit::{Code, Context, Finding, Report, Stock, Subject};
use crate::base::{Bytes, Span};

/// Deletion runs once a day at most places.
const GRACE: Span = Span::days(2);

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    for protection in context.copies_of(stock.asset) {
        let Some(kept) = &protection.retention else { continue };
        let mut points = stock.points_by(&protection.name).peekable();
        if points.peek().is_none() {
            continue;
        }
        let over: Vec<_> = points.filter(|p| p.consistent_at + kept.value + GRACE < stock.read_at).collect();
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
