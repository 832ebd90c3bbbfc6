//! How much a protection keeps and writes: in the steady state, when as much expires as is added. Every default is
//! shown as a default in `how`.

use crate::base::{Bytes, Instant, Span, Window};
use crate::evidence::{Evidence, RecoveryPoint};
use crate::policy::{Asset, AssetKind, Mechanism, Policy, Protection};
use crate::retention::reach;

/// What one protection keeps of one asset, and writes in a year.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// Bytes kept, and the objects that they are in.
    pub bytes: f64,
    pub objects: f64,
    /// Write requests a year.
    pub puts: f64,
    /// Bytes written a year.
    pub written: f64,
    /// Bytes of one whole recovery point: what a restore reads.
    pub point: f64,
    /// How the figures come about.
    pub how: String,
}

/// A database dump compressed with gzip: 698 MB from 1,995 MB of raw BSON (measured).
const DUMP_FRACTION: f64 = 0.35;
/// Share of a database's size that its log grows by a day.
const LOG_FRACTION_A_DAY: f64 = 0.05;
/// Share of a bucket's size that is overwritten or deleted a day, and so kept as previous versions.
const CHURN_FRACTION_A_DAY: f64 = 0.005;
/// Data is written in parts of this many bytes, and a run writes at least this many objects.
const PART_BYTES: f64 = 16e6;
const OBJECTS_A_RUN: f64 = 20.0;

const YEAR: Span = Span::days(365);
/// Any year that is no leap year gives the runs a year; a fixed one keeps the bill the same from day to day.
const REFERENCE: Instant = Instant(1_767_225_600_000);

/// A fraction and what to say of it.
struct Fraction {
    value: f64,
    said: String,
}

/// What `protection` keeps of `asset`, or why that cannot be said. `minimum_days` is the shortest time that the
/// storage class bills an object for.
pub fn of(
    policy: &Policy,
    protection: &Protection,
    asset: &Asset,
    evidence: Option<&Evidence>,
    minimum_days: u32,
) -> Result<Volume, String> {
    let (size, grown) = size_of(asset, evidence)?;
    let root = root(policy, protection)?;
    let kept_days = || {
        let retention =
            protection.retention.as_ref().ok_or("it declares no retention, so what it keeps has no bound")?;
        Ok::<f64, String>((retention.value.as_hours() / 24.0).max(f64::from(minimum_days)))
    };
    let volume = match &root.mechanism {
        Mechanism::Snapshot { schedule, .. } => {
            let runs = schedule.runs_in(Window::new(REFERENCE, REFERENCE + YEAR)).len() as f64;
            snapshots(protection, root, asset, evidence, size, runs, kept_days()?)
        }
        Mechanism::Mirror { schedule, .. } => {
            let runs = schedule.runs_in(Window::new(REFERENCE, REFERENCE + YEAR)).len() as f64;
            mirror(protection, size, runs)
        }
        Mechanism::Log { lag, window } => {
            let days = match &protection.retention {
                Some(_) => kept_days()?,
                None => (window.value.as_hours() / 24.0).max(f64::from(minimum_days)),
            };
            log(protection, asset, evidence, size, lag.value, days)
        }
        Mechanism::Versioning => versions(protection, size, kept_days()?),
        Mechanism::Replica { .. } => {
            return Err("a running copy is billed as a server, which the policy does not name".into());
        }
        Mechanism::Copy { .. } => return Err("it copies a copy without an end".into()),
    };
    Ok(Volume { how: volume.how + &grown, ..volume })
}

/// The protection whose runs make the points: a copy's own, followed to where it begins.
pub fn root<'a>(policy: &'a Policy, protection: &'a Protection) -> Result<&'a Protection, String> {
    let mut at = protection;
    for _ in 0..=policy.protections.len() {
        match &at.mechanism {
            Mechanism::Copy { of, .. } => {
                at = policy
                    .protection(&of.value)
                    .ok_or_else(|| format!("it copies `{}`, which is missing", of.value))?;
            }
            _ => return Ok(at),
        }
    }
    Err("it copies a copy without an end".into())
}

