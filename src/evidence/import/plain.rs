//! The plain form for every other tool: one row for each point, run, drill or coverage, as CSV with a header or as one
//! JSON object a line.
//!
//! [`COLUMNS`] says which columns there are, and what each says of which kind of row.
//!
//! Times are as 2026-11-20T14:03:07Z; one without a zone needs --timezone. An empty cell is not said.

use std::collections::BTreeMap;

use super::options::Labels;
use super::record::{Cast, Piece, Record, name, op, said, unknown};
use super::when::{Moment, Stamp, shown};
use crate::base::Instant;
use crate::evidence::{Check, Coverage, Drill, DrillOutcome, Health, RunOutcome};
use crate::policy::Consistency;

/// Each column, the kinds of rows that may have it, and what it says.
pub const COLUMNS: [(&str, &str, &str); 26] = [
    ("kind", "point run drill coverage", "what the row is: point, run, drill or coverage; required"),
    ("id", "point run drill", "a name; required"),
    ("asset", "point run drill coverage", "asset of the policy; --asset where it is not said"),
    (
        "protection",
        "point run drill coverage",
        "protection of the policy; --protection (coverage: --log-protection) where it is not said",
    ),
    ("consistent_at", "point", "the instant whose state it restores; required"),
    ("available_at", "point coverage", "since when it can be restored from; required"),
    ("expires_at", "point coverage", "until when it is kept"),
    ("locked_until", "point coverage", "until when no credential can delete it"),
    ("consistency", "point", "snapshot, oplog or none"),
    ("encrypted", "point", "true or false: before it left the host"),
    ("verified_at", "point", "when it was read back whole and found equal"),
    ("bad_at", "point", "since when it is known not to restore"),
    ("why", "point run drill", "why it is bad, or failed"),
    ("without", "point", "what was left out, parts between `;`"),
    ("stored_in", "point coverage", "domains of the policy between `;`; the protection's own where it is not said"),
    ("bytes_stored", "point coverage", "size as stored, a whole number of bytes"),
    ("bytes_restored", "point drill", "size as restored, a whole number of bytes"),
    ("documents", "point drill", "how many, a whole number"),
    ("first", "coverage", "any instant from here can be restored; required"),
    ("last", "coverage", "up to here; required"),
    ("verb", "run", "what ran; backup where it is not said"),
    ("started_at", "run drill", "required"),
    ("ended_at", "run drill", "required"),
    ("point", "drill", "id of the point that was restored; required"),
    ("outcome", "run drill", "done or failed of a run, passed or failed of a drill; required"),
    ("compared", "drill", "true if the contents were compared whole; else it shows no point to be whole"),
];

/// A row: what its cells say, empty ones left out.
#[derive(Debug, Default)]
pub struct Row(pub BTreeMap<String, String>);

type Found<T> = Result<T, String>;

impl Row {
    fn text(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    fn stamp(&self, column: &str) -> Option<Stamp> {
        self.text(column).map(|text| Stamp::Text(text.to_string()))
    }

    fn past(&self, column: &str, cast: &Cast<'_>) -> Found<Moment> {
        cast.past(&self.stamp(column), column)
    }

    fn maybe(&self, column: &str, cast: &Cast<'_>) -> Found<Option<Instant>> {
        Ok(cast.maybe(&self.stamp(column), column)?.map(|at| at.earliest))
    }

    fn number(&self, column: &str) -> Found<Option<u64>> {
        let read =
            |text: &str| text.parse().map_err(|_| format!("its `{column}` is no whole number: `{}`", shown(text)));
        self.text(column).map(read).transpose()
    }

    fn truth(&self, column: &str) -> Found<Option<bool>> {
        match self.text(column) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(format!("its `{column}` is neither true nor false: `{}`", shown(other))),
        }
    }

    fn names(&self, column: &str) -> Found<Vec<String>> {
        let parts = self.text(column).into_iter().flat_map(|text| text.split(';')).map(str::trim);
        parts.filter(|part| !part.is_empty()).map(|part| name(Some(part), column)).collect()
    }
}

impl Record for Row {
    fn labels(&self) -> Labels {
        ["kind", "id", "asset", "protection"].into_iter().filter_map(|l| Some((l, self.text(l)?.to_string()))).collect()
    }

    fn pieces(self, cast: &mut Cast<'_>) -> Found<Vec<Piece>> {
        let kind = self.text("kind").ok_or("it has no `kind`")?;
        if !["point", "run", "drill", "coverage"].contains(&kind) {
            return Err(unknown("kind", Some(kind)));
        }
        let stray =
            COLUMNS.iter().find(|(column, of, _)| self.0.contains_key(*column) && !of.split(' ').any(|k| k == kind));
        if let Some((column, of, _)) = stray {
            return Err(format!("a {kind} has no `{column}`: that is said of {}", of.replace(' ', ", ")));
        }
        if let Some(asset) = self.text("asset") {
            cast.asset = name(Some(asset), "asset")?;
        }
        if cast.asset.is_empty() {
            return Err("it names no `asset`, and no --asset is given".to_string());
        }
        let own = self.text("protection").map(|own| name(Some(own), "protection")).transpose()?;
        let mut piece = match kind {
            "point" => self.point(cast)?,
            "run" => self.run(cast)?,
            "drill" => self.drill(cast)?,
            _ => self.coverage(cast)?,
        };
        if own.is_some() {
            match &mut piece {
                Piece::Point(point) => point.protection = own,
                Piece::Coverage(coverage) => coverage.protection = own,
                Piece::Drill(drill) => drill.protection = own,
                Piece::Run(run) => run.protection = own,
            }
        }
        Ok(vec![piece])
    }
}

