//! Collects what an importer finds: what is asked for, what cannot be read and why, within bounds.

use std::collections::{BTreeMap, BTreeSet};

use super::json::{Mismatch, Value};
use super::options::Options;
use super::record::{Cast, Piece, Record};
use super::source::Source;
use super::when::{NO_ZONE, shown};
use crate::base::{Fault, Instant, Result};
use crate::evidence::{Evidence, Unreadable};

/// Past this many it is not one asset's inventory any more; and what is read is held in memory.
const PIECES_MAX: usize = 100_000;
/// Past this many it is another tool's file.
const UNREADABLE_MAX: usize = 1_000;
const SOURCES_SHOWN: usize = 20;

#[derive(Debug)]
pub struct Gather<'a> {
    pub options: &'a Options,
    pub tool: &'static str,
    pub evidence: Evidence,
    /// What the user should know and no verdict depends on.
    pub notes: Vec<String>,
    sources: BTreeSet<String>,
    /// Labels that records have.
    labels: BTreeSet<&'static str>,
    left_out: usize,
    pieces: usize,
    /// For each doubt, the first record that it is about and how many there are.
    doubts: BTreeMap<String, (String, usize)>,
}

impl<'a> Gather<'a> {
    pub fn new(tool: &'static str, options: &'a Options, read_at: Instant) -> Self {
        Gather {
            options,
            tool,
            evidence: Evidence::none(read_at),
            notes: vec![],
            sources: BTreeSet::new(),
            labels: BTreeSet::new(),
            left_out: 0,
            pieces: 0,
            doubts: BTreeMap::new(),
        }
    }

    /// Reads one value as a record of the tool. What it is not, is told and passed over.
    pub fn record<'v, R: Record + serde::Deserialize<'v>>(&mut self, value: &Value<'v>) -> Result<()> {
        match value.read::<R>() {
            Ok(record) => self.take(record, value.source, value.place()),
            Err(Mismatch { place, why }) => self.unreadable(place, why),
        }
    }

    pub fn records<'v, R: Record + serde::Deserialize<'v>>(&mut self, list: Option<Value<'v>>) -> Result<()> {
        let Some(list) = list else { return Ok(()) };
        if !list.is_list() {
            return Err(list.source.wrong(list.start(), "a list is expected there"));
        }
        list.items().try_for_each(|value| self.record::<R>(&value))
    }

    pub fn take<R: Record>(&mut self, record: R, source: &Source, place: String) -> Result<()> {
        let labels = record.labels();
        self.labels.extend(labels.iter().map(|(label, _)| *label));
        if !self.options.select.iter().all(|select| select.admits(&labels)) {
            self.left_out += 1;
            return Ok(());
        }
        if self.sources.len() <= SOURCES_SHOWN {
            self.sources.insert(record.source());
        }
        let mut cast = self.cast(source, place);
        let pieces = record.pieces(&mut cast);
        let (place, doubts) = (cast.place, cast.doubts);
        match pieces {
            Ok(pieces) => {
                for doubt in doubts {
                    self.doubts.entry(doubt).or_insert((place.clone(), 0)).1 += 1;
                }
                pieces.into_iter().try_for_each(|piece| self.keep(piece))
            }
            Err(why) if self.options.timezone.is_none() && why.ends_with(NO_ZONE) => {
                Err(Fault::usage(format!("cannot read the inventory `{place}`: {why}"))
                    .help("say with --timezone which clock wrote it, such as --timezone Europe/Berlin or UTC"))
            }
            Err(why) => self.unreadable(place, why),
        }
    }

    pub fn cast<'s>(&self, source: &'s Source, place: String) -> Cast<'s>
    where
        'a: 's,
    {
        Cast {
            options: self.options,
            tool: self.tool,
            place,
            sha256: source.sha256.as_deref(),
            read_at: source.written_at,
            asset: self.options.asset.clone().unwrap_or_default(),
            doubts: vec![],
        }
    }

    pub fn keep(&mut self, piece: Piece) -> Result<()> {
        self.pieces += 1;
        if self.pieces > PIECES_MAX {
            return Err(Fault::usage(format!("the inventory holds more than {PIECES_MAX} pieces of evidence"))
                .help("read it in parts, with --select or by date; `--evidence` takes several files"));
        }
        match piece {
            Piece::Point(point) => self.evidence.points.push(*point),
            Piece::Coverage(coverage) => self.evidence.coverage.push(coverage),
            Piece::Drill(drill) => self.evidence.drills.push(drill),
            Piece::Run(run) => self.evidence.runs.push(run),
        }
        Ok(())
    }

    pub fn unreadable(&mut self, place: String, why: String) -> Result<()> {
        if self.evidence.unreadable.len() >= UNREADABLE_MAX {
            let first = self.evidence.unreadable.first().map(|u| format!("{}: {}", u.place, u.why)).unwrap_or_default();
            return Err(Fault::usage(format!(
                "more than {UNREADABLE_MAX} records cannot be read; the first is {first}"
            ))
            .help(format!("is this what {} prints? `inventory --help` names its command", self.tool)));
        }
        self.evidence.unreadable.push(Unreadable { place, why });
        Ok(())
    }

    /// All that was found, unless it is of sources that no one asset can have.
    pub fn finish(mut self) -> Result<(Evidence, Vec<String>)> {
        if self.sources.len() > 1 && self.options.select.is_empty() {
            let more = if self.sources.len() > SOURCES_SHOWN { ", and more" } else { "" };
            let several: Vec<String> = self.sources.into_iter().take(SOURCES_SHOWN).collect();
            return Err(Fault::usage(format!(
                "the inventory holds several sources, which one asset cannot all be: {}{more}",
                several.join("; ")
            ))
            .help("say which of them the asset is, with --select LABEL=VALUE; `*` stands for anything"));
        }
        let strange = self.options.select.iter().find(|select| !self.labels.contains(select.label.as_str()));
        if let Some(strange) = strange.filter(|_| !self.labels.is_empty()) {
            let known: Vec<&str> = self.labels.into_iter().collect();
            return Err(Fault::usage(format!("no record has the label `{}`", shown(&strange.label)))
                .help(format!("the labels that are there: {}", known.join(", "))));
        }
        if self.left_out > 0 {
            self.notes.push(format!("--select left {} records out", self.left_out));
        }
        for (why, (place, count)) in std::mem::take(&mut self.doubts) {
            let more = if count > 1 { format!(" (and of {} more the same)", count - 1) } else { String::new() };
            self.evidence.unreadable.push(Unreadable { place, why: format!("{why}{more}") });
        }
        Ok((self.evidence, self.notes))
    }
}
