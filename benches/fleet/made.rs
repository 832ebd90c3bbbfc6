//! A fleet that is made up: its policy, and the evidence of each asset, seeded, so that every run has the same.

use std::fmt::Write as _;

use plimsoll::base::rng::Stream;
use plimsoll::base::{Instant, OpTime, Span};
use plimsoll::evidence::*;
use plimsoll::policy::Consistency;

const SEED: u64 = 20_261_125;
const ASSETS_IN_A_CLUSTER: usize = 20;

pub struct Fleet {
    pub assets: usize,
    /// Hours before `as_of` at which the first point was taken.
    pub hours: i64,
    pub as_of: Instant,
}

impl Fleet {
    pub fn names(&self) -> impl Iterator<Item = String> {
        (0..self.assets).map(name)
    }

    /// Hourly snapshots of every asset, and of every tenth a log and a copy elsewhere.
    pub fn policy(&self) -> String {
        let mut text = String::from(
            "plimsoll = 1\nname = \"fleet\"\n[objective]\nrpo = \"6h\"\nrto = \"4h\"\nretention = \"30d\"\n\
             drill_every = \"120d\"\ncopies = 1\nimmutable = true\nencrypted = true\nconsistency = \"snapshot\"\n\
             [domain.vault]\nkind = \"bucket\"\n[domain.elsewhere]\nkind = \"bucket\"\n[domain.runner]\nkind = \"host\"\n\
             [credential.key]\ncan_delete = [\"vault\"]\n",
        );
        let clusters = self.assets.div_ceil(ASSETS_IN_A_CLUSTER);
        for cluster in 0..clusters {
            let _ = write!(
                text,
                "[domain.cluster-{cluster}]\nkind = \"cluster\"\n[scenario.lost-{cluster}]\ndestroys = [\"cluster-{cluster}\"]\n\
                 per_year = 0.1\nnoticed_after = \"5min\"\nrunbook = [{{ step = \"restore\", takes = \"2h\" }}]\n"
            );
        }
        for number in 0..self.assets {
            text += &asset(number);
        }
        let all: Vec<String> = self.names().map(|name| format!("\"{name}\"")).collect();
        let _ = write!(
            text,
            "[scenario.corruption]\ncorrupts = [{}]\nper_year = 1\nnoticed_after = \"2d\"\n\
             [scenario.theft]\ncorrupts = [{}]\ncompromises = [\"key\"]\nper_year = 0.2\nnoticed_after = \"1d\"\n",
            all.join(", "),
            all.iter().step_by(2).cloned().collect::<Vec<_>>().join(", ")
        );
        text
    }

    /// What is not of one asset's copies: the drills, and a stranger's point.
    pub fn common(&self) -> Evidence {
        let mut evidence = Evidence::none(self.as_of);
        let quarters = (self.hours / 24 / 90).max(1);
        for (number, asset) in self.names().enumerate() {
            for quarter in 0..quarters {
                let mut random = Stream::new(SEED + 1, number as u64).fork(quarter as u64);
                let ended_at = self.as_of - Span::days(90 * quarter + random.below(80) as i64);
                evidence.drills.push(drill(&asset, quarter, ended_at, random.below(10) > 0));
            }
        }
        evidence.points.push(self.point("stranger", &mut Stream::new(SEED, 1 << 40), 1));
        evidence
    }

    /// The copies of one asset: an hourly point with one in two hundred missing and one in a thousand bad.
    pub fn of(&self, asset: &str) -> Evidence {
        let number: usize = asset.trim_start_matches('a').parse().unwrap_or_default();
        let mut random = Stream::new(SEED, number as u64);
        let mut evidence = Evidence::none(self.as_of);
        evidence.points.reserve(self.hours as usize);
        for hour in (1..=self.hours).rev() {
            if random.below(200) > 0 {
                evidence.points.push(self.point(asset, &mut random, hour));
            }
        }
        if number.is_multiple_of(10) {
            let days = 0..self.hours / 24;
            evidence.coverage = days.filter(|_| random.below(100) > 0).map(|day| self.piece(asset, day)).collect();
        }
        evidence
    }

