//! What is written for schedulers: it is read back as the same schedule, their own checkers take it, and no secret is in
//! it.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use chrono_tz::Tz;
use plimsoll::base::{Instant, Span, Window};
use plimsoll::schedule::Schedule;
use plimsoll::schedule::emit::{self, Argument, Emitted, For, Job, When};
use plimsoll::schedule::read;
use proptest::prelude::*;

use super::desk::Desk;

const ALL: [For; 4] = [For::Crontab, For::Systemd, For::Github, For::Kubernetes];

fn job(schedule: Schedule) -> Job {
    let word = |word: &str| Argument::Word(word.to_string());
    Job {
        name: "nightly".to_string(),
        about: "nightly of \"shop\": 100% $HOME".to_string(),
        when: When::At { schedule, takes: Span::minutes(30) },
        arguments: vec![
            word("backup"),
            word("--asset"),
            word("it's 100% $odd"),
            word("--bucket"),
            Argument::Variable("PLIMSOLL_BUCKET".to_string()),
        ],
        variables: vec![],
    }
}

/// The runs of the year that the files start, by whatever reads them.
fn runs(files: &[Emitted], window: Window) -> Vec<Instant> {
    let schedules = files.iter().filter(|file| !file.path.ends_with(".service"));
    let mut runs: Vec<Instant> = schedules
        .flat_map(|file| {
            let read = read::read(&file.path, &file.text, 1).unwrap_or_else(|said| panic!("{said:?}\n{}", file.text));
            assert!(!read.entries.is_empty(), "{}", file.text);
            let of = |entry: &read::Entry| {
                assert!(entry.zone.is_some() && entry.suspended.is_none() && entry.delay.is_none());
                entry.runs(window.from, window.until, Tz::Pacific__Apia, 1_000_000).expect("clear times")
            };
            read.entries.iter().flat_map(of).collect::<Vec<_>>()
        })
        .collect();
    runs.sort_unstable();
    runs.dedup();
    runs
}

