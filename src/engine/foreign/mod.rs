//! Dumps that other tools made, restored by the same engine: a directory of mongodump, an archive of it, a tar of such a
//! directory; each from any store, as a stream.
//!
//! None of them says what it holds, so each is read from end to end before anything is written: what is damaged, cut
//! short or made to do harm is refused while the target is untouched, and what is loaded then must be what was read.

mod archive;
mod contents;
mod directory;
pub(super) mod feed;
mod names;
mod structure;
mod survey;
mod tar;
mod tarball;
pub mod uploads;

use std::io::{BufReader, Read};

use futures_util::StreamExt;

use self::contents::{Bounded, Contents, wrong};
use self::survey::Survey;
use super::event::{Event, Listener, Unit};
use super::expected::Expected;
use super::loader::Prepared;
use super::phases::Phases;
use super::pieces::Pieces;
use super::plan::{RestorePlan, count, databases_of};
use crate::base::{Bytes, Codec, Fault, FaultKind, Instant, Result};
use crate::policy::Consistency;
use crate::port::{ObjectInfo, ObjectStore};
use crate::repository::manifest::{FORMAT, ManifestKind};
use crate::repository::{Manifest, ObjectEntry};

pub use feed::load;
pub use survey::Log;

/// Name of the log of a dump's own time, beside the collections.
const LOG: &str = "oplog";
/// The first bytes of everything that gzip made.
const GZIP: &[u8] = &[0x1f, 0x8b];
const READ_BYTES: usize = 1 << 18;
pub const PHASE: &str = "read";

/// How a dump is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    Directory,
    Archive,
    Tarball,
}

/// A dump that is no recovery point of the repository.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Foreign {
    /// Without secrets.
    pub address: String,
    pub form: Form,
    /// Files of uploads beside it, and their bytes.
    pub uploads: u64,
    pub upload_bytes: u64,
    /// The log of the dump's own time.
    pub log: Option<Log>,
    /// Where it is an object of its own: that, and how it is packed.
    #[serde(skip)]
    pub(super) log_object: Option<(ObjectEntry, Codec)>,
    /// Where all collections are in one object: what it is, and what was found in it.
    #[serde(skip)]
    pub whole: Option<Whole>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    form: Form,
    codec: Codec,
    object: ObjectEntry,
    pub collections: Vec<Prepared>,
}

impl Foreign {
    /// The plan of its restore in words.
    pub fn describe(&self, plan: &RestorePlan) -> String {
        let mut text = format!("Restore `{}`\n", self.address);
        let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<10} {value}\n"));
        let packed = self.whole.as_ref().is_some_and(|whole| whole.codec == Codec::Gzip);
        let form = match self.form {
            Form::Directory => "a directory of mongodump",
            Form::Archive if packed => "an archive of mongodump, packed by gzip",
            Form::Archive => "an archive of mongodump",
            Form::Tarball if packed => "a tar of a dump, packed by gzip",
            Form::Tarball => "a tar of a dump",
        };
        line("source", format!("{form}, written {}", plan.base.consistent_at));
        let collections = count(plan.collections().count(), "collection");
        let holds = format!("{collections} in {}", databases_of(&plan.base).join(", "));
        line("holds", format!("{holds}; {} documents, {}", plan.documents(), Bytes(plan.bytes_raw())));
        plan.renamed().into_iter().for_each(|(from, to)| line("renames", format!("{from} to {to}")));
        let stored = plan.base.objects.iter().map(|object| object.bytes).sum();
        line("read", format!("{}, all of it, and found whole", Bytes(stored)));
        if let Some(log) = self.log {
            let entries = format!("{} entries of its own log, to {} ({})", log.entries, log.last.instant(), log.last);
            line("replays", format!("{entries}: by them it is of one instant"));
        }
        line("takes", plan.expected.describe());
        if plan.base.consistency == Consistency::None {
            line("warning", "it is not of one instant: it may hold parts of several states".to_string());
        }
        plan.notes.iter().for_each(|note| line("note", note.clone()));
        text
    }
}

