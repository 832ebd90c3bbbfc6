//! What a bucket keeps beside the newest bytes: earlier versions, deletions, and what is said of each object.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use plimsoll::base::{Instant, OpTime, Span};
use plimsoll::engine::plan::RestoreTo;
use plimsoll::engine::uploads;
use plimsoll::policy::Consistency;
use plimsoll::port::{Attributes, ObjectStore};
use plimsoll::store::memory::MemoryStore;
use plimsoll::store::s3::S3Store;

use super::servers;
use super::sync::{ASSET, Counted, contents, memory, restore, take};

/// The instants of S3 are whole seconds: what is to be told apart is done in different ones.
async fn next_second() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

async fn versioned(name: &str) -> Counted {
    let options = servers::s3().await.options();
    let bucket = S3Store::open(&servers::bucket(name).await, "", &options).await.expect("opens");
    bucket.keep_versions().await.expect("versions are kept");
    Counted::new(Arc::new(bucket))
}

async fn as_of(store: &Arc<dyn ObjectStore>, at: Instant) -> BTreeMap<String, String> {
    let destination = MemoryStore::new();
    let wanted = RestoreTo::At(OpTime::last_in_second(at));
    restore(store, &destination, &wanted, false).await.expect("restores");
    let text = |body: Bytes| String::from_utf8(body.to_vec()).expect("text");
    contents(&destination).await.into_iter().map(|(key, body)| (key, text(body))).collect()
}

/// When the newest change of `key` was made, by the bucket's own clock.
async fn changed(bucket: &Counted, key: &str) -> Instant {
    let versions = bucket.versions(key).await.expect("lists").expect("versions");
    versions.iter().filter_map(|version| version.info.modified_at).max().expect("an instant")
}