impl Row {
    fn point(&self, cast: &Cast<'_>) -> Found<Piece> {
        let id = name(self.text("id"), "id")?;
        let (consistent, available) = (self.past("consistent_at", cast)?, self.past("available_at", cast)?);
        if available.latest < consistent.earliest {
            return Err("it is available before the instant that it restores".to_string());
        }
        let mut point = cast.point(id, consistent.earliest, available.latest);
        point.expires_at = self.maybe("expires_at", cast)?;
        point.locked_until = self.maybe("locked_until", cast)?;
        point.consistency = match self.text("consistency") {
            None => None,
            Some("snapshot") => Some(Consistency::Snapshot),
            Some("oplog") => Some(Consistency::Oplog),
            Some("none") => Some(Consistency::None),
            other => return Err(unknown("consistency", other)),
        };
        point.encrypted = self.truth("encrypted")?;
        (point.without, point.stored_in) = (self.names("without")?, self.names("stored_in")?);
        (point.bytes_stored, point.bytes_restored) = (self.number("bytes_stored")?, self.number("bytes_restored")?);
        point.documents = self.number("documents")?;
        let [verified, bad] = ["verified_at", "bad_at"].map(|column| match self.text(column) {
            Some(_) => self.past(column, cast).map(|at| Some(at.latest)),
            None => Ok(None),
        });
        point.health = match (verified?, bad?, self.text("why")) {
            (Some(_), Some(_), _) => return Err("it is both verified and bad: say what is known last".to_string()),
            (_, None, Some(_)) => return Err("it has a `why` and no `bad_at`".to_string()),
            (Some(at), None, None) if at < point.available_at => {
                return Err("it is verified before it is available".to_string());
            }
            (Some(at), None, None) => Health::Verified { at },
            (None, Some(at), why) => Health::Bad { at, why: said(why.unwrap_or("it does not restore")) },
            (None, None, None) => Health::Unverified,
        };
        Ok(Piece::Point(Box::new(point)))
    }

    fn ends(&self, cast: &Cast<'_>) -> Found<(Instant, Instant)> {
        let (started, ended) = (self.past("started_at", cast)?, self.past("ended_at", cast)?);
        match ended.latest < started.earliest {
            true => Err("it ends before it begins".to_string()),
            false => Ok((started.earliest, ended.latest)),
        }
    }

    fn run(&self, cast: &Cast<'_>) -> Found<Piece> {
        let id = name(self.text("id"), "id")?;
        let (started, ended) = self.ends(cast)?;
        let verb = name(Some(self.text("verb").unwrap_or("backup")), "verb")?;
        let outcome = match self.text("outcome") {
            Some("done") => RunOutcome::Done,
            Some("failed") => RunOutcome::Failed { why: said(self.text("why").unwrap_or("failed")) },
            other => return Err(unknown("outcome", other)),
        };
        Ok(Piece::Run(cast.run(id, &verb, started, ended, outcome)))
    }

    fn drill(&self, cast: &Cast<'_>) -> Found<Piece> {
        let (id, point) = (name(self.text("id"), "id")?, name(self.text("point"), "point")?);
        let (started, ended) = self.ends(cast)?;
        let compared = self.truth("compared")?.unwrap_or(false);
        let mut drill = Drill {
            key: None,
            bytes_restored: self.number("bytes_restored")?.unwrap_or_default(),
            documents: self.number("documents")?.unwrap_or_default(),
            ..cast.drill(id, point, started, ended, "the row says that it passed")
        };
        if compared {
            let detail = "the row says that the contents were compared whole".to_string();
            drill.checks = vec![Check { name: "content".to_string(), passed: true, detail, leaves_open: false }];
        }
        match self.text("outcome") {
            Some("passed") => {}
            Some("failed") => {
                drill.checks.clear();
                drill.outcome = DrillOutcome::Failed { why: said(self.text("why").unwrap_or("failed")) };
            }
            other => return Err(unknown("outcome", other)),
        }
        Ok(Piece::Drill(drill))
    }

    fn coverage(&self, cast: &Cast<'_>) -> Found<Piece> {
        let (first, last) = (self.past("first", cast)?.latest, self.past("last", cast)?.earliest);
        let available_at = self.past("available_at", cast)?.latest;
        if last < first || available_at < last {
            return Err("`first`, `last` and `available_at` are not in that order".to_string());
        }
        Ok(Piece::Coverage(Coverage {
            encrypted: None,
            asset: cast.asset.clone(),
            protection: cast.options.log_protection.clone().or(cast.options.protection.clone()),
            first: op(first),
            last: op(last),
            available_at,
            expires_at: self.maybe("expires_at", cast)?,
            locked_until: self.maybe("locked_until", cast)?,
            stored_in: self.names("stored_in")?,
            bytes_stored: self.number("bytes_stored")?,
            origin: cast.origin(),
        }))
    }
}