/// What is found in a dump, in its order.
trait Finds {
    /// Options and indexes of a collection, by database and by the name of its file.
    fn metadata(&mut self, db: &str, stem: &str, text: &[u8]) -> Result<()>;
    /// Documents of this collection follow.
    fn begin(&mut self, db: &str, stem: &str) -> Result<()>;
    fn document(&mut self, document: &[u8]) -> Result<()>;
    /// No more of its documents follow, for now.
    fn pause(&mut self) -> Result<()>;
    fn upload(&mut self, path: &str, bytes: u64, contents: &mut dyn Read) -> Result<()>;
    /// A file that belongs to no dump.
    fn other(&mut self, path: &str) -> Result<()>;
}

/// Reads the dump at `name` in `store`, all of it, and plans its restore.
pub async fn plan(store: &dyn ObjectStore, name: &str, listener: &dyn Listener) -> Result<RestorePlan> {
    let mut phases = Phases { listener, done: Vec::new() };
    let file = if name.is_empty() { None } else { store.head(name).await? };
    let plan = match file {
        Some(file) => whole(store, &file, &mut phases).await?,
        None => directory::plan(store, name, &mut phases).await?,
    };
    if plan.base.collections.is_empty() {
        return Err(Fault::missing(format!("there is no dump of a database in `{}`", shown(store, name)))
            .help("name the folder that holds a folder for each database, an archive, or a tar of such a folder"));
    }
    Ok(plan)
}

async fn whole(store: &dyn ObjectStore, file: &ObjectInfo, phases: &mut Phases<'_>) -> Result<RestorePlan> {
    let (form, codec) = form(store, &file.key).await?;
    let reading = phases.begin(PHASE, Some(file.bytes), Unit::Bytes);
    let (object, survey) = survey(store, &file.key, form, codec, phases.listener).await?;
    phases.end(reading, object.bytes);
    let (uploads, upload_bytes, log) = (survey.uploads, survey.upload_bytes, survey.log);
    let found = survey.collections(form == Form::Archive, &file.key)?;
    let mut collections = found.collections;
    collections.iter_mut().filter(|c| c.entry.data.is_some()).for_each(|c| c.data = Some(object.clone()));
    let base = manifest(&file.key, vec![object.clone()], &collections, file.modified_at);
    let whole = Some(Whole { form, codec, object, collections });
    let address = shown(store, &file.key);
    let foreign = Foreign { address, form, uploads, upload_bytes, log, log_object: None, whole };
    Ok(planned(base, foreign, found.notes))
}

fn planned(mut base: Manifest, foreign: Foreign, mut notes: Vec<String>) -> RestorePlan {
    if let Some(log) = foreign.log {
        (base.consistency, base.cluster_time) = (Consistency::Oplog, Some(log.last));
    }
    if foreign.uploads > 0 {
        let uploads = count(usize::try_from(foreign.uploads).unwrap_or(usize::MAX), "file");
        notes.push(format!("{uploads} of uploads ({}) beside it stay where they are", Bytes(foreign.upload_bytes)));
    }
    let expected = Expected::unknown("no drill of such a dump");
    RestorePlan { notes, foreign: Some(foreign), expected, ..RestorePlan::of(base, None) }
}

/// A manifest for what has none, made of what was read.
fn manifest(name: &str, objects: Vec<ObjectEntry>, found: &[Prepared], written_at: Option<Instant>) -> Manifest {
    let at = written_at.unwrap_or(Instant(0));
    Manifest {
        format: FORMAT,
        id: name.to_string(),
        asset: name.to_string(),
        protection: None,
        kind: ManifestKind::Database,
        started_at: at,
        finished_at: at,
        consistent_at: at,
        cluster_time: None,
        consistency: Consistency::None,
        databases: Vec::new(),
        exclude: Vec::new(),
        expires_at: None,
        locked_until: None,
        seal: None,
        tool_version: "mongodump".to_string(),
        server_version: None,
        objects,
        collections: found.iter().map(|c| c.entry.clone()).collect(),
        own_log: None,
        uploads: 0,
        versions: None,
        bytes_raw: found.iter().map(|c| c.entry.bytes).sum(),
        timings: Vec::new(),
    }
}