fn expected<const N: usize>(held: [(&str, &str); N]) -> BTreeMap<String, String> {
    held.map(|(key, text)| (key.to_string(), text.to_string())).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_and_deletion_is_kept_and_any_instant_comes_back() {
    let (bucket, store) = (versioned("versions").await, memory());
    bucket.put("a", Bytes::from_static(b"first")).await.expect("puts");
    let begun = changed(&bucket, "a").await;
    next_second().await;
    bucket.put("a", Bytes::from_static(b"second")).await.expect("puts");
    bucket.put("b", Bytes::from_static(b"short-lived")).await.expect("puts");
    let both = changed(&bucket, "b").await;
    next_second().await;
    bucket.delete("b").await.expect("deletes");
    let deleted = changed(&bucket, "b").await;
    next_second().await;
    let (point, reads) = take(&bucket, &store).await;
    assert_eq!((point.uploads, point.versions, reads), (1, Some(3), 3), "two bodies of `a`, one of `b`, a deletion");

    assert_eq!(as_of(&store, begun - Span::millis(2000)).await, expected([]), "before the first write");
    assert_eq!(as_of(&store, begun).await, expected([("a", "first")]));
    assert_eq!(as_of(&store, both).await, expected([("a", "second"), ("b", "short-lived")]));
    assert_eq!(as_of(&store, deleted).await, expected([("a", "second")]));

    // What was lost in the bucket for good stays here, under the point that saw it; nothing is read twice.
    let (again, reads) = take(&bucket, &store).await;
    assert_eq!((again.versions, reads), (Some(3), 0));
    next_second().await;
    bucket.put("a", Bytes::from_static(b"third")).await.expect("puts");
    next_second().await;
    let (third, reads) = take(&bucket, &store).await;
    assert_eq!((third.versions, reads), (Some(4), 1), "the one that was the newest is known, and now an older one");
    assert_eq!(as_of(&store, both).await, expected([("a", "second"), ("b", "short-lived")]));
}

/// Two objects that are always written one after the other: at any instant the first is as new as the second, or by one
/// newer.
#[tokio::test(flavor = "multi_thread")]
async fn a_point_that_claims_one_instant_never_mixes_two_states_of_a_bucket_that_is_written_to() {
    let (bucket, store) = (Arc::new(versioned("one-instant").await), memory());
    for key in ["a-first", "z-second"] {
        bucket.put(key, Bytes::from_static(b"0")).await.expect("puts");
    }
    let (quiet, _) = take(&bucket, &store).await;
    assert_eq!(quiet.consistency, Consistency::Snapshot, "nothing changed while it was listed");

    let writer = tokio::spawn({
        let bucket = Arc::clone(&bucket);
        async move {
            for round in 1..=120_u64 {
                for key in ["a-first", "z-second"] {
                    bucket.put(key, Bytes::from(round.to_string())).await.expect("puts");
                }
                // Now and then it pauses for long enough to be listed twice.
                tokio::time::sleep(Duration::from_millis(if round % 5 == 0 { 200 } else { 3 })).await;
            }
        }
    });
    let mut claimed = 0;
    while !writer.is_finished() {
        let (point, _) = take(&bucket, &store).await;
        if point.consistency != Consistency::Snapshot {
            continue;
        }
        claimed += 1;
        let destination = MemoryStore::new();
        restore(&store, &destination, &RestoreTo::Point(point.id), false).await.expect("restores");
        let held: BTreeMap<String, Bytes> = contents(&destination).await.into_iter().collect();
        let round = |key: &str| String::from_utf8(held[key].to_vec()).expect("text").parse::<u64>().expect("a number");
        let (first, second) = (round("a-first"), round("z-second"));
        assert!(first == second || first == second + 1, "{first} and {second} never stood side by side");
    }
    writer.await.expect("it ends");
    assert!(claimed > 0, "the pauses are long enough for one");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_versions_an_instant_gives_the_newest_point_before_it() {
    let server = servers::s3().await;
    let bucket = S3Store::open(&servers::bucket("plain").await, "", &server.options()).await.expect("opens");
    let (bucket, store) = (Counted::new(Arc::new(bucket)), memory());
    bucket.put("a", Bytes::from_static(b"first")).await.expect("puts");
    let (first, _) = take(&bucket, &store).await;
    assert_eq!(first.versions, None);
    next_second().await;
    next_second().await;
    bucket.put("a", Bytes::from_static(b"second")).await.expect("puts");
    let (second, _) = take(&bucket, &store).await;
    let plan = async |at| uploads::plan(store.as_ref(), ASSET, &RestoreTo::At(OpTime::last_in_second(at))).await;
    let second_long = Span::millis(1000);
    let between = plan(first.consistent_at + second_long).await.expect("a point before");
    assert_eq!((between.manifest.id, between.state_of), (first.id, first.consistent_at), "it claims no later state");
    assert_eq!(plan(second.consistent_at + second_long).await.expect("a point").manifest.id, second.id);
    plan(first.consistent_at - second_long).await.expect_err("nothing reaches back so far");
}

fn said() -> Attributes {
    let text = |text: &str| Some(text.to_string());
    Attributes {
        content_type: text("image/svg+xml"),
        content_encoding: text("gzip"),
        content_disposition: text("attachment; filename=\"logo.svg\""),
        content_language: text("de"),
        cache_control: text("public, max-age=31536000"),
        metadata: BTreeMap::from([("owner".to_string(), "42".to_string())]),
        tags: BTreeMap::from([("kept for".to_string(), "a+b & c".to_string())]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_an_object_comes_back_with_it() {
    let options = servers::s3().await.options();
    let place = async |name| S3Store::open(&servers::bucket(name).await, "", &options).await.expect("opens");
    let (bucket, store) = (Counted::new(Arc::new(place("said").await)), memory());
    bucket.put_with("small", Bytes::from_static(b"<svg/>"), &said()).await.expect("puts");
    let mut large = bucket.upload_with("large", &said()).await.expect("begins");
    large.write(Bytes::from(vec![7; 9 << 20])).await.expect("writes");
    large.finish().await.expect("finishes");
    bucket.put("plain", Bytes::from_static(b"nothing said")).await.expect("puts");
    take(&bucket, &store).await;

    let destination = place("said-again").await;
    restore(&store, &destination, &RestoreTo::Newest, false).await.expect("restores");
    assert_eq!(destination.open("small", None).await.expect("opens").attributes, said());
    assert_eq!(destination.open("large", None).await.expect("opens").attributes, said());
    assert_eq!(destination.open("plain", None).await.expect("opens").attributes, Attributes::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_metadata_under_the_same_bytes_is_a_change() {
    let options = servers::s3().await.options();
    let bucket = S3Store::open(&servers::bucket("renamed-type").await, "", &options).await.expect("opens");
    let (bucket, store) = (Counted::new(Arc::new(bucket)), memory());
    bucket.put("logo", Bytes::from_static(b"<svg/>")).await.expect("puts");
    take(&bucket, &store).await;
    next_second().await;
    bucket.put_with("logo", Bytes::from_static(b"<svg/>"), &said()).await.expect("puts");
    let (_, reads) = take(&bucket, &store).await;
    assert_eq!(reads, 1, "the tag is the same, the time is not");
    let plan = uploads::plan(store.as_ref(), ASSET, &RestoreTo::Newest).await.expect("a plan");
    let [(key, content)] = plan.objects.as_slice() else { panic!("one object") };
    assert_eq!((key.as_str(), &content.attributes), ("logo", &said()));
}
