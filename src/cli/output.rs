//! The one way to print: data to stdout, everything else to stderr, faults once with their whole chain.

use std::io::{IsTerminal, Write};

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::base::{Fault, Result};
use crate::report::format::Form;

/// Flags that every verb has.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// How results are printed: every verb knows human and json
    #[arg(long = "format", value_enum, default_value_t = Form::Human, global = true)]
    pub form: Form,
    /// No progress and no log, only results and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// More log: once for what is done, twice for how
    #[arg(long, short, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

/// What a verb sees of them.
#[derive(Debug, Clone)]
pub struct Global {
    pub format: Format,
    pub quiet: bool,
    pub verbose: u8,
}

/// The forms that every verb prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Human,
    Json,
}

impl ValueEnum for Form {
    fn value_variants<'a>() -> &'a [Self] {
        Form::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.about()))
    }
}

impl Flags {
    /// For the verbs that print every form themselves; to them `format` says nothing.
    pub fn wide(&self) -> Global {
        let format = if self.form == Form::Json { Format::Json } else { Format::Human };
        Global { format, quiet: self.quiet, verbose: self.verbose }
    }

    /// For all other verbs.
    pub fn narrow(&self) -> Result<Global> {
        match self.form {
            Form::Human | Form::Json => Ok(self.wide()),
            other => Err(Fault::usage(format!("only check and audit print {}", other.name()))
                .help("name --format human or json")),
        }
    }
}

impl Global {
    /// Whether bars and colours may be drawn on stderr.
    pub fn draws(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }
}

/// Logs go to stderr. Levels: warnings by default, `-v` info, `-vv` debug; of this crate's own events alone, since a
/// driver's log may carry what must not be shown.
pub fn start_log(flags: &Flags) {
    let global = &flags.wide();
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (_, 0) => LevelFilter::WARN,
        (_, 1) => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let layer =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(global.draws()).with_target(false);
    tracing_subscriber::registry().with(Targets::new().with_target("plimsoll", level)).with(layer).init();
}

/// Prints text to stdout; a reader that closed the pipe is no error.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Fault::io("write to", "stdout", error)),
        _ => Ok(()),
    }
}

/// Prints a value as JSON, indented, with a final newline.
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Fault::bug("cannot write JSON").because(e))?;
    print(&(text + "\n"))
}

/// Tells something on stderr, unless quiet.
pub fn tell(global: &Global, text: &str) {
    if !global.quiet {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// `error: what`, the chain of causes, and what to do; control characters made visible.
pub fn print_fault(fault: &Fault) {
    let mut text = format!("error: {fault}\n");
    let mut source = std::error::Error::source(fault);
    let mut last = fault.to_string();
    while let Some(error) = source {
        let cause = error.to_string();
        // Many libraries repeat their cause in their own message: say each thing once.
        if !last.contains(&cause) {
            text.push_str(&format!("  because: {cause}\n"));
        }
        last = cause;
        source = error.source();
    }
    if let Some(help) = &fault.help {
        text.push_str(&format!("  help: {help}\n"));
    }
    let safe: String = text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
    let _ = std::io::stderr().lock().write_all(safe.as_bytes());
}

/// The runtime that the asynchronous verbs run on.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::bug("cannot start the asynchronous runtime").because(e))
}
