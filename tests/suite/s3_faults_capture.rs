//! The campaign against S3 for capture: every fault at every call. Over what passes it gets; what stays it names; and in
//! both cases the next capture makes the chain whole, with nothing lost and nothing of what was visible changed.

use std::time::Duration;

use mongodb::Client;
use plimsoll::base::Span;
use plimsoll::clock::SystemClock;
use plimsoll::engine::capture::CaptureRequest;
use plimsoll::mongo::{Source, client};
use plimsoll::port::MongoSource;
use std::sync::Arc;

use super::campaign::{Case, Lasting, PASSING, STAYING, Trouble, Way, assert_told, every, place, tried};
use super::captured::{Running, assert_gap_free, chain, request, write};
use super::servers::{self, private_mongo};

const AT_ONCE: usize = 48;
const DB: &str = "shop";
/// Longer than all tries of all writes that a capture makes before it ends.
const ENDS_WITHIN: Duration = Duration::from_secs(150);

/// One flush at its end; a term that the next need not wait for long.
fn quick() -> CaptureRequest {
    CaptureRequest { lease: Span::secs(1), ..request(Span::secs(60), 16 << 20) }
}

struct Stage {
    client: Client,
    bucket: String,
}

impl Stage {
    fn source(&self) -> Source {
        Source::new(self.client.clone())
    }

    /// A capture on this way: some writes, then told to stop.
    async fn captured(&self, way: &Way) -> plimsoll::base::Result<()> {
        let running = Running::launch(self.source(), Arc::clone(&way.store), Arc::new(SystemClock), quick());
        running.begun().await;
        write(&self.client, DB, 5).await;
        running.raise.send_replace(true);
        let ended = tokio::time::timeout(ENDS_WITHIN, running.task).await.expect("it ends by itself");
        ended.expect("no panic").map(drop)
    }

    async fn campaign(&self, troubles: &[Trouble], lasting: Lasting) {
        let way = Way::to(&place(&self.bucket).await.0, None, every).await;
        self.captured(&way).await.expect("nothing stands in its way");
        assert!(way.calls() >= 8, "only {} calls", way.calls());
        let cases = Case::all(way.calls(), troubles, lasting);
        let many = cases.len();
        let met = tried(cases, AT_ONCE, |case| self.case(case)).await;
        // How often a lease is renewed depends on the time that a run takes.
        assert!(met * 10 >= many * 7, "{met} of {many} cases were met");
    }

    /// Whether the case was met.
    async fn case(&self, case: Case) -> bool {
        let (url, direct) = place(&self.bucket).await;
        let first = Running::start(self.source(), direct.clone(), quick()).await;
        write(&self.client, DB, 5).await;
        first.stop().await.expect("nothing stands in its way");
        let before = chain(direct.as_ref()).await;
        assert!(!before.is_empty());

        let way = Way::to(&url, Some(case), every).await;
        let ended = self.captured(&way).await;
        let mark = self.source().cluster_time().await.expect("a time");
        assert_gap_free(&self.client, direct.as_ref()).await;
        if let Err(fault) = ended {
            assert_eq!(case.lasting, Lasting::Ever, "{case:?} was not got over: {fault:?}");
            assert_told(&fault, case);
        }
        let next = Running::start(self.source(), direct.clone(), quick()).await;
        write(&self.client, DB, 5).await;
        let summary = next.stop().await.unwrap_or_else(|fault| panic!("{case:?}: {fault:?}"));
        assert_eq!(summary.gaps, 0, "{case:?}");
        let slices = assert_gap_free(&self.client, direct.as_ref()).await;
        assert_eq!(slices.iter().filter(|header| header.previous.is_none()).count(), 1, "{case:?}: one chain");
        assert!(slices.last().is_some_and(|header| header.last > mark), "{case:?}: all that was written by then");
        for (at, (_, header)) in before.iter().enumerate() {
            assert_eq!(header, &slices[at], "{case:?}: what was visible stays as it was");
        }
        way.was_met()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_gets_over_every_passing_fault_at_every_call() {
    let server = private_mongo().await;
    let client = client::connect(&server.uri).await.expect("connects");
    let stage = Stage { client, bucket: servers::bucket("captured").await };
    stage.campaign(&PASSING, Lasting::Once).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_whose_store_fails_for_good_at_any_call_says_so_and_the_next_makes_the_chain_whole() {
    let server = private_mongo().await;
    let client = client::connect(&server.uri).await.expect("connects");
    let stage = Stage { client, bucket: servers::bucket("captured").await };
    stage.campaign(&STAYING, Lasting::Ever).await;
}
