//! The loss of one asset in one scenario at every instant and for every time to notice, prepared so that a failure looks it
//! up.
//!
//! `loss(t)` depends on the time to notice d too. Its range is cut into bands; a stretch of failure instants where the
//! sweeps for both ends of a band agree is settled for all of the band: each way back is open for one interval of d, so
//! one that is open at both ends is open between them, and a point that were usable only somewhere between would be
//! usable for less time than the band is wide, which is looked for. Everywhere else the loss is worked out anew.

use crate::base::rng::Stream;
use crate::base::{Instant, Span, Window};
use crate::timeline::recoverable::ways;
use crate::timeline::{Exposure, Failure, History, Loss, exposure};

use super::draw::Time;

/// Bands that a distribution of the time to notice is cut into, and draws that find where.
const BANDS: usize = 12;
const DRAWS_A_BAND: usize = 16;
const SEED: u64 = 0x6E6F_7469_6365;
/// Even parts of the window, at most, from which the search for an instant starts.
const PARTS: i64 = 4096;

#[derive(Debug, Default)]
pub struct Bands(Vec<Band>);

#[derive(Debug)]
struct Band {
    least: Span,
    most: Span,
    writes_continue: bool,
    window: Window,
    /// Logarithm of a part's milliseconds, and for each part the first piece that reaches into it.
    part: u32,
    first: Vec<u32>,
    pieces: Vec<Piece>,
}

/// What a failure before `until`, and not in an earlier piece, loses.
#[derive(Debug, Clone, Copy)]
struct Piece {
    until: Instant,
    /// None: it is not the same for all of the band.
    loss: Option<Loss>,
    /// The loss is that at the piece's beginning, and rises from there.
    rises: Option<Instant>,
}

impl Bands {
    pub fn of(history: &History, failure: &Failure, window: Window, noticed_after: &Time) -> Self {
        let bands = cuts(noticed_after).into_iter().map(|(least, most)| {
            let at = |noticed_after| Failure { noticed_after, ..failure.clone() };
            let (low, high) = (at(least), at(most));
            let sweep = exposure::sweep(history, &low, window);
            let pieces = match least == most {
                true => agreed(&sweep, &sweep, Span::ZERO),
                false => {
                    let width = most - least;
                    let short = |usable: Window| usable.length() < width;
                    if ways(history, &low, window).iter().any(|way| way.point.is_some() && short(way.usable)) {
                        return Band::new(window, (least, most), failure.writes_continue, vec![]);
                    }
                    let later = if failure.writes_continue { width } else { Span::ZERO };
                    agreed(&sweep, &exposure::sweep(history, &high, window), later)
                }
            };
            Band::new(window, (least, most), failure.writes_continue, pieces)
        });
        Bands(bands.collect())
    }

    /// What a failure at `at` loses that is noticed after `noticed_after`; none where that was not prepared.
    #[inline]
    pub fn loss_at(&self, at: Instant, noticed_after: Span) -> Option<Loss> {
        self.0.iter().find(|band| noticed_after <= band.most)?.loss_at(at, noticed_after)
    }
}

/// Ranges of the time to notice, rising; one that is always the same is one range, and each that was measured another.
fn cuts(noticed_after: &Time) -> Vec<(Span, Span)> {
    if let Some(always) = noticed_after.constant() {
        return vec![(always, always)];
    }
    let mut stream = Stream::new(SEED, 0);
    let mut drawn: Vec<Span> = (0..BANDS * DRAWS_A_BAND).map(|_| noticed_after.draw(&mut stream)).collect();
    drawn.sort_unstable();
    if let Time::Measured(all) = noticed_after {
        drawn.clone_from(all);
        drawn.sort_unstable();
        drawn.dedup();
        return drawn.into_iter().take(BANDS * DRAWS_A_BAND).map(|one| (one, one)).collect();
    }
    let mut edges: Vec<Span> = drawn.iter().step_by(DRAWS_A_BAND).copied().collect();
    if let Some(first) = edges.first_mut() {
        *first = noticed_after.shortest();
    }
    edges.extend(noticed_after.longest().or(drawn.last().copied()));
    edges.dedup();
    edges.iter().zip(edges.iter().skip(1)).map(|(least, most)| (*least, *most)).collect()
}

/// The stretches of two sweeps, with their loss where the second loses just `later` more.
fn agreed(low: &Exposure, high: &Exposure, later: Span) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut lows, mut highs) = (low.segments.iter().peekable(), high.segments.iter().peekable());
    let mut from = low.window.from;
    while let (Some(one), Some(other)) = (lows.peek(), highs.peek()) {
        let until = one.at.until.min(other.at.until);
        let at = |exposure: &Exposure| exposure.loss_at(from);
        let same = match (at(low), at(high)) {
            (Some(Loss::Window(less)), Some(Loss::Window(more))) => one.rises == other.rises && more == less + later,
            (Some(Loss::Total), Some(Loss::Total)) => true,
            _ => false,
        };
        let rises = (one.rises && one.start != Loss::Total).then_some(from);
        pieces.push(Piece { until, loss: at(low).filter(|_| same), rises });
        from = until;
        lows.next_if(|segment| segment.at.until <= until);
        highs.next_if(|segment| segment.at.until <= until);
    }
    pieces
}

impl Band {
    fn new(window: Window, (least, most): (Span, Span), writes_continue: bool, pieces: Vec<Piece>) -> Self {
        let part = (0..i64::BITS - 1).find(|bits| window.length().0 >> bits <= PARTS).unwrap_or_default();
        let mut first = Vec::new();
        let (mut piece, mut at) = (0_u32, window.from);
        while at < window.until && !pieces.is_empty() {
            while pieces.get(piece as usize).is_some_and(|piece| piece.until <= at) {
                piece += 1;
            }
            first.push(piece);
            at = at + Span(1 << part);
        }
        Band { least, most, writes_continue, window, part, first, pieces }
    }

    #[inline]
    fn loss_at(&self, at: Instant, noticed_after: Span) -> Option<Loss> {
        if noticed_after < self.least {
            return None;
        }
        let part = usize::try_from((at - self.window.from).0 >> self.part).ok()?;
        let first = *self.first.get(part)? as usize;
        let piece = self.pieces.get(first..)?.iter().find(|piece| at < piece.until)?;
        let later = if self.writes_continue { noticed_after - self.least } else { Span::ZERO };
        let risen = piece.rises.map_or(Span::ZERO, |from| at - from);
        match piece.loss? {
            Loss::Window(start) => Some(Loss::Window(start + risen + later)),
            Loss::Total => Some(Loss::Total),
        }
    }
}
