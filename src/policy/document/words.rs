//! Values with a meaning of their own: kinds, the format's version, currency, time zone, dates, and how long things take.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::{Value as Json, json};

use super::chances::{TimeQuantilesTable, two_of};
use super::reader::{Node, Reader, Table, Value, table};
use super::suggest;
use super::values::{Text, Word};
use crate::base::{Instant, Span};
use crate::policy::{AssetKind, Consistency, DomainKind, Medium, Placed, Scheduler};
use crate::seal::Recipient;

impl Value for Recipient {
    const TAKES: &'static str = "a public key of age in quotes, such as \"age1…\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_str() {
            Some(text) => text.parse().or_else(|said: String| reader.wrong_text(node.at, &said).ok_or(())).ok(),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^age1[0-9a-z]{58}$" })
    }
}

impl Word for AssetKind {
    const TAKES: &'static str = "a kind of asset, such as \"mongodb\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("mongodb", AssetKind::MongoDb, "a MongoDB deployment or database"),
        ("s3", AssetKind::S3, "a bucket of objects"),
        ("other", AssetKind::Other, "what other tools back up: another database, files, volumes"),
    ];
}

impl Word for DomainKind {
    const TAKES: &'static str = "a kind of domain, such as \"bucket\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("host", DomainKind::Host, "one machine or container"),
        ("bucket", DomainKind::Bucket, "one bucket of objects"),
        ("cluster", DomainKind::Cluster, "one database cluster"),
        ("account", DomainKind::Account, "an account or project: what one administrator can delete"),
        ("region", DomainKind::Region, "one region of a provider"),
        ("provider", DomainKind::Provider, "a whole provider"),
        ("site", DomainKind::Site, "a building, or anything else with one fate"),
    ];
}

impl Word for Medium {
    const TAKES: &'static str = "a kind of storage, such as \"disk\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("disk", Medium::Disk, "disks of hosts, or volumes"),
        ("objects", Medium::Objects, "an object store"),
        ("managed", Medium::Managed, "the snapshots of a managed service"),
        ("tape", Medium::Tape, "tape, or anything else that is offline"),
    ];
}

impl Word for Consistency {
    const TAKES: &'static str = "a consistency, such as \"snapshot\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("none", Consistency::None, "each part is of some instant between start and end"),
        ("oplog", Consistency::Oplog, "made consistent by replaying the log of the time that the read took"),
        ("snapshot", Consistency::Snapshot, "all of one instant"),
    ];
}

impl Word for Scheduler {
    const TAKES: &'static str = "a scheduler, such as \"cron\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("cron", Scheduler::Cron, "crontab on a host"),
        ("systemd", Scheduler::Systemd, "a systemd timer"),
        ("kubernetes", Scheduler::Kubernetes, "a Kubernetes CronJob"),
        ("managed", Scheduler::Managed, "the provider of the service runs it"),
        ("github-actions", Scheduler::GithubActions, "a scheduled workflow: may start late, no bound is promised"),
        ("manual", Scheduler::Manual, "somebody runs it by hand"),
        ("plimsoll", Scheduler::Plimsoll, "Plimsoll itself"),
    ];
}

/// The kinds of protection, as the policy writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Snapshot,
    Log,
    Mirror,
    Versioning,
    Copy,
    Replica,
}

impl Word for Kind {
    const TAKES: &'static str = "a kind of protection, such as \"snapshot\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("snapshot", Kind::Snapshot, "a full recovery point at each run of a schedule"),
        ("log", Kind::Log, "continuous capture that rolls a snapshot forward to any instant"),
        ("mirror", Kind::Mirror, "a copy of the newest state alone, overwritten at each run"),
        ("versioning", Kind::Versioning, "previous versions kept beside the live objects"),
        ("copy", Kind::Copy, "another protection's points in another place"),
        ("replica", Kind::Replica, "a running copy: protects service, not data"),
    ];
}

/// What a check of the policy's own looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    Count,
    Fresh,
    References,
}

impl Word for Looks {
    const TAKES: &'static str = "a kind of check, such as \"count\"";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("count", Looks::Count, "the collection holds at least so many documents"),
        ("fresh", Looks::Fresh, "the newest of these times is close to the state that was restored"),
        ("references", Looks::References, "every upload that the field names is there"),
    ];
}

/// A number of things, however many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Count(pub u64);

impl Value for Count {
    const TAKES: &'static str = "a whole number, at least 1 and at most 1e15";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some(integer) = node.value.as_integer() else {
            return reader.wrong_type(node, Self::TAKES);
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        number.filter(|n| (1..=1_000_000_000_000_000).contains(n)).map(Count).or_else(|| {
            let message = format!("`{}` cannot be {}", node.name, suggest::short(integer.as_str()));
            reader.wrong(node.at, message, format!("it takes {}", Self::TAKES))
        })
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000_000_000_000_u64 })
    }
}

/// The version of the format, which is 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Version;

