//! Plimsoll: the load line for backups. It shows how much a business can lose before it sinks.
//!
//! It runs the backup and restore stack of an application (MongoDB plus S3 uploads), reads what was really stored and
//! how long restores really took, holds that against declared objectives, simulates what failures would cost, and
//! prices the alternatives. One sentence decides every argument: **a promise counts only as far as there is evidence
//! for it.** Unknown is never "Met".
//!
//! # The way of the data
//!
//! ```text
//!  crontabs, scripts ──┐
//!  policies/*.toml ── policy ──┐                       ┌── audit ──────┐
//!                              ├── timeline (recover-  │               │
//!  store, importers ─ evidence ┘   able instants, and ─┼── sim ── cost ┼── report ── terminal, HTML, CSV,
//!         ▲                        loss at every t)    │               │            JSON, charts
//!         │                                            └── retention ──┘
//!  engine: backup, capture, sync, verify, prune, restore, drill  (writes evidence)
//!         │
//!  mongo, store (S3, directory, memory), clock           (the only places with IO)
//! ```
//!
//! `timeline` is the keystone: the audit, the simulator and the restore planner share its one definition of
//! "recoverable", so a simulation can't flatter an audit and a restore can't contradict a report.
//!
//! # Floors
//!
//! A module uses only floors below its own, or rooms on its own floor that the table in `tests/tidy.rs` lists.
//!
//! | floor | rooms | rule |
//! |---|---|---|
//! | foundations | `base`, `seal` | pure, but for the random numbers that sealing takes from the system |
//! | core | `schedule`, `script`, `policy`, `evidence`, `timeline`, `runbook`, `retention`, `audit`, `sim`, `cost`, `gate`, `notice` | no IO, no async, no clock, no printing |
//! | engine | `port`, `repository`, `engine` | async, talks to the traits of `port` only, never prints |
//! | edges | `mongo`, `store`, `clock`, `notify`, `lab`, `report`, `cli` | the only places with IO |
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | asset | something protected: a MongoDB database, an S3 bucket of uploads |
//! | objective | what the business asked: RPO, RTO, retention, drill interval, copies, immutability |
//! | protection | a declared mechanism: `snapshot`, `log`, `mirror`, `versioning`, `copy`, `replica` (service, not data) |
//! | recipient | a public key of age: for whom something is encrypted before it leaves the host |
//! | identity | the secret key of a recipient: it opens what is encrypted, and stands nowhere near the repository |
//! | domain | a thing that can be lost at once: a host, a bucket, a region, an account, a provider |
//! | credential | something whose theft lets somebody delete what stands in its domains |
//! | recovery point | one restorable state: consistent at an instant, available from one, expiring at one, stored in domains |
//! | coverage | the interval of instants to which a gap-free log can roll a recovery point forward |
//! | cluster time | MongoDB's order of writes, `secs:inc`; never rounded to seconds |
//! | drill | a restore that was really done, with the duration of each phase and what was checked |
//! | evidence | recovery points, coverage, drills, runs (failures included); each with where it came from |
//! | scenario | a declared failure: what it destroys, how often, how late it is noticed, the runbook that ends it |
//! | loss window | for a failure at t: from the newest usable consistent instant to the last write that is lost |
//! | recovery plan | what people follow in an incident, made from the policy: `report runbook`; a committed copy can drift |
//! | downtime | from the failure until service: the critical path of the runbook's steps |
//! | RPO, RTO | the longest loss window, and the longest downtime, that the business allows |
//! | verdict | `Met`, `Breached` or `Unproven`; missing, stale or unreadable evidence is Unproven, never Met |
//! | finding | a verdict with a code, the policy line that it is about, the evidence, what to do, the controls it bears on |
//! | baseline | the findings that were there when a team began: they do not fail a check, and are findings still |
//! | complexity | moving parts, credentials and manual steps of a plan: counted, not felt |
//! | front | the plans that no other beats in cost, expected loss and complexity at once |
//! | mark | what a pruning writes before it makes points invisible: what they consisted of, and so what a sweep may remove |
//! | grace | from the mark to the sweep: longer than anything that may still be at work on what goes |
//! | notice | what a place of the policy is told: a trouble once when it opens and once when it is over |
//! | outlook | when restores outgrow the time that they have, as drills measured them and as the data grows |
//! | loss exceedance | for each amount, the probability that a year loses more |

pub mod audit;
pub mod base;
pub mod cli;
pub mod clock;
pub mod cost;
pub mod engine;
pub mod evidence;
pub mod gate;
pub mod lab;
pub mod mongo;
pub mod notice;
pub mod notify;
pub mod policy;
pub mod port;
pub mod report;
pub mod repository;
pub mod retention;
pub mod runbook;
pub mod schedule;
pub mod script;
pub mod seal;
pub mod sim;
pub mod store;
pub mod timeline;
