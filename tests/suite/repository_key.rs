//! The key grammar, both ways.

use plimsoll::base::{Codec, OpTime};
use plimsoll::repository::key::{Digest, LeaseName, Name};
use plimsoll::repository::notice::NoticeName;
use plimsoll::repository::{Key, SliceName, SnapshotName};
use proptest::prelude::*;

fn names() -> impl Strategy<Value = Name> {
    "[A-Za-z0-9][A-Za-z0-9._-]{0,20}".prop_map(|name| name.parse().expect("an allowed name"))
}

fn collections() -> impl Strategy<Value = String> {
    // MongoDB allows all but NUL; 255 bytes at most with the database.
    prop_oneof![".{1,40}", "[a-z%/$. ]{1,60}", "[a-z/]{200,250}"].prop_map(|name| name.replace('\0', "0"))
}

fn of_texts(codec: Codec) -> Codec {
    if codec == Codec::Zstd { Codec::Gzip } else { codec }
}

/// Data as it is and sealed, and everything else.
fn keys() -> impl Strategy<Value = Key> {
    let number = prop_oneof![Just(0), 1..u32::MAX];
    (plain_keys(), proptest::option::of(number)).prop_map(|(key, number)| match (number, &key) {
        (Some(number), Key::Data(..) | Key::Metadata(..) | Key::Prelude(_) | Key::Oplog(_) | Key::Uploads(_)) => {
            key.sealed(number)
        }
        (Some(number), Key::Slice(_) | Key::Blob(_) | Key::Contents(_)) => key.sealed(number),
        _ => key,
    })
}

fn plain_keys() -> impl Strategy<Value = Key> {
    let snapshot = || (names(), names()).prop_map(|(asset, id)| SnapshotName { asset, id });
    let times = (any::<u32>(), any::<u32>()).prop_map(|(secs, inc)| OpTime::new(secs, inc));
    let slice =
        (names(), times.clone(), times).prop_map(|(asset, first, last)| SliceName { asset, first, last }).boxed();
    let digest = "[0-9a-f]{64}".prop_map(|hex| hex.parse::<Digest>().expect("a digest"));
    let codec = prop_oneof![Just(Codec::Plain), Just(Codec::Gzip), Just(Codec::Zstd)];
    let collection = (snapshot(), "[a-zA-Z0-9_%*-]{1,63}", collections(), codec).boxed();
    prop_oneof![
        Just(Key::Format),
        snapshot().prop_map(Key::Manifest),
        collection.clone().prop_map(|(snapshot, db, name, codec)| snapshot.data(&db, &name, codec).expect("a name")),
        collection
            .prop_map(|(snapshot, db, name, codec)| snapshot.metadata(&db, &name, of_texts(codec)).expect("a name")),
        snapshot().prop_map(Key::Prelude),
        snapshot().prop_map(Key::Oplog),
        snapshot().prop_map(Key::Uploads),
        snapshot().prop_map(Key::Contents),
        slice.clone().prop_map(Key::Slice),
        slice.prop_map(Key::SliceHeader),
        (names(), any::<u64>()).prop_map(|(asset, number)| Key::Lease(LeaseName { asset, number })),
        digest.prop_map(Key::Blob),
        names().prop_map(Key::Drill),
        names().prop_map(Key::Run),
        (names(), any::<u64>(), any::<bool>())
            .prop_map(|(place, number, is_end)| Key::Notice(NoticeName { place, number }, is_end)),
    ]
}

