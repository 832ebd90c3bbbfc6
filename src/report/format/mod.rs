//! What `check` and `audit` found, in the forms that people and tools read: one file for each.
//!
//! Whatever a stranger may have written (names, titles, paths, evidence) is made harmless by each form in its own way.

mod csv;
mod github;
pub mod human;
mod json;
mod junit;
mod markdown;
mod prometheus;
mod sarif;
pub mod schema;
pub mod words;

pub use json::of as document;

use super::table::Look;
use crate::base::Result;
use crate::gate::Judgement;

/// A closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Human,
    Json,
    Sarif,
    Junit,
    Github,
    Markdown,
    Prometheus,
    Csv,
}

impl Form {
    pub const ALL: &[Form] =
        &[Form::Human, Form::Json, Form::Sarif, Form::Junit, Form::Github, Form::Markdown, Form::Prometheus, Form::Csv];

    pub fn name(self) -> &'static str {
        match self {
            Form::Human => "human",
            Form::Json => "json",
            Form::Sarif => "sarif",
            Form::Junit => "junit",
            Form::Github => "github",
            Form::Markdown => "markdown",
            Form::Prometheus => "prometheus",
            Form::Csv => "csv",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Form::Human => "for people",
            Form::Json => "for tools; `plimsoll schema --of audit` describes what check and audit print",
            Form::Sarif => "check and audit: SARIF 2.1.0, for code scanning",
            Form::Junit => "check and audit: JUnit XML, for CI servers",
            Form::Github => "check and audit: annotations of GitHub Actions",
            Form::Markdown => "check and audit: a comment on a pull request",
            Form::Prometheus => "check and audit: a text file for node_exporter",
            Form::Csv => "check and audit: a table of findings",
        }
    }
}

/// The whole text; `look` is how a table for people is drawn.
pub fn write(judgement: &Judgement, form: Form, look: Look) -> Result<String> {
    match form {
        Form::Human => Ok(human::of(judgement, look)),
        Form::Json => json::text(judgement),
        Form::Sarif => sarif::of(judgement),
        Form::Junit => Ok(junit::of(judgement)),
        Form::Github => Ok(github::of(judgement)),
        Form::Markdown => Ok(markdown::of(judgement)),
        Form::Prometheus => Ok(prometheus::of(judgement)),
        Form::Csv => csv::of(judgement),
    }
}
