//! A real S3 server: SeaweedFS, all its parts in one process.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{ATTEMPTS, Home, Keep, free_ports, port_was_taken, until_ready};
use crate::base::{Fault, Result};
use crate::lab::guard::{Guard, Guarded, Order};
use crate::port::ObjectStore;
use crate::store::S3Options;
use crate::store::s3::S3Store;

/// A running server; dropped, it is gone.
#[derive(Debug)]
pub struct S3Server {
    pub endpoint: String,
    pub access_key: String,
    pub secret_key: String,
    pub folder: PathBuf,
    pub child: Guarded,
}

/// Made and emptied while starting: a server that answers may still refuse its first write.
const PROBE: &str = "plimsoll-probe";

impl S3Server {
    pub async fn start(weed: &Path, guard: &Guard, keep: &Keep) -> Result<Self> {
        for _ in 1..ATTEMPTS {
            let home = Home::make("s3", keep)?;
            let log = home.log();
            match Self::attempt(weed, guard, home).await {
                Err(_) if port_was_taken(&log) => {}
                started => return started,
            }
        }
        Self::attempt(weed, guard, Home::make("s3", keep)?).await
    }

    async fn attempt(weed: &Path, guard: &Guard, home: Home) -> Result<Self> {
        let ports = free_ports()?;
        let (access_key, secret_key) = (random_word(), random_word() + &random_word());
        let config = home.folder.join("s3.json");
        write_identity(&config, &access_key, &secret_key)?;
        let data = home.folder.join("data");
        std::fs::create_dir_all(&data).map_err(|e| Fault::io("make", data.display(), e))?;
        let log = home.log();
        let mut remove = home.remove.clone();
        remove.extend(sockets(&ports));
        let order = Order {
            program: weed,
            args: arguments(&data, &config, &ports),
            folder: &home.folder,
            log: &log,
            remove,
            environment: &[],
        };
        let child = guard.start(&order)?;
        let endpoint = format!("http://127.0.0.1:{}", ports[0]);
        let server = S3Server { endpoint, access_key, secret_key, folder: home.folder, child };
        let options = server.options();
        until_ready("the S3 server", &server.child, &log, async || takes_writes(&options).await).await?;
        Ok(server)
    }

    /// How to open a store there.
    pub fn options(&self) -> S3Options {
        S3Options {
            endpoint: Some(self.endpoint.clone()),
            region: Some("us-east-1".to_string()),
            credentials: Some((self.access_key.clone(), self.secret_key.clone())),
        }
    }

    /// Makes a bucket.
    pub async fn create_bucket(&self, name: &str) -> Result<()> {
        S3Store::open(name, "", &self.options()).await?.create_bucket().await
    }

    /// Kills the server and waits until its process and its temporary folder are gone.
    pub async fn stop(self) -> Result<()> {
        super::stop(self.child).await
    }
}

/// The parts of the server that listen, in the order of their ports; each needs a port of its own.
const LISTENERS: [&str; 10] = [
    "s3.port",
    "s3.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "master.port",
    "master.port.grpc",
    "admin.port",
    "admin.port.grpc",
];

fn arguments(data: &Path, config: &Path, ports: &[u16; 10]) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["-logtostderr".into(), "mini".into()];
    args.extend(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false", "-admin.ui=false"].map(OsString::from));
    args.extend(["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"].map(OsString::from));
    // Each bucket is a collection of volumes of its own: small ones, so that many buckets fit.
    args.extend(["-master.volumeSizeLimitMB=64", "-volume.max=1000"].map(OsString::from));
    // A bucket that nobody made is missing, as it is elsewhere; and nobody is told that we run.
    args.extend(["-s3.autoCreateBucket=false", "-master.telemetry=false"].map(OsString::from));
    args.extend(LISTENERS.iter().zip(ports).map(|(name, port)| format!("-{name}={port}").into()));
    args.push(with_path("-dir=", data));
    args.push(with_path("-s3.config=", config));
    args
}

fn with_path(flag: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(flag);
    argument.push(path);
    argument
}

/// Sockets that it makes outside its folder, by names that no flag changes, and leaves behind when killed.
fn sockets(ports: &[u16; 10]) -> impl Iterator<Item = PathBuf> {
    LISTENERS.iter().zip(ports).map(|(name, port)| {
        let part = name.replace(".port", "").replace('.', "-");
        PathBuf::from(format!("/tmp/seaweedfs-{part}-{port}.sock"))
    })
}

/// Keys go into a file that only we can read, never into arguments, which everybody can see.
fn write_identity(config: &Path, access_key: &str, secret_key: &str) -> Result<()> {
    let identity = serde_json::json!({ "identities": [{
        "name": "lab",
        "credentials": [{ "accessKey": access_key, "secretKey": secret_key }],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }]});
    let cannot = |e| Fault::io("write", config.display(), e);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(config).and_then(|mut file| file.write_all(identity.to_string().as_bytes())).map_err(cannot)
}

/// 32 hexadecimal digits from the system's randomness.
fn random_word() -> String {
    bson::Uuid::new().to_string().replace('-', "")
}

async fn takes_writes(options: &S3Options) -> Result<bool> {
    let probe = S3Store::open(PROBE, "", options).await?;
    // Left over from a try before, it is no obstacle: the write below decides.
    let _ = probe.create_bucket().await;
    probe.put("probe", b"probe".as_slice().into()).await?;
    probe.delete("probe").await?;
    probe.delete_bucket().await?;
    Ok(true)
}
