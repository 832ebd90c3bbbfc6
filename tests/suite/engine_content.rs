//! The order-free hash that proves a restore equal, and the extended JSON that keeps an index key's order.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, RawDocumentBuf, Regex, doc};
use plimsoll::engine::content::{ContentHash, Tally};
use plimsoll::engine::extjson;
use proptest::prelude::*;

fn of<'a>(documents: impl IntoIterator<Item = &'a Vec<u8>>) -> ContentHash {
    let mut hash = ContentHash::new();
    documents.into_iter().for_each(|d| hash.add(d));
    hash
}

#[test]
fn one_document_is_its_own_hash_and_none_is_zero() {
    // XXH3-128 of the empty input, from the algorithm's own test vectors.
    assert_eq!(of([&Vec::new()]).to_hex(), "99aa06d3014798d86001c324468d497f");
    assert_eq!(ContentHash::new().to_hex(), "0".repeat(32));
}

#[test]
fn a_document_that_is_there_twice_is_noticed() {
    let (a, b) = (b"a".to_vec(), b"b".to_vec());
    assert_ne!(of([&a, &a]), ContentHash::new());
    assert_ne!(of([&a, &a, &b]), of([&a, &b, &b]));
}

#[test]
fn doubled_128_times_every_carry_has_run_out_of_the_top() {
    let mut hash = of([&b"any".to_vec()]);
    for doubled in 0..128 {
        // The hash ends in some zero bits, so its last bit leaves a little before the end.
        assert!(doubled > 100 || hash != ContentHash::new());
        let same = hash;
        hash.merge(&same);
    }
    assert_eq!(hash, ContentHash::new());
}

proptest! {
    #[test]
    fn neither_order_nor_the_cut_into_parts_matters(
        documents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = of(&documents);
        prop_assert_eq!(of(documents.iter().rev()), whole);
        let (left, right) = documents.split_at(if documents.is_empty() { 0 } else { cut.index(documents.len()) });
        let mut merged = of(right);
        merged.merge(&of(left));
        prop_assert_eq!(merged, whole);
    }

    #[test]
    fn no_bytes_make_splitting_panic_or_give_more_than_there_was(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(tally) = Tally::of(&bytes) {
            prop_assert_eq!(tally.bytes, bytes.len() as u64);
        }
    }
}

#[test]
fn a_batch_splits_exactly_or_fails() {
    let empty = [5, 0, 0, 0, 0];
    let two = [empty, empty].concat();
    assert_eq!(Tally::of(&two).unwrap().documents, 2);
    for bad in [&two[..7], &[4, 0, 0, 0][..], &[255, 255, 255, 255, 0], &[5, 0, 0, 0, 1], &[1]] {
        assert!(Tally::of(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn types_and_order_survive_extended_json() {
    let document = doc! {
        "z": 1, "a": 2_i64, "key": { "b": -1, "a": 1.0, "t": "2dsphere" }, "dates": [bson::DateTime::from_millis(5)],
        "\"quoted\"": f64::INFINITY, "none": null, "id": bson::Uuid::from_bytes([7; 16]),
        "at": bson::Timestamp { time: 7, increment: 9 },
        "bytes": Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 255, 7] },
        "oid": bson::oid::ObjectId::new(),
        "like": Regex { pattern: "^a/".try_into().unwrap(), options: "i".try_into().unwrap() },
        "min": Bson::MinKey, "max": Bson::MaxKey, "price": "12.50".parse::<bson::Decimal128>().unwrap(),
        "js": Bson::JavaScriptCode("return 1".to_string()), "big": i64::MAX, "tiny": 1e-300, "yes": true,
        "long ago": bson::DateTime::from_millis(-62_135_596_800_001), "undefined": Bson::Undefined,
    };
    let raw = RawDocumentBuf::try_from(&document).unwrap();
    let text = extjson::write(&raw).unwrap();
    assert!(text.starts_with(r#"{"z":{"$numberInt":"1"},"a":{"$numberLong":"2"},"key":{"b":"#), "{text}");
    let back = extjson::read(text.as_bytes()).unwrap();
    assert_eq!(back, document);
    assert_eq!(back.keys().collect::<Vec<_>>(), document.keys().collect::<Vec<_>>());
}
