//! What shell scripts of backups do, as far as their lines tell it: which names they write, read, list and delete.
//!
//! A careful reader, no shell: it follows plain variables, defaults and `date`, and calls everything else unclear. What
//! is unclear is never held against a script.

pub mod facts;
pub mod name;
pub mod shell;

pub use facts::{Act, Action, Facts};
pub use name::{Name, Part};
pub use shell::{Command, Piece, Word};

use crate::base::Place;

/// A script is written by hand: anything larger is another file.
const LARGEST_BYTES: usize = 1 << 20;

/// A script that was read.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its path as it was given.
    pub path: String,
    pub facts: Facts,
}

impl Script {
    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit(['/', '\\']).next().unwrap_or(&self.path)
    }
}

/// Reads the script at `path`, whose number is `file`.
pub fn read(path: &str, text: &str, file: u32) -> Result<Script, (Place, String)> {
    if text.len() > LARGEST_BYTES {
        let said = format!("the file has {} bytes; a script of {LARGEST_BYTES} is read", text.len());
        return Err((Place::on(file, 1, 1, 1), said));
    }
    let commands = shell::read(text, file);
    Ok(Script { path: path.to_string(), facts: facts::of(&commands) })
}
