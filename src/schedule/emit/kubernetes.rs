//! Kubernetes: a CronJob for each run on a schedule, a Deployment of one pod for what runs all the time.

use super::github::scalar;
use super::{Emitted, Job, VARIABLES, When, command, limit, tell};

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
            pod = pod(job, 10),
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
            pod = pod(job, 6),
        ),
    }
}

/// The rest of a pod's `spec`, indented so far.
fn pod(job: &Job, indent: usize) -> String {
    let script = format!("{} || {{ status=$?; {}; exit $status; }}", command(job), tell(job, "Kubernetes"));
    let secrets: Vec<String> = VARIABLES
        .iter()
        .filter(|(variable, _)| *variable != "PLIMSOLL_POLICY")
        .map(|(variable, _)| {
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
      mountPath: /tmp
volumes:
- name: policy
  configMap:
    name: plimsoll-policy
    optional: true
- name: tmp
  emptyDir: {{}}
",
        script = scalar(&script),
        secrets = secrets.join("\n"),
    );
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(indent))).collect()
}

/// Small letters, digits and hyphens are all that an object's name may hold.
fn object_name(name: &str) -> String {
    let name: String = name.to_ascii_lowercase().chars().map(|c| if c == '_' { '-' } else { c }).take(40).collect();
    name.trim_matches('-').to_string()
}
