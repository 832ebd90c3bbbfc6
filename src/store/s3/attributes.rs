//! What stands beside an object's bytes: read from the answer that brings them, written with the request that sends them.

use std::collections::BTreeMap;

use aws_sdk_s3::operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;

use super::place::Place;
use crate::base::Result;
use crate::port::Attributes;

/// What S3, or the client that wrote, says of an object for which nothing was said: bytes.
const UNSAID: [&str; 2] = ["binary/octet-stream", "application/octet-stream"];

/// Of an object that is being read. Its tags are asked for only where the answer says that there are any.
pub async fn of(place: &Place, key: &str, version: Option<&str>, found: &GetObjectOutput) -> Result<Attributes> {
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(String::from);
    let tags = match found.tag_count() {
        Some(1..) => tags(place, key, version).await?,
        _ => BTreeMap::new(),
    };
    Ok(Attributes {
        content_type: given(found.content_type()).filter(|said| !UNSAID.contains(&said.as_str())),
        // How the bytes travelled is nothing that the object has.
        content_encoding: given(found.content_encoding()).filter(|said| said != "aws-chunked"),
        content_disposition: given(found.content_disposition()),
        content_language: given(found.content_language()),
        cache_control: given(found.cache_control()),
        metadata: found.metadata().map(|all| all.clone().into_iter().collect()).unwrap_or_default(),
        tags,
    })
}

async fn tags(place: &Place, key: &str, version: Option<&str>) -> Result<BTreeMap<String, String>> {
    let request = place.client.get_object_tagging().bucket(&place.bucket).key(place.full(key)?);
    let found = request.set_version_id(version.map(String::from)).send().await;
    let found = found.map_err(|e| place.fault("read the tags of", key, e))?;
    Ok(found.tag_set().iter().map(|tag| (tag.key().to_string(), tag.value().to_string())).collect())
}

/// Both kinds of request take the same, and the SDK gives them nothing in common.
macro_rules! carrying {
    ($request:expr, $attributes:expr) => {{
        let attributes: &Attributes = $attributes;
        let given = attributes.clone();
        $request
            .set_content_type(given.content_type)
            .set_content_encoding(given.content_encoding)
            .set_content_disposition(given.content_disposition)
            .set_content_language(given.content_language)
            .set_cache_control(given.cache_control)
            .set_metadata(metadata(attributes))
            .set_tagging(tagging(&attributes.tags))
    }};
}

pub fn put(request: PutObjectFluentBuilder, attributes: &Attributes) -> PutObjectFluentBuilder {
    carrying!(request, attributes)
}

pub fn begin(
    request: CreateMultipartUploadFluentBuilder,
    attributes: &Attributes,
) -> CreateMultipartUploadFluentBuilder {
    carrying!(request, attributes)
}

fn metadata(attributes: &Attributes) -> Option<std::collections::HashMap<String, String>> {
    (!attributes.metadata.is_empty()).then(|| attributes.metadata.clone().into_iter().collect())
}

/// As a query, which is how the request's header carries them.
fn tagging(tags: &BTreeMap<String, String>) -> Option<String> {
    let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
