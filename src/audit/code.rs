//! The closed list of finding codes: for each its name, severity, description, controls and explanation.

use serde::Serialize;

use super::Severity;

macro_rules! codes {
    ($($code:ident $name:literal $severity:ident $description:literal [$($control:literal),*] $text:literal;)*) => {
        /// What a finding is about. The kebab-case name is what people write in waivers and `explain`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Code {
            $($code,)*
        }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            pub fn name(self) -> &'static str {
                match self { $(Code::$code => $name,)* }
            }

            /// How much it matters, apart from how sure it is.
            pub fn severity(self) -> Severity {
                match self { $(Code::$code => Severity::$severity,)* }
            }

            /// A lowercase clause that says what is wrong.
            pub fn description(self) -> &'static str {
                match self { $(Code::$code => $description,)* }
            }

            /// Ids of the controls that its evidence bears on; see [`super::controls::CONTROLS`].
            pub fn controls(self) -> &'static [&'static str] {
                match self { $(Code::$code => &[$($control),*],)* }
            }

            /// The explanation in Markdown, from the file beside the rule.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$code => include_str!(concat!("rule/", $text, ".md")),)* }
            }
        }
    };
}

codes! {
    LossWindowDeclared "loss-window-declared" Critical
        "the plan as declared can lose more than the objective allows"
        ["NIST CP-9", "NIST CP-10", "ISO 27001 A.8.13", "DORA 12(6)"] "loss_window_declared";
    LateNoticing "late-noticing" Major
        "a failure noticed late is past the mechanism that keeps the objective"
        ["NIST CP-10(2)", "DORA 12(1)"] "late_noticing";
    NoUsablePoint "no-usable-point" Critical
        "a failure leaves nothing to restore from"
        ["NIST CP-6", "NIST CP-9", "HIPAA 164.308(a)(7)(ii)(A)"] "no_usable_point";
    LossWindowObserved "loss-window-observed" Critical
        "what is really stored could have lost more than the objective allows"
        ["NIST CP-9", "SOC 2 A1.2", "ISO 27001 A.8.13", "HIPAA 164.308(a)(7)(ii)(A)"] "loss_window_observed";
    HoleAhead "hole-ahead" Critical
        "on a date to come more can be lost than the objective allows"
        ["NIST CP-9", "NIST CP-2", "ISO 27001 A.8.13", "DORA 12(1)"] "hole_ahead";
    LossWindowUnproven "loss-window-unproven" Major
        "the evidence does not show that the objective was kept"
        ["NIST CP-9", "SOC 2 A1.2"] "loss_window_unproven";
    CoverageGap "coverage-gap" Major
        "a log has a gap, over which no restore can roll forward"
        ["NIST CP-10(2)", "SOC 2 A1.2"] "coverage_gap";
    RtoDeclared "rto-declared" Critical
        "the runbook as declared takes longer than the objective allows"
        ["NIST CP-2", "NIST CP-10(4)", "DORA 12(6)"] "rto_declared";
    RtoDrilled "rto-drilled" Critical
        "with the times that drills measured, the runbook takes longer than the objective allows"
        ["NIST CP-10(4)", "ISO 27001 A.5.30", "DORA 12(6)"] "rto_drilled";
    RtoUnproven "rto-unproven" Major
        "no drill shows how long recovery takes"
        ["NIST CP-4", "NIST CP-10(4)", "SOC 2 A1.3", "ISO 27001 A.5.30", "CIS 11.1"] "rto_unproven";
    DrillMissing "drill-missing" Major
        "no restore was ever drilled"
        ["NIST CP-4", "NIST CP-9(2)", "SOC 2 A1.3", "HIPAA 164.308(a)(7)(ii)(D)", "DORA 12(2)", "CIS 11.5"] "drill_missing";
    DrillStale "drill-stale" Major
        "the last good drill is older than the plan asks"
        ["NIST CP-4", "SOC 2 A1.3", "DORA 11", "CIS 11.5"] "drill_stale";
    DrillFailed "drill-failed" Critical
        "the newest drill did not restore what it should have"
        ["NIST CP-4", "NIST CP-9(1)", "SOC 2 A1.3", "HIPAA 164.308(a)(7)(ii)(B)"] "drill_failed";
    ProtectionUnproven "protection-unproven" Major
        "a declared protection has left no evidence"
        ["NIST CP-9", "SOC 2 A1.2", "ISO 27001 A.8.13"] "protection_unproven";
    EvidenceStale "evidence-stale" Major
        "the evidence was read too long ago to speak for now"
        ["SOC 2 A1.2"] "evidence_stale";
    EvidenceUnreadable "evidence-unreadable" Major
        "something was there and could not be read"
        ["NIST CP-9(1)", "SOC 2 A1.2"] "evidence_unreadable";
    EvidenceUnmatched "evidence-unmatched" Minor
        "evidence of something that the policy does not know"
        ["SOC 2 A1.2"] "evidence_unmatched";
    UnverifiedPoints "unverified-points" Major
        "nothing read the copies back"
        ["NIST CP-9(1)", "DORA 12(7)", "HIPAA 164.308(a)(7)(ii)(A)"] "unverified_points";
    PointsPartial "points-partial" Major
        "copies leave a part of the asset out"
        ["NIST CP-9", "HIPAA 164.308(a)(7)(ii)(A)"] "points_partial";
    ConsistencyWeak "consistency-weak" Major
        "copies are less of one instant than the plan asks"
        ["NIST CP-10", "DORA 12(7)"] "consistency_weak";
    CrossAssetSkew "cross-asset-skew" Minor
        "assets that refer to each other are copied at different instants"
        ["NIST CP-10", "DORA 12(7)"] "cross_asset_skew";
    ReferencesDangle "references-dangle" Major
        "assets that refer to each other cannot be brought to one recent instant"
        ["NIST CP-10", "DORA 12(7)"] "references_dangle";
    RetentionShort "retention-short" Major
        "copies are kept for less time than the plan asks"
        ["NIST CP-9", "ISO 27001 A.8.13"] "retention_short";
    CopiesFew "copies-few" Major
        "fewer copies apart from the live data than the plan asks"
        ["NIST CP-6", "NIST CP-9(3)", "ISO 27001 A.8.14"] "copies_few";
    CopiesOneDomain "copies-one-domain" Major
        "the live data and all its copies can be lost at once"
        ["NIST CP-6(1)", "NIST CP-9(3)", "NIST CP-9(5)"] "copies_one_domain";
    CopiesOneCredential "copies-one-credential" Critical
        "one credential can delete the live data and all its copies"
        ["NIST CP-9(3)", "CIS 11.4"] "copies_one_credential";
    NotImmutable "not-immutable" Major
        "no copy is safe from deletion for a time"
        ["NIST CP-9(3)", "CIS 11.4"] "not_immutable";
    NotEncrypted "not-encrypted" Major
        "no copy is encrypted before it leaves the host"
        ["NIST CP-9(8)", "CIS 11.3"] "not_encrypted";
    KeyUnproven "key-unproven" Critical
        "nothing shows that the key of what is encrypted is still there"
        ["NIST CP-9(2)", "NIST CP-9(8)", "SOC 2 A1.3", "DORA 12(2)"] "key_unproven";
    SchedulerUnbounded "scheduler-unbounded" Major
        "nothing bounds how late a run may start"
        ["NIST CP-9", "SOC 2 A1.2", "CIS 11.2"] "scheduler_unbounded";
    UnprotectedAsset "unprotected-asset" Critical
        "an asset that nothing protects"
        ["NIST CP-9", "CIS 11.2"] "unprotected_asset";
    ReplicaAsBackup "replica-as-backup" Critical
        "an asset whose only protection follows it into every mistake"
        ["NIST CP-9", "ISO 27001 A.8.13"] "replica_as_backup";
    ProtectionUnused "protection-unused" Minor
        "a protection that helps in no declared failure"
        ["NIST CP-2"] "protection_unused";
    RunsMissed "runs-missed" Major
        "runs left no point, or came later than allowed"
        ["NIST CP-9", "SOC 2 A1.2", "ISO 27001 A.8.13"] "runs_missed";
    PointsFew "points-few" Major
        "fewer of the planned points were made than the plan asks"
        ["NIST CP-9", "SOC 2 A1.2"] "points_few";
    DrillPartial "drill-partial" Major
        "drills restored or checked only a part"
        ["NIST CP-9(2)", "SOC 2 A1.3", "HIPAA 164.308(a)(7)(ii)(D)"] "drill_partial";
    DrillSmall "drill-small" Major
        "drills restored less data than production has"
        ["NIST CP-4", "SOC 2 A1.3"] "drill_small";
    DrillsFew "drills-few" Major
        "the drills are too few to show what is asked of restores"
        ["NIST CP-4", "SOC 2 A1.3", "DORA 12(2)"] "drills_few";
    StepsUntimed "steps-untimed" Note
        "drills leave out steps of the runbook"
        ["NIST CP-4", "NIST CP-10(4)"] "steps_untimed";
    RetentionLong "retention-long" Minor
        "copies are kept longer than they may be"
        ["ISO 27001 A.8.13"] "retention_long";
    PointsOverdue "points-overdue" Note
        "points are stored, and paid for, longer than the plan says"
        ["ISO 27001 A.8.13"] "points_overdue";
    LifecycleShort "lifecycle-short" Major
        "the store removes points before their retention ends"
        ["NIST CP-9", "ISO 27001 A.8.13"] "lifecycle_short";
    LockShort "lock-short" Minor
        "a lock ends before the points that it protects do"
        ["NIST CP-9(3)", "CIS 11.4"] "lock_short";
    MediaFew "media-few" Minor
        "the copies stand on fewer kinds of storage than the plan asks"
        ["NIST CP-9(3)", "CIS 11.4"] "media_few";
    NotOffsite "not-offsite" Major
        "no copy is known to be at another site"
        ["NIST CP-6(1)", "NIST CP-9(5)"] "not_offsite";
    IsolationUnproven "isolation-unproven" Major
        "a copy is said to be elsewhere, and nobody has made sure"
        ["NIST CP-6(1)", "CIS 11.4"] "isolation_unproven";
    RestorePathSlow "restore-path-slow" Critical
        "a copy cannot be read back within the time that is allowed for all"
        ["NIST CP-6", "NIST CP-10(4)"] "restore_path_slow";
    ChannelUnproven "channel-unproven" Minor
        "nothing shows that an alert of a failed backup arrives"
        ["SOC 2 A1.2"] "channel_unproven";
    ScheduleDrift "schedule-drift" Major
        "what runs is not what is planned"
        ["NIST CP-9", "SOC 2 A1.2", "CIS 11.2"] "schedule_drift";
    JobUndeclared "job-undeclared" Minor
        "a scheduled job looks like a backup, and the policy does not know it"
        ["NIST CP-2"] "job_undeclared";
    RunbookDrift "runbook-drift" Major
        "the committed recovery plan is not what the policy makes"
        ["NIST CP-2", "ISO 27001 A.5.30", "DORA 11", "CIS 11.1"] "runbook_drift";
    ScriptNamesDiffer "script-names-differ" Critical
        "a script looks for names that nothing writes"
        ["NIST CP-4", "NIST CP-9(2)"] "script_names_differ";
    ExistenceAsVerification "existence-as-verification" Major
        "a listing is taken for a verification"
        ["NIST CP-9(1)", "DORA 12(7)"] "existence_as_verification";
    DeletesByAge "deletes-by-age" Critical
        "copies are deleted for their age, whatever else is left"
        ["NIST CP-9", "CIS 11.4"] "deletes_by_age";
    ClockSkew "clock-skew" Major
        "instants in the evidence cannot be"
        ["SOC 2 A1.2"] "clock_skew";
    WaiverExpired "waiver-expired" Minor
        "a risk was accepted until a date that has passed"
        ["NIST CP-2"] "waiver_expired";
    WaiverEnds "waiver-ends" Note
        "a waiver ends soon, and what it accepts is still found"
        ["NIST CP-2"] "waiver_ends";
    WaiverUnused "waiver-unused" Note
        "a waiver that accepts nothing that was found"
        ["NIST CP-2"] "waiver_unused";
}

impl Code {
    pub fn parse(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