impl Value for Version {
    const TAKES: &'static str = "the version of this format, which is 1";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_integer() {
            Some(integer) if integer.as_str() == "1" => Some(Version),
            Some(integer) => {
                let message = format!("format version {} is not known", suggest::short(integer.as_str()));
                reader.wrong(node.at, message, "write `plimsoll = 1`, or use a newer Plimsoll")
            }
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        json!({ "const": 1 })
    }
}

/// A code of ISO 4217.
#[derive(Debug, Clone, PartialEq)]
pub struct Currency(pub String);

/// The codes in use, metals and test codes left out.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD \
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD \
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD \
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG \
    QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD \
    TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

impl Value for Currency {
    const TAKES: &'static str = "a currency's code, such as \"USD\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some(text) = node.value.as_str() else {
            return reader.wrong_type(node, Self::TAKES);
        };
        if text.len() == 3 && CURRENCIES.split_whitespace().any(|code| code == text) {
            return Some(Currency(text.to_string()));
        }
        let message = format!("`{}` is not a currency", suggest::short(text));
        reader.wrong(node.at, message, "it takes a code of ISO 4217 in capital letters, such as USD, EUR or GBP")
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD", "EUR"] })
    }
}

impl Value for Tz {
    const TAKES: &'static str = "a time zone's name, such as \"UTC\" or \"Europe/Berlin\"";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Some(text) = node.value.as_str() else {
            return reader.wrong_type(node, Self::TAKES);
        };
        text.parse().ok().or_else(|| {
            let names: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
            let message = format!("`{}` is not a time zone", suggest::short(text));
            let help = match suggest::nearest(text, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it takes {}", Self::TAKES),
            };
            reader.wrong(node.at, message, help)
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1, "examples": ["UTC", "Europe/Berlin"] })
    }
}

/// Until when: an instant, or a date whose last moment in the policy's time zone is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Until {
    Instant(Instant),
    Day(NaiveDate),
}

impl Value for Until {
    const TAKES: &'static str = "a date, such as 2027-03-31, or an instant with its zone, such as 2027-03-31T12:00:00Z";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = match node.value {
            toml::de::DeValue::Datetime(datetime) => datetime.to_string(),
            toml::de::DeValue::String(text) => text.to_string(),
            _ => return reader.wrong_type(node, Self::TAKES),
        };
        let instant = text.parse().ok().map(Until::Instant);
        let until = instant.or_else(|| text.parse().ok().map(Until::Day));
        until.or_else(|| {
            let message = format!("`{}` cannot be `{}`", node.name, suggest::short(&text));
            reader.wrong(node.at, message, format!("it takes {}", Self::TAKES))
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["2027-03-31", "2027-03-31T12:00:00Z"] })
    }
}

table! {
    /// Lowest, most likely and highest time.
    PertTable = "a time with three points" {
        /// The shortest that it can take.
        low: Span, required;
        /// The most likely.
        mode: Span, required;
        /// The longest that it can take.
        high: Span, required;
    }
}

table! {
    /// A time that restore drills measure.
    MeasuredTable = "a measured time" {
        /// Phase of the drill that measures it: `fetch`, `load`, `replay`, `verify`, or `total` for all of them.
        measured: Text, required;
        /// What the plan claims as long as nothing was measured.
        declared: Span, optional;
    }
}

/// How long something takes: constant, three points, two quantiles, or measured by drills.
#[derive(Debug)]
pub enum Takes {
    Constant(Span),
    Pert(PertTable),
    Quantiles(TimeQuantilesTable),
    Measured(MeasuredTable),
}

/// How long something takes that no drill measures.
#[derive(Debug)]
pub struct Assumed(pub Takes);

impl Value for Takes {
    const TAKES: &'static str = "a duration such as \"10min\", { low = .., mode = .., high = .. }, { p50 = .., p95 = .. } or { measured = \"load\", declared = .. }";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.value.as_table() {
            Some(table) if table.contains_key("measured") => Some(Takes::Measured(reader.table(table, node.at))),
            Some(table) if TimeQuantilesTable::FIELDS.iter().any(|field| table.contains_key(field.name)) => {
                Some(Takes::Quantiles(reader.table(table, node.at)))
            }
            Some(table) => Some(Takes::Pert(reader.table(table, node.at))),
            None if node.value.is_str() => Span::read(node, reader).map(Takes::Constant),
            None => reader.wrong_type(node, Self::TAKES),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [Span::schema(), PertTable::schema(), two_of(TimeQuantilesTable::schema()), MeasuredTable::schema()] })
    }
}

impl Value for Assumed {
    const TAKES: &'static str =
        "a duration such as \"10min\", { low = .., mode = .., high = .. } or { p50 = .., p95 = .. }";

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match Takes::read(node, reader)? {
            Takes::Measured(_) => {
                let message = format!("`{}` cannot be measured by a drill", node.name);
                reader.wrong(node.at, message, format!("it takes {}", Self::TAKES))
            }
            takes => Some(Assumed(takes)),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [Span::schema(), PertTable::schema(), two_of(TimeQuantilesTable::schema())] })
    }
}

/// The time zone that a placed value names, or the wider one.
pub fn zone_or(own: &Option<Placed<Tz>>, wider: Tz) -> Tz {
    own.as_ref().map_or(wider, |zone| zone.value)
}
