//! What is run beside the backups, and who is told: schedules of the other verbs, and the places that notices go to.

use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use super::reader::{Node, Reader, Value, table};
use super::values::{List, Positive, Text, Word};
use crate::base::Span;
use crate::policy::operations::{Channel, Occasion, Work};

table! {
    /// When what no protection does by itself is done: each a schedule as cron writes it.
    OperationsTable = "a table of operations" {
        /// When all that is stored is read back and hashed again.
        verify: Text, optional;
        /// When what no rule keeps any more is removed.
        prune: Text, optional;
        /// When each database is restored for practice.
        drill: Text, optional;
        /// When the evidence is held against this policy, and what changed is told.
        notify: Text, optional;
        /// Time zone of these schedules, in place of the policy's.
        timezone: Tz, optional;
        /// How much of all that is stored a verification reads, such as "5%"; all of it where absent.
        verify_sample: Percent, optional;
        /// How much later than planned `plimsoll run` may begin, drawn anew for each run, so that many hosts do not begin at
        /// once; at once where absent.
        jitter: Span, optional;
    }
}

table! {
    /// A place that failures, breaches and recoveries are told to. Its address is a secret, and stands elsewhere.
    NotifyTable = "a place to tell" {
        /// What it understands.
        kind: Channel, required;
        /// Variable of the environment that holds the address.
        url_env: Variable, optional;
        /// File that holds the address, relative to this one.
        url_file: Text, optional;
        /// What is told there; failure, breach and recovery where absent.
        on: List<Occasion>, optional for ["slack", "json"];
        /// Told again while it lasts, so long after it was last told; never where absent.
        remind_every: Positive, optional for ["slack", "json"];
        /// Variable of the environment that holds the key which what is sent is signed with.
        secret_env: Variable, optional for ["json"];
        /// File that holds that key, relative to this one.
        secret_file: Text, optional for ["json"];
        /// After what went well it is pinged; backup where absent.
        after: List<Work>, optional for ["ping"];
        /// Whether the address may be one inside: of this host, of a private network; false where absent.
        allow_private: bool, optional;
    }
}

/// The name of a variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable(pub String);

impl Variable {
    pub fn is_name(&self) -> bool {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begins_well = self.0.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        begins_well && self.0.len() <= 100 && self.0.chars().all(good)
    }
}

impl Value for Variable {
    const TAKES: &'static str = "the name of a variable of the environment, such as \"SLACK_URL\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_str() {
            // What stands in its place may be the secret itself: whoever validates refuses it without showing the line.
            Some(text) => Some(Variable(text.to_string())),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,99}$", "examples": ["SLACK_URL"] })
    }
}

/// A part of all, in percent, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Percent(pub String);

impl Value for Percent {
    const TAKES: &'static str = "a part in percent, such as \"5%\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some(text) = node.value.as_str() else {
            return reader.wrong_type(node, Self::TAKES);
        };
        let number = text.strip_suffix('%').filter(|number| number.chars().all(|c| c.is_ascii_digit() || c == '.'));
        match number.and_then(|number| number.parse::<f64>().ok()).filter(|part| (0.01..=100.0).contains(part)) {
            Some(_) => Some(Percent(text.to_string())),
            None => {
                let message = format!("`{}` cannot be `{}`", node.name, super::short(text));
                reader.wrong(node.at, message, format!("it takes {}, at least 0.01%", Self::TAKES))
            }
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$", "examples": ["5%"] })
    }
}

impl Word for Channel {
    const TAKES: &'static str = "a kind of place, such as \"slack\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("slack", Channel::Slack, "an incoming webhook of Slack, or of what understands the same"),
        ("json", Channel::Json, "anything that takes JSON; signed where a key is named"),
        (
            "ping",
            Channel::Ping,
            "a dead man's switch: it is told that a run went well, and raises the alarm in silence",
        ),
    ];
}

impl Word for Occasion {
    const TAKES: &'static str = "what is told, such as \"failure\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("failure", Occasion::Failure, "a run failed"),
        ("breach", Occasion::Breach, "the evidence breaches what was asked"),
        ("unproven", Occasion::Unproven, "no evidence shows what was asked"),
        ("recovery", Occasion::Recovery, "what was told is over"),
    ];
}

impl Word for Work {
    const TAKES: &'static str = "what may go well, such as \"backup\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("backup", Work::Backup, "a backup"),
        ("capture", Work::Capture, "a capture of the log that ended when told to"),
        ("verify", Work::Verify, "a verification that found nothing wrong"),
        ("prune", Work::Prune, "a pruning"),
        ("drill", Work::Drill, "a drill that passed"),
        ("notify", Work::Notify, "a look at the evidence by `plimsoll notify`"),
        ("run", Work::Run, "each minute of `plimsoll run` in which nothing fails"),
    ];
}
