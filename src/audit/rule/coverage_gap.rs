//! Gaps between the pieces of a declared log.

use crate::audit::{Code, Context, Finding, Report, Stock, Subject};
use crate::base::Window;
use crate::policy::Mechanism;
use crate::timeline::IntervalSet;

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    let (Some(history), asset) = (&stock.history, stock.asset) else { return };
    for protection in context.policy.protections_of(&asset.name) {
        let Mechanism::Log { lag, .. } = &protection.mechanism else { continue };
        let own = history.coverage.iter().filter(|c| c.protection.as_deref() == Some(protection.name.as_str()));
        let covered = IntervalSet::union(own.map(|c| Window::new(c.first, c.last)));
        let (Some(first), Some(last)) = (covered.windows().first(), covered.windows().last()) else { continue };
        let span = Window::new(first.from.max(context.window.from), last.until.min(context.window.until));
        let gaps = covered.gaps(span);
        let mut subject = Subject::asset(&asset.name);
        subject.protection = Some(protection.name.clone());
        let Some(longest) = gaps.iter().max_by_key(|gap| gap.length()) else {
            let why = format!("covered without a gap from {} to {}", span.from, span.until);
            report.pass(Code::CoverageGap, subject, why);
            continue;
        };
        let message = format!(
            "`{}` has {} in its coverage of `{}`: the longest lasts {}, from {} to {}",
            protection.name,
            if gaps.len() == 1 { "a gap".to_string() } else { format!("{} gaps", gaps.len()) },
            asset.name,
            longest.length(),
            longest.from,
            longest.until
        );
        let finding = Finding::breached(Code::CoverageGap, message).about(subject).at(lag.at);
        let shown = gaps.iter().take(20).map(|gap| format!("{} to {}", gap.from, gap.until));
        report.find(finding.shown_by(shown).remedy("take a full backup now, then find out why the capture stopped"));
    }
}
