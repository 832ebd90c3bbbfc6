//! An object's bytes as they come. A body that ends early is asked for again from where it ended; what still is not
//! whole is an error, never a short read.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::place::Place;
use super::{TRIES, length, pause};
use crate::base::{Fault, Result};

pub struct Body {
    place: Place,
    key: String,
    version: Option<String>,
    stream: ByteStream,
    etag: Option<String>,
    bytes_total: u64,
    bytes_read: u64,
    /// Since the last byte came.
    failures: u32,
}

impl Body {
    /// The body, and what else the answer says.
    pub async fn open(place: Place, key: &str, version: Option<&str>) -> Result<(Self, GetObjectOutput)> {
        let version = version.map(String::from);
        let request = place.client.get_object().bucket(&place.bucket).key(place.full(key)?);
        let request = request.set_version_id(version.clone());
        let mut found = request.send().await.map_err(|e| place.fault("read", key, e))?;
        let bytes_total = length(found.content_length(), key)?;
        let etag = found.e_tag().map(String::from);
        let stream = std::mem::take(&mut found.body);
        let key = key.to_string();
        Ok((Body { key, version, stream, etag, bytes_total, bytes_read: 0, failures: 0, place }, found))
    }

    /// The next piece, and what follows it.
    pub async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        loop {
            let is_whole = self.bytes_read == self.bytes_total;
            match self.stream.next().await {
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => {
                    self.bytes_read = self.bytes_read.saturating_add(piece.len() as u64);
                    self.failures = 0;
                    if self.bytes_read > self.bytes_total {
                        return Err(Fault::corrupt(format!("`{}` is longer than the server said", self.key)));
                    }
                    return Ok(Some((piece, self)));
                }
                None if is_whole => return Ok(None),
                // All bytes came, and then the checksum that the store keeps for them did not match.
                Some(Err(error)) if is_whole => {
                    return Err(Fault::corrupt(format!("`{}` is not what was stored", self.key)).because(error));
                }
                Some(Err(error)) => self.go_on(Some(error.into())).await?,
                None => self.go_on(None).await?,
            }
        }
    }

    /// Asks for the rest, of the same version of the object.
    async fn go_on(&mut self, why: Option<Box<dyn std::error::Error + Send + Sync>>) -> Result<()> {
        self.failures += 1;
        if self.failures > TRIES {
            let (read, total) = (self.bytes_read, self.bytes_total);
            let what = format!("`{}` ended after {read} of {total} bytes, {TRIES} times", self.key);
            let fault =
                Fault::unreachable(what).help("check the network and the server, and run the same command again");
            return Err(match why {
                Some(why) => fault.because(why),
                None => fault,
            });
        }
        tokio::time::sleep(pause(self.failures)).await;
        let from = self.bytes_read;
        let request = self.place.client.get_object().bucket(&self.place.bucket).key(self.place.full(&self.key)?);
        let request = request
            .set_version_id(self.version.clone())
            .range(format!("bytes={from}-"))
            .set_if_match(self.etag.clone());
        let rest = request.send().await.map_err(|e| self.place.fault("go on reading", &self.key, e))?;
        let is_the_rest = rest.content_range().is_some_and(|range| range.starts_with(&format!("bytes {from}-")));
        if !is_the_rest || length(rest.content_length(), &self.key)? != self.bytes_total - from {
            return Err(Fault::corrupt(format!(
                "asked for the rest of `{}`, the server sent something else",
                self.key
            )));
        }
        self.stream = rest.body;
        Ok(())
    }
}
