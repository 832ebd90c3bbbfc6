//! Backups: listed, with when the last write in them was; or described, with when they were complete too.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::gather::Gather;
use super::super::json::Value;
use super::super::options::Labels;
use super::super::record::{Cast, Piece, Record, name, unknown};
use super::super::when::{Moment, Stamp, shown};
use crate::base::Result;
use crate::policy::Consistency;

/// Each backup's status and the one that it builds on, as far as the inventory says.
#[derive(Debug, Default)]
pub struct Bases {
    known: BTreeMap<String, Base>,
    /// Names that have a description, which says more than the list.
    described: BTreeMap<String, ()>,
}

#[derive(Debug, Clone, Deserialize)]
struct Base {
    name: Option<String>,
    status: Option<String>,
    #[serde(default)]
    src: Option<String>,
}

impl Bases {
    pub fn learn(&mut self, list: &Value<'_>) {
        list.items().for_each(|value| self.note(&value));
    }

    pub fn learn_one(&mut self, described: &Value<'_>) {
        self.note(described);
        let named = described.read::<Base>().ok().and_then(|base| base.name);
        self.described.extend(named.map(|name| (name, ())));
    }

    fn note(&mut self, value: &Value<'_>) {
        let Ok(base) = value.read::<Base>() else { return };
        if let Some(name) = base.name.clone() {
            self.known.entry(name).or_insert(base);
        }
    }

    /// Why what builds on `src` cannot be restored; none if the whole chain is there.
    fn broken(&self, src: Option<&str>) -> Option<String> {
        let mut next = src.filter(|src| !src.is_empty());
        for _ in 0..=self.known.len() {
            let name = next?;
            match self.known.get(name) {
                None => return Some(format!("it builds on `{}`, which the inventory does not hold", shown(name))),
                Some(base) if base.status.as_deref() != Some("done") => {
                    return Some(format!("it builds on `{}`, which is not done", shown(name)));
                }
                Some(base) => next = base.src.as_deref().filter(|src| !src.is_empty()),
            }
        }
        Some("it builds on itself".to_string())
    }
}

/// Takes a backup from a list or a description.
pub fn take(value: &Value<'_>, bases: &Bases, gather: &mut Gather<'_>) -> Result<()> {
    match value.read::<Backup>() {
        Ok(backup) => {
            // What is described elsewhere in the inventory is left to that.
            let listed = backup.replsets.is_none();
            if listed && backup.name.as_ref().is_some_and(|name| bases.described.contains_key(name)) {
                return Ok(());
            }
            let broken = bases.broken(backup.src.as_deref());
            gather.take(Chained { backup, broken }, value.source, value.place())
        }
        Err(mismatch) => gather.unreadable(mismatch.place, mismatch.why),
    }
}

