//! Trying again where that can help: a few times, after pauses that are told. Then the run has failed.

use std::time::Duration;

use super::{Event, Listener, record};
use crate::base::Fault;

/// Long enough for another member to be elected, and for a store to be done with a rush of requests.
const PAUSES_SECS: [u64; 2] = [2, 12];

pub struct Patience<'a> {
    listener: &'a dyn Listener,
    pauses: std::array::IntoIter<u64, 2>,
}

impl<'a> Patience<'a> {
    pub fn new(listener: &'a dyn Listener) -> Self {
        Patience { listener, pauses: PAUSES_SECS.into_iter() }
    }

    /// Whether to begin again, once the pause is over.
    pub async fn again(&mut self, fault: &Fault) -> bool {
        let (true, Some(pause)) = (fault.retry_can_help(), self.pauses.next()) else { return false };
        let why = record::chain(fault);
        self.listener.on(Event::Warning(format!("{why}; beginning again in {pause} s")));
        tokio::time::sleep(Duration::from_secs(pause)).await;
        true
    }
}

/// A fault that outlasted all patience, with what to do.
pub fn outlasted(mut fault: Fault) -> Fault {
    if fault.retry_can_help() {
        fault.help.get_or_insert_with(|| "run the backup again when the server answers steadily".to_string());
    }
    fault
}