/// Mean size over the coming year: what is declared, else what the newest recovery point restores to. It grows as is
/// declared, else as the recorded points do, which is then said.
fn size_of(asset: &Asset, evidence: Option<&Evidence>) -> Result<(f64, String), String> {
    let newest = || sized(&asset.name, evidence).max_by_key(|(at, _)| *at).map(|(_, bytes)| Bytes(bytes));
    let size = asset.size.as_ref().map(|s| s.value).or_else(newest);
    let size = size.ok_or_else(|| format!("the size of `{}` is neither declared nor recorded", asset.name))?;
    let (growth, said) = match asset.growth_per_year {
        declared if declared != 0.0 => (declared, String::new()),
        _ => match recorded_growth(&asset.name, evidence) {
            None => (0.0, String::new()),
            Some((growth, points)) => {
                (growth, format!("; it grows by {:.0} % a year, as {points} recorded points do", growth * 100.0))
            }
        },
    };
    Ok((size.0 as f64 * (1.0 + growth.max(-1.0) / 2.0), said))
}

/// The shortest record that a year's growth is read from, and the fewest points.
const RECORD: Span = Span::days(28);
const RECORDED: usize = 3;

/// Instants of the asset's points, and what each restores to.
fn sized<'a>(asset: &'a str, evidence: Option<&'a Evidence>) -> impl Iterator<Item = (Instant, u64)> + 'a {
    let points = evidence.into_iter().flat_map(|e| &e.points).filter(move |p| p.asset == asset);
    points.filter_map(|p| Some((p.consistent_at, p.bytes_restored?)))
}

/// Growth a year that the recorded points of an asset show, and how many they are: as a fraction of the mean size, the
/// slope of the straight line with the least squares.
pub fn recorded_growth(asset: &str, evidence: Option<&Evidence>) -> Option<(f64, usize)> {
    let sized: Vec<(Instant, u64)> = sized(asset, evidence).collect();
    let (first, last) = (sized.iter().map(|s| s.0).min()?, sized.iter().map(|s| s.0).max()?);
    if sized.len() < RECORDED || last - first < RECORD {
        return None;
    }
    let count = sized.len() as f64;
    let years = |at: Instant| (at - first).as_hours() / YEAR.as_hours();
    let mean_at = sized.iter().map(|(at, _)| years(*at)).sum::<f64>() / count;
    let mean = sized.iter().map(|(_, bytes)| *bytes as f64).sum::<f64>() / count;
    let both: f64 = sized.iter().map(|(at, bytes)| (years(*at) - mean_at) * (*bytes as f64 - mean)).sum();
    let spread: f64 = sized.iter().map(|(at, _)| (years(*at) - mean_at).powi(2)).sum();
    let growth = both / spread / mean;
    (growth.is_finite() && growth.abs() >= 0.005).then_some((growth, sized.len()))
}

fn snapshots(
    protection: &Protection,
    root: &Protection,
    asset: &Asset,
    evidence: Option<&Evidence>,
    size: f64,
    runs: f64,
    days: f64,
) -> Volume {
    let declared = declared(protection).or_else(|| declared(root));
    if declared.is_none() && asset.kind == AssetKind::S3 {
        return stored_once(root, asset, evidence, size, runs, days);
    }
    let recent = (runs * days / 365.0).max(1.0);
    // What the tiers keep of the older points, at most.
    let older =
        protection.keep.as_ref().map_or(0.0, |keep| reach::beyond(&keep.value, Span::from_hours(days * 24.0), recent));
    let points = recent + older;
    let fraction = declared
        .or_else(|| recorded(root, asset, evidence))
        .unwrap_or(Fraction { value: DUMP_FRACTION, said: format!("{DUMP_FRACTION} of the size, by default") });
    let point = size * fraction.value;
    let objects = (point / PART_BYTES).ceil().max(OBJECTS_A_RUN);
    Volume {
        bytes: point * points,
        objects: objects * points,
        puts: objects * runs,
        written: point * runs,
        point,
        how: format!("{points:.0} points of {} ({})", shown(point), fraction.said),
    }
}

