//! The one table of exit statuses.

use std::process::ExitCode;

use crate::audit::Verdict;
use crate::base::{Fault, FaultKind};

pub const TABLE: &str = "\
Exit status: 0 done, and Met where there is a verdict · 1 failed, no verdict · 2 wrong usage or invalid policy
             3 Breached · 4 Unproven";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Breached = 3,
    Unproven = 4,
}

impl Exit {
    pub fn of(fault: &Fault) -> Self {
        match fault.kind {
            FaultKind::Usage => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Met => Exit::Done,
            Verdict::Breached => Exit::Breached,
            Verdict::Unproven => Exit::Unproven,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
