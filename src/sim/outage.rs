//! Failures that take nothing away and are always noticed alike: in most plans most of them. What one comes to is how long
//! its runbook takes, so that nothing else of an incident is worked out, but for the worst of all.

use super::folded::Folded;
use super::incident::{Incident, STEPS};
use super::model::Hazard;
use crate::base::rng::Stream;
use crate::base::{Instant, Span};
use crate::timeline::downtime;

#[derive(Debug)]
pub struct Outage {
    noticed_after: Span,
    writes_continue: bool,
    runbook: Folded,
}

impl Outage {
    /// None where the hazard can come to anything else.
    pub fn of(hazard: &Hazard) -> Option<Self> {
        let noticed_after = hazard.noticed_after.as_ref()?.constant().filter(|_| hazard.assets.is_empty())?;
        let writes_continue = hazard.scenario.writes_continue;
        Some(Outage { noticed_after, writes_continue, runbook: hazard.folded.clone()? })
    }

    /// How long service is down, of the incident that this is the stream of, past its time.
    #[inline]
    pub fn downtime(&self, stream: &Stream) -> Span {
        let takes = self.runbook.draw(&mut stream.fork(STEPS));
        downtime::after_notice(self.writes_continue, self.noticed_after, takes)
    }

    /// The whole incident.
    pub fn incident(&self, at: Instant, downtime: Span) -> Incident {
        Incident { at, noticed_after: self.noticed_after, downtime: Some(downtime), losses: vec![] }
    }
}
