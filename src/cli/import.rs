//! Inventories of other tools: where they are read from, and what the user says of them.

use std::io::Read;
use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::connect::S3Args;
use super::output::{self, Global};
use crate::base::{Fault, Instant, Result, Span};
use crate::clock::SystemClock;
use crate::evidence::Evidence;
use crate::evidence::import::{self, COLUMNS, Imported, Object, Options, Pattern, Select, Source, Stamp, Tool, Zone};
use crate::port::Clock;
use crate::store;

/// What is read, and how it maps to the policy.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Inventories of other tools")]
pub struct ImportArgs {
    /// Whose inventory SOURCE is; `--help` names the command that prints it
    #[arg(long, value_name = "TOOL", requires = "sources", value_parser = tools())]
    pub from: Option<Tool>,
    /// Inventories of that tool: files, `-` for stdin, s3://bucket/key; for s3-pattern also s3://bucket/prefix/ itself
    #[arg(value_name = "SOURCE", requires = "from")]
    sources: Vec<String>,
    /// Asset of the policy that the inventory is of
    #[arg(long, value_name = "NAME", requires = "from")]
    asset: Option<String>,
    /// Protection of the policy that made the recovery points
    #[arg(long, value_name = "NAME", requires = "from")]
    protection: Option<String>,
    /// Protection of the policy that made the log, where the inventory holds one (pbm, atlas, csv, jsonl)
    #[arg(long, value_name = "NAME", requires = "from")]
    log_protection: Option<String>,
    /// Zone of times that name none, such as Europe/Berlin, UTC or +02:00 (borg 1.x, s3-pattern, csv, jsonl)
    #[arg(long, value_name = "ZONE", requires = "from")]
    timezone: Option<Zone>,
    /// Names of the objects as `date` formats them, such as %Y-%m-%d_%H-%M.tar.gz; `*` is anything (s3-pattern)
    #[arg(long, value_name = "PATTERN", requires = "from")]
    pattern: Option<Pattern>,
    /// Take only records with this label, such as host=db1, tag=nightly, path=/srv/app; `*` is anything. All must hold
    #[arg(long, value_name = "LABEL=VALUE", requires = "from")]
    select: Vec<Select>,
    /// How long a run takes at most, for tools that do not record when one ended
    #[arg(long, value_name = "SPAN", requires = "from")]
    takes: Option<Span>,
    /// How far the log is behind at most, for tools that do not record when its pieces were stored
    #[arg(long, value_name = "SPAN", requires = "from")]
    lag: Option<Span>,
    /// When the tool printed the inventory [default: when the file was last changed; now for stdin and listings]
    #[arg(long, value_name = "INSTANT", requires = "from")]
    listed_at: Option<Instant>,
}

fn tools() -> impl TypedValueParser<Value = Tool> {
    PossibleValuesParser::new(Tool::ALL.map(Tool::name))
        .try_map(|name| Tool::ALL.into_iter().find(|tool| tool.name() == name).ok_or("no such tool"))
}

/// The commands that print what `--from` reads, and the plain form.
pub fn help() -> String {
    let mut text = "What --from reads:\n".to_string();
    for tool in Tool::ALL {
        text += &format!("  {:<11} {}\n", tool.name(), tool.command());
    }
    text += "\nColumns of csv and fields of jsonl. Times are as 2026-11-20T14:03:07Z; an empty cell is not said.\n";
    for (column, of, says) in COLUMNS {
        text += &format!("  {column:<15} {says} ({})\n", of.replace(' ', ", "));
    }
    text + "\nFor example:\n  restic snapshots --json | plimsoll inventory --from restic - --asset database \\\n    \
            --protection nightly --format json > restic.json\n  plimsoll audit --evidence restic.json"
}

impl ImportArgs {
    /// The evidence of the inventories; none if none was named.
    pub fn load(&self, s3: &S3Args, global: &Global) -> Result<Option<Evidence>> {
        let Some(tool) = self.from else { return Ok(None) };
        let missing = [("--asset", self.asset.is_none()), ("--protection", self.protection.is_none())];
        if let Some((flag, _)) = missing.iter().find(|(_, missing)| *missing && !tool.names_assets()) {
            return Err(Fault::usage(format!(
                "it is not said what of the policy the inventory is of: {flag} is missing"
            ))
            .help("name the asset and the protection as the policy does"));
        }
        let options = self.options();
        let mut files = vec![];
        let mut parts = vec![];
        for name in &self.sources {
            match (tool, name.strip_prefix("s3://")) {
                (Tool::S3Pattern, Some(_)) => parts.push(self.list(name, s3, &options)?),
                (_, Some(_)) => files.push(self.object(name, s3)?),
                (_, None) if name == "-" => files.push(self.stdin()?),
                (_, None) => files.push(self.file(Path::new(name))?),
            }
        }
        if !files.is_empty() {
            parts.push(import::read(tool, &files, &options)?);
        }
        for note in parts.iter().flat_map(|part| &part.notes) {
            output::tell(global, &format!("note: {note}"));
        }
        Ok(Evidence::merged(parts.into_iter().map(|part| part.evidence)))
    }

    fn options(&self) -> Options {
        Options {
            asset: self.asset.clone(),
            protection: self.protection.clone(),
            log_protection: self.log_protection.clone(),
            timezone: self.timezone,
            pattern: self.pattern.clone(),
            select: self.select.clone(),
            takes: self.takes,
            lag: self.lag,
        }
    }

    fn file(&self, path: &Path) -> Result<Source> {
        let shown = path.display().to_string();
        let io = |error| Fault::io("read the inventory", &shown, error);
        let file = std::fs::File::open(path).map_err(io)?;
        let changed = file.metadata().and_then(|metadata| metadata.modified()).map_err(io)?;
        let changed = changed.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let changed = Instant(i64::try_from(changed.as_millis()).unwrap_or(i64::MAX));
        Source::new(&shown, read_bounded(file).map_err(io)?, self.listed_at.unwrap_or(changed))
    }

    fn stdin(&self) -> Result<Source> {
        let bytes = read_bounded(std::io::stdin().lock()).map_err(|e| Fault::io("read the inventory", "stdin", e))?;
        Source::new("stdin", bytes, self.listed_at.unwrap_or_else(|| SystemClock.now()))
    }

    /// An inventory that was stored as an object.
    fn object(&self, url: &str, s3: &S3Args) -> Result<Source> {
        output::runtime()?.block_on(async {
            let (store, key) = store::locate(url, &s3.options()).await?;
            let found = store.head(&key).await?;
            let found =
                found.ok_or_else(|| Fault::missing(format!("there is no `{url}`")).help("check the address"))?;
            import::check_size(url, found.bytes)?;
            let written = self.listed_at.or(found.modified_at).unwrap_or_else(|| SystemClock.now());
            Source::new(url, store.get(&key).await?.to_vec(), written)
        })
    }

    /// The bucket itself, as it is now.
    fn list(&self, url: &str, s3: &S3Args, options: &Options) -> Result<Imported> {
        let listed_at = self.listed_at.unwrap_or_else(|| SystemClock.now());
        let objects = output::runtime()?.block_on(async {
            let store = store::open(url, &s3.options()).await?;
            store.list("").await
        })?;
        let objects = objects.into_iter().map(|object| Object {
            key: Some(object.key),
            last_modified: object.modified_at.map(|at| Stamp::Text(at.to_string())),
            size: Some(object.bytes),
            storage_class: None,
        });
        import::read_listing(&Source::listing(url, listed_at), objects.collect(), options)
    }
}

/// One byte past what may be read, so that the reader can say that it is too large.
fn read_bounded(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![];
    from.take(import::BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