/// Whether a file is an archive or a tar, and whether it is packed.
async fn form(store: &dyn ObjectStore, key: &str) -> Result<(Form, Codec)> {
    let codec = sniffed(store, key).await?;
    let pieces = Pieces::of(store, key).await?;
    let (name, trouble) = (key.to_string(), pieces.trouble());
    let head = tokio::task::spawn_blocking(move || {
        let mut head = Vec::new();
        let read = Bounded::new(codec, pieces).and_then(|plain| plain.take(512).read_to_end(&mut head));
        read.map_err(|error| trouble.explain(error, |error| wrong(&name, "it cannot be unpacked").because(error)))?;
        Ok::<_, Fault>(head)
    });
    let head = head.await.map_err(|error| Fault::bug("a reader stopped without a word").because(error))??;
    if head.starts_with(&archive::MAGIC) {
        return Ok((Form::Archive, codec));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Ok((Form::Tarball, codec));
    }
    Err(Fault::new(
        FaultKind::Unsupported,
        format!("`{}` is neither an archive of mongodump nor a tar", shown(store, key)),
    )
    .help("name such a file, packed by gzip or not, or the directory of a dump"))
}

/// Whether an object is packed, by its first bytes.
async fn sniffed(store: &dyn ObjectStore, key: &str) -> Result<Codec> {
    let mut head = Vec::new();
    let mut pieces = store.read(key).await?;
    while let Some(piece) = pieces.next().await {
        head.extend_from_slice(&piece?);
        if head.len() >= GZIP.len() {
            break;
        }
    }
    Ok(if head.starts_with(GZIP) { Codec::Gzip } else { Codec::Plain })
}

async fn survey(
    store: &dyn ObjectStore,
    key: &str,
    form: Form,
    codec: Codec,
    listener: &dyn Listener,
) -> Result<(ObjectEntry, Survey)> {
    let advanced = |by| listener.on(Event::Advanced { phase: PHASE, by });
    let (pieces, feeding) = Pieces::fed(store.read(key).await?, key, &advanced);
    let reading = tokio::task::spawn_blocking(move || {
        let mut survey = Survey::default();
        read(form, codec, pieces, &mut survey).map(|object| (object, survey))
    });
    let ((), read) = tokio::join!(feeding, reading);
    read.map_err(|error| Fault::bug("a reader stopped without a word").because(error))?
}

/// All of an archive or tar, and what the object was.
fn read(form: Form, codec: Codec, pieces: Pieces, finds: &mut dyn Finds) -> Result<ObjectEntry> {
    let mut contents = contents(codec, pieces)?;
    match form {
        Form::Archive => archive::read(&mut contents, finds)?,
        Form::Tarball => tarball::read(&mut contents, finds)?,
        Form::Directory => return Err(Fault::bug("a directory is not one object")),
    }
    contents.reader.into_inner().into_source().finish()
}

fn contents(codec: Codec, pieces: Pieces) -> Result<Contents<BufReader<Bounded<Pieces>>>> {
    let (name, trouble) = (pieces.key().to_string(), pieces.trouble());
    let plain = Bounded::new(codec, pieces);
    let plain = plain.map_err(|error| wrong(&name, "it cannot be unpacked").because(error))?;
    Ok(Contents::new(BufReader::with_capacity(READ_BYTES, plain), name, trouble))
}

/// Documents, one after another, to the end of `plain`.
fn documents<R: Read>(plain: &mut Contents<R>, db: &str, stem: &str, finds: &mut dyn Finds) -> Result<()> {
    finds.begin(db, stem)?;
    while let Some(length) = plain.length()? {
        finds.document(plain.document(length)?)?;
    }
    finds.pause()
}

fn shown(store: &dyn ObjectStore, name: &str) -> String {
    format!("{}/{name}", store.address().trim_end_matches('/')).escape_debug().to_string()
}
