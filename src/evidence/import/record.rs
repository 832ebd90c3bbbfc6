//! One record of a foreign inventory on its way to being evidence.

use super::options::{Labels, Options};
use super::when::{Moment, Stamp, shown};
use crate::base::{Instant, OpTime, Span};
use crate::evidence::{Check, Coverage, Drill, DrillOutcome, Health, Origin, RecoveryPoint, Run, RunOutcome};

/// What a tool lists one of. The labels are known before the rest is read, so that a record which is not asked for is
/// passed over however damaged the rest of it is.
pub trait Record {
    fn labels(&self) -> Labels;

    /// What tells apart sources that one asset cannot have both of; the records of one asset have it in common.
    fn source(&self) -> String {
        String::new()
    }

    /// The error is a clause that says why the record shows nothing.
    fn pieces(self, cast: &mut Cast<'_>) -> Result<Vec<Piece>, String>;
}

/// A piece of evidence.
#[derive(Debug)]
pub enum Piece {
    Point(Box<RecoveryPoint>),
    Coverage(Coverage),
    Drill(Drill),
    Run(Run),
}

/// The mould: what the user said, and where the record stands.
#[derive(Debug)]
pub struct Cast<'a> {
    pub options: &'a Options,
    pub tool: &'static str,
    pub place: String,
    pub sha256: Option<&'a str>,
    pub read_at: Instant,
    pub asset: String,
    /// What is not known of a record that is of use all the same: it keeps verdicts from being Met.
    pub doubts: Vec<String>,
}

/// A clock that is wrong by less than this is a clock like any other.
const SKEW: Span = Span::minutes(5);
const LONGEST_NAME: usize = 1024;
/// What a tool's own error message says at most.
const LONGEST_WHY: usize = 400;

