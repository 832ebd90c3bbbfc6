//! The argument that names the policy file, and reading it with all its problems shown.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use clap::Args;

use crate::base::{Fault, FaultKind, Result};
use crate::policy::include::Fetch;
use crate::policy::{self, Fetched, Policy, Problem, SourceText};

/// Problems shown at once: more than a screen or two of them is one mistake repeated.
const MOST_SHOWN: usize = 50;
/// Read one byte past what a policy may have, so that the reader can say that it is too large.
pub const MOST_READ: u64 = (4 << 20) + 1;

/// Where the policy is.
#[derive(Debug, Clone, Args)]
pub struct PolicyArg {
    /// Policy file
    #[arg(env = "PLIMSOLL_POLICY", value_name = "POLICY", default_value = "plimsoll.toml")]
    pub policy: PathBuf,
}

impl PolicyArg {
    pub fn load(&self) -> Result<Policy> {
        load(&self.policy)
    }
}

/// Why a file is no policy, with the text and its problems where there is one.
pub struct Refusal {
    pub fault: Fault,
    pub source: Option<SourceText>,
    pub problems: Vec<Problem>,
}

impl From<Fault> for Box<Refusal> {
    fn from(fault: Fault) -> Self {
        Box::new(Refusal { fault, source: None, problems: vec![] })
    }
}

/// Reads and validates a policy; the fault holds all its problems, each shown at its place.
pub fn load(path: &Path) -> Result<Policy> {
    open(path).map_err(|refusal| refusal.fault)
}

/// The same, with the problems apart from what is shown of them.
pub fn open(path: &Path) -> Result<Policy, Box<Refusal>> {
    let text = read("policy", path)
        .map_err(|fault| fault.help("check the path, or write a policy to start from with `plimsoll init`"))?;
    parse(SourceText::new(path.display().to_string(), text), &mut fetch)
}

/// Validates the text of a policy, wherever it and the files that it names are read from.
pub fn parse(source: SourceText, fetch: &mut Fetch) -> Result<Policy, Box<Refusal>> {
    policy::parse_with(source, fetch).map_err(|said| {
        let fault = refused(&said.source, &said.problems);
        Box::new(Refusal { fault, source: Some(said.source), problems: said.problems })
    })
}

/// The text of a file that the user named, called `what` where it cannot be read.
pub fn read(what: &str, path: &Path) -> Result<String> {
    let shown = path.display();
    let cannot = |error| {
        let mut fault = Fault::io(&format!("read the {what}"), shown.to_string(), error);
        // The command line named a file that is not there.
        if fault.kind == FaultKind::Missing {
            fault.kind = FaultKind::Usage;
        }
        fault
    };
    let mut bytes = vec![];
    std::fs::File::open(path).and_then(|f| f.take(MOST_READ).read_to_end(&mut bytes)).map_err(cannot)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::usage(format!("the {what} `{shown}` is not text in UTF-8: byte {at} is not")).help("save it as UTF-8")
    })
}

/// A file that another one names, relative to it.
pub fn fetch(from: &str, path: &str) -> std::result::Result<Fetched, String> {
    let file = plain(&Path::new(from).parent().unwrap_or(Path::new("")).join(path));
    // A pipe or a device would be waited for.
    let is_file = std::fs::metadata(&file).map_err(|error| error.to_string())?.is_file();
    if !is_file {
        return Err("it is not a file".to_string());
    }
    let text = read("file", &file).map_err(|fault| fault.to_string())?;
    Ok(Fetched { name: file.display().to_string(), text })
}

/// The path without `.` and, where a folder stands before it, `..`: one file has one name.
pub fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        let folder = matches!(plain.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::CurDir => {}
            Component::ParentDir if folder => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

/// All problems as one usage fault.
pub fn refused(source: &SourceText, problems: &[Problem]) -> Fault {
    let mut text = match problems.len() {
        1 => format!("the policy `{}` has a problem\n", source.name),
        n => format!("the policy `{}` has {n} problems\n", source.name),
    };
    for problem in problems.iter().take(MOST_SHOWN) {
        text.push('\n');
        text.push_str(&problem.render(source));
    }
    if let Some(more) = problems.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("\n… and {more} more"));
    }
    Fault::usage(text.trim_end().to_string())
}
