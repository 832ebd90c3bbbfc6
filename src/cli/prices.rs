//! The price book that a policy asks for.

use std::path::Path;

use crate::base::{Fault, Result};
use crate::cost::{PriceBook, book};
use crate::policy::Policy;

/// Used where a policy names none; whoever shows a figure from it says so.
pub const DEFAULT: &str = "aws-us-east-1";

/// A built-in book by its name, or a file beside the policy.
pub fn load(policy: &Policy, policy_file: &Path) -> Result<PriceBook> {
    load_from(policy, policy_file, |file| {
        std::fs::read_to_string(file).map_err(|error| {
            Fault::io("read the price book", file.display(), error)
                .help(format!("name a file relative to the policy, or the built-in `{DEFAULT}`"))
        })
    })
}

/// The same, with files read by `read`.
pub fn load_from(policy: &Policy, policy_file: &Path, read: impl Fn(&Path) -> Result<String>) -> Result<PriceBook> {
    let name = policy.prices.as_ref().map_or(DEFAULT, |prices| prices.value.as_str());
    if let Some(book) = book::builtin(name) {
        return Ok(book);
    }
    // A book that an included file names stands beside that file.
    let named_in = policy.prices.as_ref().filter(|prices| prices.at.file > 0);
    let policy_file = named_in.map_or(policy_file, |prices| Path::new(&policy.source.of(prices.at).name));
    let file = policy_file.parent().unwrap_or(Path::new("")).join(name);
    let text = read(&file)?;
    book::parse(&text).map_err(|fault| fault.within(format!("cannot use the price book `{}`", file.display())))
}
