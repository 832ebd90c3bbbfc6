//! Act 4: the newest snapshot, restored into a throwaway server and compared document by document.

use std::sync::Arc;
use std::time::Instant as Moment;

use super::backup::{DATABASE, Stored};
use super::lab::Lab;
use super::stage::{Stage, since};
use crate::base::quantity::grouped;
use crate::base::{Bytes, Result};
use crate::engine::drill::{self, DrillRequest, Practised};
use crate::engine::expectation::Expectations;
use crate::engine::plan::RestoreTo;
use crate::evidence::{Drill, Phase};
use crate::mongo::{Target, client};

pub async fn run(stage: &Stage<'_>, lab: &Lab, stored: &Stored) -> Result<Drill> {
    stage.act("Drill");
    let began = Moment::now();
    let server = lab.spare_mongo("mongod-drill").await?;
    let provision = Phase::new("provision", since(began), 0);
    let target = Target::new(client::connect(&server.uri).await?);
    let request = DrillRequest {
        asset: DATABASE.to_string(),
        what: Practised::Point(RestoreTo::Newest),
        before: vec![provision],
        expectations: Expectations::default(),
    };
    let store = Arc::clone(&stored.repository);
    let drill = drill::run(store, &target, stage.clock.as_ref(), &stage.ear(), &request).await?;
    server.stop().await?;
    let whole = drill.phases.iter().filter(|phase| phase.within.is_none());
    let phases: Vec<String> = whole.map(|phase| format!("{} {}", phase.name, phase.took)).collect();
    let outcome = if drill.passed() { "every document equal by content hash" } else { "FAILED" };
    stage.say(&format!("{} documents, {}, restored: {outcome}", grouped(drill.documents), Bytes(drill.bytes_restored)));
    stage.say(&phases.join(" · "));
    for check in drill.checks.iter().filter(|check| !check.passed) {
        stage.say(&format!("check failed: {}: {}", check.name, check.detail));
    }
    Ok(drill)
}
