//! The first thing that a run writes of a snapshot: that it began.

use crate::base::{Fault, FaultKind, Instant, Result};
use crate::port::{ObjectStore, Written};
use crate::repository::SnapshotName;
use crate::repository::begun::Begun;
use crate::repository::manifest::FORMAT;
use crate::repository::prune::Record;

/// Says it, unless an earlier try of the same run did. Where another run has taken the name, nothing of it is touched.
pub async fn say(store: &dyn ObjectStore, name: &SnapshotName, protection: Option<&str>, at: Instant) -> Result<()> {
    let (id, asset) = (name.id.to_string(), name.asset.to_string());
    let begun = Begun { format: FORMAT, id, asset, protection: protection.map(String::from), at };
    let key = name.begun().to_string();
    if store.put_new(&key, begun.encode()?).await? == Written::New
        || Begun::decode(&store.get(&key).await?, &key)? == begun
    {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Conflict, format!("a snapshot `{}` is begun already", name.id))
        .help("run the backup again; its name comes from the clock"))
}
