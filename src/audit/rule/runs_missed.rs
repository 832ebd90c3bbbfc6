//! Runs that left nothing, or came late, against the schedule's own times.

use crate::audit::context::Item;
use crate::audit::runs::slots;
use crate::audit::{Code, Context, Report, Stock, Subject, Verdict};
use crate::evidence::RunOutcome;
use crate::policy::{Mechanism, Protection};

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    if context.evidence.is_none() {
        return;
    }
    let mut items = Vec::new();
    for protection in context.copies_of(stock.asset) {
        items.extend(judge(context, stock, protection, report));
    }
    let remedy = "look at what those runs said, repair it, and alert on the age of the newest point";
    report.find_all(context, Code::RunsMissed, "runs did not keep to their schedule", remedy, items);
}

fn judge(context: &Context, stock: &Stock, protection: &Protection, report: &mut Report) -> Option<Item> {
    let asset = stock.asset;
    let slots = slots(context, stock, protection)?;
    let (Mechanism::Snapshot { schedule, takes, allowed_failures }
    | Mechanism::Mirror { schedule, takes, allowed_failures }) = &protection.mechanism
    else {
        return None;
    };
    let missed = slots.missed();
    let in_a_row = missed.first().map_or(0, |row| row.len());
    let count: usize = missed.iter().map(|row| row.len()).sum();
    let late_by = protection.late_by.as_ref().map(|late| late.value);
    let late = late_by.map(|late| slots.late(takes.value + late)).unwrap_or_default();
    let worst = late.iter().map(|(_, late)| *late).max();
    let (name, all) = (&protection.name, slots.all.len());
    let mut says = vec![];
    if in_a_row > *allowed_failures as usize {
        let first = missed.first().and_then(|row| row.first()).map(|slot| slot.at.to_string()).unwrap_or_default();
        says.push(format!(
            "{count} of {all} runs of `{name}` of `{}` left nothing, {in_a_row} in a row from {first}",
            asset.name
        ));
    }
    if let Some(worst) = worst {
        let allowed = late_by.unwrap_or_default();
        says.push(format!(
            "{} of {all} of `{name}` came up to {worst} later than the {allowed} that is allowed",
            late.len()
        ));
    }
    let mut verdict = Verdict::Breached;
    if says.is_empty() && slots.before_first > 0 {
        verdict = Verdict::Unproven;
        let before = slots.before_first;
        says.push(format!("nothing shows the {before} runs of `{name}` of `{}` before its first point", asset.name));
    }
    if says.is_empty() {
        let mut subject = Subject::asset(&asset.name);
        subject.protection = Some(name.clone());
        let window = slots.window();
        let why = format!("{} of {all} runs from {} to {} left their point", slots.made(), window.from, window.until);
        report.pass(Code::RunsMissed, subject, why);
        return None;
    }
    let gone = missed.iter().flat_map(|row| row.iter()).map(|slot| format!("no point of {}", slot.at));
    let after = late.iter().map(|(slot, late)| format!("that of {} came {late} late", slot.at));
    let evidence = gone.chain(after).take(20).chain(failed(context, stock, protection)).collect();
    Some(Item { asset: asset.name.clone(), at: Some(schedule.at), verdict, says: says.join("; "), evidence })
}

/// What the newest failed runs said.
fn failed(context: &Context, stock: &Stock, protection: &Protection) -> impl Iterator<Item = String> {
    let own = |p: &Option<String>| p.as_deref() == Some(protection.name.as_str());
    let runs = context.evidence.map(|e| e.runs).unwrap_or_default();
    let of_it = runs.iter().filter(|r| r.asset == stock.asset.name && own(&r.protection));
    let said = of_it.rev().filter_map(|run| match &run.outcome {
        RunOutcome::Failed { why } => Some(format!("the run of {} failed: {why}", run.started_at)),
        RunOutcome::Done => None,
    });
    said.take(3).collect::<Vec<_>>().into_iter()
}
