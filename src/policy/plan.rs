//! The declared plan: what is protected, by which mechanisms, stored where, deletable by whom.

use std::fmt;

use super::{Consistency, Objective, Place, Placed};
use crate::base::{Bytes, Compression, Instant, ServerEncryption, Span, Speed};
use crate::schedule::Schedule;
use crate::seal::Recipient;

/// Something protected.
#[derive(Debug, Clone)]
pub struct Asset {
    pub name: String,
    pub at: Place,
    pub kind: AssetKind,
    /// Size of the live data, logical bytes.
    pub size: Option<Placed<Bytes>>,
    /// Growth of the size, a fraction a year (0.4 = 40 %).
    pub growth_per_year: f64,
    /// Domains that the live data stands in.
    pub lives_in: Vec<Placed<String>>,
    /// The asset that this one's contents refer to (database rows that name uploads).
    pub references: Option<Placed<String>>,
    /// Names of the checks that a drill must pass to count.
    pub checks: Vec<Placed<String>>,
    /// Checks of the policy's own; their names stand among `checks`.
    pub expect: Vec<Expectation>,
    /// The asset's own objectives; see [`super::Policy::objective_for`].
    pub objective: Objective,
    /// The asset's own loss rates, in place of the policy's.
    pub losses: Option<super::LossRates>,
}

/// What a drill must find in what it restored.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    pub name: String,
    pub at: Place,
    pub db: String,
    pub collection: String,
    pub expects: Expects,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expects {
    /// So many documents.
    AtLeast(u64),
    /// A time in this field so close to the restored state.
    Fresh { field: String, within: Span },
    /// Every upload that the field names, by its key after the prefix.
    References { field: String, prefix: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssetKind {
    MongoDb,
    S3,
    /// What other tools back up, and Plimsoll audits by their inventories.
    Other,
}

/// A thing that can be lost at once.
#[derive(Debug, Clone)]
pub struct Domain {
    pub name: String,
    pub at: Place,
    pub kind: DomainKind,
    /// Domains whose loss takes this one with them.
    pub inside: Vec<Placed<String>>,
    /// What it is made of, declared or by its kind.
    pub medium: Option<Medium>,
    /// When somebody last made sure that it stands where the plan says.
    pub checked: Option<Placed<Instant>>,
}

/// A kind of storage: what one flaw of firmware, driver or service can take at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Medium {
    Disk,
    Objects,
    Managed,
    Tape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainKind {
    Host,
    Bucket,
    Cluster,
    Account,
    Region,
    Provider,
    Site,
}

impl DomainKind {
    /// The kind of storage that goes without saying.
    pub fn medium(self) -> Option<Medium> {
        match self {
            DomainKind::Host | DomainKind::Cluster => Some(Medium::Disk),
            DomainKind::Bucket => Some(Medium::Objects),
            _ => None,
        }
    }
}

/// Something whose loss or theft lets somebody delete what stands in `can_delete`.
#[derive(Debug, Clone)]
pub struct Credential {
    pub name: String,
    pub at: Place,
    pub can_delete: Vec<Placed<String>>,
}

/// A declared mechanism.
#[derive(Debug, Clone)]
pub struct Protection {
    pub name: String,
    pub at: Place,
    pub assets: Vec<Placed<String>>,
    pub mechanism: Mechanism,
    /// Domains that the copies stand in.
    pub stored_in: Vec<Placed<String>>,
    /// Domains that produce the copies: lost, no new point becomes available.
    pub runs_in: Vec<Placed<String>>,
    /// How long a point is kept. None: not declared, so nothing is promised.
    pub retention: Option<Placed<Span>>,
    /// What stays of the points that are older than the retention.
    pub keep: Option<Placed<Tiers>>,
    /// The retention that the plan names, where the store's own rule ends it sooner.
    pub cut_short: Option<Placed<Span>>,
    /// After how long the store's own rule removes points.
    pub lifecycle: Option<Placed<Span>>,
    /// How much later than planned a run's point may be there.
    pub late_by: Option<Placed<Span>>,
    /// What the scheduler's entry that runs it is known by.
    pub job: Option<Placed<String>>,
    /// How fast it can be read back.
    pub restore_rate: Option<Placed<Speed>>,
    /// Object lock on each point, from its creation.
    pub lock: Option<Placed<Span>>,
    pub consistency: Option<Placed<Consistency>>,
    /// Encrypted before it leaves the host.
    pub encrypted: Option<Placed<bool>>,
    /// For whom it is sealed; empty where nothing says, or another tool encrypts it.
    pub recipients: Vec<Placed<Recipient>>,
    /// Read back and re-hashed after it was written (existence in a listing does not count).
    pub verified: Option<Placed<bool>>,
    pub scheduler: Option<Placed<Scheduler>>,
    /// What goes wrong with its runs, as the plan assumes it.
    pub trouble: super::Trouble,
    /// Storage class in the price book; its default where absent.
    pub storage_class: Option<Placed<String>>,
    /// The store's own encryption; the bucket's default where absent. It is none of [`Protection::encrypted`].
    pub server_side_encryption: Option<Placed<ServerEncryption>>,
    /// How a dump is compressed; gzip where absent.
    pub compress: Option<Placed<Compression>>,
    /// Size of what one point adds to the bill, as a fraction of the asset's size after compression and deduplication.
    pub stored_fraction: Option<Placed<f64>>,
}

/// Points that stay beyond their retention: the newest of each of so many stretches of the calendar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tiers {
    pub last: u32,
    pub hourly: u32,
    pub daily: u32,
    pub weekly: u32,
    pub monthly: u32,
    pub yearly: u32,
}

impl Tiers {
    /// The tiers that keep something, by the name that the format has for them.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let Tiers { last, hourly, daily, weekly, monthly, yearly } = *self;
        let all = [("last", last), ("hourly", hourly), ("daily", daily), ("weekly", weekly), ("monthly", monthly)];
        all.into_iter().chain([("yearly", yearly)]).filter(|(_, count)| *count > 0)
    }
}

