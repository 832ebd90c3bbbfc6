//! A store in an S3 bucket, of AWS or of any server that honours conditional writes.

mod body;
mod bucket;
mod errors;
mod place;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use tokio::sync::Semaphore;

use self::body::Body;
use self::place::Place;
use super::S3Options;
use crate::base::{Fault, Instant, Result};
use crate::port::ObjectStore;
use crate::port::{Flow, ObjectInfo, Upload, Written};

#[derive(Debug, Clone)]
pub struct S3Store {
    place: Place,
    /// One permit for each MiB of a part that is on its way: bounds memory however many uploads run.
    permits: Arc<Semaphore>,
}

/// At most this much of all uploads is in flight, beside the part that each of them is filling.
const IN_FLIGHT_MIB: u32 = 32;
const TRIES: u32 = 3;

impl S3Store {
    /// Finds the credentials; asks the server nothing yet.
    pub async fn open(bucket: &str, prefix: &str, options: &S3Options) -> Result<Self> {
        let place = Place::open(bucket, prefix, options).await?;
        Ok(S3Store { place, permits: Arc::new(Semaphore::new(IN_FLIGHT_MIB as usize)) })
    }

    /// One conditional PUT, not retried: what a retry answers says nothing about the first try.
    async fn try_put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        let request = self.place.client.put_object().bucket(&self.place.bucket).key(self.place.full(key)?);
        let request = request.if_none_match("*").body(body.clone().into()).customize();
        match request.config_override(place::once(body.len())).send().await {
            Ok(_) => Ok(Written::New),
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
    Duration::from_millis(300 * u64::from(tries))
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
        self.place.put(key, body).await
    }

    async fn put_new(&self, key: &str, body: Bytes) -> Result<Written> {
        let mut tries = 0;
        loop {
            let outcome = self.try_put_new(key, body.clone()).await;
            tries += 1;
            match outcome {
                Err(fault) if fault.retry_can_help() && tries < TRIES => tokio::time::sleep(pause(tries)).await,
                // An earlier try of this same write may have got through without its answer coming back.
                Ok(Written::Existed) if tries > 1 && self.get(key).await? == body => return Ok(Written::New),
                outcome => return outcome,
            }
        }
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>> {
        Ok(Box::new(upload::S3Upload::begin(self.place.clone(), key, Arc::clone(&self.permits))?))
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
        let body = Body::open(self.place.clone(), key).await?;
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
        let root = self.place.root();
        let mut found = BTreeMap::new();
        let mut token: Option<String> = None;
        loop {
            let request = self.place.client.list_objects_v2().bucket(&self.place.bucket);
            // Encoded, since XML cannot hold every character that a key can.
            let request = request.prefix(format!("{root}{prefix}")).encoding_type(EncodingType::Url);
            let page = request.set_continuation_token(token.clone()).send().await;
            let page = page.map_err(|e| self.place.fault("list", prefix, e))?;
            let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
            for object in page.contents() {
                let shown = object.key().unwrap_or_default();
                let full = if is_encoded { decode(shown)? } else { shown.to_string() };
                let Some(key) = full.strip_prefix(&root).filter(|key| key.starts_with(prefix)) else {
                    return Err(Fault::corrupt(format!(
                        "asked for keys below `{root}{prefix}`, the server listed `{full}`"
                    )));
                };
                let info = ObjectInfo {
                    key: key.to_string(),
                    bytes: length(object.size(), key)?,
                    etag: object.e_tag().map(String::from),
                    modified_at: instant(object.last_modified()),
                };
                found.insert(info.key.clone(), info);
            }
            if page.is_truncated() != Some(true) {
                return Ok(found.into_values().collect());
            }
            let next = page.next_continuation_token().map(String::from);
            if next.is_none() || next == token {
                let what =
                    format!("the listing of {} does not go on, though it says that it is not whole", self.address());
                return Err(Fault::corrupt(what));
            }
            token = next;
        }
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
}

/// Undoes the URL encoding of a listing, where a space is `+` as in a form.
fn decode(encoded: &str) -> Result<String> {
    let mut bytes = encoded.bytes();
    let mut key = Vec::with_capacity(encoded.len());
    let hex = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let wrong = || Fault::corrupt(format!("the server listed a key that cannot be read: `{}`", encoded.escape_debug()));
    while let Some(byte) = bytes.next() {
        key.push(match byte {
            b'+' => b' ',
            b'%' => match (hex(bytes.next()), hex(bytes.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(wrong()),
            },
            byte => byte,
        });
    }
    String::from_utf8(key).map_err(|_| wrong())
}
