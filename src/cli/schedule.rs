//! `plimsoll schedule`: writes what a scheduler runs from, shows the coming runs, and holds files against the policy.

pub mod jobs;

use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;
use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use super::Exit;
use super::output::{self, Format, Global};
use super::policy_file::{self, PolicyArg};
use crate::audit::{self, Code, Verdict};
use crate::base::{Fault, FaultKind, Instant, Result, Span, Window};
use crate::clock::SystemClock;
use crate::policy::beside::Sort;
use crate::policy::{Policy, SourceText};
use crate::port::Clock;
use crate::report::table::{Set, Table};
use crate::report::text::harmless;
use crate::schedule::emit::{self, Emitted, For};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the files that a scheduler runs the policy's backups from
    Emit(EmitArgs),
    /// Show the coming runs, in their own time zone
    Next(NextArgs),
    /// Hold the files that schedulers run from against the policy
    Check(CheckArgs),
}

#[derive(Debug, clap::Args)]
struct EmitArgs {
    #[command(flatten)]
    policy: PolicyArg,
    /// What runs them
    #[arg(long = "for", value_enum, value_name = "SCHEDULER")]
    target: For,
    /// Write a job that simulates the policy in so many parts, a pod for each, in place of its runs
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    simulate_shards: Option<u32>,
    /// The instant that the simulation is as of [default: now]
    #[arg(long, value_name = "INSTANT", requires = "simulate_shards")]
    as_of: Option<Instant>,
    /// Write the files below this folder, in place of stdout; a file that is there is left as it is
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct NextArgs {
    #[command(flatten)]
    policy: PolicyArg,
    /// So many runs of each
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    count: usize,
    /// From this instant on [default: now]
    #[arg(long, value_name = "INSTANT")]
    from: Option<Instant>,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    #[command(flatten)]
    policy: PolicyArg,
    /// Crontabs, systemd timers, GitHub Actions workflows, Kubernetes CronJobs
    #[arg(long = "schedules", value_name = "FILE", num_args = 1.., required = true)]
    files: Vec<PathBuf>,
    /// Time zone of the hosts whose files do not say their own, such as UTC
    #[arg(long, value_name = "ZONE")]
    host_zone: Option<Tz>,
}

impl ValueEnum for For {
    fn value_variants<'a>() -> &'a [Self] {
        &[For::Crontab, For::Systemd, For::Github, For::Kubernetes]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let (name, help) = match self {
            For::Crontab => ("crontab", "a crontab, as cronie reads it"),
            For::Systemd => ("systemd", "units: a service and a timer for each run"),
            For::Github => ("github", "GitHub Actions workflows"),
            For::Kubernetes => ("kubernetes", "CronJobs, and a Deployment for a capture"),
        };
        Some(clap::builder::PossibleValue::new(name).help(help))
    }
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        match &self.what {
            What::Emit(args) => args.run(global),
            What::Next(args) => args.run(global),
            What::Check(args) => args.run(global),
        }
    }
}

impl EmitArgs {
    fn run(&self, global: &Global) -> Result<Exit> {
        let policy = self.policy.load()?;
        if let Some(parts) = self.simulate_shards {
            if self.target != For::Kubernetes {
                return Err(Fault::usage("a simulation in parts is written for Kubernetes alone")
                    .help("say --for kubernetes; elsewhere, run `plimsoll simulate --shard 1/16` and its like"));
            }
            // A part of a second would be shown, and be in the way of whoever types it.
            let now = SystemClock.now();
            let as_of = self.as_of.unwrap_or(now - Span::millis(now.0.rem_euclid(1000)));
            return self.deliver(global, &[emit::simulation(parts, as_of)]);
        }
        self.deliver(global, &self.planned(global, &policy)?)
    }

    /// The files for all that the policy plans.
    fn planned(&self, global: &Global, policy: &Policy) -> Result<Vec<Emitted>> {
        let (jobs, left_out) = jobs::of(policy, self.target);
        for (name, why) in left_out {
            output::tell(global, &format!("`{name}` is left out: {why}"));
        }
        if jobs.is_empty() {
            return Err(Fault::usage("the policy plans nothing that Plimsoll could run")
                .help("a snapshot, a mirror or a log of a database or bucket is run from a schedule"));
        }
        let mut names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        names.sort_unstable();
        if let Some((twice, _)) = names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b) {
            return Err(Fault::usage(format!("two runs of the policy would be called `{twice}`"))
                .help("give the protection another name than that of a verb"));
        }
        emit::emit(&jobs, self.target).map_err(Fault::usage)
    }

    fn deliver(&self, global: &Global, files: &[Emitted]) -> Result<Exit> {
        match &self.to {
            Some(folder) => {
                for file in files {
                    write_new(&folder.join(&file.path), &file.text)?;
                    output::tell(global, &format!("wrote {}", folder.join(&file.path).display()));
                }
            }
            None if global.format == Format::Json => output::print_json(&printed(files))?,
            None => output::print(&joined(files))?,
        }
        Ok(Exit::Done)
    }
}

