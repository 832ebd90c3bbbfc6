//! The files beside a policy: schedules and scripts that show what really runs, and the recovery plan that was made of it.

use super::document::tables::PolicyTable;
use super::document::values::Text;
use super::include::{Fetch, Files};
use super::{Place, Placed, Problem, SourceText};
use crate::schedule::read::{self as schedules, File};
use crate::script::{self, Script};

/// Schedules and scripts that were read.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    pub schedules: Vec<Scheduled>,
    pub scripts: Vec<Script>,
    /// The committed copy of the recovery plan.
    pub runbook: Option<RunbookCopy>,
    /// Time zone of hosts whose schedule files do not say; None: it was not told.
    pub host_zone: Option<chrono_tz::Tz>,
}

/// A schedule file under its name.
#[derive(Debug, Clone)]
pub struct Scheduled {
    pub path: String,
    pub file: File,
}

/// The copy of the recovery plan that is committed.
#[derive(Debug, Clone)]
pub struct RunbookCopy {
    pub path: String,
    /// Where the policy names it.
    pub at: Option<Place>,
    /// The number of its file, or why it cannot be read: it may have to be made first.
    pub file: Result<u32, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Schedule,
    Script,
    Runbook,
}

impl Beside {
    /// Adds a file; `source` gives it a number, so that its places can be shown.
    pub fn add(&mut self, sort: Sort, file: SourceText, source: &mut SourceText) -> Result<(), Problem> {
        let number = source.add(file.clone());
        let problem = |(at, said): (Place, String)| match said.split_once("; ") {
            Some((said, help)) => Problem::new(at, said).help(help),
            None => Problem::new(at, said),
        };
        match sort {
            Sort::Schedule => {
                let read = schedules::read(&file.name, &file.text, number).map_err(problem)?;
                self.schedules.push(Scheduled { path: file.name, file: read });
            }
            Sort::Runbook => self.runbook = Some(RunbookCopy { path: file.name, at: None, file: Ok(number) }),
            Sort::Script => self.scripts.push(script::read(&file.name, &file.text, number).map_err(problem)?),
        }
        Ok(())
    }
}

/// What the policy names, in its order.
pub(super) fn named(tables: &PolicyTable) -> Vec<(Sort, Placed<Text>)> {
    let schedules = tables.schedules.iter().flat_map(|list| &list.value.0).map(|path| (Sort::Schedule, path.clone()));
    let scripts = tables.scripts.iter().flat_map(|list| &list.value.0).map(|path| (Sort::Script, path.clone()));
    let runbook = tables.runbook_file.iter().map(|path| (Sort::Runbook, path.clone()));
    schedules.chain(scripts).chain(runbook).collect()
}

pub(super) fn read(named: Vec<(Sort, Placed<Text>)>, files: &mut Files, fetch: &mut Fetch) -> Beside {
    let mut beside = Beside::default();
    for (sort, path) in named {
        let from = files.source.of(path.at).name.clone();
        let fetched = match sort {
            Sort::Runbook => match files.file_if_there(&path, &from, fetch) {
                Some(Err(why)) => {
                    beside.runbook = Some(RunbookCopy { path: path.value.0, at: Some(path.at), file: Err(why) });
                    None
                }
                fetched => fetched.and_then(Result::ok),
            },
            _ => files.file(&path, &from, fetch),
        };
        let Some(fetched) = fetched else { continue };
        let file = SourceText::new(fetched.name, fetched.text);
        if let Err(problem) = beside.add(sort, file, &mut files.source) {
            files.problems.push(problem);
        }
        if let Some(copy) = beside.runbook.as_mut().filter(|_| sort == Sort::Runbook) {
            copy.at = Some(path.at);
        }
    }
    beside
}
