//! The simulation against a slow one that shares none of its code: it walks every run of every protection forward in time,
//! keeps a list of what there is, and asks of each state in turn whether it could be restored.

use plimsoll::base::rng::Stream;
use plimsoll::evidence::{DrillOutcome, Evidence};
use plimsoll::policy::Policy;
use plimsoll::sim::{Options, Simulation, campaign};

use super::sim_oracles::{AS_OF, BASE, drill, options, policy};
use plimsoll::base::Span;

const MINUTE: f64 = 1.0 / 60.0;
/// Hours of a year, and of the stretch before a failure that is walked: longer than anything is kept.
const YEAR: f64 = 8766.0;
const WALKED: f64 = 60.0;

/// The world that both simulate; all times in hours.
#[derive(Clone, Copy)]
struct World {
    takes: f64,
    retention: f64,
    fails: f64,
    hangs: f64,
    hangs_for: f64,
    late: f64,
    log: Option<Log>,
    bad: f64,
    /// Least, most likely and longest.
    notice: (f64, f64, f64),
    writes_continue: bool,
    restore: f64,
    /// The machinery stands in what is destroyed.
    stops: bool,
    per_year: f64,
}

#[derive(Clone, Copy)]
struct Log {
    lag: f64,
    late: f64,
    breaks_per_year: f64,
    broken_for: f64,
}

const WORLD: World = World {
    takes: 0.5,
    retention: 30.0,
    fails: 0.1,
    hangs: 0.05,
    hangs_for: 2.6,
    late: 0.75,
    log: Some(Log { lag: 0.1, late: 0.2, breaks_per_year: 60.0, broken_for: 30.0 }),
    bad: 0.3,
    notice: (0.0, 2.0, 20.0),
    writes_continue: false,
    restore: 1.5,
    stops: false,
    per_year: 4.0,
};

impl World {
    fn policy(&self) -> Policy {
        let span = |hours: f64| format!("\"{}s\"", (hours * 3600.0).round());
        let log = self.log.map_or(String::new(), |log| {
            format!(
                "[protection.log]\nkind = \"log\"\nassets = [\"database\"]\nlag = {}\nwindow = {}\nstored_in = [\"vault\"]\n\
                 runs_in = [\"runner\"]\ntrouble = {{ late = {}, breaks_per_year = {}, broken_for = {} }}\n",
                span(log.lag),
                span(self.retention),
                span(log.late),
                log.breaks_per_year,
                span(log.broken_for)
            )
        });
        let trouble = format!(
            "trouble = {{ fails = {}, hangs = {}, hangs_for = {}, late = {} }}",
            self.fails,
            self.hangs,
            span(self.hangs_for),
            span(self.late)
        );
        let (low, mode, high) = self.notice;
        let text = BASE
            .replace("0 3 * * *", "0 * * * *")
            .replace("takes = \"0s\"", &format!("takes = {}", span(self.takes)))
            .replace("retention = \"30d\"", &format!("retention = {}\n{trouble}", span(self.retention)))
            .replace(
                "per_year = 0.5",
                &format!("per_year = {}\nwrites_continue = {}", self.per_year, self.writes_continue),
            )
            .replace(
                "noticed_after = \"0s\"",
                &format!("noticed_after = {{ low = {}, mode = {}, high = {} }}", span(low), span(mode), span(high)),
            )
            .replace("declared = \"4h\"", &format!("declared = {}", span(self.restore)))
            .replace(
                "destroys = [\"cluster\"]",
                if self.stops { "destroys = [\"cluster\"]" } else { "corrupts = [\"database\"]" },
            );
        policy(&(text + &log))
    }

    fn evidence(&self) -> Evidence {
        let mut evidence = Evidence::none(AS_OF);
        let outcome = |n: i64| match (n % 100) < (self.bad * 100.0).round() as i64 {
            true => DrillOutcome::Failed { why: "checksum".into() },
            false => DrillOutcome::Passed,
        };
        evidence.drills = (0..20_000).map(|n| drill(n, Span::hours(1), 1, outcome(n))).collect();
        evidence
    }

