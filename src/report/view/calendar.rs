//! The calendar of runs as the page shows it: four weeks, the worst jobs, the others in words.

use serde::Serialize;

use super::super::calendar::{self, Day, Days, Line};
use super::{Inputs, clean};
use crate::base::Instant;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalendarView {
    /// Midnights in UTC, oldest first.
    pub days: Vec<Instant>,
    pub lines: Vec<Line>,
    /// Jobs that are not among the lines, and how many of them failed or missed a run.
    pub more: usize,
    pub more_in_trouble: usize,
    /// What the calendar shows, in a sentence.
    pub finding: String,
}

const DAYS: u32 = 28;
const LINES_MOST: usize = 24;

/// None where no job has a schedule or a run on record.
pub fn view(inputs: &Inputs<'_>) -> Option<CalendarView> {
    let evidence = inputs.evidence?;
    let until = evidence.read_at.min(inputs.audit.as_of);
    let days = Days::up_to(until, DAYS);
    let mut lines = calendar::lines(inputs.policy, evidence, until, days);
    if lines.is_empty() {
        return None;
    }
    let finding = finding(&lines);
    let others = lines.split_off(lines.len().min(LINES_MOST));
    let trouble = |line: &&Line| line.days.iter().any(|day| *day >= Day::Missed);
    for line in &mut lines {
        (line.job, line.asset) = (clean(&line.job), clean(&line.asset));
    }
    Some(CalendarView {
        days: days.each().collect(),
        more: others.len(),
        more_in_trouble: others.iter().filter(trouble).count(),
        lines,
        finding,
    })
}

fn finding(lines: &[Line]) -> String {
    use super::super::text::count;
    let with = |day| lines.iter().filter(|line| line.days.contains(&day)).count();
    let all = count(lines.len(), "job", "jobs");
    let said = [(Day::Failed, "had a run that failed"), (Day::Missed, "missed a run"), (Day::Late, "came late")];
    let said: Vec<String> =
        said.iter().filter(|(day, _)| with(*day) > 0).map(|(day, what)| format!("{} {what}", with(*day))).collect();
    let unknown = match with(Day::Unknown) {
        0 => String::new(),
        n => format!(" For {n}, the records do not reach back over all of the time."),
    };
    match said.is_empty() {
        true if with(Day::Unknown) == 0 => format!("In {DAYS} days, no run of {all} failed, came late or was missed."),
        true => format!("In {DAYS} days, no run of {all} is known to have failed, come late or been missed.{unknown}"),
        false => format!("In {DAYS} days, of {all}, {}.{unknown}", said.join(", ")),
    }
}
