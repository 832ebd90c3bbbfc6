//! Controls that backup and restore evidence bears on. "Bears on" is all that a tool may say: it never claims that
//! anybody is certified.

/// How well the wording is known: read in the standard's own text, read in a secondary source, or general knowledge
/// that the reader should check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    A,
    B,
    C,
}

/// One requirement of one framework.
#[derive(Debug, Clone, Copy)]
pub struct Control {
    /// As findings cite it.
    pub id: &'static str,
    pub framework: &'static str,
    pub requirement: &'static str,
    pub grade: Grade,
}

const NIST: &str = "NIST SP 800-53 r5";
const SOC: &str = "SOC 2 (TSC 2017)";
const ISO: &str = "ISO/IEC 27001:2022";
const HIPAA: &str = "HIPAA Security Rule";
const DORA: &str = "DORA";
const CIS: &str = "CIS Controls v8";

const fn control(id: &'static str, framework: &'static str, requirement: &'static str, grade: Grade) -> Control {
    Control { id, framework, requirement, grade }
}

/// Every control that some rule cites.
pub const CONTROLS: &[Control] = &[
    control("NIST CP-2", NIST, "the plan gives recovery objectives, priorities and metrics", Grade::A),
    control("NIST CP-4", NIST, "test the plan, review the results, correct", Grade::A),
    control("NIST CP-6", NIST, "an alternate storage site", Grade::A),
    control("NIST CP-6(1)", NIST, "the alternate storage site is separated from the primary", Grade::A),
    control("NIST CP-9", NIST, "back up at the defined frequency", Grade::A),
    control("NIST CP-9(1)", NIST, "test backups for reliability and integrity", Grade::A),
    control("NIST CP-9(2)", NIST, "restore a sample in tests", Grade::A),
    control("NIST CP-9(3)", NIST, "a critical copy stored apart", Grade::A),
    control("NIST CP-9(5)", NIST, "transfer to the alternate storage site", Grade::A),
    control("NIST CP-9(8)", NIST, "cryptographic protection of backups", Grade::A),
    control("NIST CP-10", NIST, "recover to a known state in time", Grade::A),
    control("NIST CP-10(2)", NIST, "transaction recovery", Grade::A),
    control("NIST CP-10(4)", NIST, "restore within the defined period", Grade::A),
    control("SOC 2 A1.2", SOC, "operate and monitor backup and recovery infrastructure", Grade::B),
    control("SOC 2 A1.3", SOC, "test recovery procedures, integrity and completeness of backups", Grade::B),
    control("ISO 27001 A.5.30", ISO, "ICT readiness planned, maintained and tested to objectives", Grade::B),
    control("ISO 27001 A.8.13", ISO, "backups maintained and regularly tested per policy", Grade::B),
    control("ISO 27001 A.8.14", ISO, "redundancy sufficient for availability", Grade::C),
    control("HIPAA 164.308(a)(7)(ii)(A)", HIPAA, "retrievable exact copies", Grade::B),
    control("HIPAA 164.308(a)(7)(ii)(B)", HIPAA, "restore any loss of data", Grade::B),
    control("HIPAA 164.308(a)(7)(ii)(D)", HIPAA, "periodic testing of contingency plans", Grade::B),
    control("DORA 11", DORA, "continuity and recovery plans tested at least yearly", Grade::B),
    control("DORA 12(1)", DORA, "scope and frequency of backups by criticality", Grade::B),
    control("DORA 12(2)", DORA, "periodic tests of backup and restore", Grade::B),
    control("DORA 12(6)", DORA, "recovery time and point objectives for each function", Grade::B),
    control("DORA 12(7)", DORA, "integrity checks and reconciliation when recovering", Grade::C),
    control("CIS 11.1", CIS, "a recovery process", Grade::B),
    control("CIS 11.2", CIS, "automated backups at least weekly", Grade::B),
    control("CIS 11.3", CIS, "recovery data protected like the original", Grade::B),
    control("CIS 11.4", CIS, "an isolated instance of recovery data", Grade::B),
    control("CIS 11.5", CIS, "test recovery at least quarterly", Grade::B),
];
