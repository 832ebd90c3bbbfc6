//! A chosen plan as a change of the policy's own file: a unified diff to read and to apply, or the file itself.

use std::path::Path;

use similar::TextDiff;

use crate::base::{Fault, Result};
use crate::cli::policy_file;
use crate::cost::{PlanPoint, Tradeoff};
use crate::policy::document::suggestion;
use crate::policy::rewrite::rewrite;
use crate::policy::{Policy, SourceText, written};
use crate::report::write;

/// The plan that a name means: `cheapest`, `least-total`, `nearest`, or a plan's own name as the table shows it.
pub fn chosen<'a>(tradeoff: &'a Tradeoff, name: &str) -> Result<&'a PlanPoint> {
    let answer = match name {
        "cheapest" => (tradeoff.cheapest_compliant, "no plan that can be weighed meets every objective"),
        "least-total" => (tradeoff.least_total, "no plan can be weighed whole"),
        "nearest" => {
            (tradeoff.nearest, "a plan meets every objective, so that none is only the nearest, or none can be weighed")
        }
        label => return named(tradeoff, label),
    };
    tradeoff.plan(answer.0).ok_or_else(|| {
        let nearest = tradeoff.plan(tradeoff.nearest).filter(|_| name == "cheapest");
        let help = match nearest {
            Some(plan) => format!("`--plan nearest` is {}, which misses {}", plan.label, plan.misses.join(", ")),
            None => "`plimsoll tradeoff` without --apply-to says why".to_string(),
        };
        Fault::usage(format!("there is no plan `{name}`: {}", answer.1)).help(help)
    })
}

fn named<'a>(tradeoff: &'a Tradeoff, label: &str) -> Result<&'a PlanPoint> {
    tradeoff.plans.iter().find(|plan| plan.label == label).ok_or_else(|| {
        let words = ["cheapest", "least-total", "nearest"];
        let labels: Vec<&str> = words.into_iter().chain(tradeoff.plans.iter().map(|p| p.label.as_str())).collect();
        let help = match labels.len() {
            0..=12 => suggestion(label, "known", &labels),
            _ => "name cheapest, least-total, nearest, or a plan as `plimsoll tradeoff --all` shows it".to_string(),
        };
        Fault::usage(format!("no plan is called `{}`", crate::policy::document::short(label))).help(help)
    })
}

/// The policy's text with the plan in it. It is read again as a policy, and must declare exactly that plan.
pub fn rewritten(policy: &Policy, plan: &PlanPoint, file: &Path) -> Result<String> {
    let wanted = plan.choice.of(policy).ok_or_else(|| Fault::bug(format!("`{}` is no plan", plan.label)))?;
    let text = rewrite(policy, &wanted)?;
    let source = SourceText::new(file.display().to_string(), text.as_str());
    let read = policy_file::parse(source, &mut policy_file::fetch)
        .map_err(|refusal| Fault::bug("the changed policy would not be valid").because(refusal.fault.to_string()))?;
    let same = written::lines(&read, &[]) == written::lines(&wanted, &[])
        && written::drills(&read) == written::drills(&wanted);
    match same {
        true => Ok(text),
        false => Err(Fault::bug(format!("the changed policy would not declare the plan `{}`", plan.label))),
    }
}

/// As `patch -p1` and `git apply` read it; empty where nothing changes.
pub fn diff(before: &str, after: &str, file: &Path) -> String {
    let name = file.display().to_string();
    let name = name.trim_start_matches("./").trim_start_matches('/');
    let lines = TextDiff::from_lines(before, after);
    lines.unified_diff().context_radius(3).header(&format!("a/{name}"), &format!("b/{name}")).to_string()
}

/// Writes the file anew, whole or not at all, unless somebody changed it since it was read.
pub fn write(file: &Path, before: &str, after: &str) -> Result<()> {
    if policy_file::read("policy", file)? != before {
        return Err(Fault::new(
            crate::base::FaultKind::Conflict,
            format!("`{}` was changed while its plans were weighed", file.display()),
        )
        .help("run it again"));
    }
    write::file(file, after)
}
