//! crontab(5), as cronie reads it: `CRON_TZ` names the zone of the lines below it.

use super::{Emitted, Job, When, command, tell};

const HEAD: &str = "\
# Written by `plimsoll schedule emit --for crontab`; install it with `crontab FILE`.
# Variables, secrets among them, stand in ~/.config/plimsoll/env, which only its owner may read (chmod 600).
# To start a run by hand: the part of its line after the times, in a shell.
SHELL=/bin/sh
";

pub fn emit(jobs: &[Job]) -> Result<Vec<Emitted>, String> {
    let mut text = HEAD.to_string();
    for job in jobs {
        let run = format!(
            "set -a; . \"$HOME/.config/plimsoll/env\"; flock -n \"/tmp/plimsoll-{}.lock\" {} || {{ {}; }}",
            job.name,
            command(job),
            tell(job, "cron")
        );
        // To cron a percent sign ends the line.
        let run = run.replace('%', "\\%");
        text += &format!("\n# {}\n", job.about);
        match &job.when {
            When::At { schedule, .. } => {
                text += &format!("CRON_TZ={}\n{} {run}\n", schedule.zone.name(), schedule.text);
            }
            When::Always => text += &format!("@reboot {run}\n"),
        }
    }
    Ok(vec![Emitted { path: "crontab".to_string(), text }])
}
