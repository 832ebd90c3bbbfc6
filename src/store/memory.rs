//! A store in memory: the simplest thing that keeps the contract, for tests and simulations.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use sha2::{Digest, Sha256};

use super::{check_key, missing};
use crate::base::Result;
use crate::port::ObjectStore;
use crate::port::{Flow, ObjectInfo, Upload, Written};

type Objects = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// Clones share their objects.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    objects: Objects,
}

const ADDRESS: &str = "memory";

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        lock(&self.objects)
    }
}

/// Every change is one insert or one remove, so a map whose holder panicked is whole all the same.
fn lock(objects: &Objects) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
    objects.lock().unwrap_or_else(PoisonError::into_inner)
}

fn info(key: &str, body: &Bytes) -> ObjectInfo {
    let etag = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    ObjectInfo { key: key.to_string(), bytes: body.len() as u64, etag: Some(etag), modified_at: None }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    fn address(&self) -> String {
        ADDRESS.to_string()
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        check_key(key)?;
        self.lock().insert(key.to_string(), body);
        Ok(())
    }

    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        check_key(key)?;
        let mut objects = self.lock();
        if objects.contains_key(key) {
            return Ok(Written::Existed);
        }
        objects.insert(key.to_string(), body);
        Ok(Written::New)
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        check_key(key)?;
        let objects = Arc::clone(&self.objects);
        Ok(Box::new(MemoryUpload { objects, key: key.to_string(), body: BytesMut::new() }))
    }

    async fn get(&self, key: &str) -> Result<Bytes> {
        check_key(key)?;
        self.lock().get(key).cloned().ok_or_else(|| missing(key, ADDRESS))
    }

    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        let body = self.get(key).await?;
        Ok(Box::pin(stream::iter([Ok(body)])))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        check_key(key)?;
        Ok(self.lock().get(key).map(|body| info(key, body)))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        let objects = self.lock();
        let from = objects.range(prefix.to_string()..);
        Ok(from.take_while(|(key, _)| key.starts_with(prefix)).map(|(key, body)| info(key, body)).collect())
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.lock().remove(key);
        Ok(())
    }
}

struct MemoryUpload {
    objects: Objects,
    key: String,
    body: BytesMut,
}

#[async_trait]
impl Upload for MemoryUpload {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        self.body.extend_from_slice(&part);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        lock(&self.objects).insert(self.key, self.body.freeze());
        Ok(())
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