/// Whether points hold together what is stored: uploads that are addressed by their content, each written once.
pub fn shares(policy: &Policy, protection: &Protection, asset: &Asset) -> bool {
    let plain = |of: &Protection| of.stored_fraction.is_none();
    let root = root(policy, protection);
    asset.kind == AssetKind::S3
        && plain(protection)
        && root.is_ok_and(|root| plain(root) && matches!(root.mechanism, Mechanism::Snapshot { .. }))
}

fn stored_once(
    root: &Protection,
    asset: &Asset,
    evidence: Option<&Evidence>,
    size: f64,
    runs: f64,
    days: f64,
) -> Volume {
    let added_a_day = size * asset.growth_per_year.max(0.0) / 365.0;
    let (replaced_a_day, said) = match replaced(root, asset, evidence) {
        Some((bytes, points)) => (bytes, format!("{} replaced a day, as {points} recorded points show", shown(bytes))),
        None => {
            let said = format!("{CHURN_FRACTION_A_DAY} of them replaced a day, both by default");
            (size * CHURN_FRACTION_A_DAY, said)
        }
    };
    let bytes = size + replaced_a_day * days;
    Volume {
        bytes,
        objects: bytes / PART_BYTES + runs * days / 365.0,
        puts: 365.0 * (added_a_day + replaced_a_day) / PART_BYTES + runs,
        written: 365.0 * (added_a_day + replaced_a_day),
        point: size,
        how: format!("each object once ({}), and {said}", shown(size)),
    }
}

/// The shortest record that replacing is read from: weekdays differ from Sundays.
const REPLACED_RECORD: Span = Span::days(7);

/// Bytes a day that take the place of others, and how many points show it: what the points after the first added, but
/// for what the whole grew by.
pub fn replaced(protection: &Protection, asset: &Asset, evidence: Option<&Evidence>) -> Option<(f64, usize)> {
    let points = made_by(protection, asset, evidence?);
    let mut sized: Vec<(Instant, u64, u64)> =
        points.filter_map(|p| Some((p.consistent_at, p.bytes_stored?, p.bytes_restored?))).collect();
    sized.sort_unstable();
    let ((from, _, least), (until, _, most)) = (*sized.first()?, *sized.last()?);
    if sized.len() < RECORDED || until - from < REPLACED_RECORD {
        return None;
    }
    let added: f64 = sized.iter().skip(1).map(|(_, stored, _)| *stored as f64).sum();
    let grown = most as f64 - least as f64;
    Some(((added - grown).max(0.0) / ((until - from).as_hours() / 24.0), sized.len()))
}

fn mirror(protection: &Protection, size: f64, runs: f64) -> Volume {
    let fraction = declared(protection).unwrap_or(Fraction { value: 1.0, said: "the size itself".into() });
    let bytes = size * fraction.value;
    let objects = (bytes / PART_BYTES).ceil().max(1.0);
    let puts = objects * CHURN_FRACTION_A_DAY * 365.0 + runs;
    let written = bytes * CHURN_FRACTION_A_DAY * 365.0;
    Volume {
        bytes,
        objects,
        puts,
        written,
        point: bytes,
        how: format!("one state of {} ({})", shown(bytes), fraction.said),
    }
}

