//! S3 servers of other making than the lab's: moto, which keeps the same contract, and rclone's gateway, which does not.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use plimsoll::lab::guard::{Guarded, Order};
use plimsoll::store::S3Options;
use plimsoll::store::s3::S3Store;
use tokio::sync::OnceCell;

use super::peers::s3_peers;
use super::servers;

/// A running server; dropped, it is gone.
#[derive(Debug)]
pub struct OtherS3 {
    pub options: S3Options,
    /// Of the server; removed with it.
    pub folder: PathBuf,
    _child: Guarded,
}

static MOTO: OnceCell<OtherS3> = OnceCell::const_new();

/// The run's second S3 server. Take a bucket of your own: [`OtherS3::bucket`]. None where there is no moto, which is said.
///
/// It checks neither signatures nor the SHA-256 of what comes, and it keeps everything in memory: small objects only.
pub async fn moto(story: &str) -> Option<&'static OtherS3> {
    let program = s3_peers(story)?.program("moto_server");
    let arguments = |port: u16, _: &Path| vec!["-H".into(), "127.0.0.1".into(), "-p".into(), port.to_string().into()];
    Some(MOTO.get_or_init(|| OtherS3::start(program, arguments)).await)
}

/// rclone's gateway, a server of the test's own, that serves the folder `served` below its own. Its buckets are folders.
pub async fn rclone(story: &str) -> Option<OtherS3> {
    let program = s3_peers(story)?.program("rclone");
    let arguments = |port: u16, folder: &Path| {
        let mut arguments: Vec<OsString> = ["serve", "s3", "--config=/dev/null"].map(OsString::from).to_vec();
        arguments.push(format!("--addr=127.0.0.1:{port}").into());
        arguments.push(folder.join("served").into());
        arguments
    };
    Some(OtherS3::start(program, arguments).await)
}

impl OtherS3 {
    async fn start(program: PathBuf, arguments: impl Fn(u16, &Path) -> Vec<OsString>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let folder = tempfile::Builder::new().prefix("plimsoll-other-s3-").tempdir().expect("a folder").keep();
        std::fs::create_dir(folder.join("served")).expect("a folder");
        let log = folder.join("log");
        let order = Order {
            program: &program,
            args: arguments(port, &folder),
            folder: &folder,
            log: &log,
            remove: vec![folder.clone()],
            environment: &[],
        };
        let child = servers::guard().start(&order).expect("it starts");
        let options = S3Options {
            endpoint: Some(format!("http://127.0.0.1:{port}")),
            region: Some("us-east-1".to_string()),
            credentials: Some(("anybody".to_string(), "a secret".to_string())),
        };
        let server = OtherS3 { options, folder, _child: child };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let said = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(120), "{} does not answer: {}", program.display(), said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    /// The name of a new bucket there.
    pub async fn bucket(&self, name: &str) -> String {
        let name = servers::unique(name);
        self.store(&name, "").await.create_bucket().await.expect("the bucket is made");
        name
    }

    pub async fn store(&self, bucket: &str, prefix: &str) -> S3Store {
        S3Store::open(bucket, prefix, &self.options).await.expect("opens")
    }
}
