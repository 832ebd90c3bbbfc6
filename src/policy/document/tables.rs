//! Every table of the policy file: its fields, what each means, which are required. Reading and schema follow from it.

use chrono_tz::Tz;

use super::chances::{PerYear, ResourceTable, TroubleTable};
use super::operations::{NotifyTable, OperationsTable};
use super::reader::table;
use super::tradeoff::TradeoffTable;
use super::values::{Amount, Fraction, List, Name, Named, Positive, Rows, Share, Text, Wait};
use super::words::{Assumed, Count, Currency, Kind, Looks, Takes, Until, Version};
use crate::base::{Bytes, Compression, ServerEncryption, Span, Speed};
use crate::policy::{AssetKind, Consistency, DomainKind, Medium, Scheduler};
use crate::seal::Recipient;

table! {
    /// What the business asked for, what protects it, what can fail, and who accepted which risk.
    PolicyTable = "the policy" {
        /// Version of this format: 1.
        plimsoll: Version, required;
        /// Whose plan this is; the title of every report.
        name: Text, required;
        /// Code of the currency that every amount in this file is in; USD where absent.
        currency: Currency, optional;
        /// Time zone of the schedules and dates in this file; UTC where absent.
        timezone: Tz, optional;
        /// Price book: the name of a built-in one (`aws-us-east-1`) or a path relative to this file.
        prices: Text, optional;
        /// Policy files with defaults, relative to this one; what stands here overrides them, later ones the earlier.
        include: List<Text>, optional;
        /// Files that schedulers run from, relative to this one; what they say is held against the schedules here.
        schedules: List<Text>, optional;
        /// Shell scripts of the backups, relative to this file; what they do is held against what is declared.
        scripts: List<Text>, optional;
        /// The committed copy of the recovery plan that `report runbook` makes, relative to this file; `check` finds drift.
        runbook_file: Text, optional;
        /// What holds for every asset and scenario that does not say otherwise.
        objective: ObjectiveTable, optional;
        /// For whom what is encrypted before it leaves the host is sealed.
        encryption: EncryptionTable, optional;
        /// What an hour without service and an hour of lost writes cost.
        losses: LossesTable, optional;
        /// The plans that cost is weighed against loss for; by default those around this one.
        tradeoff: TradeoffTable, optional;
        /// Things that can be lost at once: a host, a bucket, an account, a provider.
        domain: Named<DomainTable>, optional;
        /// Secrets whose loss or theft lets somebody delete what stands in a domain.
        credential: Named<CredentialTable>, optional;
        /// What is protected: databases and buckets of uploads.
        asset: Named<AssetTable>, required;
        /// The mechanisms that make and keep copies.
        protection: Named<ProtectionTable>, optional;
        /// Things that the steps of runbooks share: a line, a pool of workers, a team.
        resource: Named<ResourceTable>, optional;
        /// The failures that the plan is for, each with its runbook.
        scenario: Named<ScenarioTable>, optional;
        /// When verifications, prunings, drills and notices are due.
        operations: OperationsTable, optional;
        /// Places that failures, breaches and recoveries are told to.
        notify: Named<NotifyTable>, optional;
        /// Findings that somebody accepts until a date.
        waiver: Rows<WaiverTable>, optional;
        /// The people to call.
        contact: Rows<ContactTable>, optional;
    }
}

table! {
    /// What the business asked for; what is left out was not asked.
    ObjectiveTable = "an objective" {
        /// Recovery point objective: the longest time of writes that may be lost.
        rpo: Span, optional;
        /// Recovery time objective: the longest time from the failure until service.
        rto: Span, optional;
        /// How far back a restore must reach.
        retention: Positive, optional;
        /// The longest time between two restore drills.
        drill_every: Positive, optional;
        /// Number of copies apart from the live data.
        copies: u32, optional;
        /// At least one copy that no credential can delete before its lock ends.
        immutable: bool, optional;
        /// At least one copy is encrypted before it leaves the host.
        encrypted: bool, optional;
        /// The weakest consistency that a recovery point may have.
        consistency: Consistency, optional;
        /// Kinds of storage that the copies stand on, at least: a flaw of one kind then leaves another.
        media: u32, optional;
        /// At least one copy at another site than the live data, and somebody has made sure that it is there.
        offsite: bool, optional;
        /// The longest that a copy may be kept.
        keep_at_most: Positive, optional;
        /// The least part of the scheduled recovery points that must really have been made: 0.95 is 95 %.
        points_created: Share, optional;
        /// The least part of restores that drills must show to succeed, with 95 % confidence: 0.9 takes 29 clean drills.
        restores_shown: Share, optional;
        /// The least part of production's size that a drill must restore to count; a tenth where absent.
        drill_share: Share, optional;
        /// The longest time between two test alerts that arrived where failed backups are told.
        alert_test_every: Positive, optional;
    }
}

table! {
    /// For whom protections with `encrypted = true` are sealed, unless they name their own.
    EncryptionTable = "a table of encryption" {
        /// Public keys of age, as `age-keygen -y` prints them; the identity of any one of them opens everything.
        recipients: List<Recipient>, required;
    }
}

