//! Instants in the evidence that cannot be: clocks that disagree.

use std::fmt;

use crate::audit::{Code, Context, Finding, Report, Stock, Subject};
use crate::base::{Instant, Span};

/// How far a server's cluster time and the instant beside it may be apart.
const AGREES_WITHIN: Span = Span::minutes(5);

/// Drills and runs.
pub fn check(context: &Context, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let mut strange = Strange::default();
    let drills = evidence.drills.iter().map(|d| ("drill", &d.id, d.started_at, d.ended_at));
    let runs = evidence.runs.iter().map(|r| ("run", &r.id, r.started_at, r.ended_at));
    for (what, id, started_at, ended_at) in drills.chain(runs) {
        let what = format_args!("{what} {id}");
        strange.order(what, ("began", started_at), ("but ended", ended_at));
        strange.order(what, ("ended", ended_at), ("but the evidence was read", evidence.read_at));
    }
    strange.tell(Subject::default(), report);
}

/// The copies of one asset.
pub fn check_copies(context: &Context, stock: &Stock, report: &mut Report) {
    if context.evidence.is_none() {
        return;
    }
    let (mut strange, read_at) = (Strange::default(), stock.read_at);
    for p in &stock.points {
        let what = format_args!("point {} of `{}`", p.id, p.asset);
        strange.order(what, ("is of", p.consistent_at), ("but was there from", p.available_at));
        strange.order(what, ("was there from", p.available_at), ("but the evidence was read", read_at));
        if let Some(time) = p.cluster_time {
            let (server, host) = (time.instant(), p.consistent_at);
            strange.order(what, ("is of cluster time", server), ("but of", host + AGREES_WITHIN));
            strange.order(what, ("is of", host), ("but of cluster time", server + AGREES_WITHIN));
        }
    }
    for c in &stock.coverage {
        let what = format_args!("a piece of the log of `{}`", c.asset);
        strange.order(what, ("ends", c.last.instant()), ("but the evidence was read", read_at + AGREES_WITHIN));
    }
    strange.tell(Subject::asset(&stock.asset.name), report);
}

#[derive(Default)]
struct Strange {
    all: Vec<String>,
}

impl Strange {
    /// What is wrong is put in words only where something is: there are millions of points.
    fn order(&mut self, what: fmt::Arguments, first: (&str, Instant), then: (&str, Instant)) {
        if first.1 > then.1 {
            self.all.push(format!("{what} {} {}, {} {}", first.0, first.1, then.0, then.1));
        }
    }

    fn tell(self, subject: Subject, report: &mut Report) {
        let Some(first) = self.all.first() else {
            report.pass(Code::ClockSkew, subject, "no instant in the evidence is of the future or out of order");
            return;
        };
        let message = match self.all.len() {
            1 => format!("an instant in the evidence cannot be: {first}"),
            n => format!("{n} instants in the evidence cannot be, among them: {first}"),
        };
        let finding =
            Finding::unproven(Code::ClockSkew, message).about(subject).shown_by(self.all.into_iter().take(20));
        report.find(finding.remedy("set the clocks of the hosts by NTP, and read the inventory again"));
    }
}