fn log(protection: &Protection, asset: &Asset, evidence: Option<&Evidence>, size: f64, lag: Span, days: f64) -> Volume {
    let fraction = match declared(protection).is_none().then(|| recorded_log(protection, asset, evidence)).flatten() {
        Some((a_day, pieces)) => {
            let said = format!("{} a day, as {pieces} recorded pieces are", shown(a_day));
            Fraction { value: a_day * days / size.max(1.0), said }
        }
        None => kept(protection, LOG_FRACTION_A_DAY, days, "of the size a day, by default"),
    };
    let bytes = size * fraction.value;
    // A slice for each lag, and its header; a capture that streams without lag still writes no faster than each second.
    let slices_a_day = 86_400.0 / lag.as_secs().max(1.0);
    Volume {
        bytes,
        objects: 2.0 * slices_a_day * days,
        puts: 2.0 * slices_a_day * 365.0,
        written: bytes / days.max(1.0) * 365.0,
        point: bytes,
        how: format!("{days:.0} days of log, {} ({})", shown(bytes), fraction.said),
    }
}

/// The shortest log that a day's is read from: days and nights write differently.
const LOG_RECORD: Span = Span::days(1);

/// Bytes a day that the recorded pieces of this log take, and how many pieces there are.
fn recorded_log(protection: &Protection, asset: &Asset, evidence: Option<&Evidence>) -> Option<(f64, usize)> {
    let pieces = evidence?.coverage.iter().filter(|piece| piece.asset == asset.name);
    let pieces = pieces.filter(|piece| piece.protection.as_deref().is_none_or(|name| name == protection.name));
    let (mut bytes, mut long, mut count) = (0.0, Span::ZERO, 0);
    for (piece, stored) in pieces.filter_map(|piece| Some((piece, piece.bytes_stored?))) {
        bytes += stored as f64;
        long = long + (piece.last.instant() - piece.first.instant());
        count += 1;
    }
    (long >= LOG_RECORD).then(|| (bytes / (long.as_hours() / 24.0), count))
}

fn versions(protection: &Protection, size: f64, days: f64) -> Volume {
    let fraction = kept(protection, CHURN_FRACTION_A_DAY, days, "of the size replaced a day, by default");
    let bytes = size * fraction.value;
    // Writing the object is the application's own request: keeping the version before costs none.
    let how = format!("{days:.0} days of previous versions, {} ({})", shown(bytes), fraction.said);
    Volume { bytes, objects: (bytes / PART_BYTES).ceil(), puts: 0.0, written: 0.0, point: size, how }
}

/// What is kept in all by a protection that has no points: as declared, else what the default a day comes to.
fn kept(protection: &Protection, a_day: f64, days: f64, said: &str) -> Fraction {
    declared(protection).unwrap_or(Fraction { value: a_day * days, said: format!("{a_day} {said}") })
}

fn declared(protection: &Protection) -> Option<Fraction> {
    let value = protection.stored_fraction.as_ref()?.value;
    Some(Fraction { value, said: format!("{value} of the size, as declared") })
}

/// Points of the asset that this protection made, or may have.
fn made_by<'a>(
    protection: &'a Protection,
    asset: &'a Asset,
    evidence: &'a Evidence,
) -> impl Iterator<Item = &'a RecoveryPoint> {
    let points = evidence.points.iter().filter(|p| p.asset == asset.name);
    points.filter(|p| p.protection.as_deref().is_none_or(|name| name == protection.name))
}

/// Mean of what the points of this protection take over what they restore to.
fn recorded(protection: &Protection, asset: &Asset, evidence: Option<&Evidence>) -> Option<Fraction> {
    let points = made_by(protection, asset, evidence?);
    let (mut stored, mut restored, mut count) = (0.0, 0.0, 0_u32);
    for (s, r) in points.filter_map(|p| Some((p.bytes_stored?, p.bytes_restored.filter(|r| *r > 0)?))) {
        stored += s as f64;
        restored += r as f64;
        count += 1;
    }
    let value = if count > 0 { stored / restored } else { return None };
    Some(Fraction { value, said: format!("{value:.2} of the size, as {count} recorded points are") })
}

fn shown(bytes: f64) -> Bytes {
    Bytes(bytes.max(0.0).round() as u64)
}
