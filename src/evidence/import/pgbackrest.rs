//! pgBackRest: `pgbackrest info --output=json`, for one stanza or all.
//!
//! A backup restores to its stop, where the log of its own time has made it one state, if that log is in the archive and
//! everything that it builds on is there. `error: true` says that pages failed their checksums.
//!
//! The archive is told by the names of its first and last file. Names are no instants, and nothing says that what lies
//! between them is whole: no coverage is made of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::gather::Gather;
use super::json::{self, Value};
use super::options::Labels;
use super::record::{Cast, Piece, Record, name, unknown};
use super::source::Source;
use super::when::{Stamp, shown};
use crate::base::Result;
use crate::evidence::Health;
use crate::policy::Consistency;

pub fn read(source: &Source, gather: &mut Gather<'_>) -> Result<()> {
    for document in json::documents(source)? {
        if !document.is_list() {
            let what = "a list of stanzas is expected: `pgbackrest info --output=json`";
            return Err(source.wrong(document.start(), what));
        }
        document.items().try_for_each(|stanza| read_stanza(&stanza, gather))?;
    }
    Ok(())
}

/// What a stanza says of its archive and its repositories; its backups are read one by one.
#[derive(Debug, Deserialize)]
struct Stanza {
    name: Option<String>,
    #[serde(default)]
    archive: Vec<Archive>,
    #[serde(default)]
    repo: Vec<Repository>,
}

