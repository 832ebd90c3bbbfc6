//! An object of unknown length, sent in parts as it grows: small ones with a single PUT.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::place::{self, Place};
use super::{IN_FLIGHT_MIB, TRIES, attributes, errors, length, pause, terms};
use crate::base::{Fault, Result};
use crate::port::{Attributes, Upload};

const MIB: usize = 1 << 20;
const PARTS_MAX: i32 = 10_000;

/// Size of part `number`, from 1: 8 MiB, doubled every thousand parts, so that 10,000 parts hold more than 5 TB while an
/// object of 8 GB is sent in the smallest parts.
pub fn part_bytes(number: i32) -> usize {
    (8 * MIB) << ((number - 1) / 1000).clamp(0, 9)
}

pub struct S3Upload {
    place: Place,
    key: String,
    attributes: Attributes,
    permits: Arc<Semaphore>,
    buffer: BytesMut,
    /// From the first full part on.
    parts: Option<Parts>,
    has_failed: bool,
}

struct Parts {
    upload_id: String,
    begun: i32,
    bytes_sent: u64,
    under_way: JoinSet<Result<CompletedPart>>,
    done: Vec<CompletedPart>,
}

impl S3Upload {
    pub fn begin(place: Place, key: &str, attributes: Attributes, permits: Arc<Semaphore>) -> Result<Self> {
        place.full(key)?;
        let key = key.to_string();
        Ok(S3Upload { place, key, attributes, permits, buffer: BytesMut::new(), parts: None, has_failed: false })
    }

    fn part_bytes(&self) -> usize {
        part_bytes(self.parts.as_ref().map_or(0, |parts| parts.begun).saturating_add(1))
    }

    async fn take(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            let room = self.part_bytes().saturating_sub(self.buffer.len());
            self.buffer.extend_from_slice(&bytes.split_to(room.min(bytes.len())));
            if self.buffer.len() >= self.part_bytes() {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    /// Sends what the buffer holds as the next part, when there is room for it among those in flight.
    async fn send_part(&mut self) -> Result<()> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            None => self.parts.insert(Parts::begin(&self.place, &self.key, &self.attributes).await?),
        };
        parts.collect_done()?;
        if parts.begun >= PARTS_MAX {
            return Err(Fault::usage(format!("`{}` is larger than an object in S3 can be", self.key)));
        }
        let body = std::mem::take(&mut self.buffer).freeze();
        let permits = u32::try_from(body.len().div_ceil(MIB)).unwrap_or(u32::MAX).min(IN_FLIGHT_MIB);
        let permit = Arc::clone(&self.permits).acquire_many_owned(permits).await;
        let permit = permit.map_err(|e| Fault::bug("the store was closed under an upload").because(e))?;
        parts.begun += 1;
        parts.bytes_sent = parts.bytes_sent.saturating_add(body.len() as u64);
        let part = part(self.place.clone(), self.key.clone(), parts.upload_id.clone(), parts.begun, body);
        parts.under_way.spawn(async move {
            let sent = part.await;
            drop(permit);
            sent
        });
        Ok(())
    }

    async fn send_rest(&mut self) -> Result<()> {
        if self.parts.is_none() {
            let body = std::mem::take(&mut self.buffer).freeze();
            return self.place.put(&self.key, body, &self.attributes).await;
        }
        if !self.buffer.is_empty() {
            self.send_part().await?;
        }
        let Some(parts) = &mut self.parts else { return Ok(()) };
        while let Some(part) = parts.under_way.join_next().await {
            parts.done.push(joined(part)?);
        }
        parts.done.sort_by_key(CompletedPart::part_number);
        parts.join(&self.place, &self.key).await?;
        let bytes_sent = parts.bytes_sent;
        // Joined: nothing is left to abort.
        self.parts = None;
        self.check_size(bytes_sent).await
    }

    /// A success is believed only when the object is there and as long as what was sent.
    async fn check_size(&self, bytes_sent: u64) -> Result<()> {
        let request = self.place.client.head_object().bucket(&self.place.bucket).key(self.place.full(&self.key)?);
        let found = request.send().await.map_err(|e| self.place.fault("look at", &self.key, e))?;
        match length(found.content_length(), &self.key)? {
            stored if stored == bytes_sent => terms::check_lock(&self.place, &self.key).await,
            stored => {
                let what = format!("`{}` has {stored} bytes in the store; {bytes_sent} were sent", self.key);
                Err(Fault::corrupt(what).help("the server lost bytes: do not trust it before that is explained"))
            }
        }
    }

    async fn stop(&mut self) -> Result<()> {
        self.has_failed = true;
        match self.parts.take() {
            Some(parts) => parts.abort(&self.place, &self.key).await,
            None => Ok(()),
        }
    }
}

