//! `plimsoll check`: policies judged from their files alone, before they are merged. It judges what is declared: nothing
//! is Met by a declaration. What fails the run is chosen from a closed list; what a baseline knows never does.

mod base;

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use self::base::Base;
use super::Exit;
use super::beside::BesideArgs;
use super::judged::OutArg;
use super::output::{self, Global};
use super::policy_file::{self, Refusal};
use crate::audit::{self, Audit};
use crate::base::{Fault, Instant, Result, Span, Window, parallel};
use crate::clock::SystemClock;
use crate::gate::{Baseline, Change, Claims, FailOn, Judged, Judgement, Refused, Verb};
use crate::policy::Policy;
use crate::port::Clock;
use crate::report::format::Form;
use crate::report::write;

/// A policy, what is declared there, and what that changes.
type Looked = (Policy, Audit, Result<Option<Change>>);

/// A week holds every weekday's schedule once.
const WINDOW: Span = Span::days(7);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 nothing fails · 1 a file cannot be read · 2 wrong usage or invalid policy
             3 a finding breaches, or the plan got worse · 4 unproven findings, with --fail-on unproven")]
pub struct Args {
    /// Policy files
    #[arg(value_name = "FILE", default_value = "plimsoll.toml")]
    policies: Vec<PathBuf>,
    /// Judge schedules and waivers from this instant on, such as 2026-11-20T14:03:07Z
    #[arg(long, value_name = "INSTANT")]
    as_of: Option<Instant>,
    /// Look this far ahead too, such as 365d: schedules, retention and locks replayed, each hole named with its dates
    #[arg(long, value_name = "SPAN")]
    forward: Option<Span>,
    /// Compare with the policies at the merge base with this commit, such as origin/main: read through git, no network
    #[arg(long, value_name = "REF", conflicts_with = "base_file")]
    base: Option<String>,
    /// Compare the one policy with this file
    #[arg(long, value_name = "FILE")]
    base_file: Option<PathBuf>,
    /// What fails the run
    #[arg(long, value_enum, default_value_t = FailOn::Breached)]
    fail_on: FailOn,
    /// Findings of this file are known and do not fail the run; those that are gone are told
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the findings of this run into a baseline, and fail on none of them
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<PathBuf>,
    #[command(flatten)]
    beside: BesideArgs,
    #[command(flatten)]
    out: OutArg,
}

impl ValueEnum for FailOn {
    fn value_variants<'a>() -> &'a [Self] {
        &[FailOn::Breached, FailOn::Unproven, FailOn::Worse, FailOn::Never]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let (name, help) = match self {
            FailOn::Breached => ("breached", "a finding that breaches"),
            FailOn::Unproven => ("unproven", "any finding, those of which nothing is shown included"),
            FailOn::Worse => ("worse", "a figure worse than the base's (cost apart), or a new finding that breaches"),
            FailOn::Never => ("never", "nothing but a policy that cannot be read"),
        };
        Some(clap::builder::PossibleValue::new(name).help(help))
    }
}

impl Args {
    pub fn run(&self, global: &Global, form: Form) -> Result<Exit> {
        let base = self.open_base()?;
        let as_of = self.as_of.unwrap_or_else(|| SystemClock.now());
        let window = Window::new(as_of - WINDOW, as_of);
        let (mut found, mut refused, mut exit) = (Vec::new(), Vec::new(), None);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let looked = parallel::in_order(&self.policies, threads, |path| self.look(path, base.as_ref(), window));
        for (path, looked) in self.policies.iter().zip(looked) {
            // Every file is read even after one failed, so that one run shows what is wrong with all of them.
            match looked {
                Ok((policy, audit, change)) => found.push((path, policy, audit, change?)),
                // It was removed, and is told as such below.
                Err(_) if !path.exists() && base.as_ref().is_some_and(|base| base.had(path)) => {}
                Err(refusal) => {
                    output::print_fault(&refusal.fault);
                    // An invalid policy outweighs a file that could not be read, whatever their order.
                    exit = exit.filter(|exit| *exit == Exit::Usage).or(Some(Exit::of(&refusal.fault)));
                    refused.push(refusal_of(path, *refusal));
                }
            }
        }
        let mut claims = self.claims(&found.iter().map(|(_, policy, ..)| policy).collect::<Vec<_>>())?;
        if let Some(file) = &self.write_baseline {
            let baseline = Baseline::of(found.iter().map(|(_, _, audit, _)| audit));
            write_baseline(global, file, &baseline)?;
            claims = Claims::on(&baseline);
        }
        let mut policies = Vec::with_capacity(found.len());
        for (path, policy, audit, change) in found {
            let file = path.display().to_string();
            policies.push(Judged::new(file, policy.source, audit, change, self.fail_on, &mut claims));
        }
        let names: Vec<&str> = policies.iter().map(|judged| judged.audit.policy.as_str()).collect();
        let gone = claims.gone(&names);
        let removed = base.map(|base| base.removed(&self.policies)).transpose()?.unwrap_or_default();
        let judgement = Judgement { verb: Verb::Check, as_of, fail_on: self.fail_on, policies, refused, removed, gone };
        let outcome = self.out.deliver(global, &judgement, form)?;
        Ok(exit.unwrap_or(outcome))
    }