#[derive(Debug, Deserialize)]
struct Archive {
    database: Database,
    min: Option<String>,
    max: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Database {
    id: u64,
    /// Before 2.32 there was one repository.
    #[serde(default = "first")]
    repo_key: u64,
}

fn first() -> u64 {
    1
}

#[derive(Debug, Deserialize)]
struct Repository {
    #[serde(default = "first")]
    key: u64,
    cipher: Option<String>,
    status: Option<Code>,
}

#[derive(Debug, Deserialize)]
struct Code {
    code: u64,
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Backup {
    label: Option<String>,
    archive: Option<Span>,
    backrest: Option<Made>,
    database: Option<Database>,
    error: Option<bool>,
    info: Option<Info>,
    reference: Option<Vec<String>>,
    timestamp: Option<Times>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Span {
    start: Option<String>,
    stop: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Made {
    format: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Info {
    size: Option<u64>,
    repository: Option<Size>,
}

#[derive(Debug, Deserialize)]
struct Size {
    delta: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Times {
    start: Option<Stamp>,
    stop: Option<Stamp>,
}

fn read_stanza(value: &Value<'_>, gather: &mut Gather<'_>) -> Result<()> {
    let stanza = match value.read::<Stanza>() {
        Ok(stanza) => stanza,
        Err(mismatch) => return gather.unreadable(mismatch.place, mismatch.why),
    };
    if stanza.name.is_none() {
        return gather.unreadable(value.place(), "it has no `name`".to_string());
    }
    let of_stanza = |key: u64| vec![("stanza", stanza.name.clone().unwrap_or_default()), ("repo", key.to_string())];
    for repository in &stanza.repo {
        let told = gather.options.select.iter().filter(|select| ["stanza", "repo"].contains(&select.label.as_str()));
        let asked = told.into_iter().all(|select| select.admits(&of_stanza(repository.key)));
        // 0 is well; 2 is an answer: there are no backups.
        let trouble = repository.status.as_ref().filter(|status| !matches!(status.code, 0 | 2));
        if let Some(status) = trouble.filter(|_| asked) {
            let said = shown(status.message.as_deref().unwrap_or_default());
            let why = format!("repository {} of the stanza says: {said} (code {})", repository.key, status.code);
            gather.unreadable(value.place(), why)?;
        }
    }
    let archived = stanza.archive.iter().any(|archive| archive.min.is_some());
    if archived && gather.options.log_protection.is_some() {
        let why = "the archive is told by names of files, which are no instants, and not whether all between are there: \
                   it gives no coverage; a drill to a point in time shows what it can do";
        gather.unreadable(value.place(), why.to_string())?;
    }
    let Some(backups) = value.field("backup")? else { return Ok(()) };
    if !backups.is_list() {
        return Err(value.source.wrong(backups.start(), "a list is expected there"));
    }
    let mut labels = BTreeMap::new();
    for value in backups.items() {
        if let Ok(Backup { label: Some(label), error, .. }) = value.read::<Backup>() {
            labels.insert(label, error == Some(true));
        }
    }
    for value in backups.items() {
        match value.read::<Backup>() {
            Ok(backup) => {
                gather.take(InStanza { backup, stanza: &stanza, labels: &labels }, value.source, value.place())?
            }
            Err(mismatch) => gather.unreadable(mismatch.place, mismatch.why)?,
        }
    }
    Ok(())
}

struct InStanza<'a> {
    backup: Backup,
    stanza: &'a Stanza,
    /// All backups of the stanza, and whether each has failed pages.
    labels: &'a BTreeMap<String, bool>,
}

impl Record for InStanza<'_> {
    fn labels(&self) -> Labels {
        let key = self.backup.database.map(|database| ("repo", database.repo_key.to_string()));
        let all = [("stanza", &self.stanza.name), ("type", &self.backup.kind)];
        all.into_iter().filter_map(|(label, value)| Some((label, value.clone()?))).chain(key).collect()
    }

    fn source(&self) -> String {
        let key = self.backup.database.map_or(1, |database| database.repo_key);
        format!("stanza={} repo={key}", shown(self.stanza.name.as_deref().unwrap_or_default()))
    }

    fn pieces(self, cast: &mut Cast<'_>) -> std::result::Result<Vec<Piece>, String> {
        let InStanza { backup, stanza, labels } = self;
        let id = name(backup.label.as_deref(), "label")?;
        match backup.backrest.as_ref().and_then(|made| made.format) {
            Some(5) => {}
            format => return Err(unknown("backrest.format", format.map(|f| f.to_string()).as_deref())),
        }
        let times = backup.timestamp.as_ref().ok_or("it has no `timestamp`")?;
        let (start, stop) = (cast.past(&times.start, "timestamp.start")?, cast.past(&times.stop, "timestamp.stop")?);
        let available = cast.ended(start, Some(stop), "")?;
        let database = backup.database.ok_or("it has no `database`")?;
        let kept = backup.archive.as_ref().and_then(|span| Some((span.start.as_deref()?, span.stop.as_deref()?)));
        let (first, last) = kept.ok_or("it does not say which files of the log make it one state (`archive`)")?;
        stanza.holds(database, first, last)?;
        match (backup.kind.as_deref(), backup.reference.as_deref().unwrap_or_default()) {
            (Some("full"), []) | (Some("diff" | "incr"), [_, ..]) => {}
            (Some(kind @ ("full" | "diff" | "incr")), _) => {
                return Err(format!("what it builds on does not fit its type `{kind}`"));
            }
            (kind, _) => return Err(unknown("type", kind)),
        }
        let references = backup.reference.iter().flatten();
        if let Some(absent) = references.clone().find(|label| !labels.contains_key(*label)) {
            return Err(format!("it builds on `{}`, which the inventory does not hold", shown(absent)));
        }
        let mut point = cast.point(id, stop.earliest, available);
        point.consistency = Some(Consistency::Oplog);
        point.encrypted = stanza.repo.iter().find(|r| r.key == database.repo_key).and_then(Repository::encrypted);
        point.bytes_restored = backup.info.as_ref().and_then(|info| info.size);
        point.bytes_stored = backup.info.as_ref().and_then(|info| info.repository.as_ref()).and_then(|r| r.delta);
        let bad = references.clone().find(|label| labels.get(*label) == Some(&true));
        if backup.error == Some(true) {
            let why = "pages failed their checksums".to_string();
            point.health = Health::Bad { at: stop.latest, why };
        } else if let Some(bad) = bad {
            let why = format!("it builds on {bad}, in which pages failed their checksums");
            point.health = Health::Bad { at: stop.latest, why };
        }
        Ok(vec![Piece::Point(Box::new(point))])
    }
}

impl Repository {
    fn encrypted(&self) -> Option<bool> {
        match self.cipher.as_deref() {
            Some("none") => Some(false),
            Some("aes-256-cbc") => Some(true),
            _ => None,
        }
    }
}

impl Stanza {
    /// Whether the archive reaches over the files from `first` to `last`; the error says why not.
    fn holds(&self, database: Database, first: &str, last: &str) -> std::result::Result<(), String> {
        let archive = self.archive.iter().find(|archive| archive.database == database);
        let ends = archive.and_then(|archive| Some((archive.min.as_deref()?, archive.max.as_deref()?)));
        let Some((min, max)) = ends else { return Err("no archive holds the log that makes it one state".to_string()) };
        let positions = [min, first, last, max].map(position);
        let [Some(min), Some(first), Some(last), Some(max)] = positions else {
            return Err("its files of the log have no names that are known here".to_string());
        };
        match min <= first && first <= last && last <= max {
            true => Ok(()),
            false => Err("the archive does not reach over the log that makes it one state".to_string()),
        }
    }
}

/// Where a file stands in the log, whatever its timeline: 24 hexadecimal digits, of which the first 8 name the timeline.
fn position(file: &str) -> Option<u64> {
    let hexadecimal = file.len() == 24 && file.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(file.get(8..)?, 16).ok().filter(|_| hexadecimal)
}
