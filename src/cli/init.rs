//! `plimsoll init`: an annotated policy to start from, and what checks it in CI.

mod ci;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Exit;
use super::output::{self, Format, Global};
use crate::base::{Fault, FaultKind, Result};

const TEMPLATE: &str = include_str!("../../policies/template.toml");

#[derive(Debug, clap::Args)]
pub struct Args {
    /// File to write; the other verbs look for this name too
    #[arg(value_name = "PATH", default_value = "plimsoll.toml")]
    path: PathBuf,
    /// Write a GitHub Actions workflow and a pre-commit hook too, seen from the root of the repository; what is there stays
    #[arg(long)]
    ci: bool,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        if self.ci {
            return self.with_ci(global);
        }
        let shown = self.path.display().to_string();
        write_new(&self.path, &shown, TEMPLATE)?;
        match global.format {
            Format::Json => output::print_json(&serde_json::json!({ "written": shown }))?,
            Format::Human => output::print(&format!("wrote {shown}\n"))?,
        }
        output::tell(global, &next_steps(&shown));
        Ok(Exit::Done)
    }

    /// All that is not there yet: a team that has a policy or a workflow keeps it.
    fn with_ci(&self, global: &Global) -> Result<Exit> {
        let mut files = vec![ci::File { path: self.path.display().to_string(), text: TEMPLATE.to_string() }];
        files.extend(ci::files(&self.path)?);
        let (kept, new): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| Path::new(&file.path).exists());
        if new.is_empty() {
            let fault = Fault::new(FaultKind::Conflict, "all of it is there already; nothing was written");
            return Err(fault.help("take away what shall be written anew"));
        }
        for file in &new {
            let path = Path::new(&file.path);
            if let Some(folder) = path.parent().filter(|_| *path != self.path) {
                std::fs::create_dir_all(folder).map_err(|e| Fault::io("create", folder.display(), e))?;
            }
            write_new(path, &file.path, &file.text)?;
        }
        let names = |files: &[ci::File]| files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        match global.format {
            Format::Json => output::print_json(&serde_json::json!({ "written": names(&new), "kept": names(&kept) }))?,
            Format::Human => {
                let wrote = names(&new).into_iter().map(|name| format!("wrote {name}\n"));
                let kept = names(&kept).into_iter().map(|name| format!("kept {name}, which is there already\n"));
                output::print(&wrote.chain(kept).collect::<String>())?;
            }
        }
        if let Some(hook) = kept.iter().find(|file| file.path == ci::HOOK_PATH) {
            output::tell(global, &format!("\nFor {}, if it has no such hook yet:\n\n{}", hook.path, hook.text));
        }
        Ok(Exit::Done)
    }
}

/// Writes a file where nothing is; one that could not be written whole is taken away again.
fn write_new(path: &Path, shown: &str, text: &str) -> Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            let fault = Fault::new(FaultKind::Conflict, format!("`{shown}` is there already; nothing was written"));
            fault.help("name another path: plimsoll init PATH")
        }
        std::io::ErrorKind::NotFound => Fault::io("write", shown, error).help("create the folder first"),
        _ => Fault::io("write", shown, error),
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // The fault below is what matters; a half-written file that cannot be removed changes nothing about it.
        let _ = std::fs::remove_file(path);
        Fault::io("write", shown, error)
    })
}

fn next_steps(shown: &str) -> String {
    format!(
        "
Next:
  1. Replace its assets, protections and scenarios by yours; each field is explained beside it.
  2. plimsoll check {shown}                what the plan alone promises, and where it breaks
  3. plimsoll backup, capture, drill       make the evidence
  4. plimsoll audit {shown}                hold the evidence against the plan
  5. plimsoll init --ci {shown}            check every change before it is merged

Completion in editors: plimsoll schema > plimsoll.schema.json"
    )
}