proptest! {
    #[test]
    fn every_key_reads_back_as_itself(key in keys()) {
        let text = key.to_string();
        prop_assert_eq!(text.parse::<Key>().expect("a key"), key);
        let longest = text.split('/').map(str::len).max();
        prop_assert!(longest <= Some(255), "a part of {} is too long for a file system", text);
    }

    #[test]
    fn whatever_is_read_as_a_key_is_written_the_same(text in "(snapshots|oplog|leases|blobs|drills|runs|notices)/[a-f0-9./%-]{0,80}") {
        if let Ok(key) = text.parse::<Key>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn slices_sort_by_time(a in any::<(u32, u32)>(), b in any::<(u32, u32)>()) {
        let key = |(secs, inc): (u32, u32)| {
            let first = OpTime::new(secs, inc);
            SliceName::new("db", first, OpTime::new(u32::MAX, 0)).expect("a slice").data().to_string()
        };
        prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
    }

    #[test]
    fn a_collection_is_told_from_its_file(name in "[a-z0-9 /%$.é]{1,70}") {
        let Key::Data(_, namespace, _) = SnapshotName::new("a", "i").expect("names").data("db", &name, Codec::Gzip).expect("a key") else {
            unreachable!("data gives a data key");
        };
        prop_assert_eq!(namespace.collection(), Some(name));
    }
}

#[test]
fn keys_look_as_the_layout_says() {
    let snapshot = SnapshotName::new("pixelcraft-db", "20261123T030000Z").expect("names");
    let slice =
        SliceName::new("pixelcraft-db", OpTime::new(1763903787, 12), OpTime::new(1763903790, 1)).expect("names");
    let digest = "ab".repeat(32);
    let shown = [
        Key::Format.to_string(),
        snapshot.manifest().to_string(),
        snapshot.data("shop", "orders", Codec::Gzip).expect("a name").to_string(),
        snapshot.metadata("shop", "odd/na%me é", Codec::Gzip).expect("a name").to_string(),
        snapshot.oplog().to_string(),
        slice.data().to_string(),
        slice.header().to_string(),
        LeaseName::new("pixelcraft-db", 7).expect("a name").key().to_string(),
        Key::blob(&digest).expect("a digest").to_string(),
        snapshot.data("shop", "orders", Codec::Gzip).expect("a name").sealed(0).to_string(),
        Key::blob(&digest).expect("a digest").sealed(7).to_string(),
    ];
    assert_eq!(
        shown,
        [
            "plimsoll.json".to_string(),
            "snapshots/pixelcraft-db/20261123T030000Z/manifest.json".to_string(),
            "snapshots/pixelcraft-db/20261123T030000Z/dump/shop/orders.bson.gz".to_string(),
            "snapshots/pixelcraft-db/20261123T030000Z/dump/shop/odd%2Fna%25me%20%C3%A9.metadata.json.gz".to_string(),
            "snapshots/pixelcraft-db/20261123T030000Z/dump/oplog.bson".to_string(),
            "oplog/pixelcraft-db/1763903787.0000000012-1763903790.0000000001.bson.gz".to_string(),
            "oplog/pixelcraft-db/1763903787.0000000012-1763903790.0000000001.json".to_string(),
            "leases/pixelcraft-db/00000000000000000007.json".to_string(),
            format!("blobs/ab/{digest}"),
            "snapshots/pixelcraft-db/20261123T030000Z/dump/shop/orders.bson.gz.age".to_string(),
            format!("blobs/ab/{digest}.7.age"),
        ]
    );
}

/// `a` 239 times: SHA-1 (of the name) in URL base64 after the first 208 letters, as the dump tool shortens it.
#[test]
fn a_collection_too_long_for_a_file_name_is_shortened_as_the_dump_tool_does() {
    let snapshot = SnapshotName::new("a", "i").expect("names");
    let key = snapshot.data("db", &"a".repeat(239), Codec::Gzip).expect("a key");
    let expected = format!("snapshots/a/i/dump/db/{}%24{}.bson.gz", "a".repeat(208), SHA1_OF_239_A);
    assert_eq!(key.to_string(), expected);
    let Key::Data(_, namespace, _) = expected.parse().expect("a key") else { unreachable!("a data key") };
    assert_eq!(namespace.collection(), None);
}

const SHA1_OF_239_A: &str = "_cMIV897lX9H69gojV5ddCb0Q5Q";

#[test]
fn names_that_could_leave_their_folder_are_refused() {
    for name in ["", ".", "..", "a/b", "-a", ".a", "a b", "a\n", "é", &"x".repeat(101)] {
        assert!(SnapshotName::new(name, "i").is_err(), "{name:?}");
        assert!(Key::drill(name).is_err(), "{name:?}");
    }
    let snapshot = SnapshotName::new("a", "i").expect("names");
    for db in ["", "..", "a/b", "a.b", "nul\0"] {
        assert!(snapshot.data(db, "c", Codec::Gzip).is_err(), "{db:?}");
    }
}

#[test]
fn what_is_no_key_is_said_to_be_none() {
    for text in [
        "",
        "manifest.json",
        "snapshots/a/manifest.json",
        "snapshots/a/i/dump/db/c.bson.lz4",
        "snapshots/a/i/dump/db/c.metadata.json.zst",
        "snapshots/a/i/dump/db/c%2fd.bson.gz",
        "snapshots/a/i/dump/../../x.bson.gz",
        "oplog/a/1.2-3.4.json",
        "blobs/aa/bb",
        "drills/.json",
        "snapshots/a/i/manifest.json.age",
        "snapshots/a/i/dump/db/c.bson.gz.0.age",
        "snapshots/a/i/dump/db/c.bson.gz/sealed.age",
        "snapshots/a/i/dump/db/c.bson.gz.age.age",
        "runs/a.json.age",
    ] {
        assert!(text.parse::<Key>().is_err(), "{text:?}");
    }
    let wrong_room = format!("blobs/cd/{}", "ab".repeat(32));
    assert!(wrong_room.parse::<Key>().is_err());
}
