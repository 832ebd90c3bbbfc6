//! Steps of a runbook that share something: a line that all restores come over, a pool of workers, a team.
//!
//! A queue serves the steps in the order in which they come, of those that come at once the earlier of the runbook first.
//! A bandwidth serves all at once, each at its part of the pace (processor sharing).

use crate::base::Span;
use crate::policy::{Resource, Sharing, Step};

/// Where one step stands.
struct Progress {
    /// Milliseconds of work at full pace that are left.
    left: f64,
    /// When it came, in order; none while it waits for others.
    came: Option<usize>,
    done: bool,
}

/// When the last step is done, of steps that take these times where each is served alone.
pub fn finish(steps: &[Step], takes: &[Span]) -> Span {
    let mut all: Vec<Progress> =
        takes.iter().map(|takes| Progress { left: takes.0.max(0) as f64, came: None, done: false }).collect();
    let (mut now, mut coming) = (0.0_f64, 0);
    loop {
        for (index, step) in steps.iter().enumerate() {
            let ready = step.after.iter().all(|before| all.get(*before).is_none_or(|before| before.done));
            if let Some(own) = all.get_mut(index).filter(|own| ready && own.came.is_none()) {
                own.came = Some(coming);
                coming += 1;
            }
        }
        let paces: Vec<f64> = (0..all.len()).map(|index| pace(steps, &all, index)).collect();
        let ends = all.iter().zip(&paces).filter(|(_, pace)| **pace > 0.0).map(|(own, pace)| own.left / pace);
        let Some(next) = ends.min_by(f64::total_cmp) else { return Span(now.round() as i64) };
        for (own, pace) in all.iter_mut().zip(&paces).filter(|(_, pace)| **pace > 0.0) {
            own.done = own.left / pace <= next;
            own.left = (own.left - pace * next).max(0.0);
        }
        now += next;
    }
}

/// Part of its full pace at which a step goes on; 0 while it waits.
fn pace(steps: &[Step], all: &[Progress], index: usize) -> f64 {
    let busy = |index: usize| all.get(index).filter(|own| !own.done).and_then(|own| own.came);
    let Some(came) = busy(index) else { return 0.0 };
    let Some(resource) = steps.get(index).and_then(|step| step.uses.as_ref()) else { return 1.0 };
    let shares = |other: &Step| other.uses.as_ref().is_some_and(|used: &Resource| used.name == resource.name);
    let came_of = |other: usize, step: &Step| if shares(step) { busy(other) } else { None };
    let others: Vec<usize> = steps.iter().enumerate().filter_map(|(other, step)| came_of(other, step)).collect();
    let places = resource.at_once as usize;
    match resource.sharing {
        Sharing::Queue if others.iter().filter(|other| **other < came).count() < places => 1.0,
        Sharing::Queue => 0.0,
        Sharing::Bandwidth => (places as f64 / others.len().max(1) as f64).min(1.0),
    }
}
