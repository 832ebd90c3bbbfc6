//! GitHub Actions: a workflow for each run. When GitHub begins it, nobody promises.

use super::{Emitted, Job, When, command, limit, tell};

pub fn emit(jobs: &[Job]) -> Result<Vec<Emitted>, String> {
    jobs.iter().map(workflow).collect()
}

fn workflow(job: &Job) -> Result<Emitted, String> {
    let When::At { schedule, takes } = &job.when else {
        return Err(format!(
            "`{}` runs all the time, which a workflow cannot; write it for another scheduler",
            job.name
        ));
    };
    let name = &job.name;
    let zone = match schedule.zone.name() {
        "UTC" => String::new(),
        zone => format!("\n      timezone: {}", scalar(zone)),
    };
    let secrets: Vec<String> =
        job.secrets().map(|variable| format!("          {variable}: ${{{{ secrets.{variable} }}}}")).collect();
    let minutes = limit(*takes).0 / 60_000;
    let text = format!(
        "\
# Written by `plimsoll schedule emit --for github`. The secrets are those of the repository, or of the environment.
# The runner is your own: it reaches the database, and has Plimsoll on its PATH.
name: {about}
on:
  schedule:
    - cron: {cron}{zone}
  workflow_dispatch: {{}}
permissions:
  contents: read
concurrency:
  group: plimsoll-{name}
  cancel-in-progress: false
jobs:
  {name}:
    runs-on: self-hosted
    timeout-minutes: {minutes}
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - name: Run
        env:
          PLIMSOLL_POLICY: plimsoll.toml
{secrets}
        run: {run}
      - name: Tell of a failure
        if: ${{{{ failure() || cancelled() }}}}
        env:
          PLIMSOLL_WEBHOOK: ${{{{ secrets.PLIMSOLL_WEBHOOK }}}}
        run: {tell}
",
        about = scalar(&job.about),
        cron = scalar(&schedule.text),
        secrets = secrets.join("\n"),
        run = scalar(&command(job)),
        tell = scalar(&tell(job, "GitHub Actions")),
    );
    Ok(Emitted { path: format!(".github/workflows/plimsoll-{name}.yml"), text })
}

/// A text of YAML in double quotes.
pub fn scalar(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
