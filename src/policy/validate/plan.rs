//! Domains, credentials, assets and protections.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::chances::trouble;
use super::first_moment;
use super::names::{Names, refuse_circles};
use crate::base::Span;
use crate::policy::document::reader::Reader;
use crate::policy::document::tables::{CredentialTable, DomainTable, EncryptionTable, KeepTable, ProtectionTable};
use crate::policy::document::values::{List, Positive};
use crate::policy::document::words::{Kind, zone_or};
use crate::policy::{Asset, AssetKind, Credential, Domain, Mechanism, Placed, Protection, Tiers};
use crate::schedule::Schedule;
use crate::seal::Recipient;

pub fn domains(
    tables: Vec<(Placed<String>, DomainTable)>,
    names: &Names,
    zone: Tz,
    reader: &mut Reader,
) -> Vec<Domain> {
    let mut domains = vec![];
    for (name, table) in tables {
        let inside = names.domains.all_known(table.inside, reader);
        let Some(kind) = table.kind else { continue };
        let medium = table.medium.map(|medium| medium.value).or(kind.value.medium());
        let checked = table.checked.map(|day| day.map(|day| first_moment(day, zone)));
        domains.push(Domain { name: name.value, at: name.at, kind: kind.value, inside, medium, checked });
    }
    let edges: BTreeMap<_, _> = domains.iter().map(|d| (d.name.as_str(), d.inside.iter().collect())).collect();
    refuse_circles(&edges, "inside", reader);
    domains
}

pub fn credentials(
    tables: Vec<(Placed<String>, CredentialTable)>,
    names: &Names,
    reader: &mut Reader,
) -> Vec<Credential> {
    let mut read = |(name, table): (Placed<String>, CredentialTable)| Credential {
        name: name.value,
        at: name.at,
        can_delete: names.domains.all_known(table.can_delete, reader),
    };
    tables.into_iter().map(&mut read).collect()
}

/// A copy holds the points of what it copies, and so its assets; versions stand where their assets live.
pub fn protections(
    tables: Vec<(Placed<String>, ProtectionTable)>,
    names: &Names,
    zone: Tz,
    assets: &[Asset],
    reader: &mut Reader,
) -> Vec<Protection> {
    let mut all: Vec<Protection> =
        tables.into_iter().filter_map(|(name, table)| protection(name, table, names, zone, reader)).collect();
    let source = |p: &Protection| match &p.mechanism {
        Mechanism::Copy { of, .. } => Some(of.clone()),
        _ => None,
    };
    let sources: BTreeMap<String, Placed<String>> =
        all.iter().filter_map(|p| source(p).map(|of| (p.name.clone(), of))).collect();
    let edges: BTreeMap<_, _> = sources.iter().map(|(name, of)| (name.as_str(), vec![of])).collect();
    refuse_circles(&edges, "a copy of", reader);
    let own: BTreeMap<String, Vec<Placed<String>>> = all.iter().map(|p| (p.name.clone(), p.assets.clone())).collect();
    refuse_misfits(&all, assets, reader);
    for protection in &mut all {
        let mut origin = &protection.name;
        // As many steps as there are copies reach every origin, and end in a circle too.
        for _ in 0..=sources.len() {
            origin = sources.get(origin).map_or(origin, |of| &of.value);
        }
        if matches!(protection.mechanism, Mechanism::Copy { .. }) {
            protection.assets = own.get(origin).cloned().unwrap_or_default();
        }
        if matches!(protection.mechanism, Mechanism::Versioning) {
            let homes = assets.iter().filter(|asset| protection.assets.iter().any(|a| a.value == asset.name));
            protection.stored_in = homes.flat_map(|asset| asset.lives_in.clone()).collect();
        }
    }
    all
}

/// Mechanisms that cannot do what they are declared for.
fn refuse_misfits(all: &[Protection], assets: &[Asset], reader: &mut Reader) {
    for protection in all {
        let (only, what) = match &protection.mechanism {
            Mechanism::Log { .. } => (AssetKind::MongoDb, "mongodb"),
            Mechanism::Versioning => (AssetKind::S3, "s3"),
            Mechanism::Copy { of, .. } => {
                let source = all.iter().find(|p| p.name == of.value).map(|p| p.mechanism.word());
                if let Some(word @ ("replica" | "mirror" | "versioning")) = source {
                    let message = format!("`{}` is a {word}, which has no points to copy", of.value);
                    reader.wrong::<()>(of.at, message, "a copy is `of` a snapshot, a log or another copy");
                }
                continue;
            }
            _ => continue,
        };
        for name in &protection.assets {
            let misfit = |kind| kind != only && kind != AssetKind::Other;
            if assets.iter().any(|asset| asset.name == name.value && misfit(asset.kind)) {
                let message = format!("the kind `{}` cannot protect `{}`", protection.mechanism.word(), name.value);
                reader.wrong::<()>(name.at, message, format!("it protects assets of the kind {what}"));
            }
        }
    }
}

/// A log reaches no further back than its pieces are kept.
fn least(window: Placed<Span>, kept: &Option<Placed<Span>>) -> Placed<Span> {
    kept.iter().find(|kept| kept.value < window.value).cloned().unwrap_or(window)
}

