//! Making, setting up and removing buckets: for the lab alone, whose buckets are its own. No verb does it. And the removal
//! of all that a bucket keeps of one key.

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};

use super::place::Place;
use super::{S3Store, errors, listing};
use crate::base::Result;

impl S3Store {
    /// Makes the bucket; one of that name that is there already is a fault.
    pub async fn create_bucket(&self) -> Result<()> {
        self.create(None).await
    }

    /// Makes a bucket whose objects can be locked, which is decided when it is made.
    pub async fn create_locking_bucket(&self) -> Result<()> {
        self.create(Some(true)).await
    }

    async fn create(&self, locking: Option<bool>) -> Result<()> {
        let place = &self.place;
        // The one region that must not be named is the one that answers for all.
        let region = place.client.config().region().map(|r| r.as_ref().to_string()).filter(|r| r != "us-east-1");
        let location = region.map(|region| {
            let constraint = BucketLocationConstraint::from(region.as_str());
            CreateBucketConfiguration::builder().location_constraint(constraint).build()
        });
        let request = place.client.create_bucket().bucket(&place.bucket).set_create_bucket_configuration(location);
        let request = request.set_object_lock_enabled_for_bucket(locking);
        request.send().await.map(drop).map_err(|e| place.fault("make the bucket", &place.bucket, e))
    }

    /// From now on the bucket keeps what is overwritten or deleted in it.
    pub async fn keep_versions(&self) -> Result<()> {
        let place = &self.place;
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let request = place.client.put_bucket_versioning().bucket(&place.bucket).versioning_configuration(enabled);
        request.send().await.map(drop).map_err(|e| place.fault("set the versioning of", &place.bucket, e))
    }

    /// Removes the bucket, which must hold nothing any more.
    pub async fn delete_bucket(&self) -> Result<()> {
        let place = &self.place;
        let request = place.client.delete_bucket().bucket(&place.bucket);
        request.send().await.map(drop).map_err(|e| place.fault("remove the bucket", &place.bucket, e))
    }
}

/// Removes every version of a key, the oldest first: what a lock refuses half-way is still what is visible.
pub async fn erase_versions(place: &Place, key: &str) -> Result<()> {
    let versions = listing::all_versions(place, key).await?;
    for version in versions.iter().rev().filter(|version| version.info.key == key) {
        let request = place.client.delete_object().bucket(&place.bucket).key(place.full(key)?).version_id(&version.id);
        match request.send().await {
            Ok(_) => {}
            Err(error) if errors::is_missing_key(&error) => {}
            Err(error) => return Err(place.fault("delete", key, error)),
        }
    }
    Ok(())
}
