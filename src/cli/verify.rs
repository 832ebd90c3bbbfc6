//! `plimsoll verify`: reads back what is stored and hashes it again.

use std::path::PathBuf;

use super::Exit;
use super::connect::RepositoryArgs;
use super::output::{self, Format, Global};
use super::progress::Progress;
use super::telling::About;
use crate::base::{Bytes, Fault, Result};
use crate::clock::SystemClock;
use crate::engine::verify::{self, VerifyRequest};
use crate::policy::Work;
use crate::report::table::{Set, Table};
use crate::report::text::harmless;
use crate::repository::Verification;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    repository: RepositoryArgs,
    /// Policy whose places are told how it ended
    #[arg(long, env = "PLIMSOLL_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Verify this asset alone [default: all of the repository]
    #[arg(long, value_name = "NAME")]
    asset: Option<String>,
    /// Verify this recovery point alone
    #[arg(long, value_name = "ID", requires = "asset")]
    point: Option<String>,
    /// Read about so much of it, another part each day, so that all is read in time: 5% reads all in 20 days
    #[arg(long, value_name = "PERCENT", value_parser = parts)]
    sample: Option<u64>,
    /// Read at most so much a second, such as 50MB
    #[arg(long, value_name = "SIZE")]
    rate: Option<Bytes>,
}

impl Args {
    pub fn about(&self) -> Option<About<'_>> {
        Some(About {
            work: Work::Verify,
            asset: self.asset.as_deref(),
            protection: None,
            policy: self.policy.as_deref(),
            repository: self.repository.clone(),
        })
    }

    pub fn run(&self, global: &Global) -> Result<Exit> {
        let verification = output::runtime()?.block_on(async {
            let store = self.repository.open_existing().await?;
            let request = VerifyRequest {
                asset: self.asset.clone(),
                point: self.point.clone(),
                parts: self.sample.unwrap_or(1),
                bytes_per_second: self.rate.map(|rate| rate.0),
            };
            verify::run(store, &SystemClock, &Progress::new(global), &request).await
        })?;
        match global.format {
            Format::Json => output::print_json(&verification)?,
            Format::Human => output::print(&shown(&verification))?,
        }
        if verification.points.is_empty() && verification.chains.is_empty() {
            return Err(Fault::missing("there is nothing to verify")
                .help("`plimsoll inventory` lists what the repository holds"));
        }
        Ok(if verification.bad().next().is_none() { Exit::Done } else { Exit::Failed })
    }
}

/// As many parts as it takes days to read all.
fn parts(text: &str) -> std::result::Result<u64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let percent = number.filter(|percent| (0.01..=100.0).contains(percent));
    let percent = percent
        .ok_or_else(|| format!("`{}` is no part to read; write a percentage such as 5%", text.escape_debug()))?;
    Ok((100.0 / percent).ceil() as u64)
}

fn shown(verification: &Verification) -> String {
    let mut table = Table::new(&[
        ("asset", Set::Text),
        ("what", Set::Text),
        ("objects", Set::Number),
        ("read", Set::Number),
        ("found", Set::Text),
    ]);
    let found = |bad: usize, read: u64| match (bad, read) {
        (0, 0) => "nothing read this time".to_string(),
        (0, _) => "as written".to_string(),
        (bad, _) => format!("{bad} WRONG"),
    };
    for of in &verification.points {
        let (objects, read) = (of.objects.to_string(), of.read.to_string());
        table.row([of.asset.clone(), of.point.clone(), objects, read, found(of.bad.len(), of.read)]);
    }
    for of in &verification.chains {
        let (slices, read) = (of.slices.to_string(), of.read.to_string());
        table.row([of.asset.clone(), "the log's slices".into(), slices, read, found(of.bad.len(), of.read)]);
    }
    let mut text = table.for_stdout();
    let mut told: Vec<String> = verification.bad().map(|bad| format!("{} {}", bad.key, bad.why)).collect();
    told.sort();
    told.dedup();
    for line in &told {
        text += &format!("  WRONG {}\n", harmless(line));
    }
    let part = verification.part.map_or(String::new(), |part| format!(", part {} of {}", part.index + 1, part.of));
    let took = verification.ended_at - verification.started_at;
    text += &format!("{} read back and hashed in {took}{part}\n", Bytes(verification.bytes));
    if verification.unopened > 0 {
        let many = verification.unopened;
        text += &format!("{many} objects are encrypted: their bytes are what was judged; a drill opens them\n");
    }
    text
}
