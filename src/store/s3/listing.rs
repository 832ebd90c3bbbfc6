//! What the bucket lists: every page of it, or an error.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use aws_sdk_s3::types::{BucketVersioningStatus, EncodingType};

use super::place::Place;
use super::{instant, length};
use crate::base::{Fault, Result};
use crate::port::{ObjectInfo, ObjectVersion, Unfinished};

pub async fn objects(place: &Place, prefix: &str) -> Result<Vec<ObjectInfo>> {
    let root = place.root();
    let mut found = BTreeMap::new();
    let mut token: Option<String> = None;
    loop {
        let request = place.client.list_objects_v2().bucket(&place.bucket);
        // Encoded, since XML cannot hold every character that a key can.
        let request = request.prefix(format!("{root}{prefix}")).encoding_type(EncodingType::Url);
        let page = request.set_continuation_token(token.clone()).send().await;
        let page = page.map_err(|e| place.fault("list", prefix, e))?;
        let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
        for object in page.contents() {
            let key = key(&root, prefix, object.key(), is_encoded)?;
            let info = ObjectInfo {
                bytes: length(object.size(), &key)?,
                key,
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
            return Err(goes_nowhere(place));
        }
        token = next;
    }
}

/// Whether the bucket keeps, or once kept, versions.
pub async fn keeps_versions(place: &Place) -> Result<bool> {
    let asked = place.client.get_bucket_versioning().bucket(&place.bucket).send().await;
    let asked = asked.map_err(|e| place.fault("ask for the versioning of", &place.bucket, e))?;
    // Suspended, it still holds what it kept before.
    Ok(matches!(asked.status(), Some(BucketVersioningStatus::Enabled | BucketVersioningStatus::Suspended)))
}

/// Every version; none where the bucket never kept any.
pub async fn versions(place: &Place, prefix: &str) -> Result<Option<Vec<ObjectVersion>>> {
    if !keeps_versions(place).await? {
        return Ok(None);
    }
    all_versions(place, prefix).await.map(Some)
}

/// Every version in a bucket that keeps them.
pub async fn all_versions(place: &Place, prefix: &str) -> Result<Vec<ObjectVersion>> {
    let root = place.root();
    let mut found = Vec::new();
    let mut after: (Option<String>, Option<String>) = (None, None);
    loop {
        let request = place.client.list_object_versions().bucket(&place.bucket);
        let request = request.prefix(format!("{root}{prefix}")).encoding_type(EncodingType::Url);
        let (key_marker, version_marker) = after.clone();
        let request = request.set_key_marker(key_marker).set_version_id_marker(version_marker);
        let page = request.send().await.map_err(|e| place.fault("list the versions of", prefix, e))?;
        let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
        for version in page.versions() {
            let key = key(&root, prefix, version.key(), is_encoded)?;
            let info = ObjectInfo {
                bytes: length(version.size(), &key)?,
                key,
                etag: version.e_tag().map(String::from),
                modified_at: instant(version.last_modified()),
            };
            found.push(described(info, version.version_id(), version.is_latest(), false)?);
        }
        for marker in page.delete_markers() {
            let key = key(&root, prefix, marker.key(), is_encoded)?;
            let info = ObjectInfo { key, bytes: 0, etag: None, modified_at: instant(marker.last_modified()) };
            found.push(described(info, marker.version_id(), marker.is_latest(), true)?);
        }
        if page.is_truncated() != Some(true) {
            // Stable: those of one second stay as the server listed them.
            found.sort_by_cached_key(|v| (v.info.key.clone(), !v.is_latest, Reverse(v.info.modified_at)));
            // Listed again on another page, it is still one version.
            let mut seen = HashSet::new();
            found.retain(|v| seen.insert((v.info.key.clone(), v.id.clone())));
            return Ok(found);
        }
        let marker = page.next_key_marker().map(|marker| if is_encoded { decode(marker) } else { Ok(marker.into()) });
        let next = (marker.transpose()?, page.next_version_id_marker().map(String::from));
        if next.0.is_none() || next == after {
            return Err(goes_nowhere(place));
        }
        after = next;
    }
}

/// Every upload that was begun and neither finished nor taken back.
pub async fn unfinished(place: &Place, prefix: &str) -> Result<Vec<Unfinished>> {
    let root = place.root();
    let mut found = Vec::new();
    let mut after: (Option<String>, Option<String>) = (None, None);
    loop {
        let request = place.client.list_multipart_uploads().bucket(&place.bucket);
        let request = request.prefix(format!("{root}{prefix}")).encoding_type(EncodingType::Url);
        let (key_marker, id_marker) = after.clone();
        let page = request.set_key_marker(key_marker).set_upload_id_marker(id_marker).send().await;
        let page = page.map_err(|e| place.fault("list the unfinished uploads below", prefix, e))?;
        let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
        for upload in page.uploads() {
            let key = key(&root, prefix, upload.key(), is_encoded)?;
            let id = upload.upload_id().unwrap_or_default().to_string();
            found.push(Unfinished { key, id, begun_at: instant(upload.initiated()) });
        }
        if page.is_truncated() != Some(true) {
            return Ok(found);
        }
        let marker = page.next_key_marker().map(|marker| if is_encoded { decode(marker) } else { Ok(marker.into()) });
        let next = (marker.transpose()?, page.next_upload_id_marker().map(String::from));
        if next.0.is_none() || next == after {
            return Err(goes_nowhere(place));
        }
        after = next;
    }
}

fn described(info: ObjectInfo, id: Option<&str>, is_latest: Option<bool>, is_deletion: bool) -> Result<ObjectVersion> {
    match id.filter(|id| !id.is_empty()) {
        Some(id) => Ok(ObjectVersion { info, id: id.to_string(), is_latest: is_latest == Some(true), is_deletion }),
        None => Err(Fault::corrupt(format!("the server listed a version of `{}` without its id", info.key))),
    }
}

/// The key that an entry of a page names.
fn key(root: &str, prefix: &str, shown: Option<&str>, is_encoded: bool) -> Result<String> {
    let shown = shown.unwrap_or_default();
    let full = if is_encoded { decode(shown)? } else { shown.to_string() };
    match full.strip_prefix(root).filter(|key| key.starts_with(prefix)) {
        Some(key) => Ok(key.to_string()),
        None => Err(Fault::corrupt(format!("asked for keys below `{root}{prefix}`, the server listed `{full}`"))),
    }
}

fn goes_nowhere(place: &Place) -> Fault {
    let address = place.address();
    Fault::corrupt(format!("the listing of {address} does not go on, though it says that it is not whole"))
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
