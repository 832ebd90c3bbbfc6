//! Bytes into their stored form. Every packed piece stands by itself: pieces of a file can be made side by side, and a
//! file of several is an ordinary one (gzip members: RFC 1952, 2.2; zstd frames: RFC 8878, 3.1).

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::base::{Compression, Fault, Result};

/// Makes one packed piece at a time, in memory that it keeps for the next.
struct Packer {
    form: Form,
    scratch: Vec<u8>,
}

enum Form {
    Plain,
    Gzip(libdeflater::Compressor),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Packer {
    fn new(compression: Compression) -> Result<Self> {
        let cannot = || Fault::bug(format!("cannot compress as {compression}"));
        let form = match compression {
            Compression::Plain => Form::Plain,
            Compression::Gzip(level) => {
                let level = libdeflater::CompressionLvl::new(level.into()).map_err(|_| cannot())?;
                Form::Gzip(libdeflater::Compressor::new(level))
            }
            Compression::Zstd(level) => {
                let mut compressor =
                    zstd::bulk::Compressor::new(level.into()).map_err(|error| cannot().because(error))?;
                // As gzip does, each frame proves its own contents.
                compressor.include_checksum(true).map_err(|error| cannot().because(error))?;
                Form::Zstd(compressor)
            }
        };
        Ok(Packer { form, scratch: Vec::new() })
    }

    fn pack(&mut self, raw: Bytes) -> Result<Bytes> {
        let cannot = || Fault::bug("cannot compress into memory");
        let size = match &mut self.form {
            Form::Plain => return Ok(raw),
            Form::Gzip(compressor) => {
                self.scratch.resize(compressor.gzip_compress_bound(raw.len()), 0);
                compressor.gzip_compress(&raw, &mut self.scratch).map_err(|error| cannot().because(error))?
            }
            Form::Zstd(compressor) => {
                self.scratch.resize(zstd::zstd_safe::compress_bound(raw.len()), 0);
                let into = self.scratch.as_mut_slice();
                compressor.compress_to_buffer(&raw, into).map_err(|error| cannot().because(error))?
            }
        };
        Ok(Bytes::copy_from_slice(self.scratch.get(..size).unwrap_or_default()))
    }
}

/// A small thing, whole.
pub fn pack(compression: Compression, raw: Bytes) -> Result<Bytes> {
    Packer::new(compression)?.pack(raw)
}

/// The cores that all streams of a run share, each with a packer of its own.
#[derive(Clone)]
pub struct Workers {
    pub compression: Compression,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Packer>>>,
}

impl Workers {
    /// One per core.
    pub fn new(compression: Compression) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Workers { compression, permits: Arc::new(Semaphore::new(cores)), idle: Arc::default() }
    }

    /// Begins some work that ends in packing, off the reactor's threads, once a core is free.
    pub async fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn FnMut(Bytes) -> Result<Bytes>) -> Result<T> + Send + 'static,
    ) -> Result<JoinHandle<Result<T>>> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|error| Fault::bug("the workers were closed early").because(error))?;
        let (idle, compression) = (Arc::clone(&self.idle), self.compression);
        Ok(tokio::task::spawn_blocking(move || {
            let taken = lock(&idle).pop();
            let mut packer = taken.map_or_else(|| Packer::new(compression), Ok)?;
            let outcome = work(&mut |raw| packer.pack(raw));
            lock(&idle).push(packer);
            drop(permit);
            outcome
        }))
    }
}

/// A packer is pushed or popped whole, whatever happened to the thread before.
fn lock(idle: &Mutex<Vec<Packer>>) -> std::sync::MutexGuard<'_, Vec<Packer>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
