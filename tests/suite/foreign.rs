//! Dumps of other tools that are damaged, cut short or made to do harm: each refused by name, while nothing is written.

use std::sync::Arc;

use bson::doc;
use plimsoll::base::rng::Stream;
use plimsoll::base::{Fault, FaultKind, Result};
use plimsoll::clock::SystemClock;
use plimsoll::engine::event::Silent;
use plimsoll::engine::foreign;
use plimsoll::engine::plan::RestorePlan;
use plimsoll::engine::record::chain;
use plimsoll::engine::restore::{self, RestoreOptions};
use plimsoll::mongo::{Target, client};
use plimsoll::port::{MongoTarget, ObjectStore};
use plimsoll::store::memory::MemoryStore;

use super::packed::{archive, bson, dump_entries, entry, gzip, header, metadata, record, tar};
use super::servers::private_mongo;

/// Plans the restore of one file.
async fn plan(file: Vec<u8>) -> Result<RestorePlan> {
    let store = MemoryStore::new();
    store.put("dump", file.into()).await.expect("puts");
    foreign::plan(&store, "dump", &Silent).await
}

async fn refusal(file: Vec<u8>) -> Fault {
    plan(file).await.expect_err("it is refused")
}

async fn assert_refused(file: Vec<u8>, because: &str) {
    let fault = refusal(file).await;
    let said = chain(&fault);
    assert_eq!(fault.kind, FaultKind::Corrupt, "{said}");
    assert!(said.contains(because), "{because}: {said}");
    assert!(fault.help.is_some_and(|help| help.contains("nothing was written")), "{said}");
}

/// A tarball with one more entry.
fn with(more: Vec<u8>) -> Vec<u8> {
    let mut entries = dump_entries();
    entries.insert(1, more);
    gzip(&tar(&entries))
}

#[tokio::test]
async fn a_tar_that_leads_out_of_its_folder_or_holds_links_is_refused() {
    plan(gzip(&tar(&dump_entries()))).await.expect("without them it is whole");
    plan(tar(&dump_entries())).await.expect("and need not be packed");
    for (more, because) in [
        (entry("../etc/passwd", b'0', b"x"), "leads out"),
        (entry("backups/../../x", b'0', b"x"), "leads out"),
        (entry("/etc/passwd", b'0', b"x"), "leads out"),
        (entry("/etc/", b'5', b""), "leads out"),
        (entry("backups/now/shop/x.bson", b'2', b""), "symbolic link"),
        (entry("backups/now/shop/x.bson", b'1', b""), "hard link"),
        (entry("backups/now/shop/x.bson", b'3', b""), "neither an ordinary file nor a folder"),
        (entry("backups/now/shop/x.bson", b'S', b""), "neither an ordinary file nor a folder"),
        (entry("x", b'x', b"99 path=x\n"), "extended header"),
        (entry("x", b'x', b"not a record at all\n"), "extended header"),
        ([record("path", "../../etc/passwd"), entry("y", b'0', b"x")].concat(), "leads out"),
        ([entry("x", b'L', b"../../etc/passwd\0"), entry("y", b'0', b"x")].concat(), "leads out"),
        (record("GNU.sparse.major", "1"), "extended header"),
        (header(b"x", u64::from(u32::MAX), b'L'), "too long"),
        (header(b"backups/now/shop/x.bson", 1 << 30, b'0'), "x.bson"),
        (entry("backups/other/shop/x.bson", b'0', b""), "more than one dump"),
        (entry("backups/now/shop/users.bson.gz", b'0', &gzip(b"")), "twice"),
    ] {
        assert_refused(with(more), because).await;
    }
}

#[tokio::test]
async fn a_long_name_is_read_in_every_way_in_which_a_tar_can_write_it() {
    let name = format!("backups/now/shop/{}.bson", "x".repeat(120));
    let long = [
        [entry("././@LongLink", b'L', format!("{name}\0").as_bytes()), entry("short", b'0', b"")].concat(),
        [record("path", &name), entry("short", b'0', b"")].concat(),
    ];
    for more in long {
        let plan = plan(with(more)).await.expect("a plan");
        assert!(plan.base.collections.iter().any(|c| c.name == "x".repeat(120)), "{:?}", plan.base.collections);
    }
}

