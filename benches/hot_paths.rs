//! What a second of backup, restore and replay is made of: `cargo bench --bench hot_paths`.
//!
//! Throughput is in raw BSON of the kind that `bulk` makes, a block of about 1 MiB at a time, on one core; and what
//! judging 200 policies takes, which a check before a merge waits for.

use std::hint::black_box;

use bson::{Document, RawDocumentBuf, Timestamp, doc};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plimsoll::audit;
use plimsoll::base::rng::Stream;
use plimsoll::base::{Codec, Compression, Instant, Span, Window};
use plimsoll::engine::compress;
use plimsoll::engine::content::Tally;
use plimsoll::engine::head_count::HeadCount;
use plimsoll::engine::index_book::IndexBook;
use plimsoll::engine::translate::Translator;
use plimsoll::engine::unpacked::Unpacked;
use plimsoll::policy::{self, SourceText};

const WORDS: [&str; 12] =
    ["load", "line", "oplog", "cluster", "restore", "of", "the", "backup", "drill", "upload", "a", "instant"];

/// About 1 MiB of documents of 600 bytes or so.
fn block() -> Bytes {
    let mut bytes = Vec::new();
    for number in 0_i64.. {
        let mut random = Stream::new(7, number.unsigned_abs());
        let text: Vec<&str> = (0..70).map(|_| WORDS[random.below(12) as usize]).collect();
        let document: Document = doc! {
            "_id": number, "user": random.below(50_000) as i64, "key": format!("{:016x}", random.next_u64()),
            "at": bson::DateTime::from_millis(1_750_000_000_000 + number), "price": random.uniform(), "text": text.join(" "),
        };
        bytes.extend(document.to_vec().expect("BSON"));
        if bytes.len() >= 1 << 20 {
            break;
        }
    }
    bytes.into()
}

fn stored_bytes(criterion: &mut Criterion) {
    let block = block();
    let mut group = criterion.benchmark_group("stored bytes");
    group.throughput(Throughput::Bytes(block.len() as u64)).sample_size(20);
    for text in ["gzip:6", "zstd:3", "zstd:-7"] {
        let compression: Compression = text.parse().expect("a compression");
        group.bench_function(format!("pack {text}"), |b| b.iter(|| compress::pack(compression, block.clone())));
        let packed = compress::pack(compression, block.clone()).expect("packed");
        group.bench_function(format!("unpack {text}"), |b| b.iter(|| unpack(compression.codec(), &packed)));
    }
    group.finish();
}

fn unpack(codec: Codec, packed: &[u8]) -> u64 {
    let mut unpacked = Unpacked::new(codec, packed).expect("a decoder");
    std::io::copy(&mut unpacked, &mut std::io::sink()).expect("whole")
}

fn contents(criterion: &mut Criterion) {
    let block = block();
    let mut group = criterion.benchmark_group("contents");
    group.throughput(Throughput::Bytes(block.len() as u64));
    group.bench_function("split and hash documents", |b| b.iter(|| Tally::of(black_box(&block))));
    group.finish();
}

fn log(criterion: &mut Criterion) {
    let entries: Vec<RawDocumentBuf> = (0..1_000).map(entry).collect();
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Elements(entries.len() as u64));
    group.bench_function("translate entries", |b| {
        b.iter(|| {
            let (indexes, counts) = (IndexBook::default(), HeadCount::default());
            let mut translator = Translator::new(&[], indexes, counts, std::collections::BTreeSet::new());
            entries.iter().map(|entry| translator.feed(entry).map_or(0, |operations| operations.len())).sum::<usize>()
        })
    });
    group.finish();
}

fn entry(number: u32) -> RawDocumentBuf {
    let at = Timestamp { time: 1_750_000_000 + number / 10, increment: number % 10 + 1 };
    let entry = match number % 3 {
        0 => doc! { "op": "i", "ns": "shop.orders", "ts": at, "o": { "_id": number, "text": WORDS.join(" ") } },
        1 => doc! { "op": "u", "ns": "shop.orders", "ts": at, "o": { "$v": 2, "diff": { "u": { "n": 1 } } },
        "o2": { "_id": number - 1 } },
        _ => doc! { "op": "d", "ns": "shop.orders", "ts": at, "o": { "_id": number - 2 } },
    };
    RawDocumentBuf::try_from(&entry).expect("BSON")
}

/// What `check` does for 200 files, reading them apart.
fn policies(criterion: &mut Criterion) {
    let plan = include_str!("../policies/pixelcraft.toml");
    let sources: Vec<SourceText> = (0..200).map(|n| SourceText::new(format!("{n}.toml"), plan)).collect();
    let at: Instant = "2026-11-23T10:00:00Z".parse().expect("an instant");
    let judge = |source: &SourceText| {
        let policy = policy::parse(source.clone()).expect("a policy");
        audit::run(&policy, None, at, Window::new(at - Span::days(7), at)).findings.len()
    };
    let mut group = criterion.benchmark_group("check");
    group.throughput(Throughput::Elements(sources.len() as u64)).sample_size(20);
    group.bench_function("200 policies", |b| b.iter(|| sources.iter().map(judge).sum::<usize>()));
    group.finish();
}

criterion_group!(benches, stored_bytes, contents, log, policies);
criterion_main!(benches);
