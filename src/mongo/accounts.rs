//! Users and roles into a server, the way that its own tools do it: into collections beside, from which the server takes
//! them over by itself, since nobody may write to its own. The others that it has stay.

use bson::{RawDocumentBuf, rawdoc};
use bytes::Bytes;
use mongodb::Client;

use super::client::fault;
use crate::base::{Fault, Result};
use crate::engine::content::documents;
use crate::engine::users::DB;

/// The role `restore` may write to these two.
const USERS: &str = "tempusers";
const ROLES: &str = "temproles";
const BATCH: usize = 100;

pub async fn merge(client: &Client, users: &Bytes, roles: &Bytes) -> Result<()> {
    let merged = merge_from(client, users, roles).await;
    // Hashes of passwords must not stay there, whatever happened.
    let dropped = drop_both(client).await;
    merged.and(dropped)
}

async fn merge_from(client: &Client, users: &Bytes, roles: &Bytes) -> Result<()> {
    drop_both(client).await?;
    fill(client, USERS, users).await?;
    fill(client, ROLES, roles).await?;
    let mut command = rawdoc! { "_mergeAuthzCollections": 1, "db": "", "drop": false };
    if !users.is_empty() {
        command.append(bson::cstr!("tempUsersCollection"), format!("{DB}.{USERS}"));
    }
    if !roles.is_empty() {
        command.append(bson::cstr!("tempRolesCollection"), format!("{DB}.{ROLES}"));
    }
    if users.is_empty() && roles.is_empty() {
        return Ok(());
    }
    run(client, command, "take over users and roles").await
}

async fn fill(client: &Client, collection: &str, batch: &Bytes) -> Result<()> {
    let mut pending = bson::raw::RawArrayBuf::new();
    let mut count = 0;
    let insert = |documents: bson::raw::RawArrayBuf| {
        let command = rawdoc! { "insert": collection, "documents": documents };
        async move { run(client, command, "write users and roles").await }
    };
    for document in documents(batch) {
        let unreadable = |_| Fault::corrupt("users and roles hold a document that is no BSON");
        pending.push(bson::RawDocument::from_bytes(document?).map_err(unreadable)?);
        count += 1;
        if count == BATCH {
            insert(std::mem::take(&mut pending)).await?;
            count = 0;
        }
    }
    if count > 0 { insert(pending).await } else { Ok(()) }
}

async fn drop_both(client: &Client) -> Result<()> {
    for name in [USERS, ROLES] {
        let dropped = client.database(DB).collection::<bson::Document>(name).drop().await;
        dropped.map_err(|error| fault(format!("cannot drop `{DB}.{name}`"), &error))?;
    }
    Ok(())
}

async fn run(client: &Client, mut command: RawDocumentBuf, doing: &str) -> Result<()> {
    command.append(bson::cstr!("writeConcern"), rawdoc! { "w": "majority", "j": true });
    let reply = client.database(DB).run_raw_command(command).await;
    let reply = reply.map_err(|error| {
        fault(format!("cannot {doing}"), &error).help("the user of the target needs the role `restore`")
    })?;
    // What the server says of a document that it refuses may hold the document.
    match reply.contains_key("writeErrors") || reply.contains_key("writeConcernError") {
        true => {
            Err(Fault::new(crate::base::FaultKind::Unsupported, format!("cannot {doing}: the server refused some")))
        }
        false => Ok(()),
    }
}