#[tokio::test]
async fn every_tar_and_archive_that_is_cut_short_is_refused() {
    let (tarball, packed) = (tar(&dump_entries()), gzip(&tar(&dump_entries())));
    let (first, second) = (bson(&[doc! { "_id": 1 }]), bson(&[doc! { "_id": 2 }, doc! { "_id": 3 }]));
    let whole = archive(&first, &second);
    // Half of the two empty blocks that end a tar is too little; and a tar may be padded, so nothing past that is.
    for cut in (0..tarball.len() - 512).step_by(61).chain([tarball.len() - 1024, tarball.len() - 513]) {
        plan(tarball[..cut].to_vec()).await.expect_err("a tar that is cut short");
    }
    for cut in 0..packed.len() {
        plan(packed[..cut].to_vec()).await.expect_err("a packed tar that is cut short");
    }
    for cut in 0..whole.len() {
        plan(whole[..cut].to_vec()).await.expect_err("an archive that is cut short");
    }
    let plan = plan(whole).await.expect("whole, it is read");
    assert_eq!(plan.documents(), 3);
}

#[tokio::test]
async fn no_flipped_bit_of_an_archive_s_documents_goes_unnoticed_and_none_anywhere_does_harm() {
    let (first, second) = (bson(&[doc! { "_id": 1, "name": "Ada" }]), bson(&[doc! { "_id": 2 }]));
    let whole = archive(&first, &second);
    let at = whole.windows(first.len()).position(|window| window == first).expect("it is there");
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let outcome = plan(damaged).await;
        if (at..at + first.len()).contains(&(bit / 8)) {
            outcome.expect_err("a document was changed");
        }
    }
    let mut random = Stream::new(7, 7);
    for _ in 0..2_000 {
        let mut damaged = whole.clone();
        for _ in 0..8 {
            let at = usize::try_from(random.next_u64()).unwrap_or(0) % damaged.len();
            damaged[at] = random.next_u64().to_le_bytes()[0];
        }
        // Whatever it is taken for, it is an answer.
        drop(plan(damaged).await);
    }
}

/// Documents that lie about their lengths, or nest without end.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let mut deep = Vec::new();
    for _ in 0..10_000 {
        let inner = std::mem::take(&mut deep);
        let inner = if inner.is_empty() { bson(&[doc! {}]) } else { inner };
        let length = i32::try_from(inner.len() + 8).expect("short");
        deep = [&length.to_le_bytes()[..], b"\x03a\0", &inner, b"\0"].concat();
    }
    let length = |n: i32| [&n.to_le_bytes()[..], &[0; 60]].concat();
    let within = |n: i32| {
        let mut document = bson(&[doc! { "_id": "some text" }]);
        document[9..13].copy_from_slice(&n.to_le_bytes());
        document
    };
    vec![
        ("-1", length(-1)),
        ("0", length(0)),
        ("4", length(4)),
        ("the longest", length(i32::MAX)),
        ("too long", length(17 << 20)),
        ("a string of -1", within(-1)),
        ("a string of 0", within(0)),
        ("a string of the longest", within(i32::MAX)),
        ("a string that is longer than its document", within(11)),
        ("an unknown type", b"\x08\0\0\0\x20a\0\0".to_vec()),
        ("a document within that is longer", b"\x0d\0\0\0\x03a\0\x09\0\0\0\0\0".to_vec()),
        ("10,000 levels", deep),
    ]
}

