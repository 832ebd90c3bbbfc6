//! What a place is sent: as JSON for programs, and as text that Slack and what understands the same shows.
//!
//! Names and reasons come from strangers: on one line, without what steers a terminal or turns text around; and to Slack
//! nothing in them is a link, a mention or a channel.

use serde::Serialize;

use super::Change;
use crate::base::text::{harmless, shortened};
use crate::base::{Fault, Instant, Result};
use crate::policy::{Channel, Occasion};

/// More than a person reads, and less than any place refuses.
const MOST_EVENTS: usize = 20;
const LONGEST_TITLE: usize = 150;
const LONGEST_DETAIL: usize = 600;

/// All that one message tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notice {
    /// Version of this form.
    pub format: u32,
    /// The policy's name.
    pub policy: String,
    pub at: Instant,
    pub events: Vec<Event>,
    /// Events that there was no room for.
    pub more: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    pub event: Happened,
    /// What it is known by: the same from the first word of it to the last.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// When it was first told.
    pub since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    Failure,
    Breach,
    Unproven,
    Reminder,
    Recovery,
    Test,
}

impl Happened {
    /// Told apart without colours.
    fn sign(self) -> &'static str {
        match self {
            Happened::Failure => "FAILED",
            Happened::Breach => "BREACHED",
            Happened::Unproven => "UNPROVEN",
            Happened::Reminder => "STILL",
            Happened::Recovery => "OVER",
            Happened::Test => "TEST",
        }
    }
}

impl From<Occasion> for Happened {
    fn from(occasion: Occasion) -> Self {
        match occasion {
            Occasion::Failure => Happened::Failure,
            Occasion::Breach => Happened::Breach,
            Occasion::Unproven => Happened::Unproven,
            Occasion::Recovery => Happened::Recovery,
        }
    }
}

impl Event {
    /// On one line.
    pub fn told(&self) -> String {
        let detail = if self.detail.is_empty() { String::new() } else { format!(": {}", self.detail) };
        format!("{} {}{detail}", self.event.sign(), self.title)
    }
}

impl Notice {
    pub fn of(policy: &str, change: &Change, at: Instant) -> Self {
        let open = change.new.iter().map(|trouble| (Happened::from(trouble.occasion), trouble, at));
        let again = change.again.iter().map(|(trouble, since)| (Happened::Reminder, trouble, *since));
        let mut events: Vec<Event> = open
            .chain(again)
            .map(|(event, trouble, since)| Event {
                event,
                key: trouble.key.clone(),
                title: clean(&trouble.title, LONGEST_TITLE),
                detail: clean(&trouble.detail, LONGEST_DETAIL),
                remedy: clean(&trouble.remedy, LONGEST_DETAIL),
                since,
            })
            .collect();
        events.extend(change.over.iter().map(|(key, of)| Event {
            event: Happened::Recovery,
            key: key.clone(),
            title: clean(&of.title, LONGEST_TITLE),
            detail: String::new(),
            remedy: String::new(),
            since: of.since,
        }));
        Self::new(policy, at, events)
    }

    /// Shows that what is told arrives.
    pub fn test(policy: &str, at: Instant) -> Self {
        let title = "a test: what is told arrives here".to_string();
        let remedy = "note the day as `proven` of the policy's contact".to_string();
        let event =
            Event { event: Happened::Test, key: String::new(), title, detail: String::new(), remedy, since: at };
        Self::new(policy, at, vec![event])
    }

    fn new(policy: &str, at: Instant, mut events: Vec<Event>) -> Self {
        let more = events.len().saturating_sub(MOST_EVENTS);
        events.truncate(MOST_EVENTS);
        Notice { format: 1, policy: clean(policy, LONGEST_TITLE), at, events, more }
    }

    /// What is sent to a place of this kind; a ping has no body.
    pub fn body(&self, channel: Channel) -> Result<String> {
        let cannot = |error| Fault::bug("cannot write a notice as JSON").because(error);
        match channel {
            Channel::Json => serde_json::to_string(self).map_err(cannot),
            Channel::Slack => serde_json::to_string(&serde_json::json!({ "text": self.text() })).map_err(cannot),
            Channel::Ping => Ok(String::new()),
        }
    }

    /// In the markup of Slack.
    fn text(&self) -> String {
        let mut text = format!("*Plimsoll* · {} · {}", escaped(&self.policy), self.at);
        for event in &self.events {
            text += &format!("\n*{}* {}", event.event.sign(), escaped(&event.title));
            if !event.detail.is_empty() {
                text += &format!("\n> {}", escaped(&event.detail));
            }
            if !event.remedy.is_empty() {
                text += &format!("\n> _{}_", escaped(&event.remedy));
            }
            if matches!(event.event, Happened::Reminder | Happened::Recovery) {
                text += &format!("\n> since {}", event.since);
            }
        }
        if self.more > 0 {
            text += &format!("\nand {} more: `plimsoll audit` and `plimsoll runs` show them all", self.more);
        }
        text
    }
}

fn clean(text: &str, most: usize) -> String {
    shortened(&harmless(text), most).into_owned()
}

/// The three characters that begin something in Slack's markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
