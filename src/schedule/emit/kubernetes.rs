//! Kubernetes: a CronJob for each run on a schedule, a Deployment of one pod for what runs all the time.

use super::github::scalar;
use super::{Argument, Emitted, Job, When, command, limit, tell};
use crate::base::Instant;

const HEAD: &str = "\
# Written by `plimsoll schedule emit --for kubernetes`. The secret `plimsoll` holds the variables, the config map
# `plimsoll-policy` the policy as plimsoll.toml. Name the image that you trust, by its digest.
";

pub fn emit(jobs: &[Job]) -> Result<Vec<Emitted>, String> {
    let documents: Vec<String> = jobs.iter().map(document).collect();
    let text = format!("{HEAD}{}", documents.join("---\n"));
    Ok(vec![Emitted { path: "plimsoll.yaml".to_string(), text }])
}

fn document(job: &Job) -> String {
    let name = object_name(&job.name);
    match &job.when {
        When::At { schedule, takes } => format!(
            "\
# To start a run by hand: kubectl create job --from=cronjob/plimsoll-{name} plimsoll-{name}-by-hand
apiVersion: batch/v1
kind: CronJob
metadata:
  name: plimsoll-{name}
  annotations:
    plimsoll/protection: {protection}
spec:
  schedule: {cron}
  timeZone: {zone}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 3600
  successfulJobsHistoryLimit: 3
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 0
      activeDeadlineSeconds: {seconds}
      template:
        spec:
          restartPolicy: Never
{pod}",
            protection = scalar(&job.name),
            cron = scalar(&schedule.text),
            zone = scalar(schedule.zone.name()),
            seconds = limit(*takes).0 / 1000,
            pod = pod(job, &told(job), None, 10),
        ),
        When::Always => format!(
            "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: plimsoll-{name}
  annotations:
    plimsoll/protection: {protection}
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      app: plimsoll-{name}
  template:
    metadata:
      labels:
        app: plimsoll-{name}
    spec:
{pod}",
            protection = scalar(&job.name),
            pod = pod(job, &told(job), None, 6),
        ),
    }
}

/// A simulation in parts: one pod for each, which writes its part below /parts.
pub fn simulation(parts: u32, as_of: Instant) -> Emitted {
    let word = |word: &str| Argument::Word(word.to_string());
    let job = Job {
        name: "simulate".to_string(),
        about: "simulation".to_string(),
        when: When::Always,
        arguments: vec![word("simulate"), word("--as-of"), word(&as_of.to_string())],
        variables: vec![],
    };
    // Kubernetes counts from 0. A part is there whole or not at all, so that a pod that was killed is begun anew.
    let part = "/parts/part-$JOB_COMPLETION_INDEX.json";
    let command = format!("{} --shard $((JOB_COMPLETION_INDEX + 1))/{parts}", command(&job));
    let script = format!("set -e; {command} > {part}.new; mv {part}.new {part}");
    let volume = Some(("parts", "/parts", "persistentVolumeClaim:\n    claimName: plimsoll-parts"));
    let text = format!(
        "\
# Written by `plimsoll schedule emit --for kubernetes --simulate-shards {parts}`. The claim `plimsoll-parts` is a volume that
# all pods write to at once (ReadWriteMany). Once all are done, on a machine that sees it, with the same policy:
#   plimsoll simulate merge --as-of {as_of} $(printf -- '--part %s ' /parts/part-*.json)
apiVersion: batch/v1
kind: Job
metadata:
  name: plimsoll-simulate
spec:
  completionMode: Indexed
  completions: {parts}
  parallelism: {parts}
  backoffLimit: {backoff}
  template:
    spec:
      restartPolicy: Never
{pod}",
        backoff = parts.saturating_mul(2),
        pod = pod(&job, &script, volume, 6),
    );
    Emitted { path: "plimsoll-simulate.yaml".to_string(), text }
}

/// What a job runs, and who is told if it fails.
fn told(job: &Job) -> String {
    format!("{} || {{ status=$?; {}; exit $status; }}", command(job), tell(job, "Kubernetes"))
}

/// A volume's name, where it is seen, and what it is.
type Volume<'a> = (&'a str, &'a str, &'a str);

/// The rest of a pod's `spec`, indented so far.
fn pod(job: &Job, script: &str, volume: Option<Volume>, indent: usize) -> String {
    let (mount, volume) = volume.map_or_else(Default::default, |(name, path, what)| {
        (format!("\n    - name: {name}\n      mountPath: {path}"), format!("\n- name: {name}\n  {what}"))
    });
    let secrets: Vec<String> = job
        .secrets()
        .map(|variable| {
            format!(
                "    - name: {variable}\n      valueFrom:\n        secretKeyRef:\n          name: plimsoll\n          key: {variable}\n          optional: true"
            )
        })
        .collect();
    let text = format!(
        "\
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  seccompProfile:
    type: RuntimeDefault
containers:
- name: plimsoll
  image: plimsoll:latest
  command: [\"/bin/sh\", \"-c\"]
  args: [{script}]
  env:
    - name: PLIMSOLL_POLICY
      value: /etc/plimsoll/plimsoll.toml
{secrets}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [\"ALL\"]
  volumeMounts:
    - name: policy
      mountPath: /etc/plimsoll
      readOnly: true
    - name: tmp
      mountPath: /tmp{mount}
volumes:
- name: policy
  configMap:
    name: plimsoll-policy
    optional: true
- name: tmp
  emptyDir: {{}}{volume}
",
        script = scalar(script),
        secrets = secrets.join("\n"),
    );
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(indent))).collect()
}

/// Small letters, digits and hyphens are all that an object's name may hold.
fn object_name(name: &str) -> String {
    let name: String = name.to_ascii_lowercase().chars().map(|c| if c == '_' { '-' } else { c }).take(40).collect();
    name.trim_matches('-').to_string()
}
