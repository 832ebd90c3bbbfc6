//! The policies of before: in the commit that the work began from, or in a file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::audit::{self, Audit};
use crate::base::{Fault, Result, Span};
use crate::cli::beside::BesideArgs;
use crate::cli::git::Commit;
use crate::cli::policy_file::{self, MOST_READ};
use crate::cli::prices;
use crate::cost::PriceBook;
use crate::gate::change::{self, Origin, Side};
use crate::gate::{Change, Removed};
use crate::policy::{Fetched, Policy, SourceText};

/// Where the policies of before are.
pub enum Base {
    Commit { commit: Commit, with: String },
    File(PathBuf),
}

/// What stood there before.
enum Before {
    Nothing,
    Invalid,
    Policy { policy: Box<Policy>, origin: Origin, file: PathBuf },
}

impl Base {
    /// The merge base of the checked out commit and `reference`.
    pub fn of(reference: &str, near: &Path) -> Result<Base> {
        let folder = near.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let commit = Commit::merge_base(reference, folder)?;
        let with = format!("{reference} ({})", commit.short());
        Ok(Base::Commit { commit, with })
    }

    fn with(&self) -> String {
        match self {
            Base::Commit { with, .. } => with.clone(),
            Base::File(path) => path.display().to_string(),
        }
    }

    /// The change from what stood there before to this policy and its audit.
    pub fn change(
        &self,
        file: &Path,
        policy: &Policy,
        audit: &Audit,
        beside: &BesideArgs,
        forward: Option<Span>,
    ) -> Result<Change> {
        let (before, origin, old_file) = match self.before(file, beside)? {
            Before::Nothing => return Ok(change::nothing_before(self.with(), Origin::Added)),
            Before::Invalid => return Ok(change::nothing_before(self.with(), Origin::Invalid)),
            Before::Policy { policy, origin, file } => (policy, origin, file),
        };
        let old_audit = audit::run_ahead(&before, None, audit.as_of, audit.window, forward);
        let (mut unsaid, with) = (Vec::new(), self.with());
        let old_book = known(self.book(&before, &old_file), "before", &mut unsaid);
        let new_book = known(prices::load(policy, file), "after", &mut unsaid);
        let old = Side { policy: &before, audit: &old_audit, book: old_book.as_ref() };
        let new = Side { policy, audit, book: new_book.as_ref() };
        let mut change = change::compare(with, origin, &old, &new);
        change.unsaid.extend(unsaid);
        Ok(change)
    }

    fn before(&self, file: &Path, beside: &BesideArgs) -> Result<Before> {
        let commit = match self {
            Base::File(path) => {
                let policy = Box::new(beside.attach(policy_file::load(path)?)?);
                return Ok(Before::Policy { policy, origin: Origin::Same, file: path.clone() });
            }
            Base::Commit { commit, .. } => commit,
        };
        let inside = commit.inside(file)?;
        let (file, origin) = match commit.has(&inside) {
            true => (inside, Origin::Same),
            false => match commit.former_name(&inside)? {
                Some(from) => (from.clone(), Origin::Renamed { from: from.display().to_string() }),
                None => return Ok(Before::Nothing),
            },
        };
        let then = |_: &str, path: &Path| text_of(commit, &commit.inside(path)?);
        let policy = parsed(commit, &file).and_then(|policy| beside.attach_from(policy, then).ok());
        Ok(policy.map_or(Before::Invalid, |policy| Before::Policy { policy: Box::new(policy), origin, file }))
    }

    /// The price book as it was then.
    fn book(&self, policy: &Policy, file: &Path) -> Result<PriceBook> {
        match self {
            Base::File(_) => prices::load(policy, file),
            Base::Commit { commit, .. } => prices::load_from(policy, file, |book| {
                let text = text_of(commit, &policy_file::plain(book))?;
                text.ok_or_else(|| Fault::missing(format!("there was no price book `{}`", book.display())))
            }),
        }
    }

    /// Policies that stood beside these files and are there no more.
    pub fn removed(&self, files: &[PathBuf]) -> Result<Vec<Removed>> {
        let Base::Commit { commit, with } = self else { return Ok(vec![]) };
        let mut folders = BTreeSet::new();
        for file in files {
            folders.extend(commit.inside(file)?.parent().map(Path::to_path_buf));
        }
        let mut removed = Vec::new();
        for folder in folders {
            for file in commit.removed_from(&folder)? {
                // What was no policy promised nothing.
                let Some(policy) = parsed(commit, &file) else { continue };
                removed.push(Removed { file: file.display().to_string(), policy: policy.name, with: with.clone() });
            }
        }
        Ok(removed)
    }

    /// Whether the file was there before.
    pub fn had(&self, file: &Path) -> bool {
        match self {
            Base::File(_) => false,
            Base::Commit { commit, .. } => commit.inside(file).is_ok_and(|inside| commit.has(&inside)),
        }
    }
}

/// The policy as the commit has it, with the files that it names as they were then.
fn parsed(commit: &Commit, file: &Path) -> Option<Policy> {
    let mut fetch = |from: &str, path: &str| {
        let beside = policy_file::plain(&Path::new(from).parent().unwrap_or(Path::new("")).join(path));
        let text = text_of(commit, &beside).map_err(|fault| fault.to_string())?;
        let text = text.ok_or_else(|| "the commit has no such file".to_string())?;
        Ok(Fetched { name: beside.display().to_string(), text })
    };
    let text = text_of(commit, file).ok()??;
    policy_file::parse(SourceText::new(file.display().to_string(), text), &mut fetch).ok()
}

/// A file of the commit as text; none if it has none, or none that is text.
fn text_of(commit: &Commit, file: &Path) -> Result<Option<String>> {
    Ok(commit.read(file, MOST_READ)?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

fn known(book: Result<PriceBook>, when: &str, unsaid: &mut Vec<String>) -> Option<PriceBook> {
    book.map_err(|fault| unsaid.push(format!("the cost {when}: {fault}"))).ok()
}
