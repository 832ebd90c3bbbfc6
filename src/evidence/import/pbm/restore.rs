//! Restores: described, with start and finish, they are drills; listed alone, they have no finish and time nothing.

use serde::Deserialize;

use super::super::options::Labels;
use super::super::record::{Cast, Piece, Record, name, op, unknown};
use super::super::when::{Stamp, shown};
use crate::evidence::{Drill, DrillOutcome};

#[derive(Debug, Deserialize)]
pub struct Described {
    name: Option<String>,
    backup: Option<String>,
    status: Option<String>,
    error: Option<String>,
    start: Option<Stamp>,
    finish: Option<Stamp>,
    ts_to_restore: Option<Stamp>,
    #[serde(default)]
    replsets: Vec<Member>,
}

#[derive(Debug, Deserialize)]
struct Member {
    name: Option<String>,
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Listed {
    name: Option<String>,
    snapshot: Option<String>,
    status: Option<String>,
    error: Option<String>,
    start: Option<Stamp>,
    #[serde(rename = "point-in-time")]
    point_in_time: Option<Stamp>,
}

/// How a restore came out, by its status: done, failed, or still at it.
enum Came {
    Done,
    Failed(String),
    AtWork(String),
}

fn came(status: Option<&str>, error: Option<&str>) -> Result<Came, String> {
    let said = error.map(|error| format!(": {error}")).unwrap_or_default();
    match status {
        Some("done") if said.is_empty() => Ok(Came::Done),
        Some(status @ ("done" | "partlyDone" | "error" | "canceled" | "cancelled" | "down")) => {
            Ok(Came::Failed(format!("`{status}`{said}")))
        }
        Some(status @ ("init" | "ready" | "starting" | "running" | "dumpDone" | "copyReady" | "copyDone")) => {
            Ok(Came::AtWork(format!("not finished: `{status}`")))
        }
        status => Err(unknown("status", status)),
    }
}

fn failed(drill: Drill, why: &str) -> Piece {
    Piece::Drill(Drill {
        key: None,
        checks: vec![],
        outcome: DrillOutcome::Failed { why: super::super::record::said(why) },
        ..drill
    })
}

impl Record for Described {
    fn labels(&self) -> Labels {
        self.name.iter().map(|name| ("name", name.clone())).collect()
    }

    fn pieces(self, cast: &mut Cast<'_>) -> Result<Vec<Piece>, String> {
        let id = name(self.name.as_deref(), "name")?;
        let started = cast.past(&self.start, "start")?.earliest;
        let open = self.replsets.iter().find(|member| member.status.as_deref() != Some("done"));
        let came = match (came(self.status.as_deref(), self.error.as_deref())?, open) {
            (Came::Done, Some(member)) => Came::Failed(format!(
                "its replica set `{}` is `{}`",
                shown(member.name.as_deref().unwrap_or("?")),
                shown(member.status.as_deref().unwrap_or("?"))
            )),
            (came, _) => came,
        };
        if let Came::AtWork(why) = came {
            return Ok(vec![cast.failed(id, "restore", started, None, &why)]);
        }
        let backup = name(self.backup.as_deref(), "backup")?;
        let target = cast.maybe(&self.ts_to_restore, "ts_to_restore")?.map(|at| op(at.earliest));
        let finish = match &came {
            Came::Done => cast.past(&self.finish, "finish")?.latest,
            _ => cast.maybe(&self.finish, "finish")?.map_or(started, |at| at.latest),
        };
        if finish < started {
            return Err("it finishes before it starts".to_string());
        }
        let drill = Drill { target, ..cast.drill(id, backup, started, finish, "PBM says that it is done") };
        Ok(vec![match came {
            Came::Failed(why) => failed(drill, &why),
            _ => Piece::Drill(drill),
        }])
    }
}

impl Record for Listed {
    fn labels(&self) -> Labels {
        self.name.iter().map(|name| ("name", name.clone())).collect()
    }

    fn pieces(self, cast: &mut Cast<'_>) -> Result<Vec<Piece>, String> {
        let id = name(self.name.as_deref(), "name")?;
        let started = cast.past(&self.start, "start")?.earliest;
        let came = came(self.status.as_deref(), self.error.as_deref())?;
        if let Came::AtWork(why) = came {
            return Ok(vec![cast.failed(id, "restore", started, None, &why)]);
        }
        let snapshot = name(self.snapshot.as_deref(), "snapshot")?;
        let target = cast.maybe(&self.point_in_time, "point-in-time")?.map(|at| op(at.earliest));
        // Without a finish it times nothing: see `Drill::timed`.
        let drill = Drill { target, ..cast.drill(id, snapshot, started, started, "PBM says that it is done") };
        Ok(vec![match came {
            Came::Failed(why) => failed(drill, &why),
            _ => Piece::Drill(drill),
        }])
    }
}