impl Cast<'_> {
    pub fn origin(&self) -> Origin {
        Origin { tool: self.tool.to_string(), place: self.place.clone(), sha256: self.sha256.map(str::to_string) }
    }

    /// A time that must be there. `what` is the field's name in the tool's own output.
    pub fn time(&self, stamp: &Option<Stamp>, what: &str) -> Result<Moment, String> {
        let stamp = stamp.as_ref().filter(|stamp| !stamp.is_unset());
        let moment = stamp.ok_or_else(|| format!("it has no `{what}`"))?;
        let moment = moment.read(self.options.timezone).map_err(|why| format!("its `{what}` {why}"))?;
        Ok(moment)
    }

    /// As [`Cast::time`], of something that is over.
    pub fn past(&self, stamp: &Option<Stamp>, what: &str) -> Result<Moment, String> {
        let moment = self.time(stamp, what)?;
        self.not_later(moment, what)?;
        Ok(moment)
    }

    pub fn not_later(&self, moment: Moment, what: &str) -> Result<(), String> {
        match moment.latest > self.read_at + SKEW {
            true => Err(format!(
                "its `{what}`, {}, is later than the inventory itself, of {}: a clock or a time zone is wrong",
                moment.latest, self.read_at
            )),
            false => Ok(()),
        }
    }

    pub fn maybe(&self, stamp: &Option<Stamp>, what: &str) -> Result<Option<Moment>, String> {
        match stamp.as_ref().is_none_or(Stamp::is_unset) {
            true => Ok(None),
            false => self.time(stamp, what).map(Some),
        }
    }

    /// When a run that began at `started` was over. Where the tool does not say, the user must; else the best that can
    /// be is taken, and the doubt is recorded.
    pub fn ended(&mut self, started: Moment, ended: Option<Moment>, how: &str) -> Result<Instant, String> {
        match (ended, self.options.takes) {
            (Some(ended), _) if ended.latest < started.earliest => Err("it ends before it begins".to_string()),
            (Some(ended), _) => Ok(ended.latest),
            // It was there when it was listed.
            (None, Some(takes)) => Ok((started.latest + takes).min(self.read_at.max(started.latest))),
            (None, None) => {
                self.doubts.push(format!("when it was complete is not recorded: {how}"));
                Ok(started.latest)
            }
        }
    }

    pub fn point(&self, id: String, consistent_at: Instant, available_at: Instant) -> RecoveryPoint {
        RecoveryPoint {
            recipients: Vec::new(),
            id,
            asset: self.asset.clone(),
            protection: self.options.protection.clone(),
            consistent_at,
            cluster_time: None,
            available_at,
            expires_at: None,
            locked_until: None,
            stored_in: vec![],
            consistency: None,
            without: vec![],
            encrypted: None,
            health: Health::Unverified,
            bytes_stored: None,
            bytes_restored: None,
            documents: None,
            origin: self.origin(),
        }
    }

    /// A run that left no recovery point; `ended` is None where it was still at it.
    pub fn failed(&self, id: String, verb: &str, started: Instant, ended: Option<Instant>, why: &str) -> Piece {
        let ended_at = ended.unwrap_or(self.read_at).max(started);
        let outcome = RunOutcome::Failed { why: said(why) };
        Piece::Run(self.run(id, verb, started, ended_at, outcome))
    }

    pub fn run(&self, id: String, verb: &str, started_at: Instant, ended_at: Instant, outcome: RunOutcome) -> Run {
        let protection = match verb {
            "capture" => self.options.log_protection.clone(),
            _ => self.options.protection.clone(),
        };
        let (asset, origin) = (self.asset.clone(), self.origin());
        Run { id, verb: verb.to_string(), asset, protection, started_at, ended_at, outcome, origin }
    }

    /// A restore that the tool calls done. It compared nothing that is recorded, so that it shows no point to be whole.
    pub fn drill(&self, id: String, point: String, started_at: Instant, ended_at: Instant, said_so: &str) -> Drill {
        let detail = format!("{said_so}; what was restored was held against nothing that is recorded");
        Drill {
            key: None,
            id,
            asset: self.asset.clone(),
            protection: self.options.protection.clone(),
            point,
            target: None,
            started_at,
            ended_at,
            phases: vec![],
            checks: vec![Check { name: "restored".to_string(), passed: true, detail, leaves_open: true }],
            outcome: DrillOutcome::Passed,
            bytes_restored: 0,
            documents: 0,
            origin: self.origin(),
        }
    }

    /// A stretch of log, in pieces that each were there `lag` after their end.
    pub fn log(&mut self, first: Instant, last: Instant) -> Vec<Piece> {
        const PIECES_MAX: i64 = 2_000;
        let lag = self.options.lag.filter(|lag| *lag > Span::ZERO);
        if lag.is_none() {
            self.doubts.push("when the pieces of the log were stored is not recorded: give --lag".to_string());
        }
        let step = lag.unwrap_or(Span::minutes(1)).0.max((last - first).0 / PIECES_MAX).max(1000);
        let ends = (1..).map(|n| Instant(first.0.saturating_add(step.saturating_mul(n)))).take_while(|at| *at < last);
        let ends: Vec<Instant> = ends.chain([last]).collect();
        let starts = std::iter::once(first).chain(ends.iter().copied());
        let pieces = starts.zip(&ends).map(|(from, to)| Coverage {
            encrypted: None,
            asset: self.asset.clone(),
            protection: self.options.log_protection.clone(),
            first: op(from),
            last: op(*to),
            available_at: *to,
            expires_at: None,
            locked_until: None,
            stored_in: vec![],
            bytes_stored: None,
            origin: self.origin(),
        });
        pieces.map(Piece::Coverage).collect()
    }
}

/// The first cluster time of a second: seconds are all that is known.
pub fn op(at: Instant) -> OpTime {
    OpTime::new(u32::try_from(at.0.div_euclid(1000)).unwrap_or_default(), 0)
}

/// A name that can stand in a report, or why it cannot.
pub fn name(text: Option<&str>, what: &str) -> Result<String, String> {
    match text {
        None | Some("") => Err(format!("it has no `{what}`")),
        Some(text) if text.len() > LONGEST_NAME => Err(format!("its `{what}` is longer than {LONGEST_NAME} bytes")),
        Some(text) if text.chars().any(steers) => {
            Err(format!("its `{what}` holds characters that steer what is shown: `{}`", shown(text)))
        }
        Some(text) => Ok(text.to_string()),
    }
}

/// Controls, and marks that turn the direction of writing or do not show.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What a tool said, shortened, harmless, and without the user and password of any address in it.
pub fn said(text: &str) -> String {
    let words = text.split_whitespace().map(|word| match (word.find("://"), word.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}://…{}", word.get(..scheme).unwrap_or_default(), word.get(at..).unwrap_or_default())
        }
        _ => word.to_string(),
    });
    let line = words.collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(LONGEST_WHY).collect();
    let more = if cut.len() < line.len() { "…" } else { "" };
    format!("{}{more}", cut.escape_debug())
}

/// A status that is not in the list of those known: it shows nothing, for good or ill.
pub fn unknown(what: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("its `{what}` is `{}`, which is not known here", shown(value)),
        None => format!("it has no `{what}`"),
    }
}
