//! One audit: the copies of each asset in turn, then the whole.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::case::Ground;
use super::rule::{self, Rule};
use super::stock::{self, Index};
use super::{Audit, Case, Context, Finding, Known, Report, Severity, Stock, Verdict};
use crate::base::{Instant, Span, Window, parallel};
use crate::evidence::{Evidence, Unreadable};
use crate::policy::{Asset, Policy};
use crate::timeline::{Failure, States};

pub(super) struct Task<'a> {
    pub policy: &'a Policy,
    /// As known at `as_of`.
    pub evidence: Option<&'a Evidence>,
    pub as_of: Instant,
    pub window: Window,
    /// How far to look ahead.
    pub ahead: Option<Span>,
    /// Whether the segments of the exposures are kept.
    pub charts: bool,
}

/// What the copies of one asset led to.
struct Part<'a> {
    /// By the scenario's place in the policy.
    cases: Vec<(usize, Case<'a>)>,
    /// One for each rule.
    reports: Vec<Report>,
    /// What it can be brought to, where that matters to another asset.
    states: Option<(&'a str, States)>,
    read_at: Instant,
    unreadable: Vec<Unreadable>,
}

impl<'a> Task<'a> {
    pub fn run<E: Send>(
        &self,
        shelf: impl Fn(&Asset) -> Result<Evidence, E> + Sync,
        threads: usize,
    ) -> Result<Audit, E> {
        let index = self.evidence.map(Index::of).unwrap_or_default();
        let known = self.evidence.map(|evidence| Known::of(self.policy, evidence, &index));
        let ahead = self.ahead.map(|span| Window::new(self.as_of, self.as_of + span));
        let first = Context { ahead, ..Context::new(self.policy, known.as_ref(), self.as_of, self.window) };
        let parts = self.parts(&first, &index, shelf, threads)?;
        let unreadable: Vec<Unreadable> = parts.iter().flat_map(|part| part.unreadable.clone()).collect();
        let read_at = parts.iter().map(|part| part.read_at).min().unwrap_or(Instant::MAX);
        let known = known.as_ref().map(|known| known.with(read_at, &unreadable));
        let mut reports: Vec<Report> = rule::ALL.iter().map(|_| Report::default()).collect();
        let (mut cases, mut states) = (Vec::new(), BTreeMap::new());
        for part in parts {
            cases.extend(part.cases);
            states.extend(part.states);
            reports.iter_mut().zip(part.reports).for_each(|(all, report)| all.append(report));
        }
        // A stable order: by scenario, then by asset, as the policy has them.
        cases.sort_by_key(|(scenario, _)| *scenario);
        let cases = cases.into_iter().map(|(_, case)| case).collect();
        let context = Context { evidence: known.as_ref(), cases, recoveries: first.recoveries, states, ..first };
        let mut report = Report::default();
        for (rule, of_copies) in rule::ALL.iter().zip(reports) {
            report.append(of_copies);
            if let Rule::Whole(check) = rule {
                check(&context, &mut report);
            }
            report.tell();
        }
        rule::accept(&context, &mut report);
        Ok(self.judge(context, report))
    }

    /// What each asset's copies led to, in the policy's order.
    fn parts<'k, E: Send>(
        &self,
        context: &Context<'k>,
        index: &Index<'k>,
        shelf: impl Fn(&Asset) -> Result<Evidence, E> + Sync,
        threads: usize,
    ) -> Result<Vec<Part<'k>>, E>
    where
        'a: 'k,
    {
        let assets = &context.policy.assets;
        let failures: Vec<Failure> = context.recoveries.iter().map(|r| r.failure(self.policy)).collect();
        let part = |asset| Ok(self.part(context, &failures, index, asset, shelf(asset)?));
        parallel::in_order(assets, threads, part).into_iter().collect()
    }

    fn part<'k>(
        &self,
        context: &Context<'k>,
        failures: &[Failure],
        index: &Index<'k>,
        asset: &'k Asset,
        shelf: Evidence,
    ) -> Part<'k> {
        let shelf = stock::as_of(shelf, self.as_of, context.evidence);
        let stock = Stock::of(context.policy, asset, context.evidence, index, &shelf);
        let mut reports: Vec<Report> = Vec::with_capacity(rule::ALL.len());
        for rule in rule::ALL {
            let mut report = Report::default();
            if let Rule::Copies(check) = rule {
                check(context, &stock, &mut report);
            }
            reports.push(report);
        }
        let ground = Ground::new(context, asset, &stock);
        let struck = failures.iter().zip(&context.recoveries).enumerate();
        let cases = struck
            .filter(|(_, (failure, recovery))| failure.would_strike(recovery.scenario, asset))
            .map(|(at, (failure, recovery))| (at, Case::of(&ground, recovery.scenario, failure)))
            .map(|(at, case)| (at, if self.charts { case } else { case.without_segments() }))
            .collect();
        let history = stock.history.as_ref().filter(|_| refers(context.policy, asset));
        let states = history.map(|history| (asset.name.as_str(), States::of(history, stock.read_at.min(self.as_of))));
        Part { cases, reports, states, read_at: stock.read_at, unreadable: shelf.unreadable.clone() }
    }

    fn judge(&self, context: Context<'_>, report: Report) -> Audit {
        let Report { mut findings, passes, .. } = report;
        findings.sort_by(|a, b| {
            let rank = |f: &Finding| (f.waived.is_some(), Reverse((f.verdict, f.severity)), f.code);
            (rank(a), &a.subject, &a.message).cmp(&(rank(b), &b.subject, &b.message))
        });
        // A note tells something; it does not judge.
        let counted = findings.iter().filter(|f| f.waived.is_none() && f.severity > Severity::Note);
        let cells = context.cells(self.charts);
        // Where nothing was held against anything, nothing was kept either.
        let nothing_judged =
            self.evidence.is_none() || cells.iter().all(|cell| cell.rpo.is_none() && cell.rto.is_none());
        let at_best = if nothing_judged { Verdict::Unproven } else { Verdict::Met };
        let verdict = counted.map(|f| f.verdict).fold(at_best, Verdict::max);
        let (policy, as_of, window) = (self.policy.name.clone(), self.as_of, self.window);
        let files = self.policy.source.names();
        Audit { policy, files, as_of, window, cells, findings, passes, verdict }
    }
}

/// Whether it refers to another asset, or another one to it.
fn refers(policy: &Policy, asset: &Asset) -> bool {
    let to = |other: &Asset| other.references.as_ref().is_some_and(|reference| reference.value == asset.name);
    asset.references.is_some() || policy.assets.iter().any(to)
}
