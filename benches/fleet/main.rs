//! The audit of a fleet: `cargo bench --bench fleet -- [ASSETS] [DAYS] [WINDOW]`, by default 1,000 assets with three years
//! of hourly points (26 million), as a weekly audit asks and then over all three years.
//!
//! `-- write FOLDER ASSETS DAYS` writes such a fleet's policy and evidence instead.
//!
//! The evidence is made up as it is asked for, asset by asset; what that takes by itself is measured first and shown, and
//! is part of the audit's time. Before anything is timed, a small fleet is audited in one piece too, and must come out
//! the same.

macro_rules! say {
    ($($told:tt)*) => {{
        // A reader that closed the pipe is no fault.
        let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($told)*)));
    }};
}

mod made;

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant as Clock;

use made::Fleet;
use plimsoll::audit::{self, Audit};
use plimsoll::base::quantity::grouped;
use plimsoll::base::{Instant, Span, Window};
use plimsoll::evidence::Evidence;
use plimsoll::policy::{self, Policy, SourceText};

fn main() {
    // `cargo bench` adds a flag of its own.
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if let [word, folder, assets, days] = asked.iter().map(String::as_str).collect::<Vec<_>>()[..]
        && word == "write"
    {
        return write(Path::new(folder), assets.parse().expect("a number"), days.parse().expect("a number"));
    }
    let number =
        |index: usize, default: usize| asked.get(index).map_or(default, |text| text.parse().expect("a number"));
    let as_of = as_of();
    let fleet = Fleet { assets: number(0, 1_000), hours: number(1, 1_095) as i64 * 24, as_of };
    let windows = match asked.get(2) {
        Some(text) => vec![text.parse().expect("a span")],
        None => vec![Span::days(7), Span::hours(fleet.hours)],
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    agrees(&Fleet { assets: 23, hours: 24 * 60, as_of });

    let text = fleet.policy();
    let began = Clock::now();
    let policy = read(text);
    say!("policy: {} assets, {} scenarios, read in {:.2} s", fleet.assets, policy.scenarios.len(), since(began));
    say!("evidence: made in {:.2} s on {threads} threads, by itself", make(&fleet, threads));
    for window in windows {
        let points = AtomicUsize::new(0);
        let began = Clock::now();
        let audit = by_asset(&policy, &fleet, window, threads, &points);
        say!(
            "audit over {window}: {} points in {:.2} s on {threads} threads, making them included; {} cells, {} findings, \
             {:?}; peak {} MiB",
            grouped(points.into_inner() as u64),
            since(began),
            audit.cells.len(),
            audit.findings.len(),
            audit.verdict,
            peak_mib()
        );
    }
}

/// Writes the policy and the evidence of a fleet, for whoever wants to look at its report.
fn write(folder: &Path, assets: usize, days: i64) {
    let fleet = Fleet { assets, hours: days * 24, as_of: as_of() };
    let mut evidence = fleet.common();
    for name in fleet.names() {
        let own = fleet.of(&name);
        evidence.points.extend(own.points);
        evidence.coverage.extend(own.coverage);
        evidence.runs.extend(own.runs);
    }
    std::fs::write(folder.join("fleet.toml"), fleet.policy()).expect("written");
    std::fs::write(folder.join("evidence.json"), serde_json::to_vec(&evidence).expect("JSON")).expect("written");
}

fn as_of() -> Instant {
    "2026-11-25T00:00:00Z".parse().expect("an instant")
}

fn read(text: String) -> Policy {
    let source = SourceText::new("fleet.toml", text);
    policy::parse(source).unwrap_or_else(|problems| panic!("{:#?}", &problems[..problems.len().min(5)]))
}

fn since(began: Clock) -> f64 {
    began.elapsed().as_secs_f64()
}

/// Seconds that all evidence takes to be made and let go.
fn make(fleet: &Fleet, threads: usize) -> f64 {
    let (began, next, names) = (Clock::now(), AtomicUsize::new(0), fleet.names().collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    std::hint::black_box(fleet.of(name));
                }
            });
        }
    });
    since(began)
}

fn by_asset(policy: &Policy, fleet: &Fleet, window: Span, threads: usize, points: &AtomicUsize) -> Audit {
    let when = (fleet.as_of, Window::new(fleet.as_of - window, fleet.as_of));
    let shelf = |asset: &policy::Asset| {
        let evidence = fleet.of(&asset.name);
        points.fetch_add(evidence.points.len(), Ordering::Relaxed);
        Ok::<Evidence, Infallible>(evidence)
    };
    let Ok(audit) = audit::run_by_asset(policy, &fleet.common(), shelf, when, threads);
    audit
}

/// All evidence in one piece, by the way that every other audit goes.
fn agrees(fleet: &Fleet) {
    let policy = read(fleet.policy());
    let window = Span::days(30);
    let mut whole = fleet.common();
    for name in fleet.names() {
        let evidence = fleet.of(&name);
        whole.points.extend(evidence.points);
        whole.coverage.extend(evidence.coverage);
    }
    let when = Window::new(fleet.as_of - window, fleet.as_of);
    let in_one = audit::run(&policy, Some(&whole), fleet.as_of, when);
    for threads in [1, 2, 7] {
        let by_asset = by_asset(&policy, fleet, window, threads, &AtomicUsize::new(0));
        let [a, b] = [&in_one, &by_asset].map(|audit| serde_json::to_string(audit).expect("JSON"));
        assert!(a == b, "{} assets on {threads} threads come out otherwise than in one piece", fleet.assets);
    }
    say!("{} assets come out the same in one piece and by asset on 1, 2 and 7 threads", fleet.assets);
}

/// The most memory that this process ever held.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|kib| kib.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}
