//! `plimsoll capture`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Exit;
use super::connect::RepositoryArgs;
use super::mongo_args::MongoArgs;
use super::output::{self, Format, Global};
use super::progress::Progress;
use super::serving::{Serving, ServingArgs, Work};
use super::telling::About;
use super::{signals, worker};
use crate::base::{Bytes, Fault, Result, Span};
use crate::clock::SystemClock;
use crate::engine::capture::{self, CaptureRequest, CaptureSummary};
use crate::engine::lag::{self, CaptureStatus};
use crate::mongo::Source;
use crate::port::MongoSource;
use crate::repository;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    mongo: MongoArgs,
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    serving: ServingArgs,
    /// Write a slice at least this often: what a disaster can cost [default: 10s, or half the policy's lag if that is less]
    #[arg(long, value_name = "SPAN")]
    flush_every: Option<Span>,
    /// Write a slice when it holds this much
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    slice: Bytes,
    /// Silent for so long, a capture counts as gone, and the next may begin
    #[arg(long, value_name = "SPAN", default_value = "30s")]
    lease: Span,
    /// Stop after so long [default: when told to, by Ctrl-C or SIGTERM]
    #[arg(long = "for", value_name = "SPAN")]
    duration: Option<Span>,
    /// Capture nothing: say how far the log is stored, how much would be lost now, and who captures
    #[arg(long, conflicts_with = "duration")]
    status: bool,
}

impl Args {
    pub fn run(&self, global: &Global) -> Result<Exit> {
        output::runtime()?.block_on(async {
            match self.status {
                true => self.tell_status(global).await,
                false => self.capture(global).await,
            }
        })
    }

    pub fn about(&self) -> Option<About<'_>> {
        (!self.status).then(|| self.serving.about(Work::Log, &self.repository))
    }

    async fn tell_status(&self, global: &Global) -> Result<Exit> {
        let store = self.repository.open_existing().await?;
        let source = match self.mongo.is_named() {
            true => Some(Source::new(crate::mongo::client::connect(&self.mongo.address()?).await?)),
            false => None,
        };
        let source = source.as_ref().map(|source| source as &dyn MongoSource);
        let status = lag::read(store.as_ref(), source, &SystemClock, &self.serving.asset).await?;
        match global.format {
            Format::Json => output::print_json(&status)?,
            Format::Human => output::print(&status_told(&status))?,
        }
        Ok(Exit::Done)
    }

    async fn capture(&self, global: &Global) -> Result<Exit> {
        let serving = self.serving.resolve(Work::Log)?;
        let lag = serving.lag;
        let flush_every = self.flush_every.unwrap_or_else(|| usual_flush(lag));
        if flush_every < Span::secs(1) {
            return Err(Fault::usage(format!("--flush-every {flush_every} is too short"))
                .help("write at least 1s; each slice is two objects in the store"));
        }
        if self.lease < Span::secs(1) {
            return Err(Fault::usage(format!("--lease {} is too short", self.lease))
                .help("write at least 1s; the capture gives a sign of life three times in it"));
        }
        let uri = self.mongo.address()?;
        let store = serving.seal(self.repository.open().await?, Vec::new());
        let Serving { asset, protection, keeping, .. } = serving;
        let source = Source::new(crate::mongo::client::connect(&uri).await?);
        repository::open(Arc::clone(&store), &SystemClock).await?;
        let request = CaptureRequest {
            asset,
            protection,
            flush_every,
            slice_bytes: self.slice.0,
            by: worker::this_process(),
            keeping,
            lease: self.lease,
        };
        let (raise, stop) = watch::channel(false);
        let asked = signals::asked_to_stop()?;
        let duration = self.duration;
        // Stopping is a request: the capture flushes what it has and then ends by itself.
        tokio::spawn(async move {
            tokio::select! {
                () = asked => {}
                () = passed(duration) => {}
            }
            let _ = raise.send(true);
        });
        let progress = Progress::new(global);
        let summary = capture::run(&source, store, &SystemClock, &progress, &request, stop).await?;
        match global.format {
            Format::Json => output::print_json(&summary)?,
            Format::Human => output::print(&told(&summary))?,
        }
        Ok(Exit::Done)
    }
}

/// A slice that is written at the last moment is late: half the lag that the policy allows, where that is less.
fn usual_flush(lag: Option<Span>) -> Span {
    const USUAL: Span = Span::secs(10);
    lag.map_or(USUAL, |lag| Span(lag.0 / 2).clamp(Span::secs(1), USUAL))
}

async fn passed(duration: Option<Span>) {
    match duration.and_then(|span| u64::try_from(span.0).ok()) {
        Some(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        None => std::future::pending().await,
    }
}

fn told(summary: &CaptureSummary) -> String {
    let gaps = match summary.gaps {
        0 => String::new(),
        n => format!("  {n} gap(s): take a backup now\n"),
    };
    format!(
        "captured {} to {} (cluster time {} to {})\n  {} entries in {} slices, {} stored\n{gaps}",
        summary.first.instant(),
        summary.last.instant(),
        summary.first,
        summary.last,
        summary.entries,
        summary.slices,
        Bytes(summary.bytes)
    )
}

fn status_told(status: &CaptureStatus) -> String {
    let covered = match status.covered_until {
        None => "nothing is captured yet".to_string(),
        Some(last) => format!("captured to {} (cluster time {last})", last.instant()),
    };
    let by = if status.server_at.is_some() { "the server's time" } else { "this machine's clock" };
    let lag = status.lag.map(|lag| format!(", {lag} behind by {by}")).unwrap_or_default();
    let who = match (&status.holder, status.alive_at) {
        (Some(holder), Some(at)) => {
            let (pid, host) = (holder.pid, &holder.host);
            format!("process {pid} of {host} captures since {}, last heard of at {}", holder.since, at.instant())
        }
        _ => "nobody captures now".to_string(),
    };
    format!("{}: {covered}{lag}\n  {who}\n", status.asset)
}