/// Tiers thin out what the retention lets go; without one, nothing says what they add to.
fn tiers(keep: Placed<KeepTable>, has_retention: bool, reader: &mut Reader) -> Option<Placed<Tiers>> {
    let Placed { value: table, at } = keep;
    let tiers = Placed::new(table.tiers(at, reader)?, at);
    if !has_retention {
        let help = "every point stays for the retention; `keep` says what stays of the older ones";
        return reader.wrong(tiers.at, "`keep` needs a `retention` beside it", help);
    }
    Some(tiers)
}

/// Whoever names recipients wants it encrypted.
fn sealed(
    encrypted: Option<Placed<bool>>,
    recipients: Option<Placed<List<Recipient>>>,
    reader: &mut Reader,
) -> (Option<Placed<bool>>, Vec<Placed<Recipient>>) {
    let Some(recipients) = recipients else { return (encrypted, Vec::new()) };
    match encrypted {
        Some(encrypted) if !encrypted.value => {
            let help = "write `encrypted = true`, or leave the recipients out";
            reader.wrong::<()>(recipients.at, "it names recipients and is not encrypted", help);
            (Some(encrypted), Vec::new())
        }
        encrypted => (encrypted.or(Some(Placed::new(true, recipients.at))), recipients.value.0),
    }
}

/// Those that are encrypted and name no recipients of their own have the policy's.
pub fn seal_for(protections: &mut [Protection], encryption: Option<Placed<EncryptionTable>>) {
    let all = encryption.and_then(|encryption| encryption.value.recipients).map(|recipients| recipients.value.0);
    let is_encrypted = |p: &Protection| p.encrypted.as_ref().is_some_and(|encrypted| encrypted.value);
    for protection in protections.iter_mut().filter(|p| is_encrypted(p) && p.recipients.is_empty()) {
        protection.recipients = all.clone().unwrap_or_default();
    }
}

fn protection(
    name: Placed<String>,
    table: ProtectionTable,
    names: &Names,
    zone: Tz,
    reader: &mut Reader,
) -> Option<Protection> {
    let zone = zone_or(&table.timezone, zone);
    let schedule = table.schedule.and_then(|text| match Schedule::parse(&text.value.0, zone) {
        Ok(schedule) => Some(Placed::new(schedule, text.at)),
        Err(said) => reader.wrong_text(text.at, &said),
    });
    let of = table.of.and_then(|of| names.protections.known(of, reader));
    let assets = names.assets.all_known(table.assets, reader);
    let stored_in = names.domains.all_known(table.stored_in, reader);
    let runs_in = names.domains.all_known(table.runs_in, reader);
    let span = |positive: Positive| -> Span { positive.0 };
    let window = table.window.map(|window| window.map(span));
    let asked = table.retention.map(|retention| retention.map(span)).or(window.clone());
    let lifecycle = table.lifecycle.map(|lifecycle| lifecycle.map(span));
    // What the store removes is not kept, whatever the plan says.
    let (retention, cut_short) = match (asked, lifecycle.clone()) {
        (Some(asked), Some(ends)) if ends.value < asked.value => (Some(ends), Some(asked)),
        (None, Some(ends)) => (Some(ends), None),
        (asked, _) => (asked, None),
    };
    let keep = table.keep.and_then(|keep| tiers(keep, retention.is_some(), reader));
    let allowed_failures = table.allowed_failures.map_or(0, |n| n.value);
    let kind = table.kind?.value;
    let mechanism = match kind {
        Kind::Snapshot => Mechanism::Snapshot { schedule: schedule?, takes: table.takes?, allowed_failures },
        Kind::Log => Mechanism::Log { lag: table.lag?, window: least(window?, &retention) },
        Kind::Mirror => Mechanism::Mirror { schedule: schedule?, takes: table.takes?, allowed_failures },
        Kind::Versioning => Mechanism::Versioning,
        Kind::Copy => Mechanism::Copy { of: of?, delay: table.delay? },
        Kind::Replica => Mechanism::Replica { lag: table.lag? },
    };
    let (encrypted, recipients) = sealed(table.encrypted, table.recipients, reader);
    Some(Protection {
        name: name.value,
        at: name.at,
        assets,
        mechanism,
        stored_in,
        runs_in,
        retention,
        keep,
        cut_short,
        lifecycle,
        lock: table.lock.map(|lock| lock.map(span)),
        consistency: table.consistency,
        encrypted,
        recipients,
        verified: table.verified,
        scheduler: table.scheduler,
        trouble: table.trouble.map(|table| trouble(table, kind, reader)).unwrap_or_default(),
        storage_class: table.storage_class.map(|class| class.map(|text| text.0)),
        server_side_encryption: table.server_side_encryption,
        compress: table.compress,
        late_by: table.late_by,
        job: table.job.map(|job| job.map(|text| text.0)),
        restore_rate: table.restore_rate,
        stored_fraction: table.stored_fraction.map(|fraction| fraction.map(|amount| amount.0)),
    })
}
