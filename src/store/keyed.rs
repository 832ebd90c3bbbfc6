//! A store with the keys of whoever uses it. What is written and read passes through as it is: sealing and opening are
//! the engine's, so that every hash in a manifest is of the bytes that the store holds.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::base::{Instant, Result, Terms};
use crate::port::{Attributes, Flow, ObjectInfo, ObjectStore, ObjectVersion, Opened, Unfinished, Upload, Written};
use crate::seal::Keys;

#[derive(Debug)]
pub struct Keyed {
    store: Arc<dyn ObjectStore>,
    keys: Keys,
}

/// The store itself where there are no keys.
pub fn with(store: Arc<dyn ObjectStore>, keys: Keys) -> Arc<dyn ObjectStore> {
    if keys.are_none() { store } else { Arc::new(Keyed { store, keys }) }
}

#[async_trait]
impl ObjectStore for Keyed {
    fn keys(&self) -> Keys {
        self.keys.clone()
    }

    async fn on_terms(&self, terms: &Terms) -> Result<Arc<dyn ObjectStore>> {
        Ok(with(self.store.on_terms(terms).await?, self.keys.clone()))
    }

    fn address(&self) -> String {
        self.store.address()
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.store.put(key, body).await
    }

    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        self.store.put_new(key, body).await
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        self.store.upload(key).await
    }

    async fn get(&self, key: &str) -> Result<Bytes> {
        self.store.get(key).await
    }

    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        self.store.read(key).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.store.head(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        self.store.list(prefix).await
    }

    async fn versions(&self, prefix: &str) -> Result<Option<Vec<ObjectVersion>>> {
        self.store.versions(prefix).await
    }

    async fn open(&self, key: &str, version: Option<&str>) -> Result<Opened> {
        self.store.open(key, version).await
    }

    fn keeps_attributes(&self) -> bool {
        self.store.keeps_attributes()
    }

    async fn put_with(&self, key: &str, body: Bytes, attributes: &Attributes) -> Result<()> {
        self.store.put_with(key, body, attributes).await
    }

    async fn upload_with(&self, key: &str, attributes: &Attributes) -> Result<Box<dyn Upload>> {
        self.store.upload_with(key, attributes).await
    }

    async fn lock(&self, key: &str, until: Instant) -> Result<()> {
        self.store.lock(key, until).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.store.delete(key).await
    }

    async fn erase(&self, key: &str) -> Result<()> {
        self.store.erase(key).await
    }

    async fn unfinished(&self, prefix: &str) -> Result<Vec<Unfinished>> {
        self.store.unfinished(prefix).await
    }

    async fn take_back(&self, upload: &Unfinished) -> Result<()> {
        self.store.take_back(upload).await
    }
}
