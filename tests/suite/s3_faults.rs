//! The campaign against S3: every fault at every call of a backup and of a sync. Over what passes the run gets; what stays
//! it names, with the last good state whole, nothing half-made visible, and the next run as if nothing had been.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::{Document, doc};
use bytes::Bytes;
use plimsoll::base::{Instant, Result};
use plimsoll::clock::SystemClock;
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::engine::plan::RestoreTo;
use plimsoll::engine::sync::{self, SyncRequest};
use plimsoll::mongo::Source;
use plimsoll::port::{ObjectStore, Unfinished};
use plimsoll::repository::{self, catalog};
use plimsoll::store;
use plimsoll::store::memory::MemoryStore;

use super::backup_crash::points;
use super::campaign::{Case, Lasting, PASSING, STAYING, Trouble, Way, assert_told, every, place, tried};
use super::captured::connected;
use super::proxied::{Deed, Proxied};
use super::restored::ASSET;
use super::scripted::{Request, answer};
use super::servers;
use super::sync::{ASSET as UPLOADS, contents, restore};

const AT_ONCE: usize = 64;
/// Each holds some parts of an upload.
const LARGE_AT_ONCE: usize = 20;

async fn opened(case: Case, bucket: &str) -> bool {
    let (url, direct) = place(bucket).await;
    let way = Way::to(&url, Some(case), every).await;
    if let Err(fault) = repository::open(Arc::clone(&way.store), &SystemClock).await {
        assert_eq!(case.lasting, Lasting::Ever, "{case:?} was not got over: {fault:?}");
        assert_told(&fault, case);
    }
    repository::open(Arc::clone(&direct), &SystemClock).await.unwrap_or_else(|fault| panic!("{case:?}: {fault:?}"));
    assert_eq!(direct.list("").await.expect("lists").len(), 1, "{case:?}");
    way.was_met()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_is_made_once_whatever_fault_meets_any_call() {
    let bucket = servers::bucket("opened").await;
    let way = Way::to(&place(&bucket).await.0, None, every).await;
    repository::open(Arc::clone(&way.store), &SystemClock).await.expect("nothing stands in its way");
    let passing = Case::all(way.calls(), &PASSING, Lasting::Once);
    let staying = Case::all(way.calls(), &STAYING, Lasting::Ever);
    let cases = [passing, staying].concat();
    let many = cases.len();
    assert!(many >= 40, "only {many} cases");
    assert_eq!(tried(cases, AT_ONCE, |case| opened(case, &bucket)).await, many);
}

/// A database of which backups are taken, and the bucket that they go to, each to a prefix of its own.
struct Shop {
    source: Source,
    db: String,
    bucket: String,
}

impl Shop {
    async fn new() -> Shop {
        let (client, db) = (connected().await, servers::unique("troubled"));
        let database = client.database(&db);
        for name in ["users", "images"] {
            let documents = (0..100).map(|i| doc! { "_id": i, "noise": "n".repeat(100) });
            database.collection::<Document>(name).insert_many(documents).await.expect("inserts");
        }
        Shop { source: Source::new(client), db, bucket: servers::bucket("troubled").await }
    }

    async fn back_up(&self, store: &Arc<dyn ObjectStore>) -> Result<String> {
        repository::open(Arc::clone(store), &SystemClock).await?;
        let wanted = Wanted { databases: vec![self.db.clone()], ..Wanted::default() };
        let request = BackupRequest { asset: ASSET.to_string(), wanted, ..BackupRequest::default() };
        let manifest = backup::run(&self.source, Arc::clone(store), &SystemClock, &Silent, &request).await?;
        Ok(manifest.id)
    }

    /// A place of its own, by its address and directly, with the good point that it holds.
    async fn place(&self) -> (String, Arc<dyn ObjectStore>, String) {
        let (url, direct) = place(&self.bucket).await;
        let good = self.back_up(&direct).await.expect("nothing stands in its way");
        (url, direct, good)
    }

    /// Every trouble at every call from this one on.
    async fn campaign(&self, from: usize, troubles: &[Trouble], lasting: Lasting) {
        let (url, ..) = self.place().await;
        let way = Way::to(&url, None, every).await;
        self.back_up(&way.store).await.expect("nothing stands in its way");
        assert!(way.calls() >= 14, "only {} calls", way.calls());
        let mut cases = Case::all(way.calls(), troubles, lasting);
        cases.retain(|case| case.at >= from);
        let many = cases.len();
        assert_eq!(tried(cases, AT_ONCE, |case| self.case(case)).await, many, "not every case was met");
    }

    /// Whether the case was met.
    async fn case(&self, case: Case) -> bool {
        let (url, direct, good) = self.place().await;
        let way = Way::to(&url, Some(case), every).await;
        let ended = self.back_up(&way.store).await;
        let left = points(direct.as_ref()).await;
        match &ended {
            Ok(id) => assert_eq!(left, BTreeSet::from([good, id.clone()]), "{case:?}"),
            Err(fault) => {
                assert_eq!(case.lasting, Lasting::Ever, "{case:?} was not got over: {fault:?}");
                assert_told(fault, case);
                // Where the manifest was written and only the answer was lost, the point is complete.
                let most = if case.trouble == Trouble::LoseAnswer { 2 } else { 1 };
                assert!(left.contains(&good) && left.len() <= most, "{case:?}: {left:?}");
            }
        }
        let next = self.back_up(&direct).await.expect("the next run converges");
        assert_eq!(points(direct.as_ref()).await, &left | &BTreeSet::from([next]), "{case:?}");
        way.was_met()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_gets_over_every_passing_fault_at_every_call() {
    Shop::new().await.campaign(0, &PASSING, Lasting::Once).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_store_fails_for_good_at_any_call_says_so_or_is_whole_and_the_next_converges() {
    Shop::new().await.campaign(0, &STAYING, Lasting::Ever).await;
}

/// The first two calls only look whether there is a repository; from the third on there is something to lose.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_outlasts_a_server_that_is_busy_for_some_seconds_from_any_of_its_writes_on() {
    Shop::new().await.campaign(2, &[Trouble::Busy], Lasting::Storm).await;
}

/// A bucket of uploads of which syncs are taken: as it was before, and as it is now.
struct Site {
    before: MemoryStore,
    now: MemoryStore,
    /// Where they go, each to a prefix of its own.
    bucket: String,
}

impl Site {
    async fn new(large: bool) -> Site {
        let (before, now) = (MemoryStore::new(), MemoryStore::new());
        for (key, was, is) in [("a", "one", "one"), ("b", "two", "other"), ("c", "three", "three")] {
            before.put(key, Bytes::from_static(was.as_bytes())).await.expect("puts");
            now.put(key, Bytes::from_static(is.as_bytes())).await.expect("puts");
        }
        now.put("d", Bytes::new()).await.expect("puts");
        if large {
            let large: Bytes = (0..9_000_000_u32).map(|i| (i % 251) as u8).collect();
            now.put("large", large).await.expect("puts");
        }
        Site { before, now, bucket: servers::bucket("troubled-uploads").await }
    }

    async fn sync(&self, from: &MemoryStore, store: &Arc<dyn ObjectStore>) -> Result<String> {
        repository::open(Arc::clone(store), &SystemClock).await?;
        let request = SyncRequest {
            asset: UPLOADS.to_string(),
            protection: None,
            expires_after: None,
            keeping: plimsoll::base::Keeping::default(),
        };
        Ok(sync::run(from, Arc::clone(store), &SystemClock, &Silent, &request).await?.id)
    }

    /// Each point that the evidence shows comes back equal to what was synced.
    async fn points(&self, store: &Arc<dyn ObjectStore>, good: &str) -> BTreeSet<String> {
        let evidence = catalog::read(store.as_ref(), Instant(i64::MAX / 2)).await.expect("evidence");
        assert!(evidence.unreadable.is_empty(), "{:?}", evidence.unreadable);
        for point in &evidence.points {
            let back = MemoryStore::new();
            restore(store, &back, &RestoreTo::Point(point.id.clone()), false).await.expect("a visible point is whole");
            let was = if point.id == good { &self.before } else { &self.now };
            assert!(contents(&back).await == contents(was).await, "{}", point.id);
        }
        evidence.points.into_iter().map(|point| point.id).collect()
    }

    async fn campaign(&self, counts: fn(&Request) -> bool, cases: impl Fn(usize) -> Vec<Case>, at_once: usize) {
        let (url, direct) = place(&self.bucket).await;
        self.sync(&self.before, &direct).await.expect("nothing stands in its way");
        let way = Way::to(&url, None, counts).await;
        self.sync(&self.now, &way.store).await.expect("nothing stands in its way");
        let cases = cases(way.calls());
        let many = cases.len();
        assert!(many > 0, "{} calls", way.calls());
        assert_eq!(tried(cases, at_once, |case| self.case(counts, case)).await, many, "not every case was met");
    }

    /// Whether the case was met.
    async fn case(&self, counts: fn(&Request) -> bool, case: Case) -> bool {
        let (url, direct) = place(&self.bucket).await;
        let good = self.sync(&self.before, &direct).await.expect("nothing stands in its way");
        let way = Way::to(&url, Some(case), counts).await;
        let ended = self.sync(&self.now, &way.store).await;
        let left = self.points(&direct, &good).await;
        match &ended {
            Ok(id) => assert_eq!(left, BTreeSet::from([good.clone(), id.clone()]), "{case:?}"),
            Err(fault) => {
                assert_eq!(case.lasting, Lasting::Ever, "{case:?} was not got over: {fault:?}");
                assert_told(fault, case);
                // Where the manifest was written and only the answer was lost, the point is complete.
                let most = if case.trouble == Trouble::LoseAnswer { 2 } else { 1 };
                assert!(left.contains(&good) && left.len() <= most, "{case:?}: {left:?}");
            }
        }
        let next = self.sync(&self.now, &direct).await.expect("the next run converges");
        assert_eq!(self.points(&direct, &good).await, &left | &BTreeSet::from([next]), "{case:?}");
        way.was_met()
    }

    /// Uploads that were begun and neither finished nor taken back.
    async fn unfinished(&self) -> Vec<Unfinished> {
        let bucket = store::open(&format!("s3://{}", self.bucket), &servers::s3().await.options()).await;
        bucket.expect("opens").unfinished("").await.expect("lists")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_gets_over_every_passing_fault_and_over_a_storm_at_every_call() {
    let site = Site::new(false).await;
    site.campaign(every, |calls| Case::all(calls, &PASSING, Lasting::Once), AT_ONCE).await;
    let storms = |calls| Case::all(calls, &[Trouble::Busy], Lasting::Storm).split_off(2);
    site.campaign(every, storms, AT_ONCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_whose_store_fails_for_good_at_any_call_says_so_or_is_whole_and_the_next_converges() {
    Site::new(false).await.campaign(every, |calls| Case::all(calls, &STAYING, Lasting::Ever), AT_ONCE).await;
}

/// Those by which a large object is written in parts; that they can be taken back is not disturbed.
fn of_parts(request: &Request) -> bool {
    let in_parts = request.target.contains("uploadId=") || request.target.contains("?uploads");
    in_parts && matches!(request.method.as_str(), "POST" | "PUT")
}

fn joining(request: &Request) -> bool {
    request.method == "POST" && request.target.contains("uploadId=")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_gets_over_every_passing_fault_at_every_call_by_which_it_is_written() {
    let site = Site::new(true).await;
    site.campaign(of_parts, |calls| Case::all(calls, &PASSING, Lasting::Once), LARGE_AT_ONCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_whose_calls_fail_for_good_fails_the_run_and_leaves_nothing_half_made() {
    let site = Site::new(true).await;
    site.campaign(of_parts, |calls| Case::all(calls, &STAYING, Lasting::Ever), LARGE_AT_ONCE).await;
}

/// What a server or a proxy may say, with status 200, to the request that joins the parts.
const NO_SUCCESS: [&str; 5] = [
    "<Error><Code>InternalError</Code><Message>We encountered an internal error</Message></Error>",
    "",
    "<html><body>Welcome to the proxy</body></html>",
    "<CompleteMultipartUploadResult><Location>http://x</Loc",
    "<CompleteMultipartUploadResult><Bucket>bucket</Bucket></CompleteMultipartUploadResult>",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_200_to_joining_that_is_no_success_is_got_over_once_and_fails_the_run_for_good() {
    let site = Site::new(true).await;
    for lasting in [Lasting::Once, Lasting::Ever] {
        let said = NO_SUCCESS.iter().flat_map(|text| [Trouble::Says(text), Trouble::SaysInstead(text)]);
        let cases: Vec<Case> = said.map(|trouble| Case { at: 0, trouble, lasting }).collect();
        site.campaign(joining, |_| cases.clone(), LARGE_AT_ONCE).await;
    }
    assert_eq!(site.unfinished().await, Vec::<Unfinished>::new(), "the parts were taken back");
}

/// A listing that knows none of the blobs costs a second write of each; it neither loses nor removes anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_given_a_short_listing_is_whole_and_removes_nothing() {
    let site = Site::new(false).await;
    let (url, direct) = place(&site.bucket).await;
    let good = site.sync(&site.before, &direct).await.expect("nothing stands in its way");
    let before = direct.list("blobs/").await.expect("lists");
    let short = Proxied::start(&servers::s3().await.options(), |request| {
        let is_list = request.target.contains("list-type=2") && request.target.contains("blobs");
        if is_list { Deed::Answer(answer(200, "<ListBucketResult></ListBucketResult>")) } else { Deed::Pass }
    })
    .await;
    let through = store::open(&url, &short.options).await.expect("opens");
    assert_eq!(through.list("blobs/").await.expect("lists"), []);
    let id = site.sync(&site.now, &through).await.expect("syncs");
    assert_eq!(site.points(&direct, &good).await, BTreeSet::from([good.clone(), id]));
    let after = direct.list("blobs/").await.expect("lists");
    assert!(before.iter().all(|blob| after.iter().any(|still| still.key == blob.key)), "{before:?}; {after:?}");
}

/// Row 21: a body that ends early is read on, and a restore gives back what was synced or says why not.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_gets_over_every_passing_fault_at_every_call_and_takes_no_short_body_for_a_whole_one() {
    let site = Site::new(true).await;
    let (url, direct) = place(&site.bucket).await;
    site.sync(&site.now, &direct).await.expect("nothing stands in its way");
    let restored = async |way: &Way| {
        let back = MemoryStore::new();
        let ended = restore(&way.store, &back, &RestoreTo::Newest, false).await;
        ended.map(|_| back)
    };
    let way = Way::to(&url, None, every).await;
    restored(&way).await.expect("nothing stands in its way");
    let passing = Case::all(way.calls(), &PASSING, Lasting::Once);
    let staying = Case::all(way.calls(), &[Trouble::Busy, Trouble::CutAnswer], Lasting::Ever);
    let cases = [passing, staying].concat();
    let (many, expected) = (cases.len(), contents(&site.now).await);
    let one = async |case: Case| {
        let way = Way::to(&url, Some(case), every).await;
        match restored(&way).await {
            Ok(back) => assert!(contents(&back).await == expected, "{case:?}"),
            Err(fault) => {
                assert_eq!(case.lasting, Lasting::Ever, "{case:?} was not got over: {fault:?}");
                assert_told(&fault, case);
            }
        }
        way.was_met()
    };
    assert_eq!(tried(cases, LARGE_AT_ONCE, one).await, many, "not every case was met");
}

/// As a person sees it: what is busy, that it was tried again, what to do, and status 1.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_busy_for_ever_in_the_midst_of_a_dump_is_named_and_the_program_exits_with_1() {
    let shop = Shop::new().await;
    let (url, direct, good) = shop.place().await;
    let busy = Proxied::start(&servers::s3().await.options(), |request| match request.target.contains("users.bson") {
        true => Deed::Answer(answer(503, "<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>")),
        false => Deed::Pass,
    })
    .await;
    let (access, secret) = busy.options.credentials.clone().expect("credentials");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["backup", "--asset", ASSET, "--db", &shop.db]).env("PLIMSOLL_REPO", &url);
    command.env("PLIMSOLL_URI", &servers::mongo().await.uri).env("AWS_REGION", "us-east-1");
    command.env("AWS_ENDPOINT_URL_S3", busy.options.endpoint.clone().expect("an endpoint"));
    command.env("AWS_ACCESS_KEY_ID", access).env("AWS_SECRET_ACCESS_KEY", &secret);
    let output = tokio::task::spawn_blocking(move || command.output().expect("plimsoll runs")).await.expect("no panic");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in ["cannot back up", ".users", "beginning again", "SlowDown", "try again later"] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    assert!(!said.contains(&secret), "{said}");
    assert_eq!(points(direct.as_ref()).await, BTreeSet::from([good]));
}