    /// One file: its policy, what is declared there, and what that changes. What cannot be compared ends the run.
    fn look(&self, path: &Path, base: Option<&Base>, window: Window) -> Result<Looked, Box<Refusal>> {
        let policy = policy_file::open(path).and_then(|policy| Ok(self.beside.attach(policy)?))?;
        let audit = audit::run_ahead(&policy, None, window.until, window, self.forward);
        let change = base.map(|base| base.change(path, &policy, &audit, &self.beside, self.forward)).transpose();
        Ok((policy, audit, change))
    }

    fn open_base(&self) -> Result<Option<Base>> {
        let base = match (&self.base, &self.base_file, self.policies.as_slice()) {
            (Some(reference), _, [first, ..]) => Some(Base::of(reference, first)?),
            (_, Some(file), [_]) => Some(Base::File(file.clone())),
            (_, Some(_), _) => {
                let fault = Fault::usage("--base-file is one policy, and several are to be compared with it");
                return Err(fault.help("check them one by one, or compare with a commit: --base REF"));
            }
            _ => None,
        };
        if self.fail_on == FailOn::Worse && base.is_none() {
            let fault = Fault::usage("nothing can get worse that is compared with nothing");
            return Err(fault.help("name what to compare with: --base REF or --base-file FILE"));
        }
        Ok(base)
    }

    /// What the baseline knows. A finding is known by the name of its policy, so each needs one of its own.
    fn claims(&self, policies: &[&Policy]) -> Result<Claims> {
        let named = self.baseline.as_ref().or(self.write_baseline.as_ref());
        let mut names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
        names.sort_unstable();
        let twice = names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b);
        if let (Some(_), Some((name, _))) = (named, twice) {
            let fault = Fault::usage(format!("two policies are called `{name}`: a baseline could not tell them apart"));
            return Err(fault.help("give each a `name` of its own"));
        }
        let Some(file) = &self.baseline else { return Ok(Claims::on(&Baseline::of([]))) };
        let text = std::fs::read_to_string(file).map_err(|error| {
            let fault = Fault::io("read the baseline", file.display(), error);
            fault.help(format!("write one with --write-baseline {}", file.display()))
        })?;
        let baseline = Baseline::parse(&text).map_err(|why| {
            let fault = Fault::usage(format!("`{}` is no baseline: {why}", file.display()));
            fault.help(format!("write it anew with --write-baseline {}", file.display()))
        })?;
        Ok(Claims::on(&baseline))
    }
}

fn write_baseline(global: &Global, file: &Path, baseline: &Baseline) -> Result<()> {
    let text = serde_json::to_string_pretty(baseline).map_err(|e| Fault::bug("cannot write JSON").because(e))?;
    write::file(file, &(text + "\n"))?;
    output::tell(global, &format!("wrote {}: {} known", file.display(), baseline.known.len()));
    Ok(())
}

fn refusal_of(path: &Path, refusal: Refusal) -> Refused {
    let Refusal { fault, source, problems } = refusal;
    // The problems say the rest, each at its place.
    let message = match problems.as_slice() {
        [] => fault.what,
        [_] => "the policy has a problem".to_string(),
        several => format!("the policy has {} problems", several.len()),
    };
    Refused { file: path.display().to_string(), source, message, help: fault.help, problems }
}