#[derive(Debug, Deserialize)]
struct Backup {
    name: Option<String>,
    status: Option<String>,
    #[serde(rename = "printStatus")]
    print_status: Option<String>,
    error: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Of a list.
    #[serde(rename = "restoreTo")]
    restore_to: Option<Stamp>,
    #[serde(rename = "pbmVersion")]
    pbm_version: Option<String>,
    /// Of a description.
    #[serde(rename = "pbm_version")]
    described_version: Option<String>,
    last_write_ts: Option<Stamp>,
    last_transition_ts: Option<Stamp>,
    size: Option<u64>,
    replsets: Option<Vec<Member>>,
    profile: Option<String>,
    src: Option<String>,
    nss: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Member {
    name: Option<String>,
    status: Option<String>,
    last_write_ts: Option<Stamp>,
    last_transition_ts: Option<Stamp>,
}

struct Chained {
    backup: Backup,
    broken: Option<String>,
}

/// At work, or waiting to be told that the files were copied.
const AT_WORK: [&str; 8] = ["init", "ready", "starting", "running", "dumpDone", "copyReady", "copyDone", "partlyDone"];
const FAILED: [&str; 4] = ["error", "canceled", "cancelled", "down"];

impl Record for Chained {
    fn labels(&self) -> Labels {
        let b = &self.backup;
        let all = [("name", &b.name), ("type", &b.kind), ("profile", &b.profile)];
        let namespaces = b.nss.iter().flatten().map(|nss| ("nss", nss.clone()));
        all.into_iter().filter_map(|(label, value)| Some((label, value.clone()?))).chain(namespaces).collect()
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let Chained { backup, broken } = self;
        let id = name(backup.name.as_deref(), "name")?;
        backup.check_version()?;
        // A backup is named by the second in which it began.
        let began = cast.past(&Some(Stamp::Text(id.clone())), "name")?;
        if let Some(why) = backup.unfinished()? {
            let ended = cast.maybe(&backup.last_transition_ts, "last_transition_ts")?.map(|at| at.latest);
            return Ok(vec![cast.failed(id, "backup", began.earliest, ended, &why)]);
        }
        if let Some(broken) = broken {
            return Err(broken);
        }
        let (consistent, ended) = backup.times(cast)?;
        let how = "`pbm describe-backup` tells; or give --takes";
        let available = cast.ended(consistent, ended, how)?;
        let mut point = cast.point(id, consistent.earliest, available.max(began.latest));
        point.consistency = match backup.kind.as_deref() {
            Some("logical" | "physical" | "incremental") => Some(Consistency::Oplog),
            Some("external") => {
                cast.doubts
                    .push("it is external: its files are where somebody copied them, which is not recorded".into());
                None
            }
            kind => return Err(unknown("type", kind)),
        };
        point.bytes_stored = backup.size.filter(|_| backup.replsets.is_some());
        let selected = cast.options.select.iter().any(|select| select.label == "nss");
        if let Some(nss) = backup.nss.filter(|nss| !nss.is_empty() && !selected) {
            point.without = vec![format!("all but {}", shown(&nss.join(", ")))];
        }
        Ok(vec![Piece::Point(Box::new(point))])
    }
}

impl Backup {
    fn check_version(&self) -> std::result::Result<(), String> {
        match self.pbm_version.as_ref().or(self.described_version.as_ref()) {
            Some(version) if version.starts_with("1.") || version.starts_with("2.") => Ok(()),
            version => Err(unknown("pbmVersion", version.map(String::as_str))),
        }
    }

    /// Why it is no recovery point; none if it is done.
    fn unfinished(&self) -> std::result::Result<Option<String>, String> {
        let said = self.error.clone().map(|error| format!(": {error}")).unwrap_or_default();
        match self.status.as_deref() {
            Some("done") => {}
            Some(status) if AT_WORK.contains(&status) => return Ok(Some(format!("not finished: `{status}`{said}"))),
            Some(status) if FAILED.contains(&status) => return Ok(Some(format!("`{status}`{said}"))),
            status => return Err(unknown("status", status)),
        }
        if let Some(status) = self.print_status.as_ref().filter(|status| *status != "success") {
            return Ok(Some(format!("`{}`{said}", shown(status))));
        }
        if self.error.as_ref().is_some_and(|error| !error.is_empty()) {
            return Ok(Some(format!("done, with an error{said}")));
        }
        let open = self.replsets.iter().flatten().find(|member| member.status.as_deref() != Some("done"));
        Ok(open.map(|member| {
            let (name, status) = (member.name.as_deref(), member.status.as_deref());
            format!("its replica set `{}` is `{}`", shown(name.unwrap_or("?")), shown(status.unwrap_or("?")))
        }))
    }

    /// The last write that it holds, of the replica set that is the furthest behind; and when it was complete.
    fn times(&self, cast: &Cast<'_>) -> std::result::Result<(Moment, Option<Moment>), String> {
        let Some(members) = &self.replsets else {
            return Ok((cast.past(&self.restore_to, "restoreTo")?, None));
        };
        let mut last = cast.past(&self.last_write_ts, "last_write_ts")?;
        let mut done = cast.past(&self.last_transition_ts, "last_transition_ts")?;
        for member in members {
            last = last.min(cast.past(&member.last_write_ts, "replsets.last_write_ts")?);
            done = done.max(cast.past(&member.last_transition_ts, "replsets.last_transition_ts")?);
        }
        Ok((last, Some(done)))
    }
}
