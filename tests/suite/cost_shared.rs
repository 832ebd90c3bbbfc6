//! Points that share what they hold: what each adds is on record, and what is kept and paid for is what is stored, once.

use std::sync::Arc;

use plimsoll::base::{Instant, Span};
use plimsoll::cost::{kept, volume};
use plimsoll::port::Clock;
use plimsoll::repository::catalog;
use plimsoll::store::memory::MemoryStore;

use super::pruned::{Dated, Hand, policy, uploads};

#[tokio::test]
async fn points_that_share_their_blobs_are_counted_once_and_show_how_much_is_replaced() {
    let clock = Hand::at("2026-11-10T04:00:00Z");
    let store = Dated::over(Arc::new(MemoryStore::new()), Arc::clone(&clock));
    // A hundred files of a kilobyte, of which each day four are replaced and one comes new.
    let mut files: Vec<(String, String)> = (0..100).map(|n| (format!("f{n}"), body(n))).collect();
    for day in 0..12 {
        for (n, file) in files.iter_mut().take(4).enumerate() {
            file.1 = body(1_000 + day * 10 + n);
        }
        files.push((format!("new{day}"), body(5_000 + day)));
        let all: Vec<(&str, &str)> = files.iter().map(|(key, body)| (key.as_str(), body.as_str())).collect();
        uploads(&store, clock.as_ref(), &all).await.expect("syncs");
        clock.turn(Span::days(1));
    }
    let evidence = catalog::read(store.as_ref(), clock.now()).await.expect("reads");
    let points: Vec<_> = evidence.points.iter().filter(|point| point.asset == "uploads").collect();
    assert_eq!(points.len(), 12);
    let bytes = |prefix: &'static str| {
        let store = Arc::clone(&store);
        async move {
            let listed = store.list(prefix).await.expect("lists");
            let data = listed.iter().filter(|object| !object.key.ends_with("manifest.json"));
            data.map(|object| object.bytes).sum::<u64>()
        }
    };
    let (blobs, lists) = (bytes("blobs/").await, bytes("snapshots/").await);
    let stored = blobs + lists;
    assert_eq!(points.iter().filter_map(|point| point.bytes_stored).sum::<u64>(), stored, "each byte once");

    let policy = policy("");
    let (copies, asset) = (policy.protection("copies").expect("declared"), policy.asset("uploads").expect("declared"));
    let (a_day, many) = volume::replaced(copies, asset, Some(&evidence)).expect("twelve days show it");
    assert_eq!(many, 12);
    // Four kilobytes, and each point's own list, which grows a little from day to day.
    let expected = 4_000.0 + lists as f64 / 12.0;
    assert!((a_day - expected).abs() < 500.0, "{a_day} against {expected}");
    let kept = kept::series(&policy, &evidence, clock.now(), &[clock.now()]);
    let of_uploads = kept.iter().find(|kept| kept.asset == "uploads").expect("a series");
    assert_eq!(of_uploads.past, [stored as f64]);
    let ahead = of_uploads.ahead.as_ref().expect("it can be said");
    // 112 files, and what three days of retention hold of those that were replaced.
    let expected = 112.0 * 1_000.0 + 3.0 * a_day;
    assert!((ahead[0] - expected).abs() < 2_000.0, "{} against {expected}", ahead[0]);

    let young = plimsoll::evidence::Evidence {
        points: points.iter().take(5).map(|point| (*point).clone()).collect(),
        ..plimsoll::evidence::Evidence::none(Instant(0))
    };
    assert_eq!(volume::replaced(copies, asset, Some(&young)), None, "a week is the least that shows it");
}

fn body(n: usize) -> String {
    format!("{n:01000}")
}
