//! `plimsoll explain`: what a finding's code means, why it matters, what to do.

use super::Exit;
use super::output::{self, Format, Global};
use crate::audit::Code;
use crate::audit::controls::{CONTROLS, Control, Grade};
use crate::base::{Fault, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Code of a finding, such as loss-window-declared; none lists them
    #[arg(value_name = "CODE", conflicts_with = "all")]
    code: Option<String>,
    /// Explain every code, as Markdown
    #[arg(long)]
    all: bool,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        let codes: Vec<Code> = match &self.code {
            Some(name) => vec![Code::parse(name).ok_or_else(|| unknown(name))?],
            None => Code::ALL.to_vec(),
        };
        match (global.format, self.code.is_some()) {
            (Format::Human, false) if self.all => output::print(&page())?,
            (Format::Json, _) => output::print_json(&codes.into_iter().map(as_json).collect::<Vec<_>>())?,
            (Format::Human, true) => {
                output::print(&codes.into_iter().map(markdown).collect::<Vec<_>>().join("\n"))?;
            }
            (Format::Human, false) => {
                let lines = codes.into_iter().map(|code| format!("{:<27} {}\n", code.name(), code.description()));
                output::print(&lines.collect::<String>())?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Every rule on one page of Markdown: a table that leads to the explanations.
fn page() -> String {
    let mut text = "# What an audit judges\n\nWritten by `plimsoll explain --all`. Severity says how much a finding matters; \
                    its verdict, breached or unproven, says how sure it is. The controls are those that the evidence bears \
                    on: no tool can say that anybody is certified.\n\n| code | severity | what is wrong |\n|---|---|---|\n"
        .to_string();
    for code in Code::ALL {
        let severity = format!("{:?}", code.severity()).to_lowercase();
        text.push_str(&format!("| [`{code}`](#{code}) | {severity} | {} |\n", code.description()));
    }
    for code in Code::ALL {
        let lines = markdown(*code)
            .lines()
            .map(|l| if l.starts_with('#') { format!("#{l}\n") } else { format!("{l}\n") })
            .collect::<String>();
        text.push_str(&format!("\n{lines}"));
    }
    text
}

/// The explanation with its severity and the controls that it bears on.
pub fn markdown(code: Code) -> String {
    let mut text =
        format!("{}\n## Severity\n\n{}\n", code.explanation(), format!("{:?}", code.severity()).to_lowercase());
    text.push_str("\n## Controls that the evidence bears on\n\n");
    for control in code.controls().iter().filter_map(|id| CONTROLS.iter().find(|c| c.id == *id)) {
        text.push_str(&format!("- {}: {}{}\n", control.id, control.requirement, caution(control)));
    }
    text
}

fn caution(control: &Control) -> &'static str {
    match control.grade {
        Grade::A => "",
        Grade::B => " (wording from a secondary source)",
        Grade::C => " (general knowledge; check it)",
    }
}

fn as_json(code: Code) -> serde_json::Value {
    serde_json::json!({
        "code": code,
        "severity": code.severity(),
        "description": code.description(),
        "controls": code.controls(),
        "explanation": code.explanation(),
    })
}

fn unknown(name: &str) -> Fault {
    let shown: String = name.chars().take(60).collect();
    Fault::usage(format!("there is no finding with the code `{shown}`")).help("`plimsoll explain` lists them all")
}
