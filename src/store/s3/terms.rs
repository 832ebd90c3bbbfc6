//! Storage class, server-side encryption and object lock: asked for with each write, and not believed unheard.

use aws_sdk_s3::operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ObjectLockEnabled, ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode,
    ServerSideEncryption, StorageClass,
};

use super::place::Place;
use super::{errors, instant};
use crate::base::{Fault, FaultKind, Instant, Result, ServerEncryption, Terms};

/// Smaller objects are billed as this much in the colder classes, and are dearer there.
const COLD_BYTES_MIN: u64 = 128 << 10;

/// Both kinds of request take the same, and the SDK gives them nothing in common.
macro_rules! asking {
    ($request:expr, $terms:expr, $bytes:expr) => {{
        let terms: &Terms = $terms;
        let locked = terms.locked_until.map(whole_second);
        let (encryption, key) = encryption(terms);
        $request
            .set_storage_class(class(terms, $bytes))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key)
            .set_object_lock_mode(locked.map(|_| ObjectLockMode::Compliance))
            .set_object_lock_retain_until_date(locked)
            // A locked object must come with a checksum.
            .set_checksum_algorithm(locked.map(|_| ChecksumAlgorithm::Crc32))
    }};
}

pub fn put(request: PutObjectFluentBuilder, terms: &Terms, bytes: usize) -> PutObjectFluentBuilder {
    asking!(request, terms, Some(bytes as u64))
}

/// Of an object that is too large for one request.
pub fn begin(request: CreateMultipartUploadFluentBuilder, terms: &Terms) -> CreateMultipartUploadFluentBuilder {
    asking!(request, terms, None)
}

fn class(terms: &Terms, bytes: Option<u64>) -> Option<StorageClass> {
    let class = terms.storage_class.filter(|_| bytes.is_none_or(|bytes| bytes >= COLD_BYTES_MIN))?;
    Some(StorageClass::from(class.name()))
}

fn encryption(terms: &Terms) -> (Option<ServerSideEncryption>, Option<String>) {
    match &terms.encryption {
        None => (None, None),
        Some(ServerEncryption::Aes256) => (Some(ServerSideEncryption::Aes256), None),
        Some(ServerEncryption::Kms(key)) => (Some(ServerSideEncryption::AwsKms), key.clone()),
    }
}

/// Stores keep whole seconds; the lock must not end before it was asked to.
fn whole_second(until: Instant) -> DateTime {
    DateTime::from_secs(until.0.div_euclid(1000) + i64::from(until.0.rem_euclid(1000) > 0))
}

/// A server that ignores the wish answers as if there had been none.
pub fn check_encryption(place: &Place, key: &str, said: Option<&ServerSideEncryption>) -> Result<()> {
    match encryption(&place.terms).0 {
        Some(asked) if said != Some(&asked) => {
            let what = format!("{} did not encrypt `{key}` as asked ({asked})", place.server());
            Err(Fault::new(FaultKind::Unsupported, what)
                .help("ask for no server-side encryption, or use a store that has it"))
        }
        _ => Ok(()),
    }
}

/// Looks at an object that was written under a lock.
pub async fn check_lock(place: &Place, key: &str) -> Result<()> {
    let Some(until) = place.terms.locked_until else { return Ok(()) };
    let found = place.client.head_object().bucket(&place.bucket).key(place.full(key)?).send().await;
    let found = found.map_err(|e| place.fault("look at", key, e))?;
    let is_compliant = found.object_lock_mode() == Some(&ObjectLockMode::Compliance);
    match instant(found.object_lock_retain_until_date()) {
        Some(kept) if is_compliant && kept >= until => Ok(()),
        _ => Err(unlocked(place, &format!("`{key}` was written and is not locked until {until}"))),
    }
}

/// Whether the bucket can lock at all: told before a night's work rather than after it.
pub async fn check_bucket(place: &Place) -> Result<()> {
    let asked = place.client.get_object_lock_configuration().bucket(&place.bucket).send().await;
    match asked {
        Ok(found) => {
            let enabled = found.object_lock_configuration().and_then(|found| found.object_lock_enabled());
            match enabled == Some(&ObjectLockEnabled::Enabled) {
                true => Ok(()),
                false => Err(unlocked(place, "the bucket locks nothing")),
            }
        }
        // 404: no such configuration. Not allowed to ask: the first write will tell.
        Err(error) => match errors::status(&error) {
            Some(404) => Err(unlocked(place, "the bucket locks nothing")),
            Some(403) => Ok(()),
            _ => Err(place.fault("ask for the object lock of", &place.bucket, error)),
        },
    }
}

/// A lock that holds already can be made longer, never shorter.
pub async fn lengthen(place: &Place, key: &str, until: Instant) -> Result<()> {
    let held = place.client.get_object_retention().bucket(&place.bucket).key(place.full(key)?).send().await;
    let held = held.ok().and_then(|held| held.retention().cloned());
    let enough = held.is_some_and(|held| {
        held.mode() == Some(&ObjectLockRetentionMode::Compliance)
            && instant(held.retain_until_date()).is_some_and(|kept| kept >= until)
    });
    if enough {
        return Ok(());
    }
    let lock = ObjectLockRetention::builder()
        .mode(ObjectLockRetentionMode::Compliance)
        .retain_until_date(whole_second(until))
        .build();
    let request = place.client.put_object_retention().bucket(&place.bucket).key(place.full(key)?).retention(lock);
    request.send().await.map(drop).map_err(|e| place.fault("lock", key, e))
}

fn unlocked(place: &Place, what: &str) -> Fault {
    Fault::new(FaultKind::Unsupported, format!("{what} ({})", place.address()))
        .help("object lock is a property of the bucket: make it with object lock enabled, or ask for no lock")
}
