//! A store in an S3 bucket, of AWS or of any server that honours conditional writes.

mod attributes;
mod body;
mod bucket;
mod errors;
mod listing;
mod place;
mod terms;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::primitives::DateTime;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use tokio::sync::{OnceCell, Semaphore};

use self::body::Body;
use self::place::Place;
use super::S3Options;
use crate::base::{Fault, Instant, Result, Terms};
use crate::port::ObjectStore;
use crate::port::{Attributes, Flow, ObjectInfo, ObjectVersion, Opened, Unfinished, Upload, Written};

#[derive(Debug, Clone)]
pub struct S3Store {
    place: Place,
    /// One permit for each MiB of a part that is on its way: bounds memory however many uploads run.
    permits: Arc<Semaphore>,
    /// Whether the bucket keeps versions, once that was asked.
    versioned: Arc<OnceCell<bool>>,
}

/// At most this much of all uploads is in flight, beside the part that each of them is filling.
const IN_FLIGHT_MIB: u32 = 16;
const TRIES: u32 = 3;
/// Of a conditional write, which ends a run that may have taken hours: so that ten seconds of "busy" do not undo it.
const TRIES_CONDITIONAL: u32 = 5;

impl S3Store {
    /// Finds the credentials; asks the server nothing yet.
    pub async fn open(bucket: &str, prefix: &str, options: &S3Options) -> Result<Self> {
        let place = Place::open(bucket, prefix, options).await?;
        let permits = Arc::new(Semaphore::new(IN_FLIGHT_MIB as usize));
        Ok(S3Store { place, permits, versioned: Arc::default() })
    }

    /// One conditional PUT, not retried: what a retry answers says nothing about the first try.
    async fn try_put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        let request = self.place.client.put_object().bucket(&self.place.bucket).key(self.place.full(key)?);
        let request = terms::put(request, &self.place.terms, body.len());
        let request = request.if_none_match("*").body(body.clone().into()).customize();
        match request.config_override(place::once(body.len())).send().await {
            Ok(answer) => {
                terms::check_encryption(&self.place, key, answer.server_side_encryption())?;
                terms::check_lock(&self.place, key).await?;
                Ok(Written::New)
            }
            Err(error) => match errors::status(&error) {
                Some(412) => Ok(Written::Existed),
                // Another write or delete of the key was under way: only a look tells which.
                Some(409) if self.head(key).await?.is_some() => Ok(Written::Existed),
                Some(409) => {
                    Err(Fault::unreachable(format!("`{key}` was being changed by another run")).because(error))
                }
                _ => Err(self.place.fault("write", key, error)),
            },
        }
    }
}

fn pause(tries: u32) -> Duration {
    Duration::from_millis(300 * 3_u64.saturating_pow(tries.saturating_sub(1)))
}

fn instant(at: Option<&DateTime>) -> Option<Instant> {
    at.and_then(|at| at.to_millis().ok()).map(Instant)
}

fn length(declared: Option<i64>, key: &str) -> Result<u64> {
    declared
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(|| Fault::corrupt(format!("the server did not say how long `{key}` is")))
}

#[async_trait]
impl ObjectStore for S3Store {
    fn address(&self) -> String {
        self.place.address()
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        self.place.put(key, body, &Attributes::default()).await
    }

    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        let mut tries = 0;
        loop {
            let outcome = self.try_put_new(key, body.clone()).await;
            tries += 1;
            match outcome {
                Err(fault) if fault.retry_can_help() && tries < TRIES_CONDITIONAL => {
                    tokio::time::sleep(pause(tries)).await
                }
                // An earlier try of this same write may have got through without its answer coming back.
                Ok(Written::Existed) if tries > 1 && self.get(key).await? == body => return Ok(Written::New),
                outcome => return outcome,
            }
        }
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        self.upload_with(key, &Attributes::default()).await
    }

    async fn get(&self, key: &str) -> Result<Bytes> {
        let mut pieces = self.read(key).await?;
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.try_next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    async fn read(&self, key: &str) -> Result<Flow<Bytes>> {
        let (body, _) = Body::open(self.place.clone(), key, None).await?;
        Ok(Box::pin(futures_util::stream::try_unfold(body, Body::next)))
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        let request = self.place.client.head_object().bucket(&self.place.bucket).key(self.place.full(key)?);
        match request.send().await {
            Ok(found) => Ok(Some(ObjectInfo {
                key: key.to_string(),
                bytes: length(found.content_length(), key)?,
                etag: found.e_tag().map(String::from),
                modified_at: instant(found.last_modified()),
            })),
            Err(error) if errors::status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.place.fault("look at", key, error)),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>> {
        listing::objects(&self.place, prefix).await
    }

    async fn versions(&self, prefix: &str) -> Result<Option<Vec<ObjectVersion>>> {
        listing::versions(&self.place, prefix).await
    }

    async fn open(&self, key: &str, version: Option<&str>) -> Result<Opened> {
        let (body, found) = Body::open(self.place.clone(), key, version).await?;
        let attributes = attributes::of(&self.place, key, version, &found).await?;
        let etag = found.e_tag().map(String::from);
        Ok(Opened { attributes, etag, body: Box::pin(futures_util::stream::try_unfold(body, Body::next)) })
    }

    fn keeps_attributes(&self) -> bool {
        true
    }

    async fn put_with(&self, key: &str, body: Bytes, attributes: &Attributes) -> Result<()> {
        self.place.put(key, body, attributes).await
    }

    async fn upload_with(&self, key: &str, attributes: &Attributes) -> Result<Box<dyn Upload>> {
        let permits = Arc::clone(&self.permits);
        Ok(Box::new(upload::S3Upload::begin(self.place.clone(), key, attributes.clone(), permits)?))
    }

    async fn on_terms(&self, terms: &Terms) -> Result<Arc<dyn ObjectStore>> {
        let mut store = self.clone();
        store.place.terms = terms.clone();
        if terms.locked_until.is_some() {
            terms::check_bucket(&store.place).await?;
        }
        Ok(Arc::new(store))
    }

    async fn lock(&self, key: &str, until: Instant) -> Result<()> {
        terms::lengthen(&self.place, key, until).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let request = self.place.client.delete_object().bucket(&self.place.bucket).key(self.place.full(key)?);
        match request.send().await {
            Ok(_) => Ok(()),
            // Some servers answer 404; a missing bucket is still an error.
            Err(error) if errors::is_missing_key(&error) => Ok(()),
            Err(error) => Err(self.place.fault("delete", key, error)),
        }
    }

    async fn erase(&self, key: &str) -> Result<()> {
        match self.versioned.get_or_try_init(|| listing::keeps_versions(&self.place)).await? {
            true => bucket::erase_versions(&self.place, key).await,
            false => self.delete(key).await,
        }
    }

    async fn unfinished(&self, prefix: &str) -> Result<Vec<Unfinished>> {
        listing::unfinished(&self.place, prefix).await
    }

    async fn take_back(&self, upload: &Unfinished) -> Result<()> {
        upload::abort(&self.place, &upload.key, &upload.id).await
    }
}