    /// What one failure loses (none: all of it) and how long service is gone. The failure strikes at hour `WALKED` and some.
    fn strike(&self, s: &mut Stream) -> (Option<f64>, f64) {
        let t = WALKED + s.uniform();
        let (low, mode, high) = self.notice;
        let at = (mode - low) / (high - low);
        let noticed = low + (high - low) * s.beta(1.0 + 4.0 * at, 5.0 - 4.0 * at);
        let points = self.points(t, s);
        let until = t + if self.stops { 0.0 } else { noticed };
        let needed = t + noticed + self.restore;
        let mut usable: Vec<f64> = points
            .iter()
            .filter(|(of, there)| *of <= t && *there <= until && of + self.retention > needed)
            .map(|(of, _)| *of)
            .collect();
        let pieces = self.pieces(t, until, s);
        let mut tries = 0.0;
        loop {
            // Every state that a base leads to by a piece of the log, or that is a point itself; the newest is tried.
            let mut best: Option<(f64, f64)> = None;
            for base in &usable {
                let rolled = pieces.iter().filter(|(first, last)| first <= base && base <= last).map(|(_, last)| *last);
                let reach = rolled.fold(*base, f64::max);
                if best.is_none_or(|(newest, of)| reach > newest || reach == newest && *base > of) {
                    best = Some((reach, *base));
                }
            }
            let last_write = if self.writes_continue { t + noticed } else { t };
            let down = if self.writes_continue { 0.0 } else { noticed } + self.restore * (1.0 + tries);
            let Some((reach, base)) = best else { return (None, down) };
            if s.uniform() >= self.bad {
                return (Some(last_write - reach), down);
            }
            tries += 1.0;
            usable.retain(|of| *of != base);
        }
    }

    /// Points as (of, there from): one run an hour, walked forward.
    fn points(&self, t: f64, s: &mut Stream) -> Vec<(f64, f64)> {
        let mut free_at = f64::NEG_INFINITY;
        let mut points = vec![];
        for hour in 0..=(t + self.notice.2) as i64 {
            let due = hour as f64;
            if due < free_at {
                continue;
            }
            let outcome = s.uniform();
            if outcome < self.hangs {
                free_at = due + self.hangs_for;
            } else if outcome >= self.hangs + self.fails {
                points.push((due, due + self.takes + self.late));
            }
        }
        points
    }

    /// The stretches that the log covers, around its last break before the failure.
    fn pieces(&self, t: f64, until: f64, s: &mut Stream) -> Vec<(f64, f64)> {
        let Some(log) = self.log else { return vec![] };
        let reach = (until - log.lag - log.late).min(t);
        let broke = t + (1.0 - s.uniform()).ln() / (log.breaks_per_year / YEAR);
        vec![(f64::NEG_INFINITY, broke.min(reach)), (broke + log.broken_for, reach)]
    }
}

/// Mean with its error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Both agree on means, on the share of total losses, and on the 90th percentile, within four errors of the difference.
fn agree(what: &str, world: World) {
    let said: Simulation =
        campaign::run(&world.policy(), Some(&world.evidence()), &Options { seed: 5, ..options(1_500) });
    let mut stream = Stream::new(0x5107, 0);
    let struck: Vec<(Option<f64>, f64)> = (0..20_000).map(|_| world.strike(&mut stream)).collect();
    let close = |name: &str, ours: (f64, f64), theirs: (f64, f64)| {
        let error = ours.1.hypot(theirs.1).max(1e-3);
        assert!((ours.0 - theirs.0).abs() <= 4.0 * error, "{what}, {name}: {ours:?}, the reference says {theirs:?}");
    };
    let scenario = &said.scenarios[0];
    let (asset, down) = (&scenario.assets[0], scenario.downtime.unwrap());
    let (window, total) = (asset.loss_window.unwrap(), asset.total_loss);
    let mut windows: Vec<f64> = struck.iter().filter_map(|(loss, _)| *loss).collect();
    let lost: Vec<f64> = struck.iter().map(|(loss, _)| if loss.is_none() { 1.0 } else { 0.0 }).collect();
    let downs: Vec<f64> = struck.iter().map(|(_, down)| *down).collect();
    close("mean loss window", (window.mean.as_hours(), window.standard_error.as_hours()), mean(&windows));
    close("total losses", (total.mean, total.standard_error), mean(&lost));
    close("downtime", (down.mean.as_hours(), down.standard_error.as_hours()), mean(&downs));
    windows.sort_by(f64::total_cmp);
    let p90 = |share: f64| windows[(share * windows.len() as f64) as usize];
    let error = (0.09 / windows.len() as f64).sqrt();
    let theirs = (p90(0.9), (p90(0.9 + error) - p90(0.9 - error)) / 2.0);
    close("90th percentile", (window.p90.as_hours(), window.errors.p90.unwrap().as_hours() + MINUTE), theirs);
}

#[test]
fn runs_that_fail_hang_and_are_late_under_a_log_that_breaks_and_restores_that_are_bad() {
    agree("all at once", WORLD);
    agree("fire", World { stops: true, ..WORLD });
    agree("writes go on", World { writes_continue: true, ..WORLD });
}

#[test]
fn each_trouble_alone() {
    let calm = World { fails: 0.0, hangs: 0.0, late: 0.0, log: None, bad: 0.0, ..WORLD };
    agree("no trouble", calm);
    agree("fails", World { fails: 0.4, ..calm });
    agree("hangs", World { hangs: 0.2, hangs_for: 5.5, ..calm });
    agree("late", World { late: 3.3, stops: true, ..calm });
    agree("bad", World { bad: 0.5, ..calm });
    agree("broken log", World { log: WORLD.log, ..calm });
    agree("kept too short", World { retention: 12.0, fails: 0.3, ..calm });
}
