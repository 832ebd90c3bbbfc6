//! The uploads that the original scripts put into a tar beside the dump, out into a bucket or directory.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;

use super::contents::wrong;
use super::{Finds, Whole, read};
use crate::base::{Fault, FaultKind, Result};
use crate::engine::event::{Event, Listener, Unit};
use crate::engine::phases::Phases;
use crate::engine::pieces::Pieces;
use crate::engine::plan::RestorePlan;
use crate::port::{ObjectStore, Upload};

const PHASE: &str = "load";
const PIECE_BYTES: usize = 1 << 20;

/// What went out.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct UploadsOut {
    pub objects: u64,
    pub bytes: u64,
}

/// Writes every file of uploads of the tar that `plan` is of. With `replace`, objects of the same key are overwritten;
/// without it the destination must hold nothing.
pub async fn restore(
    plan: &RestorePlan,
    store: &dyn ObjectStore,
    destination: Arc<dyn ObjectStore>,
    listener: &dyn Listener,
    replace: bool,
) -> Result<UploadsOut> {
    let Some((whole, foreign)) = plan.whole().zip(plan.foreign.as_ref()).filter(|(_, foreign)| foreign.uploads > 0)
    else {
        return Err(Fault::missing(format!("there are no uploads in the tar `{}`", plan.base.id))
            .help("name a tarball of the original scripts; uploads in a directory can be copied as they are"));
    };
    if !replace && let Some(first) = destination.list("").await?.first() {
        let what = format!("{} already holds objects, such as `{}`", destination.address(), first.key);
        return Err(Fault::new(FaultKind::Conflict, what)
            .help("nothing was changed; name an empty place, or overwrite with --replace"));
    }
    let mut phases = Phases { listener, done: Vec::new() };
    let writing = phases.begin(PHASE, Some(whole.object.bytes), Unit::Bytes);
    let out = write(whole, store, destination, listener).await?;
    phases.end(writing, out.bytes);
    if (out.objects, out.bytes) != (foreign.uploads, foreign.upload_bytes) {
        return Err(wrong(&whole.object.key, "it changed since it was looked through"));
    }
    Ok(out)
}

async fn write(
    whole: &Whole,
    store: &dyn ObjectStore,
    into: Arc<dyn ObjectStore>,
    listener: &dyn Listener,
) -> Result<UploadsOut> {
    let advanced = |by| listener.on(Event::Advanced { phase: PHASE, by });
    let key = whole.object.key.clone();
    let (pieces, feeding) = Pieces::fed(store.read(&key).await?, &key, &advanced);
    let (form, codec, expected, runtime) = (whole.form, whole.codec, whole.object.clone(), Handle::current());
    let reading = tokio::task::spawn_blocking(move || {
        let mut writer = Writer { into, runtime, out: UploadsOut::default() };
        match read(form, codec, pieces, &mut writer)? == expected {
            true => Ok(writer.out),
            false => Err(wrong(&key, "it changed since it was looked through")),
        }
    });
    let ((), written) = tokio::join!(feeding, reading);
    written.map_err(|error| Fault::bug("a reader stopped without a word").because(error))?
}

struct Writer {
    into: Arc<dyn ObjectStore>,
    runtime: Handle,
    out: UploadsOut,
}

impl Writer {
    /// How many bytes there were.
    fn copy(&self, path: &str, contents: &mut dyn Read, upload: &mut dyn Upload) -> Result<u64> {
        let mut copied = 0;
        loop {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = contents.take(PIECE_BYTES as u64).read_to_end(&mut piece);
            read.map_err(|error| wrong(path, "it cannot be read").because(error))?;
            if piece.is_empty() {
                return Ok(copied);
            }
            copied += piece.len() as u64;
            self.runtime.block_on(upload.write(Bytes::from(piece)))?;
        }
    }
}

impl Finds for Writer {
    fn metadata(&mut self, _db: &str, _stem: &str, _text: &[u8]) -> Result<()> {
        Ok(())
    }

    fn begin(&mut self, _db: &str, _stem: &str) -> Result<()> {
        Ok(())
    }

    fn document(&mut self, _document: &[u8]) -> Result<()> {
        Ok(())
    }

    fn pause(&mut self) -> Result<()> {
        Ok(())
    }

    /// Visible only when the file was read to its end.
    fn upload(&mut self, path: &str, bytes: u64, contents: &mut dyn Read) -> Result<()> {
        let mut upload = self.runtime.block_on(self.into.upload(path))?;
        let copied = match self.copy(path, contents, upload.as_mut()) {
            Ok(copied) if copied == bytes => Ok(()),
            Ok(_) => Err(wrong(path, "the archive ends within it")),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = copied {
            // The first fault is the one to tell.
            let _ = self.runtime.block_on(upload.abort());
            return Err(fault);
        }
        self.runtime.block_on(upload.finish())?;
        self.out.objects += 1;
        self.out.bytes += bytes;
        Ok(())
    }

    fn other(&mut self, _path: &str) -> Result<()> {
        Ok(())
    }
}
