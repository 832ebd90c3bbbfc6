//! systemd units: a service and a timer for each run, and one service that tells of any that failed.

use super::words::{self, DAYS, MONTHS};
use super::{Argument, Emitted, Job, When, limit};
use crate::schedule::Schedule;

/// What a run may not do, which is nearly everything: it reads a database and writes to a store.
const CONFINED: &str = "\
DynamicUser=yes
StateDirectory=plimsoll
CacheDirectory=plimsoll
EnvironmentFile=/etc/plimsoll/env
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
UMask=0077
";

const HEAD: &str = "\
# Written by `plimsoll schedule emit --for systemd`. Variables, secrets among them, stand in /etc/plimsoll/env, which only
# root may read (chmod 600).
";

pub fn emit(jobs: &[Job]) -> Result<Vec<Emitted>, String> {
    let mut files = vec![failed()];
    for job in jobs {
        files.push(service(job));
        if let When::At { schedule, .. } = &job.when {
            files.push(timer(job, schedule)?);
        }
    }
    Ok(files)
}

fn service(job: &Job) -> Emitted {
    let unit = format!("plimsoll-{}", job.name);
    let mut text = format!("{HEAD}# To start a run by hand: systemctl start {unit}.service\n[Unit]\n");
    text += &format!("Description={}\nOnFailure=plimsoll-failed@%n.service\n", escaped(&job.about));
    text += "Wants=network-online.target\nAfter=network-online.target\n\n[Service]\n";
    match &job.when {
        When::At { takes, .. } => {
            text += &format!("Type=oneshot\nTimeoutStartSec={}s\n", limit(*takes).0 / 1000);
        }
        When::Always => text += "Type=exec\nRestart=on-failure\nRestartSec=10s\n",
    }
    let arguments = job.arguments.iter().map(|argument| match argument {
        Argument::Word(word) => format!("\"{}\"", escaped(word)),
        Argument::Variable(name) => format!("${{{name}}}"),
    });
    text += &format!("ExecStart=/usr/bin/env plimsoll {}\n", arguments.collect::<Vec<_>>().join(" "));
    text += CONFINED;
    if matches!(job.when, When::Always) {
        text += "\n[Install]\nWantedBy=multi-user.target\n";
    }
    Emitted { path: format!("{unit}.service"), text }
}

fn timer(job: &Job, schedule: &Schedule) -> Result<Emitted, String> {
    let mut text = format!("{HEAD}[Unit]\nDescription={}\n\n[Timer]\n", escaped(&job.about));
    for calendar in calendars(schedule)? {
        text += &format!("OnCalendar={calendar}\n");
    }
    text += "AccuracySec=1s\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n";
    Ok(Emitted { path: format!("plimsoll-{}.timer", job.name), text })
}

fn failed() -> Emitted {
    let text = format!(
        "{HEAD}[Unit]\nDescription=Tells that %i failed\n\n[Service]\nType=oneshot\nTimeoutStartSec=60s\n\
         ExecStart=/bin/sh -c '[ -z \"$$PLIMSOLL_WEBHOOK\" ] || curl --silent --show-error --fail --max-time 20 \
         --header \"Content-Type: application/json\" --data \"{{\\\\\"text\\\\\":\\\\\"Plimsoll: %i failed on %H\\\\\"}}\" \
         \"$$PLIMSOLL_WEBHOOK\"'\n{CONFINED}"
    );
    Emitted { path: "plimsoll-failed@.service".to_string(), text }
}

/// What stands for itself in a unit, where percent signs, backslashes, quotes and dollars do not.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Cron runs on a day that either of its two fields of days names, if both name some; systemd on one that both do.
fn calendars(schedule: &Schedule) -> Result<Vec<String>, String> {
    let words: Vec<&str> = schedule.text.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = words.as_slice() else {
        return Err(format!("`{}` has not five fields", schedule.text));
    };
    let both = |field: &str| field.starts_with('*') && field != "*";
    if *day != "*" && *weekday != "*" && (both(day) || both(weekday)) {
        return Err(format!("what `{}` means on which days, schedulers do not agree on; name the days", schedule.text));
    }
    let list = |values: Option<Vec<u32>>| match values {
        None => "*".to_string(),
        Some(values) => values.iter().map(|value| format!("{value:02}")).collect::<Vec<_>>().join(","),
    };
    let time = format!("{}:{}:00", list(words::values(hour, 0, 23, &[])), list(words::values(minute, 0, 59, &[])));
    let month = list(words::values(month, 1, 12, &MONTHS));
    let zone = schedule.zone.name();
    let of = |weekdays: Option<Vec<u32>>, days: Option<Vec<u32>>| {
        let names = weekdays.map(|days| {
            let name = |day: &u32| DAYS.get(*day as usize).map(|name| capital(name)).unwrap_or_default();
            days.iter().map(name).collect::<Vec<_>>().join(",") + " "
        });
        format!("{}*-{month}-{} {time} {zone}", names.unwrap_or_default(), list(days))
    };
    let (days, weekdays) = (words::values(day, 1, 31, &[]), words::weekdays(weekday));
    Ok(match (&days, &weekdays) {
        (Some(_), Some(_)) => vec![of(None, days), of(weekdays, None)],
        _ => vec![of(weekdays, days)],
    })
}

/// `MON` as systemd writes it.
fn capital(name: &str) -> String {
    name.chars().enumerate().map(|(at, c)| if at == 0 { c } else { c.to_ascii_lowercase() }).collect()
}