#[tokio::test]
async fn documents_that_lie_about_their_lengths_or_nest_without_end_are_refused_in_every_form() {
    for (lie, bytes) in hostile() {
        let packed = entry("backups/now/shop/evil.bson.gz", b'0', &gzip(&bytes));
        let fault = refusal(with(packed)).await;
        assert!(chain(&fault).contains("evil.bson.gz"), "{lie}: {}", chain(&fault));
        // A length of -1 is what ends a slice of an archive: what follows it is the lie then.
        let fault = refusal(archive(&bytes, b"")).await;
        assert_eq!(fault.kind, FaultKind::Corrupt, "{lie}: {}", chain(&fault));
        let store = MemoryStore::new();
        store.put("dump/shop/evil.metadata.json", metadata("evil").into()).await.expect("puts");
        store.put("dump/shop/evil.bson", bytes.into()).await.expect("puts");
        let fault = foreign::plan(&store, "dump", &Silent).await.expect_err("refused");
        assert!(chain(&fault).contains("evil.bson"), "{lie}: {}", chain(&fault));
        assert_eq!(fault.kind, FaultKind::Corrupt, "{lie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_unpacks_without_end_is_refused_within_bounds() {
    let document = bson(&[
        doc! { "zeros": bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![0; 16 << 20] } },
    ]);
    let bomb = gzip(&document).repeat(80);
    assert!(bomb.len() < 2 << 20);
    assert_refused(with(entry("backups/now/shop/bomb.bson.gz", b'0', &bomb)), "times its size").await;
    let store = MemoryStore::new();
    store.put("shop/bomb.metadata.json", metadata("bomb").into()).await.expect("puts");
    store.put("shop/bomb.bson.gz", bomb.into()).await.expect("puts");
    let fault = foreign::plan(&store, "", &Silent).await.expect_err("refused");
    assert!(chain(&fault).contains("times its size"), "{}", chain(&fault));

    let spaces = gzip(&vec![b' '; 100 << 20]);
    let fault = refusal(with(entry("backups/now/shop/x.metadata.json.gz", b'0', &spaces))).await;
    assert!(chain(&fault).contains("unpacks to more than"), "{}", chain(&fault));
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    refusal(with(entry("backups/now/shop/x.metadata.json", b'0', nested.as_bytes()))).await;
}

#[tokio::test]
async fn what_is_missing_in_a_dump_is_said_by_name() {
    let fault = refusal(with(entry("backups/now/shop/lonely.metadata.json", b'0', &metadata("lonely")))).await;
    assert!(fault.to_string().contains("the documents of `shop.lonely` are missing"), "{fault}");
    let bare =
        plan(with(entry("backups/now/shop/bare.bson", b'0', &bson(&[doc! { "_id": 1 }])))).await.expect("a plan");
    assert!(bare.describe().contains("`shop.bare` has no metadata"), "{}", bare.describe());
    let users = plan(with(entry("backups/now/admin/system.users.bson", b'0', b""))).await.expect("a plan");
    assert!(users.describe().contains("admin.system.users"), "{}", users.describe());
    let odd = plan(with(entry("backups/now/README.txt", b'0', b"hello"))).await.expect("a plan");
    assert!(odd.describe().contains("README.txt"), "{}", odd.describe());
    let nothing = refusal(gzip(&tar(&[entry("notes/a.txt", b'0', b"hello")]))).await;
    assert_eq!(nothing.kind, FaultKind::Missing);
    let neither = refusal(b"something else altogether".to_vec()).await;
    assert!(neither.to_string().contains("neither an archive of mongodump nor a tar"), "{neither}");
    let fault = foreign::plan(&MemoryStore::new(), "absent", &Silent).await.expect_err("nothing is there");
    assert_eq!(fault.kind, FaultKind::Missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_changes_after_it_was_looked_through_fails_the_restore() {
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let server = private_mongo().await;
    let target = Target::new(client::connect(&server.uri).await.expect("connects"));
    let (one, other) = (bson(&[doc! { "_id": 1 }]), bson(&[doc! { "_id": 2 }]));
    store.put("dump", archive(&one, b"").into()).await.expect("puts");
    let plan = foreign::plan(store.as_ref(), "dump", &Silent).await.expect("a plan");
    store.put("dump", archive(&other, b"").into()).await.expect("puts");
    let options = RestoreOptions::default();
    let fault = restore::run(&plan, Arc::clone(&store), &target, &SystemClock, &Silent, &options).await;
    let fault = fault.expect_err("other documents");
    assert!(chain(&fault).contains("changed since it was looked through"), "{}", chain(&fault));
    assert!(fault.help.is_some_and(|help| help.contains("--replace")));

    target.drop_database("shop").await.expect("drops");
    store.put("dump", archive(&one, b"").into()).await.expect("puts");
    let restored = restore::run(&plan, store, &target, &SystemClock, &Silent, &options).await.expect("restores");
    assert_eq!(restored.documents, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_restored_fails_the_run_with_count_and_reason() {
    let server = private_mongo().await;
    let target = Target::new(client::connect(&server.uri).await.expect("connects"));
    let restore = async |documents: &[bson::Document], indexes: &str| {
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        let text = format!(r#"{{"options":{{}},"indexes":[{indexes}],"collectionName":"things","type":"collection"}}"#);
        store.put("dump/shop/things.metadata.json", text.into()).await.expect("puts");
        store.put("dump/shop/things.bson", bson(documents).into()).await.expect("puts");
        let plan = foreign::plan(store.as_ref(), "dump", &Silent).await.expect("a plan");
        let options = RestoreOptions { replace: true, ..RestoreOptions::default() };
        restore::run(&plan, store, &target, &SystemClock, &Silent, &options).await
    };
    let twice = [doc! { "_id": 1, "n": 1 }, doc! { "_id": 2, "n": 1 }, doc! { "_id": 1, "n": 2 }];
    let fault = restore(&twice, "").await.expect_err("one is there twice");
    assert!(chain(&fault).contains("1 of 3 documents were refused"), "{}", chain(&fault));
    assert!(chain(&fault).contains("duplicate key") && chain(&fault).contains("shop.things"), "{}", chain(&fault));
    assert!(fault.help.is_some_and(|help| help.contains("`shop`") && help.contains("--replace")));
    let unique = r#"{"key":{"n":1},"name":"n","unique":true}"#;
    let fault = restore(&twice[..2], unique).await.expect_err("a unique index does not hold");
    assert!(chain(&fault).contains("duplicate key") && chain(&fault).contains("indexes of"), "{}", chain(&fault));
    restore(&twice[1..], unique).await.expect("these can be restored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_lacks_what_its_own_log_changes_is_not_taken_for_whole() {
    let server = private_mongo().await;
    let target = Target::new(client::connect(&server.uri).await.expect("connects"));
    let at = |increment: u32| bson::Timestamp { time: 1_700_000_000, increment };
    let insert = |n: u32, ns: &str, id: i32| doc! { "ts": at(n), "op": "i", "ns": ns, "o": { "_id": id } };
    let update = |n: u32, id: i32| {
        let diff = doc! { "$v": 2, "diff": { "u": { "n": 1 } } };
        doc! { "ts": at(n), "op": "u", "ns": "shop.things", "o": diff, "o2": { "_id": id } }
    };
    let delete = |n: u32, id: i32| doc! { "ts": at(n), "op": "d", "ns": "shop.things", "o": { "_id": id } };
    let drop_lost = doc! { "ts": at(9), "op": "c", "ns": "shop.$cmd", "o": { "drop": "lost" } };
    let restore = async |log: &[bson::Document]| {
        let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        store.put("dump/shop/things.metadata.json", metadata("things").into()).await.expect("puts");
        store.put("dump/shop/things.bson", bson(&[doc! { "_id": 1 }]).into()).await.expect("puts");
        store.put("dump/oplog.bson", bson(log).into()).await.expect("puts");
        let plan = foreign::plan(store.as_ref(), "dump", &Silent).await.expect("a plan");
        let options = RestoreOptions { replace: true, ..RestoreOptions::default() };
        restore::run(&plan, store, &target, &SystemClock, &Silent, &options).await
    };
    let fault = restore(&[insert(1, "shop.lost", 1)]).await.expect_err("the collection is nowhere");
    assert!(chain(&fault).contains("`shop.lost`, which the dump does not hold"), "{}", chain(&fault));
    assert!(target.databases().await.expect("databases").is_empty(), "nothing was written");
    let fault = restore(&[update(1, 2)]).await.expect_err("the document is nowhere");
    assert!(chain(&fault).contains("neither in the dump nor gone"), "{}", chain(&fault));

    let log =
        [insert(1, "shop.lost", 1), insert(2, "shop.things", 1), update(3, 1), update(4, 2), delete(5, 2), drop_lost];
    let restored = restore(&log).await.expect("what is not there was gone when the dump was made");
    assert_eq!(restored.until, Some(plimsoll::base::OpTime::new(1_700_000_000, 9)));
}