/// `8 weekly and 12 monthly`.
impl fmt::Display for Tiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> = self.named().map(|(name, count)| format!("{count} {name}")).collect();
        f.write_str(&named.join(" and "))
    }
}

#[derive(Debug, Clone)]
pub enum Mechanism {
    /// A point for each run of the schedule; consistent at the run's start, available `takes` later.
    Snapshot { schedule: Placed<Schedule>, takes: Placed<Span>, allowed_failures: u32 },
    /// Continuous capture that rolls a snapshot of the same asset forward to any instant, `lag` behind, for `window` back.
    Log { lag: Placed<Span>, window: Placed<Span> },
    /// Copy of the newest state, overwritten at each run: carries corruption with it.
    Mirror { schedule: Placed<Schedule>, takes: Placed<Span>, allowed_failures: u32 },
    /// Previous versions kept beside the live object for the protection's retention: any instant, no lag, same bucket.
    Versioning,
    /// Another protection's points in another place, `delay` later.
    Copy { of: Placed<String>, delay: Placed<Span> },
    /// A running copy: protects service, not data.
    Replica { lag: Placed<Span> },
}

impl Protection {
    /// The line that sets how much can be lost between two of its states.
    pub fn pace(&self) -> Place {
        match &self.mechanism {
            Mechanism::Snapshot { schedule, .. } | Mechanism::Mirror { schedule, .. } => schedule.at,
            Mechanism::Log { lag, .. } | Mechanism::Replica { lag } => lag.at,
            Mechanism::Copy { delay, .. } => delay.at,
            Mechanism::Versioning => self.at,
        }
    }
}

impl Mechanism {
    /// The word that the policy uses.
    pub fn word(&self) -> &'static str {
        match self {
            Mechanism::Snapshot { .. } => "snapshot",
            Mechanism::Log { .. } => "log",
            Mechanism::Mirror { .. } => "mirror",
            Mechanism::Versioning => "versioning",
            Mechanism::Copy { .. } => "copy",
            Mechanism::Replica { .. } => "replica",
        }
    }
}

/// What starts the runs. Some give no bound on how late a run may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    Cron,
    Systemd,
    Kubernetes,
    Managed,
    GithubActions,
    Manual,
    Plimsoll,
}

impl Scheduler {
    /// Whether the interval between two runs has a bound that somebody promises.
    pub fn bounds_the_interval(self) -> bool {
        !matches!(self, Scheduler::GithubActions | Scheduler::Manual)
    }
}
