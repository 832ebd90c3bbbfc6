//! A real mongod as a replica set of one, so that it has an oplog and snapshot reads.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Client;
use mongodb::options::ClientOptions;

use super::{ATTEMPTS, Home, Keep, free_ports, port_was_taken, until_ready};
use crate::base::{Fault, Result};
use crate::lab::guard::{Guard, Guarded, Order};

#[derive(Debug, Clone, Default)]
pub struct MongoOptions {
    pub keep: Keep,
    /// The server deletes nothing by itself: what a restore needs, where expired documents must come back too.
    pub without_ttl: bool,
    /// How often the server looks for expired documents; every minute if it is not said.
    pub ttl_every_secs: Option<u32>,
    /// Size of the oplog; a small one rolls over soon, with checkpoints every second, since a crash needs what follows one.
    pub oplog_mib: Option<u32>,
}

/// A running server; dropped, it is gone.
#[derive(Debug)]
pub struct MongoServer {
    pub uri: String,
    pub port: u16,
    pub folder: PathBuf,
    pub child: Guarded,
}

impl MongoServer {
    pub async fn start(mongod: &Path, guard: &Guard, options: &MongoOptions) -> Result<Self> {
        for _ in 1..ATTEMPTS {
            let home = Home::make("mongod", &options.keep)?;
            let log = home.log();
            match Self::attempt(mongod, guard, options, home).await {
                Err(_) if port_was_taken(&log) => {}
                started => return started,
            }
        }
        Self::attempt(mongod, guard, options, Home::make("mongod", &options.keep)?).await
    }

    async fn attempt(mongod: &Path, guard: &Guard, options: &MongoOptions, home: Home) -> Result<Self> {
        let [port] = free_ports()?;
        let data = home.folder.join("data");
        std::fs::create_dir_all(&data).map_err(|e| Fault::io("make", data.display(), e))?;
        let log = home.log();
        let order = Order {
            program: mongod,
            args: arguments(&data, port, options),
            folder: &home.folder,
            log: &log,
            remove: home.remove.clone(),
            environment: &[],
        };
        let child = guard.start(&order)?;
        until_ready("mongod", &child, &log, async || is_primary(port).await).await?;
        let uri = format!("mongodb://127.0.0.1:{port}/?replicaSet=rs0");
        Ok(MongoServer { uri, port, folder: home.folder, child })
    }

    /// Kills the server and waits until its process and its temporary folder are gone.
    pub async fn stop(self) -> Result<()> {
        super::stop(self.child).await
    }
}

fn arguments(data: &Path, port: u16, options: &MongoOptions) -> Vec<OsString> {
    let port = port.to_string();
    let mut args: Vec<OsString> = vec!["--dbpath".into(), data.into()];
    args.extend(["--port", &port, "--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", "rs0"].map(OsString::from));
    // The lab's data is small; two servers and what they serve must fit into a small machine.
    if options.oplog_mib.is_some() {
        args.extend(["--syncdelay", "1"].map(OsString::from));
    }
    let oplog_mib = options.oplog_mib.unwrap_or(512).to_string();
    args.extend(["--wiredTigerCacheSizeGB", "0.25", "--oplogSize", &oplog_mib].map(OsString::from));
    args.extend(["--setParameter", "diagnosticDataCollectionEnabled=false"].map(OsString::from));
    if options.without_ttl {
        args.extend(["--setParameter", "ttlMonitorEnabled=false"].map(OsString::from));
    }
    if let Some(secs) = options.ttl_every_secs {
        args.extend(["--setParameter".to_string(), format!("ttlMonitorSleepSecs={secs}")].map(OsString::from));
    }
    args
}

/// Makes it a replica set of one if it is none yet, and says whether it takes writes.
async fn is_primary(port: u16) -> Result<bool> {
    let cannot = |e: mongodb::error::Error| Fault::unreachable("mongod does not answer").because(e);
    let uri = format!("mongodb://127.0.0.1:{port}/?directConnection=true");
    let mut options = ClientOptions::parse(uri).await.map_err(cannot)?;
    options.server_selection_timeout = Some(Duration::from_secs(1));
    let client = Client::with_options(options).map_err(cannot)?;
    let admin = client.database("admin");
    let members = vec![doc! { "_id": 0, "host": format!("127.0.0.1:{port}") }];
    let initiate = doc! { "replSetInitiate": { "_id": "rs0", "members": members } };
    match admin.run_command(initiate).await {
        Ok(_) => {}
        Err(error) if already_initiated(&error) => {}
        Err(error) => return Err(cannot(error)),
    }
    let hello: Document = admin.run_command(doc! { "hello": 1 }).await.map_err(cannot)?;
    Ok(hello.get_bool("isWritablePrimary").unwrap_or(false))
}

fn already_initiated(error: &mongodb::error::Error) -> bool {
    const ALREADY_INITIALIZED: i32 = 23;
    matches!(error.kind.as_ref(), mongodb::error::ErrorKind::Command(refused) if refused.code == ALREADY_INITIALIZED)
}
