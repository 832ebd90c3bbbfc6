//! `plimsoll init`: an annotated policy to start from.

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
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let shown = self.path.display().to_string();
        write_new(&self.path, &shown)?;
        match global.format {
            Format::Json => output::print_json(&serde_json::json!({ "written": shown }))?,
            Format::Human => output::print(&format!("wrote {shown}\n"))?,
        }
        output::tell(global, &next_steps(&shown));
        Ok(Exit::Done)
    }
}

/// Writes the template where nothing is; a file that could not be written whole is taken away again.
fn write_new(path: &Path, shown: &str) -> Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            let fault = Fault::new(FaultKind::Conflict, format!("`{shown}` is there already; nothing was written"));
            fault.help("name another path: plimsoll init PATH")
        }
        std::io::ErrorKind::NotFound => Fault::io("write", shown, error).help("create the folder first"),
        _ => Fault::io("write", shown, error),
    })?;
    let written = file.write_all(TEMPLATE.as_bytes()).and_then(|()| file.sync_all());
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
  4. plimsoll audit --policy {shown}       hold the evidence against the plan

Completion in editors: plimsoll schema > plimsoll.schema.json"
    )
}