table! {
    /// What failures cost, in the policy's currency.
    LossesTable = "a table of losses" {
        /// Money lost in an hour without service.
        downtime_per_hour: Amount, required;
        /// Money lost for an hour of writes that cannot be restored.
        data_per_hour: Amount, required;
        /// Money lost if everything is lost for good.
        total_loss: Amount, optional;
        /// Where these figures come from; shown beside every amount that rests on them.
        source: Text, optional;
    }
}

table! {
    /// A thing that can be lost at once.
    DomainTable = "a domain" {
        /// What it is.
        kind: DomainKind, required;
        /// Domains whose loss takes this one with them.
        inside: List<Name>, optional;
        /// What it is made of; where absent, a bucket is objects, a host or cluster is disk.
        medium: Medium, optional;
        /// Last day on which somebody made sure that it stands where the plan says.
        checked: Until, optional;
    }
}

table! {
    /// A secret whose loss or theft lets somebody delete things.
    CredentialTable = "a credential" {
        /// Domains in which it can delete what no lock protects.
        can_delete: List<Name>, required;
    }
}

table! {
    /// Something protected.
    AssetTable = "an asset" {
        /// What it is.
        kind: AssetKind, required;
        /// Size of the live data before compression.
        size: Bytes, optional;
        /// Growth of the size in a year, as a fraction: 0.4 is 40 %.
        growth_per_year: Fraction, optional;
        /// Domains that the live data stands in.
        lives_in: List<Name>, required;
        /// The asset that the contents of this one refer to, as rows that name uploads do.
        references: Name, optional;
        /// Names of the checks that a drill of it must pass to count.
        checks: List<Text>, optional;
        /// Checks of your own on what a drill restores; it counts only if they pass.
        expect: Rows<ExpectTable>, optional;
        /// What holds for this asset in place of the policy's objective, value by value.
        objective: ObjectiveTable, optional;
        /// What failures of this asset cost, in place of the policy's losses.
        losses: LossesTable, optional;
    }
}

table! {
    /// A check of your own on what a drill restores.
    ExpectTable = "an expectation" {
        /// What the check is called in the drill's record.
        name: Text, required;
        /// What it looks at.
        kind: Looks, required;
        /// The collection, as database.collection.
        collection: Text, required;
        /// How many documents it holds at least.
        at_least: Count, required for ["count"];
        /// The field, with dots into what is within: a time, or the key of an upload.
        field: Text, required for ["fresh", "references"];
        /// How much older than the restored state the newest of these times may be.
        within: Positive, required for ["fresh"];
        /// What stands before each key in the bucket, and not in the field.
        prefix: Text, optional for ["references"];
    }
}

table! {
    /// A mechanism that makes and keeps copies.
    ProtectionTable = "a protection" {
        /// How it protects; decides which other fields fit.
        kind: Kind, required;
        /// The assets that it protects; a copy protects those of what it copies.
        assets: List<Name>, required for ["snapshot", "log", "mirror", "versioning", "replica"];
        /// When it runs, as cron writes it: minute, hour, day of month, month, weekday.
        schedule: Text, required for ["snapshot", "mirror"];
        /// Time zone of the schedule, in place of the policy's.
        timezone: Tz, optional for ["snapshot", "mirror"];
        /// Time from the start of a run until its point can be restored from.
        takes: Span, required for ["snapshot", "mirror"];
        /// Failed runs in a row that the plan allows for; 0 where absent.
        allowed_failures: u32, optional for ["snapshot", "mirror"];
        /// How much later than planned a run's point may be there; until the next run is due where absent.
        late_by: Span, optional for ["snapshot", "mirror"];
        /// What the scheduler's entry that runs it is known by: a script, a unit, a workflow or a job.
        job: Text, optional for ["snapshot", "log", "mirror", "copy"];
        /// How far behind the newest write it is at most.
        lag: Span, required for ["log", "replica"];
        /// How far back it can roll to any instant.
        window: Positive, required for ["log"];
        /// The protection whose points it copies.
        of: Name, required for ["copy"];
        /// Time from a point of the original until its copy is there.
        delay: Span, required for ["copy"];
        /// Domains that the copies stand in.
        stored_in: List<Name>, required for ["snapshot", "log", "mirror", "copy", "replica"];
        /// Domains that produce the copies: while they are lost, no new point appears.
        runs_in: List<Name>, optional for ["snapshot", "log", "mirror", "copy", "replica"];
        /// How long a point is kept; for a log its window where absent.
        retention: Positive, optional for ["snapshot", "log", "versioning", "copy"];
        /// What stays of the points that are older than the retention.
        keep: KeepTable, optional for ["snapshot", "copy"];
        /// After how long the store's own rule removes points, whatever their retention.
        lifecycle: Positive, optional for ["snapshot", "log", "versioning", "copy"];
        /// Object lock on each point, counted from its creation.
        lock: Positive, optional for ["snapshot", "log", "mirror", "versioning", "copy"];
        /// How far the parts of one point are of one instant.
        consistency: Consistency, optional for ["snapshot", "mirror", "copy"];
        /// Whether it is encrypted before it leaves the host.
        encrypted: bool, optional for ["snapshot", "log", "mirror", "versioning", "copy"];
        /// For whom it is sealed, where that are others than `encryption` names: public keys of age.
        recipients: List<Recipient>, optional for ["snapshot", "log", "mirror", "copy"];
        /// Whether each point is read back and hashed again after it was written; a listing does not count.
        verified: bool, optional for ["snapshot", "log", "mirror", "copy"];
        /// How fast it can be read back, such as "60 Mbit/s" or "200 MB/s".
        restore_rate: Speed, optional for ["snapshot", "log", "mirror", "versioning", "copy"];
        /// What starts the runs.
        scheduler: Scheduler, optional for ["snapshot", "log", "mirror", "copy"];
        /// Storage class in the price book; the book's default where absent.
        storage_class: Text, optional for ["snapshot", "log", "mirror", "versioning", "copy"];
        /// The store's own encryption of what is written: aes256, kms, or kms:KEY; the bucket's default where absent.
        server_side_encryption: ServerEncryption, optional for ["snapshot", "log", "mirror", "copy"];
        /// How a dump is compressed: gzip (the default) and none are read by mongorestore, zstd by Plimsoll alone.
        compress: Compression, optional for ["snapshot"];
        /// What one point adds to the bill, as a fraction of the asset's size.
        stored_fraction: Fraction, optional for ["snapshot", "log", "mirror", "versioning", "copy"];
        /// What goes wrong with its runs, for the simulation; runs on record count before it.
        trouble: TroubleTable, optional for ["snapshot", "log", "mirror"];
    }
}