#[derive(Serialize)]
struct Printed<'a> {
    path: &'a str,
    text: &'a str,
}

fn printed(files: &[Emitted]) -> Vec<Printed<'_>> {
    files.iter().map(|file| Printed { path: &file.path, text: &file.text }).collect()
}

/// One after the other, each under its name; one alone as it is.
fn joined(files: &[Emitted]) -> String {
    match files {
        [only] => only.text.clone(),
        files => files.iter().map(|file| format!("# ── {} ──\n{}\n", file.path, file.text)).collect(),
    }
}

/// What somebody may have changed by hand is not overwritten.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let write = || {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
        std::fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
    };
    write().map_err(|error| {
        let fault = Fault::io("write", path.display(), error);
        match fault.kind {
            FaultKind::Conflict => fault.help("it is left as it was; move it away, or write into another folder"),
            _ => fault,
        }
    })
}

/// A coming run: of a protection, or of an operation.
#[derive(Serialize)]
struct Run {
    protection: String,
    at: Instant,
    local: String,
    zone: &'static str,
    /// Between the run before and this one the clocks there are changed.
    clocks_change: bool,
}

impl NextArgs {
    fn run(&self, global: &Global) -> Result<Exit> {
        let policy = self.policy.load()?;
        let from = self.from.unwrap_or_else(|| SystemClock.now());
        let mut runs: Vec<Run> = Vec::new();
        let protections = policy.protections.iter().filter_map(|p| Some((p.name.as_str(), jobs::schedule(p)?)));
        let operations = policy.operations.scheduled().map(|(work, schedule)| (work.word(), &schedule.value));
        for (name, schedule) in protections.chain(operations) {
            let mut offset = local(from, schedule.zone).map(|local| local.offset().to_string());
            for at in schedule.runs_from(from).take(self.count.min(10_000)) {
                let Some(local) = local(at, schedule.zone) else { continue };
                let now = Some(local.offset().to_string());
                runs.push(Run {
                    protection: name.to_string(),
                    at,
                    local: local.format("%a %Y-%m-%d %H:%M %:z").to_string(),
                    zone: schedule.zone.name(),
                    clocks_change: now != offset,
                });
                offset = now;
            }
        }
        runs.sort_by(|a, b| (a.at, &a.protection).cmp(&(b.at, &b.protection)));
        if global.format == Format::Json {
            output::print_json(&runs)?;
            return Ok(Exit::Done);
        }
        let columns =
            [("run", Set::Text), ("local time", Set::Text), ("zone", Set::Text), ("UTC", Set::Text), ("", Set::Text)];
        let mut table = Table::new(&columns);
        for run in &runs {
            let change = if run.clocks_change { "clocks changed before it" } else { "" };
            table.row([&run.protection, &run.local, run.zone, &run.at.to_string(), change]);
        }
        output::print(&table.for_stdout())?;
        Ok(Exit::Done)
    }
}

fn local(at: Instant, zone: Tz) -> Option<DateTime<Tz>> {
    zone.timestamp_millis_opt(at.0).single()
}

/// Findings that a schedule's file can bring about.
const OF_FILES: [Code; 3] = [Code::ScheduleDrift, Code::JobUndeclared, Code::SchedulerUnbounded];

impl CheckArgs {
    fn run(&self, global: &Global) -> Result<Exit> {
        let policy = self.attach(self.policy.load()?)?;
        let now = SystemClock.now();
        let audit = audit::run(&policy, None, now, Window::new(now - Span::days(7), now));
        let mut findings: Vec<_> = audit.findings.iter().filter(|finding| OF_FILES.contains(&finding.code)).collect();
        findings.sort_by_key(|finding| finding.verdict);
        if global.format == Format::Json {
            output::print_json(&findings)?;
        } else {
            let mut text = String::new();
            for finding in &findings {
                text += &format!("{}: {}\n", word(finding.verdict), harmless(&finding.message));
            }
            let passes = audit.passes.iter().filter(|pass| OF_FILES.contains(&pass.code));
            for pass in passes {
                text += &format!("as planned: {}\n", harmless(&pass.why));
            }
            output::print(&text)?;
        }
        Ok(match findings.iter().map(|finding| finding.verdict).max() {
            Some(Verdict::Breached) => Exit::Breached,
            Some(Verdict::Unproven) => Exit::Unproven,
            _ => Exit::Done,
        })
    }

    /// These files in place of those that the policy names itself.
    fn attach(&self, mut policy: Policy) -> Result<Policy> {
        policy.beside.schedules.clear();
        policy.beside.host_zone = self.host_zone;
        for path in &self.files {
            let text = policy_file::read("schedule", path)?;
            let Policy { source, beside, .. } = &mut policy;
            let file = SourceText::new(path.display().to_string(), text);
            beside.add(Sort::Schedule, file, source).map_err(|problem| policy_file::refused(source, &[problem]))?;
        }
        Ok(policy)
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "as planned",
        Verdict::Unproven => "unproven",
        Verdict::Breached => "drifted",
    }
}