impl Parts {
    async fn begin(place: &Place, key: &str, attributes: &Attributes) -> Result<Self> {
        let request = place.client.create_multipart_upload().bucket(&place.bucket).key(place.full(key)?);
        let request = terms::begin(attributes::begin(request, attributes), &place.terms);
        let begun = request.send().await.map_err(|e| place.fault("begin to write", key, e))?;
        let upload_id = begun.upload_id().filter(|id| !id.is_empty());
        let upload_id = upload_id
            .ok_or_else(|| Fault::unreachable(format!("{} began an upload and gave it no id", place.server())))?
            .to_string();
        let parts = Parts { upload_id, begun: 0, bytes_sent: 0, under_way: JoinSet::new(), done: Vec::new() };
        match terms::check_encryption(place, key, begun.server_side_encryption()) {
            Ok(()) => Ok(parts),
            Err(fault) => {
                // The first fault is the one to tell.
                let _ = parts.abort(place, key).await;
                Err(fault)
            }
        }
    }

    /// One failed part fails the upload, whichever it is.
    fn collect_done(&mut self) -> Result<()> {
        while let Some(part) = self.under_way.try_join_next() {
            self.done.push(joined(part)?);
        }
        Ok(())
    }

    /// HTTP 200 is no proof: only an answer with an ETag is. Anything unclear is asked again, then an error.
    async fn join(&mut self, place: &Place, key: &str) -> Result<()> {
        let list = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut self.done))).build();
        let mut tries = 0;
        loop {
            let request = place.client.complete_multipart_upload().bucket(&place.bucket).key(place.full(key)?);
            let request = request.upload_id(&self.upload_id).multipart_upload(list.clone()).customize();
            let fault = match request.config_override(place::joining()).send().await {
                Ok(answer) if answer.e_tag().is_some_and(|etag| !etag.is_empty()) => return Ok(()),
                Ok(_) => {
                    Fault::unreachable(format!("the answer of {} to joining `{key}` names no ETag", place.server()))
                }
                Err(error) => errors::fault(place, "join the parts of", key, error),
            };
            tries += 1;
            if tries >= TRIES || !fault.retry_can_help() {
                return Err(fault);
            }
            tokio::time::sleep(pause(tries)).await;
        }
    }

    async fn abort(mut self, place: &Place, key: &str) -> Result<()> {
        // A part that arrives after the abort would stay.
        self.under_way.shutdown().await;
        abort(place, key, &self.upload_id).await
    }
}

/// That the upload is not there any more is no error.
pub async fn abort(place: &Place, key: &str, upload_id: &str) -> Result<()> {
    let request = place.client.abort_multipart_upload().bucket(&place.bucket).key(place.full(key)?);
    match request.upload_id(upload_id).send().await {
        Err(error) if errors::status(&error) != Some(404) => Err(place.fault("take back the parts of", key, error)),
        _ => Ok(()),
    }
}

async fn part(place: Place, key: String, upload_id: String, number: i32, body: Bytes) -> Result<CompletedPart> {
    let request = place.client.upload_part().bucket(&place.bucket).key(place.full(&key)?).upload_id(upload_id);
    let request = request.part_number(number).body(body.clone().into()).customize();
    let sent = request.config_override(place::carrying(body.len())).send().await;
    let sent = sent.map_err(|e| place.fault("write a part of", &key, e))?;
    let etag = sent.e_tag().filter(|etag| !etag.is_empty());
    let etag = etag.ok_or_else(|| {
        Fault::unreachable(format!("the answer of {} to part {number} of `{key}` names no ETag", place.server()))
    })?;
    let crc32 = sent.checksum_crc32().map(String::from);
    Ok(CompletedPart::builder().part_number(number).e_tag(etag).set_checksum_crc32(crc32).build())
}

fn joined(part: std::result::Result<Result<CompletedPart>, tokio::task::JoinError>) -> Result<CompletedPart> {
    part.map_err(|e| Fault::bug("a part's upload was cut short").because(e))?
}

#[async_trait]
impl Upload for S3Upload {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        if self.has_failed {
            return Err(Fault::bug("an upload went on after one of its writes had failed"));
        }
        let taken = self.take(part).await;
        self.has_failed = taken.is_err();
        taken
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        if self.has_failed {
            return Err(Fault::bug("an upload was finished after one of its writes had failed"));
        }
        let sent = self.send_rest().await;
        if sent.is_err() {
            // The first fault is the one to tell; parts that could not be taken back are invisible.
            let _ = self.stop().await;
        }
        sent
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.stop().await
    }
}

/// Dropped half-way, by a failure elsewhere: take the parts back while the program still runs.
impl Drop for S3Upload {
    fn drop(&mut self) {
        let (Some(parts), Ok(runtime)) = (self.parts.take(), tokio::runtime::Handle::try_current()) else { return };
        let (place, key) = (self.place.clone(), std::mem::take(&mut self.key));
        runtime.spawn(async move { parts.abort(&place, &key).await });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_parts_hold_five_terabytes_and_each_is_one_that_s3_takes() {
        let sizes: Vec<u64> = (1..=PARTS_MAX).map(|number| part_bytes(number) as u64).collect();
        assert!(sizes.iter().sum::<u64>() >= 5_000_000_000_000);
        assert!(sizes.iter().all(|bytes| (5 << 20..=5 << 30).contains(bytes)));
        assert!(sizes.is_sorted());
        assert_eq!(sizes.first(), Some(&(8 << 20)));
    }
}