    fn point(&self, asset: &str, random: &mut Stream, hour: i64) -> RecoveryPoint {
        let consistent_at = self.as_of - Span::hours(hour);
        let available_at = consistent_at + Span::secs(120 + random.below(1200) as i64);
        let chance = random.below(1000);
        let health = match chance {
            0 => Health::Bad { at: available_at, why: "a block differs".into() },
            1..=40 => Health::Verified { at: available_at },
            _ => Health::Unverified,
        };
        RecoveryPoint {
            recipients: Vec::new(),
            id: consistent_at.0.to_string(),
            asset: asset.to_string(),
            protection: Some(format!("hourly-{asset}")),
            consistent_at,
            cluster_time: Some(OpTime::new((consistent_at.0 / 1000) as u32, 1)),
            available_at,
            expires_at: Some(consistent_at + Span::days(1_100)),
            locked_until: chance.is_multiple_of(2).then_some(consistent_at + Span::days(7)),
            stored_in: vec![],
            consistency: Some(Consistency::Snapshot),
            without: if chance == 41 { vec!["scratch".into()] } else { vec![] },
            encrypted: Some(true),
            health,
            bytes_stored: Some(1 << 30),
            bytes_restored: Some(3 << 30),
            documents: Some(1_000_000),
            origin: Origin { tool: "fleet".into(), place: "fleet.jsonl".into(), sha256: None },
        }
    }

    /// A day of log, which ends where the next begins.
    fn piece(&self, asset: &str, day: i64) -> Coverage {
        let first = self.as_of - Span::days(day + 1);
        let op = |at: Instant| OpTime::new((at.0 / 1000) as u32, 0);
        Coverage {
            encrypted: None,
            asset: asset.to_string(),
            protection: Some(format!("log-{asset}")),
            first: op(first),
            last: op(first + Span::days(1)),
            available_at: first + Span::days(1) + Span::minutes(1),
            expires_at: None,
            locked_until: None,
            stored_in: vec![],
            bytes_stored: None,
            origin: Origin { tool: "fleet".into(), place: format!("{day}.log"), sha256: None },
        }
    }
}

fn name(number: usize) -> String {
    format!("a{number:04}")
}

fn asset(number: usize) -> String {
    let (name, cluster) = (name(number), number / ASSETS_IN_A_CLUSTER);
    let minute = number % 60;
    let mut text = format!(
        "[asset.{name}]\nkind = \"mongodb\"\nsize = \"3 GiB\"\nlives_in = [\"cluster-{cluster}\"]\n\
         [protection.hourly-{name}]\nkind = \"snapshot\"\nassets = [\"{name}\"]\nschedule = \"{minute} * * * *\"\n\
         takes = \"25min\"\nstored_in = [\"vault\"]\nruns_in = [\"runner\"]\nretention = \"1100d\"\nlock = \"7d\"\n\
         encrypted = true\nconsistency = \"snapshot\"\nscheduler = \"cron\"\n"
    );
    if number.is_multiple_of(10) {
        let _ = write!(
            text,
            "[protection.log-{name}]\nkind = \"log\"\nassets = [\"{name}\"]\nlag = \"1min\"\nwindow = \"40d\"\n\
             stored_in = [\"vault\"]\nruns_in = [\"runner\"]\n\
             [protection.copy-{name}]\nkind = \"copy\"\nof = \"hourly-{name}\"\ndelay = \"1h\"\nstored_in = [\"elsewhere\"]\n\
             runs_in = [\"runner\"]\nretention = \"90d\"\n"
        );
    }
    text
}

fn drill(asset: &str, quarter: i64, ended_at: Instant, passed: bool) -> Drill {
    Drill {
        key: None,
        id: format!("{asset}-{quarter}"),
        asset: asset.to_string(),
        protection: Some(format!("hourly-{asset}")),
        point: "newest".into(),
        target: None,
        started_at: ended_at - Span::minutes(90),
        ended_at,
        phases: vec![Phase::new("load", Span::minutes(80), 3 << 30)],
        checks: vec![Check { name: "content".into(), passed, detail: "held against".into(), leaves_open: false }],
        outcome: DrillOutcome::Passed,
        bytes_restored: 3 << 30,
        documents: 1_000_000,
        origin: Origin { tool: "fleet".into(), place: format!("{asset}-{quarter}.json"), sha256: None },
    }
}
