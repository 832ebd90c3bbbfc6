//! Entries of schedulers that look like backups, and that no protection of the policy names.

use crate::audit::beside::known_by;
use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::schedule::read::{Entry, mentions};

/// Words that say what a job is for, whatever it is called.
const WORDS: &[&str] = &[
    "backup",
    "backups",
    "mongodump",
    "pg_dump",
    "pg_dumpall",
    "mysqldump",
    "restic",
    "rustic",
    "borg",
    "borgmatic",
    "kopia",
    "pgbackrest",
    "wal-g",
    "pbm",
    "velero",
];

pub fn check(context: &Context, report: &mut Report) {
    let mut known = 0;
    for scheduled in &context.policy.beside.schedules {
        for entry in &scheduled.file.entries {
            if context.policy.protections.iter().any(|p| entry.mentions(known_by(p))) {
                known += 1;
                continue;
            }
            let Some(word) = WORDS.iter().find(|word| tells(entry, word)) else { continue };
            let message = format!(
                "`{}` runs something that says `{word}` at `{}`, and no protection names it",
                scheduled.path, entry.text
            );
            let finding = Finding::unproven(Code::JobUndeclared, message).at(entry.at);
            report.find(finding.remedy("declare what it protects, with its `job`, or take the entry out"));
        }
    }
    if known > 0 {
        let why = format!("{known} entries of the given schedules run declared protections");
        report.pass(Code::JobUndeclared, Subject::default(), why);
    }
}

fn tells(entry: &Entry, word: &str) -> bool {
    entry.says.iter().any(|says| mentions(&says.to_lowercase(), word))
}
