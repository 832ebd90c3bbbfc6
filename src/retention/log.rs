//! Which pieces of a log stay, and which points its window begins from.
//!
//! A log rolls a base forward: without the base, its window is worth nothing. So for each stretch without a gap that
//! reaches into the window, the newest base at or before the window's start stays, with all the log from there on; where
//! there is none, the oldest base after it.

use std::collections::BTreeSet;

use super::decision::{Decision, Reason};
use crate::base::{Instant, OpTime, Span};

/// A slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    pub first: OpTime,
    pub last: OpTime,
    /// Whether its bytes are what they were: a piece that rotted rolls nothing forward.
    pub sound: bool,
    pub locked_until: Option<Instant>,
}

/// A point that a log can roll forward, and is not known to be bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Base {
    pub at: OpTime,
    /// Points of different scope are no replacement for each other.
    pub scope: usize,
}

/// How far back a log reaches, and how long its pieces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogRules {
    pub window: Span,
    pub kept: Span,
}

/// What becomes of the pieces, in their order; and the bases that must stay, by their place in `bases`.
pub fn decide(
    pieces: &[Piece],
    bases: &[Base],
    rules: Option<LogRules>,
    now: Instant,
) -> (Vec<Decision>, BTreeSet<usize>) {
    let past = pieces.iter().filter(|piece| piece.last.instant() <= now);
    let newest = past.map(|piece| piece.last).max();
    // As with points: while nothing is captured, nothing grows older.
    let clock = newest.map_or(Instant::MIN, OpTime::instant);
    let mut decisions: Vec<Decision> = pieces
        .iter()
        .map(|piece| Decision { keeps: own(piece, rules, newest, now), age: clock - piece.last.instant() })
        .collect();
    let chains = chains(pieces);
    let Some(rules) = rules else {
        // All of it stays, so all that it can roll forward does.
        let rolled = |base: &Base| chains.iter().any(|chain| chain.holds(base));
        return (decisions, (0..bases.len()).filter(|place| rolled(&bases[*place])).collect());
    };
    let start = OpTime::last_in_second(clock - rules.window);
    let mut needed = BTreeSet::new();
    for chain in chains.iter().filter(|chain| chain.last >= start) {
        for base in needed_by(chain, bases, start) {
            needed.insert(base);
            let from = bases[base].at;
            for place in chain.pieces.iter().filter(|place| pieces[**place].last >= from) {
                decisions[*place].keeps.push(Reason::LogOf(from.instant()));
            }
        }
    }
    decisions.iter_mut().for_each(|decision| decision.keeps.dedup());
    (decisions, needed)
}

fn own(piece: &Piece, rules: Option<LogRules>, newest: Option<OpTime>, now: Instant) -> Vec<Reason> {
    let clock = newest.map_or(Instant::MIN, OpTime::instant);
    let within = |rules: LogRules| {
        let kept = rules.window.max(rules.kept);
        (piece.last.instant() + kept >= clock).then_some(Reason::Within(kept))
    };
    let declared = rules.map_or(Some(Reason::Undeclared), within);
    // The next slice is hung on it.
    let newest = (Some(piece.last) == newest).then_some(Reason::Newest);
    let ahead = (piece.last.instant() > now).then_some(Reason::Ahead);
    let locked = piece.locked_until.filter(|until| *until > now).map(Reason::Locked);
    [declared, newest, locked, ahead].into_iter().flatten().collect()
}

/// Pieces that follow each other without a gap.
struct Chain {
    first: OpTime,
    last: OpTime,
    pieces: Vec<usize>,
}

impl Chain {
    fn holds(&self, base: &Base) -> bool {
        self.first <= base.at && base.at <= self.last
    }
}

fn chains(pieces: &[Piece]) -> Vec<Chain> {
    let mut order: Vec<usize> = (0..pieces.len()).filter(|place| pieces[*place].sound).collect();
    order.sort_by_key(|place| (pieces[*place].first, pieces[*place].last));
    let mut chains: Vec<Chain> = Vec::new();
    for place in order {
        let piece = &pieces[place];
        match chains.last_mut().filter(|chain| piece.first <= chain.last) {
            Some(chain) => {
                chain.last = chain.last.max(piece.last);
                chain.pieces.push(place);
            }
            None => chains.push(Chain { first: piece.first, last: piece.last, pieces: vec![place] }),
        }
    }
    chains
}

/// One base for each scope.
fn needed_by(chain: &Chain, bases: &[Base], start: OpTime) -> Vec<usize> {
    let mut within: Vec<usize> = (0..bases.len()).filter(|place| chain.holds(&bases[*place])).collect();
    within.sort_by_key(|place| bases[*place].at);
    let scopes: BTreeSet<usize> = within.iter().map(|place| bases[*place].scope).collect();
    let of_scope = |scope: usize| {
        let mut places = within.iter().copied().filter(|place| bases[*place].scope == scope);
        let first = places.next()?;
        Some(places.take_while(|place| bases[*place].at <= start).last().unwrap_or(first))
    };
    scopes.into_iter().filter_map(of_scope).collect()
}
