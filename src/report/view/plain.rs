//! A plan in words for people who do not run it.

use crate::cost::{Choice, Copies};
use crate::policy::Setting;

/// What somebody would do to come from today's plan to this one.
pub fn plan(choice: &Choice) -> String {
    let mut all: Vec<String> = Vec::new();
    if let Setting::Is(every) = &choice.snapshot_every {
        all.push(format!("copy everything every {every}"));
    }
    match &choice.log_lag {
        Setting::Is(lag) => all.push(format!("record every change within {lag}")),
        Setting::Off => all.push("stop recording single changes".to_string()),
        Setting::Declared | Setting::Kept => {}
    }
    if let Setting::Is(kept) = &choice.retention {
        all.push(format!("keep copies for {kept}"));
    }
    if let Setting::Is(_) = &choice.storage_class {
        all.push("use cheaper storage that costs more to read".to_string());
    }
    match &choice.copy_to {
        Copies::In(_) => all.push("keep a second copy elsewhere".to_string()),
        Copies::Off => all.push("keep no second copy".to_string()),
        Copies::Declared => {}
    }
    match &choice.lock {
        Setting::Kept => all.push("lock copies, so that nobody can delete them before their time".to_string()),
        Setting::Is(lock) => all.push(format!("lock copies for {lock}, so that nobody can delete them")),
        Setting::Off => all.push("lock no copies".to_string()),
        Setting::Declared => {}
    }
    if let Setting::Is(every) = &choice.drill_every {
        all.push(format!("try a restore every {every}"));
    }
    match all.split_last() {
        None => "as it is today".to_string(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{}, and {last}", rest.join(", ")),
    }
}

/// What an objective asks.
pub fn objective(name: &str) -> &'static str {
    match name {
        "RPO" => "how much may be lost",
        "RTO" => "how long we may be down",
        "retention" => "how far back we can go",
        "longest retention" => "how long copies may be kept",
        "copies" => "how many copies there are",
        "media" => "copies on different kinds of storage",
        "another site" => "a copy at another place",
        "immutability" => "a copy that nobody can delete",
        "encryption" => "copies that a thief cannot read",
        "consistency" => "copies whose parts fit together",
        _ => "another point",
    }
}
