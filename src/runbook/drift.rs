//! A committed copy held against the plan that the policy makes now.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Line, MEASURED, Plan};
use crate::base::Place;

/// A stretch in which the copy and the plan differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Where the policy says it, or says what stands before it.
    pub at: Option<Place>,
    /// The line of the copy, from 1; where something lacks, the line that it should stand at.
    pub line: usize,
    /// What the policy makes, and what the copy says instead: the first line of each.
    pub plan: Option<String>,
    pub copy: Option<String>,
    /// Lines that differ, in the longer of the two.
    pub lines: usize,
}

/// All stretches, in the order of the plan.
pub fn between(plan: &Plan, copy: &str) -> Vec<Drift> {
    let wanted: Vec<(&str, Option<Place>)> = wanted(plan);
    let found: Vec<(&str, usize)> = compared(copy);
    let (plan_lines, copy_lines): (Vec<&str>, Vec<&str>) =
        (wanted.iter().map(|(text, _)| *text).collect(), found.iter().map(|(text, _)| *text).collect());
    let operations = capture_diff_slices(Algorithm::Myers, &plan_lines, &copy_lines);
    let differs = |operation: &DiffOp| !matches!(operation, DiffOp::Equal { .. });
    let drift = |operation: DiffOp| {
        let (old, new) = (operation.old_range(), operation.new_range());
        let said = |range: std::ops::Range<usize>, lines: &[&str]| {
            let all = lines.get(range).unwrap_or_default();
            all.iter().find(|line| !line.is_empty()).or(all.first()).map(ToString::to_string)
        };
        let first = wanted.get(old.clone()).and_then(|lines| lines.iter().find_map(|(_, at)| *at));
        let before = wanted.get(..old.start).and_then(|lines| lines.iter().rev().find_map(|(_, at)| *at));
        let line = found.get(new.start).map_or(found.last().map_or(1, |(_, line)| line + 1), |(_, line)| *line);
        Drift {
            at: first.or(before),
            line,
            lines: old.len().max(new.len()),
            plan: said(old, &plan_lines),
            copy: said(new, &copy_lines),
        }
    };
    operations.into_iter().filter(differs).map(drift).collect()
}

/// The plan's lines, the marks of its measured parts among them.
fn wanted(plan: &Plan) -> Vec<(&str, Option<Place>)> {
    let lines = plan.lines.iter().flat_map(|line| match line {
        Line::Says { text, at } => vec![(text.as_str(), *at)],
        Line::Measured { .. } => vec![(MEASURED.0, None), (MEASURED.1, None)],
    });
    lines.collect()
}

/// The copy's lines with their numbers, without what was measured. What no measurement looks like stays: between the
/// marks nobody can hide a step.
fn compared(copy: &str) -> Vec<(&str, usize)> {
    let mut inside = false;
    let mut lines = Vec::new();
    for (index, line) in copy.lines().enumerate() {
        // Another editor's line ends and trailing blanks say nothing.
        let line = line.trim_end();
        inside = match line {
            line if line == MEASURED.0 => true,
            line if line == MEASURED.1 => false,
            line if inside && measured(line) => continue,
            _ => inside,
        };
        lines.push((line, index + 1));
    }
    lines
}

/// How every line of a measured part begins.
pub const MEASURED_BEGINS: [&str; 3] = ["|", "Measured", "From the failure"];

fn measured(line: &str) -> bool {
    line.is_empty() || MEASURED_BEGINS.iter().any(|begins| line.starts_with(begins))
}