fn fields() -> impl Strategy<Value = String> {
    let minute = prop_oneof![
        Just("0".to_string()),
        (0..60_u32).prop_map(|m| m.to_string()),
        Just("*/15".into()),
        Just("5,35".into())
    ];
    let hour = prop_oneof![Just("*".to_string()), (3..24_u32).prop_map(|h| h.to_string()), Just("4-20/4".into())];
    let day =
        prop_oneof![4 => Just("*".to_string()), 1 => (1..29_u32).prop_map(|d| d.to_string()), 1 => Just("1,15".into())];
    let month = prop_oneof![4 => Just("*".to_string()), 1 => Just("JAN-MAR".into()), 1 => Just("*/3".into())];
    let weekday = prop_oneof![4 => Just("*".to_string()), 1 => Just("MON-FRI".into()), 1 => Just("0,6".into()), 1 => Just("7".into())];
    (minute, hour, day, month, weekday).prop_map(|(a, b, c, d, e)| format!("{a} {b} {c} {d} {e}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_is_written_for_any_scheduler_is_read_back_as_the_same_runs(
        text in fields(), zone in prop_oneof![Just(Tz::UTC), Just(Tz::Asia__Kolkata), Just(Tz::Europe__Berlin)]
    ) {
        let schedule = Schedule::parse(&text, zone).expect("a schedule");
        // Where clocks change, systemd and cron do not agree; that is another test's.
        let window = match zone {
            Tz::Europe__Berlin => ["2026-03-30T00:00:00Z", "2026-10-24T00:00:00Z"],
            _ => ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
        };
        let [from, until] = window.map(|at| at.parse().expect("an instant"));
        let window = Window::new(from, until);
        let planned = schedule.runs_in(window);
        for to in ALL {
            let files = emit::emit(&[job(schedule.clone())], to).expect("emits");
            prop_assert_eq!(&runs(&files, window), &planned, "{:?}: {}", to, files[files.len() - 1].text);
        }
    }
}

#[test]
fn days_on_which_schedulers_do_not_agree_are_refused_and_not_guessed() {
    let schedule = Schedule::parse("0 3 */2 * MON", Tz::UTC).expect("a schedule");
    let said = emit::emit(&[job(schedule)], For::Systemd).expect_err("refused");
    assert!(said.contains("name the days"), "{said}");
}

fn written(target: &str, desk: &Desk) -> Vec<std::path::PathBuf> {
    let out = desk.run(&format!("schedule emit plan.toml --for {target} --to {target}"));
    assert_eq!(out.status, 0, "{}", out.err);
    let mut found = Vec::new();
    let mut folders = vec![desk.path(target)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let is_folder = entry.path().is_dir();
            if is_folder { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    found
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("plan.toml", include_str!("../../policies/template.toml"));
    desk
}

#[test]
fn the_checker_of_systemd_takes_every_unit() {
    let desk = desk();
    desk.write("plan.toml", &with_operations());
    let units = written("systemd", &desk);
    assert!(units.len() >= 5, "{units:?}");
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        let _ = writeln!(std::io::stderr(), "skipped: there is no systemd-analyze here");
        return;
    }
    let plain: Vec<_> = units.iter().filter(|unit| !unit.display().to_string().contains('@')).collect();
    let checked = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&plain).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("plimsoll")).collect();
    assert!(checked.status.success() && ours.is_empty(), "{said}");
    for timer in units.iter().filter(|unit| unit.extension().is_some_and(|e| e == "timer")) {
        let text = std::fs::read_to_string(timer).unwrap();
        let calendar = text.lines().find_map(|line| line.strip_prefix("OnCalendar=")).unwrap();
        let checked = Command::new("systemd-analyze").args(["calendar", calendar]).output().unwrap();
        assert!(checked.status.success(), "{calendar}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

fn yaml(path: &Path) -> Vec<yaml_rust2::Yaml> {
    yaml_rust2::YamlLoader::load_from_str(&std::fs::read_to_string(path).unwrap()).expect("YAML")
}

#[test]
fn workflows_ask_for_the_least_and_can_be_started_by_hand_and_tell_of_failures() {
    let desk = desk();
    let files = written("github", &desk);
    assert_eq!(files.len(), 2, "a log is no workflow: {files:?}");
    for file in files {
        let workflow = &yaml(&file)[0];
        assert_eq!(workflow["permissions"]["contents"].as_str(), Some("read"));
        assert_eq!(workflow["permissions"].as_hash().map(|h| h.len()), Some(1));
        assert!(!workflow["on"]["workflow_dispatch"].is_badvalue() && workflow["on"]["schedule"].as_vec().is_some());
        let (_, job) = workflow["jobs"].as_hash().unwrap().iter().next().unwrap();
        assert!(job["timeout-minutes"].as_i64().is_some_and(|minutes| minutes >= 60));
        let steps = job["steps"].as_vec().unwrap();
        assert!(steps.last().unwrap()["if"].as_str().unwrap().contains("failure()"));
        let secrets = steps[1]["env"]["PLIMSOLL_URI"].as_str().unwrap();
        assert_eq!(secrets, "${{ secrets.PLIMSOLL_URI }}");
    }
}

#[test]
fn cron_jobs_hold_references_to_secrets_and_no_right_that_they_do_not_need() {
    let desk = desk();
    let objects = yaml(&written("kubernetes", &desk)[0]);
    let kinds: Vec<&str> = objects.iter().filter_map(|object| object["kind"].as_str()).collect();
    assert_eq!(kinds, ["CronJob", "Deployment", "CronJob"]);
    for object in &objects {
        let spec = match object["kind"].as_str() {
            Some("CronJob") => &object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
            _ => &object["spec"]["template"]["spec"],
        };
        assert_eq!(spec["automountServiceAccountToken"].as_bool(), Some(false));
        assert_eq!(spec["securityContext"]["runAsNonRoot"].as_bool(), Some(true));
        let container = &spec["containers"][0];
        assert_eq!(container["securityContext"]["capabilities"]["drop"][0].as_str(), Some("ALL"));
        let env = container["env"].as_vec().unwrap();
        let secret = |name: &str| env.iter().find(|e| e["name"].as_str() == Some(name)).unwrap();
        assert_eq!(secret("PLIMSOLL_URI")["valueFrom"]["secretKeyRef"]["name"].as_str(), Some("plimsoll"));
        assert!(secret("PLIMSOLL_URI")["value"].is_badvalue());
    }
}

#[test]
fn what_is_emitted_passes_the_check_and_what_drifted_does_not() {
    let desk = desk();
    for target in ["crontab", "systemd", "github", "kubernetes"] {
        let files: Vec<String> = written(target, &desk)
            .into_iter()
            .filter(|file| !file.display().to_string().ends_with(".service"))
            .map(|file| file.display().to_string())
            .collect();
        let scheduler = if target == "github" { "github-actions" } else { target.trim_end_matches("tab") };
        let text = include_str!("../../policies/template.toml");
        let text = text.replace("scheduler = \"systemd\"", &format!("scheduler = \"{scheduler}\""));
        desk.write("plan.toml", &text);
        let checked = desk.run(&format!("schedule check plan.toml --schedules {}", files.join(" ")));
        assert!(checked.out.contains("as planned: "), "{target}: {}{}", checked.out, checked.err);
        assert!(!checked.out.contains("is planned at"), "{target}: {}", checked.out);
        desk.write("plan.toml", &text.replace("schedule = \"0 3 * * *\"", "schedule = \"0 4 * * *\""));
        let drifted = desk.run(&format!("schedule check plan.toml --schedules {}", files.join(" ")));
        assert_eq!(drifted.status, 3, "{target}: {}{}", drifted.out, drifted.err);
        assert!(drifted.out.contains("is planned at `0 4 * * *`"), "{}", drifted.out);
        desk.write("plan.toml", include_str!("../../policies/template.toml"));
    }
}

#[test]
fn the_coming_runs_are_shown_in_their_zone_and_a_change_of_clocks_is_told() {
    let desk = Desk::new();
    let text =
        include_str!("../../policies/template.toml").replace("timezone = \"UTC\" ", "timezone = \"Europe/Berlin\" ");
    desk.write("plan.toml", &text);
    let runs = desk.json("schedule next plan.toml --from 2026-10-24T00:00:00Z --count 3 --format json");
    let nightly: Vec<_> = runs.as_array().unwrap().iter().filter(|run| run["protection"] == "nightly").collect();
    let local: Vec<&str> = nightly.iter().map(|run| run["local"].as_str().unwrap()).collect();
    assert_eq!(local, ["Sat 2026-10-24 03:00 +02:00", "Sun 2026-10-25 03:00 +01:00", "Mon 2026-10-26 03:00 +01:00"]);
    let changes: Vec<bool> = nightly.iter().map(|run| run["clocks_change"].as_bool().unwrap()).collect();
    assert_eq!(changes, [false, true, false]);
    let shown = desk.run("schedule next plan.toml --from 2026-10-24T00:00:00Z");
    assert!(shown.status == 0 && shown.out.contains("clocks changed before it"), "{}{}", shown.out, shown.err);
}

/// The template with verifications, prunings, drills and notices planned.
fn with_operations() -> String {
    let operations = "[operations]\nverify = \"0 5 * * *\"\nverify_sample = \"5%\"\nprune = \"0 6 * * *\"\n\
                      drill = \"0 7 * * SUN\"\nnotify = \"*/30 * * * *\"\n[notify.chat]\nkind = \"slack\"\n\
                      url_env = \"CHAT_URL\"\n\n[scenario.";
    include_str!("../../policies/template.toml").replacen("[scenario.", operations, 1)
}

#[test]
fn operations_are_written_for_every_scheduler_and_held_against_what_was_written() {
    let desk = Desk::new();
    for target in ["crontab", "systemd", "github", "kubernetes"] {
        let scheduler = if target == "github" { "github-actions" } else { target.trim_end_matches("tab") };
        let text = with_operations();
        let text = text.replace("scheduler = \"systemd\"", &format!("scheduler = \"{scheduler}\""));
        let text = text.replace("timezone = \"UTC\" ", "timezone = \"Asia/Kolkata\" ");
        desk.write("plan.toml", &text);
        let all = written(target, &desk);
        let whole: String = all.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        let whole = whole.replace("\" \"", " ");
        for command in ["verify --sample", "prune --apply", "drill --asset", "notify"] {
            let words = command.split(' ').collect::<Vec<_>>();
            let quoted = format!("plimsoll \"{}\"", words.join(" "));
            assert!(
                whole.contains(&format!("plimsoll {command}")) || whole.contains(&quoted[..quoted.len() - 1]),
                "{target}: {command}\n{whole}"
            );
        }
        if ["github", "kubernetes"].contains(&target) {
            assert!(whole.contains("CHAT_URL"), "the place to tell has its address: {whole}");
        }
        let files: Vec<String> = all
            .iter()
            .filter(|file| !file.display().to_string().ends_with(".service"))
            .map(|file| file.display().to_string())
            .collect();
        let check = || desk.run(&format!("schedule check plan.toml --schedules {}", files.join(" ")));
        assert_eq!(check().out.matches("at the planned times").count(), 6, "{target}: {}", check().out);
        desk.write("plan.toml", &text.replace("verify = \"0 5 * * *\"", "verify = \"10 5 * * *\""));
        assert!(check().out.contains("drifted: `verify` is planned at `10 5 * * *`"), "{target}: {}", check().out);
    }
}

#[test]
fn an_operation_that_no_entry_runs_is_not_proven() {
    let desk = Desk::new();
    desk.write("plan.toml", &with_operations());
    desk.write("crontab", "CRON_TZ=UTC\n0 5 * * * plimsoll verify\n");
    let checked = desk.run("schedule check plan.toml --schedules crontab");
    assert!(checked.out.contains("unproven: `prune` is planned, and no entry"), "{}", checked.out);
    assert!(!checked.out.contains("`verify` is planned"), "{}", checked.out);
}

#[test]
fn the_coming_operations_are_shown_with_the_backups() {
    let desk = Desk::new();
    desk.write("plan.toml", &with_operations());
    let runs = desk.json("schedule next plan.toml --from 2026-10-24T00:00:00Z --count 1 --format json");
    let at = |name: &str| runs.as_array().unwrap().iter().find(|run| run["protection"] == name).unwrap()["at"].clone();
    assert_eq!(at("verify"), "2026-10-24T05:00:00Z");
    assert_eq!(at("drill"), "2026-10-25T07:00:00Z");
}

#[test]
fn a_simulation_is_an_indexed_job_whose_parts_join_to_the_whole() {
    let desk = desk();
    let out = desk.run("schedule emit plan.toml --for kubernetes --simulate-shards 3 --as-of 2026-11-20T00:00:00Z");
    let job = &yaml_rust2::YamlLoader::load_from_str(&out.out).expect("YAML")[0];
    assert_eq!((job["kind"].as_str(), job["spec"]["completionMode"].as_str()), (Some("Job"), Some("Indexed")));
    assert_eq!((job["spec"]["completions"].as_i64(), job["spec"]["parallelism"].as_i64()), (Some(3), Some(3)));
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["restartPolicy"].as_str(), Some("Never"));
    assert_eq!(pod["volumes"][2]["persistentVolumeClaim"]["claimName"].as_str(), Some("plimsoll-parts"));
    assert_eq!(pod["containers"][0]["volumeMounts"][2]["mountPath"].as_str(), Some("/parts"));
    // What each pod runs, run here: the shell is the one that the pod has.
    let script = pod["containers"][0]["args"][0].as_str().unwrap().replace("/parts/", "parts/");
    let script = script.replace("--as-of", "--years 500 --as-of");
    std::fs::create_dir(desk.path("parts")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_plimsoll")).parent().unwrap().to_path_buf();
    for index in 0..3 {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script]).env("PATH", &program).env("JOB_COMPLETION_INDEX", index.to_string());
        let path = std::env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", program.display())).env("PLIMSOLL_POLICY", "plan.toml");
        let ran = shell.env_remove("PLIMSOLL_REPO").current_dir(desk.path("")).output().unwrap();
        assert!(ran.status.success(), "{script}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    let campaign = "plan.toml --years 500 --as-of 2026-11-20T00:00:00Z";
    let parts = "--part parts/part-0.json --part parts/part-1.json --part parts/part-2.json";
    let joined = desk.run(&format!("simulate merge {campaign} {parts}"));
    assert_eq!(joined.out, desk.run(&format!("simulate {campaign}")).out, "{}", joined.err);
    assert!(!joined.out.is_empty());
    let elsewhere = desk.run("schedule emit plan.toml --for crontab --simulate-shards 3");
    assert!(elsewhere.status == 2 && elsewhere.err.contains("for Kubernetes alone"), "{}", elsewhere.err);
}

#[test]
fn a_file_that_somebody_may_have_changed_is_not_overwritten() {
    let desk = desk();
    written("crontab", &desk);
    desk.write("crontab/crontab", "mine\n");
    let again = desk.run("schedule emit plan.toml --for crontab --to crontab");
    assert!(again.status == 1 && again.err.contains("left as it was"), "{}", again.err);
    assert_eq!(desk.read("crontab/crontab"), "mine\n");
}
