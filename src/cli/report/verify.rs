//! `report weekly --verify`: a report worked out again from its policy and evidence, and compared byte by byte.

use std::path::{Path, PathBuf};

use super::Week;
use crate::base::{Fault, Result, Span};
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::report;
use crate::report::view::Earlier;

/// A page is some hundred kilobytes; the JSON of a fleet some hundred megabytes.
const LARGEST_BYTES: u64 = 1 << 30;
/// What stands before the settings in a page, and after them.
const IN_PAGE: (&str, &str) = ("<meta name=\"plimsoll-made-with\" content=\"", "\"");

/// A file of a report that somebody was given.
pub struct Given {
    path: PathBuf,
    bytes: Vec<u8>,
    /// As it was called in the folder that it was written into, and that folder.
    name: PathBuf,
    folder: PathBuf,
}

impl Given {
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read(path)?;
        let parent = path.parent().unwrap_or(Path::new(""));
        let file = path.file_name().map(PathBuf::from).unwrap_or_default();
        let (name, folder) = match parent.ends_with("charts") {
            true => (Path::new("charts").join(file), parent.parent().unwrap_or(Path::new("")).to_path_buf()),
            false => (file, parent.to_path_buf()),
        };
        Ok(Given { path: path.to_path_buf(), bytes, name, folder })
    }

    /// What it was made with: a page says so itself, and of the other files `report.json` beside them does.
    pub fn made_with(&self) -> Result<Week> {
        let ending = self.name.extension().and_then(|ending| ending.to_str());
        let beside = self.folder.join("report.json");
        let (settings, told_by) = match (ending, self.name.to_str()) {
            (Some("html"), _) => (in_page(&self.bytes), self.path.clone()),
            (_, Some("report.json")) => (in_json(&self.bytes), self.path.clone()),
            _ => (in_json(&read(&beside)?), beside),
        };
        settings.ok_or_else(|| {
            Fault::corrupt(format!("`{}` does not say what the report was made with", told_by.display()))
                .help("it is no weekly report, it was made by an earlier version, or it was changed")
        })
    }

    /// Nothing, where the report that these inputs make has this very file.
    pub fn compare(
        &self,
        policy: &Policy,
        evidence: Option<&Evidence>,
        policy_file: &Path,
        earlier: Option<&Earlier>,
        week: Week,
    ) -> Result<()> {
        let folder = tempfile::tempdir().map_err(|e| Fault::io("make", "a temporary folder", e))?;
        let view = super::view(policy, policy_file, evidence, earlier, week)?;
        report::write_all(&view, evidence, folder.path())?;
        let again = folder.path().join(&self.name);
        let shown = self.path.display();
        if !again.exists() {
            let fault = Fault::corrupt(format!("`{shown}` is no file of the report that these inputs make"));
            return Err(fault.help("verify it under the name that `report weekly` gave it"));
        }
        let again = read(&again)?;
        if again == self.bytes {
            return Ok(());
        }
        let line = first_difference(&self.bytes, &again);
        let text = String::from_utf8_lossy(&self.bytes);
        let named = |sha256: &str| text.contains(sha256);
        let why = match &view.evidence {
            _ if ending_tells_hashes(&self.name) && !named(&view.policy.sha256) => "it names another policy",
            Some(used) if ending_tells_hashes(&self.name) && !used.sha256.as_deref().is_some_and(named) => {
                "it names other evidence"
            }
            _ => "it was changed, or made by another version of Plimsoll or with other prices",
        };
        Err(Fault::corrupt(format!(
            "`{shown}` is not what its policy and evidence make: {why}; line {line} differs first"
        ))
        .help(
            "compare the hashes that it names with those of the files that were given here; one that was made with --since \
             needs the same file again",
        ))
    }
}

fn ending_tells_hashes(name: &Path) -> bool {
    matches!(name.to_str(), Some("weekly.html" | "report.json"))
}

pub fn read(path: &Path) -> Result<Vec<u8>> {
    let cannot = |error| Fault::io("read the report", path.display(), error);
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > LARGEST_BYTES {
        return Err(Fault::usage(format!("`{}` has {size} bytes: no report is so large", path.display())));
    }
    std::fs::read(path).map_err(cannot)
}

fn in_page(bytes: &[u8]) -> Option<Week> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once(IN_PAGE.0)?;
    let (settings, _) = rest.split_once(IN_PAGE.1)?;
    let [as_of, window, years, seed] = settings.split(' ').collect::<Vec<_>>()[..] else { return None };
    let window = Span(window.strip_suffix("ms")?.parse().ok()?);
    Some(Week { as_of: as_of.parse().ok()?, window, years: years.parse().ok()?, seed: seed.parse().ok()? })
}

fn in_json(bytes: &[u8]) -> Option<Week> {
    #[derive(serde::Deserialize)]
    struct Report {
        made_with: Week,
    }
    serde_json::from_slice::<Report>(bytes).ok().map(|report| report.made_with)
}

/// The number of the first line that is not the same.
fn first_difference(a: &[u8], b: &[u8]) -> usize {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b);
    1 + same.filter(|(byte, _)| **byte == b'\n').count()
}
