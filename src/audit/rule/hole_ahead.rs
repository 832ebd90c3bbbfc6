//! Times to come in which more can be lost than the objective allows, although every run succeeds.

use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::timeline::{Hole, Loss};

/// Holes named one by one; a schedule that is too rare has one for each of its runs.
const MOST_NAMED: usize = 20;

pub fn check(context: &Context, report: &mut Report) {
    for case in &context.cases {
        let (Some(ahead), Some(rpo)) = (&case.ahead, &case.objective.rpo) else { continue };
        let subject = Subject::asset(&case.asset.name).in_scenario(&case.scenario.name);
        let (title, asset, until) = (&case.scenario.title, &case.asset.name, ahead.window.until);
        let Some(first) = ahead.holes.first() else {
            let why = format!("until {until} no failure will lose more than {}, if the plan is kept", rpo.value);
            report.pass(Code::HoleAhead, subject, why);
            continue;
        };
        let more = match ahead.holes.len() - 1 {
            0 => String::new(),
            1 => format!(", and once more until {until}"),
            n => format!(", and {n} times more until {until}"),
        };
        let message = format!(
            "{title}: even if every run succeeds, {} `{asset}` {}; {} is allowed{more}: {}",
            lead(first),
            opens(first),
            rpo.value,
            ahead.cause.says()
        );
        let at = ahead.cause.place(context.policy).unwrap_or(rpo.at);
        let shown = ahead.holes.iter().take(MOST_NAMED).map(|hole| format!("{} {}", lead(hole), opens(hole)));
        let finding = Finding::breached(Code::HoleAhead, message).about(subject).at(at).shown_by(shown);
        report.find(
            finding
                .remedy("keep points until newer ones are there: close the gap in the schedule, or keep them longer"),
        );
    }
}

fn lead(hole: &Hole) -> String {
    match hole.worst {
        Loss::Window(span) => format!("up to {span} can be lost of"),
        Loss::Total => "everything can be lost of".to_string(),
    }
}

fn opens(hole: &Hole) -> String {
    format!("from {} to {}", hole.at.from, hole.at.until)
}
