//! A runbook of which all that always takes the same is summed up beforehand.

use super::draw::Time;
use super::model::StepTime;
use crate::base::Span;
use crate::base::rng::Stream;
use crate::policy::Step;

/// Steps to draw whose ends are kept on the stack; a runbook with more is not folded.
const FEW: usize = 8;

/// The same longest way as `timeline::downtime::critical_path`, where no step shares anything with another.
#[derive(Debug, Clone)]
pub struct Folded {
    drawn: Vec<(Ready, Time)>,
    end: Ready,
}

/// The latest of a time from the beginning, and of the ends of drawn steps, each with what always follows.
#[derive(Debug, Clone, Default)]
struct Ready {
    at_least: Span,
    after: Vec<(usize, Span)>,
}

impl Folded {
    /// None where a step's time is not known, where steps share something, where too many are drawn, or where there are none.
    pub fn of(runbook: &[Step], times: &[StepTime]) -> Option<Self> {
        if runbook.is_empty() || runbook.iter().any(|step| step.uses.is_some()) {
            return None;
        }
        let (mut drawn, mut ends, mut end): (Vec<(Ready, Time)>, Vec<Ready>, Ready) = Default::default();
        for (step, time) in runbook.iter().zip(times) {
            let mut ready = Ready::default();
            step.after.iter().filter_map(|before| ends.get(*before)).for_each(|before| ready.wait_for(before));
            let own = match time.takes.as_ref()? {
                Time::Constant(always) => ready.and_then(*always),
                time => {
                    drawn.push((ready, time.clone()));
                    Ready { at_least: Span::ZERO, after: vec![(drawn.len() - 1, Span::ZERO)] }
                }
            };
            end.wait_for(&own);
            ends.push(own);
        }
        (drawn.len() <= FEW).then_some(Folded { drawn, end })
    }

    /// Draws in the order of the steps.
    #[inline]
    pub fn draw(&self, stream: &mut Stream) -> Span {
        if let [(ready, time)] = self.drawn.as_slice() {
            return self.end.at(&[ready.at_least + time.draw(stream)]);
        }
        let mut ends = [Span::ZERO; FEW];
        for (place, (ready, time)) in self.drawn.iter().enumerate() {
            let end = ready.at(&ends) + time.draw(stream);
            if let Some(own) = ends.get_mut(place) {
                *own = end;
            }
        }
        self.end.at(&ends)
    }
}

impl Ready {
    fn wait_for(&mut self, other: &Ready) {
        self.at_least = self.at_least.max(other.at_least);
        for (step, later) in &other.after {
            match self.after.iter_mut().find(|(own, _)| own == step) {
                Some((_, own)) => *own = later.max(own).to_owned(),
                None => self.after.push((*step, *later)),
            }
        }
    }

    fn and_then(mut self, takes: Span) -> Self {
        self.at_least = self.at_least + takes;
        self.after.iter_mut().for_each(|(_, later)| *later = *later + takes);
        self
    }

    #[inline]
    fn at(&self, ends: &[Span]) -> Span {
        let end = |(step, later): &(usize, Span)| ends.get(*step).copied().unwrap_or_default() + *later;
        self.after.iter().map(end).fold(self.at_least, Span::max)
    }
}