table! {
    /// Points that stay beyond their retention: the newest of each of so many hours, days, weeks, months and years that
    /// have one.
    KeepTable = "a table of what is kept" {
        /// So many of the newest points.
        last: u32, optional;
        /// The newest point of each of so many hours.
        hourly: u32, optional;
        /// The newest point of each of so many days.
        daily: u32, optional;
        /// The newest point of each of so many weeks, which begin on Monday.
        weekly: u32, optional;
        /// The newest point of each of so many months.
        monthly: u32, optional;
        /// The newest point of each of so many years.
        yearly: u32, optional;
    }
}

table! {
    /// A failure that the plan is for.
    ScenarioTable = "a scenario" {
        /// What people call it; its name where absent.
        title: Text, optional;
        /// Domains destroyed, and with them everything inside.
        destroys: List<Name>, optional;
        /// Assets whose contents turn wrong while their storage stands.
        corrupts: List<Name>, optional;
        /// Credentials in the wrong hands: what they can delete and no lock protects is gone.
        compromises: List<Name>, optional;
        /// Expected incidents in a year, or what is known of their number.
        per_year: PerYear, required;
        /// Where that frequency comes from; shown beside every figure that rests on it.
        per_year_source: Text, optional;
        /// Time from the failure until somebody knows.
        noticed_after: Assumed, required;
        /// What notices it: an alert, a customer, a person.
        noticed_by: Text, optional;
        /// Whether writes go on after the failure and are lost up to the time it is noticed; false where absent.
        writes_continue: bool, optional;
        /// Cost of one incident whatever its length; 0 where absent.
        fixed_cost: Amount, optional;
        /// What holds in this scenario in place of the assets' objectives, value by value.
        objective: ObjectiveTable, optional;
        /// The steps from knowing of the failure to service.
        runbook: Rows<StepTable>, optional;
    }
}

table! {
    /// A step of a runbook.
    StepTable = "a step" {
        /// What is done.
        step: Text, required;
        /// How long it takes.
        takes: Takes, required;
        /// Names of the earlier steps that it waits for: the one before where absent, [] to begin at once.
        after: Wait, optional;
        /// The asset that a measured step restores.
        asset: Name, optional;
        /// The resource that it shares with other steps of the runbook.
        uses: Name, optional;
        /// Who does it.
        owner: Text, optional;
        /// The credentials that it needs.
        needs: List<Name>, optional;
    }
}

table! {
    /// A finding that somebody accepts until a date.
    WaiverTable = "a waiver" {
        /// Code of the finding, as `plimsoll explain` lists them.
        code: Text, required;
        /// The asset that it is about; every asset where absent.
        asset: Name, optional;
        /// The scenario that it is about; every scenario where absent.
        scenario: Name, optional;
        /// The protection that it is about; every protection where absent.
        protection: Name, optional;
        /// Who accepts the risk.
        owner: Text, required;
        /// Why it is accepted.
        reason: Text, required;
        /// Last day, or instant, on which it is accepted.
        until: Until, required;
    }
}

table! {
    /// Somebody to call.
    ContactTable = "a contact" {
        /// Who it is.
        name: Text, required;
        /// How to reach them.
        reach: Text, required;
        /// Whether failed and missing backups are told there; false where absent.
        alerts: bool, optional;
        /// Last day on which a test alert arrived there.
        proven: Until, optional;
    }
}
