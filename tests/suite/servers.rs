//! The servers that the other stories use: one mongod and one S3 server for the whole run, started when first asked for.
//! They end with this process, since their guards notice. Private ones are for tests that break or fill theirs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use plimsoll::lab::guard::Guard;
use plimsoll::lab::server::{Keep, MongoOptions, MongoServer, S3Server, ServerKind, locate};
use tokio::sync::OnceCell;

static MONGO: OnceCell<MongoServer> = OnceCell::const_new();
static S3: OnceCell<S3Server> = OnceCell::const_new();

pub fn guard() -> Guard {
    Guard::at(env!("CARGO_BIN_EXE_plimsoll"))
}

fn program(kind: ServerKind) -> PathBuf {
    locate(kind, None, &guard(), &|_| ()).expect("the tests need this server")
}

/// The program itself, for verbs that start their own.
pub fn mongod() -> PathBuf {
    program(ServerKind::Mongod)
}

/// The run's mongod. Take a database of your own: [`unique`].
pub async fn mongo() -> &'static MongoServer {
    MONGO.get_or_init(private_mongo).await
}

/// The run's S3 server. Take a bucket of your own: [`bucket`].
pub async fn s3() -> &'static S3Server {
    S3.get_or_init(private_s3).await
}

/// A mongod of the test's own; gone when dropped.
pub async fn private_mongo() -> MongoServer {
    private_mongo_with(&MongoOptions::default()).await
}

pub async fn private_mongo_with(options: &MongoOptions) -> MongoServer {
    MongoServer::start(&program(ServerKind::Mongod), &guard(), options).await.expect("mongod starts")
}

/// An S3 server of the test's own; gone when dropped.
pub async fn private_s3() -> S3Server {
    let weed = program(ServerKind::Weed);
    S3Server::start(&weed, &guard(), &Keep::Nothing).await.expect("the S3 server starts")
}

/// A name that no other test of this run has: for databases, buckets and prefixes.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A new bucket on the run's S3 server.
pub async fn bucket(name: &str) -> String {
    let name = unique(name);
    s3().await.create_bucket(&name).await.expect("the bucket is made");
    name
}
