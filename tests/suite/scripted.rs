//! An HTTP server that answers as its script says: for answers that no real S3 server gives on demand.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Says that the body is so long, whatever it is; the connection is closed after it.
    pub says_length: Option<usize>,
}

pub fn answer(status: u16, body: &str) -> Answer {
    Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() }
}

impl Answer {
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// As it goes over the wire.
    pub fn to_bytes(&self, to: &Request) -> Vec<u8> {
        let length = self.says_length.unwrap_or(self.body.len());
        let mut bytes = format!("HTTP/1.1 {} Scripted\r\ncontent-length: {length}\r\n", self.status);
        for (name, value) in &self.headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str("\r\n");
        let body = if to.method == "HEAD" { &[][..] } else { &self.body };
        [bytes.as_bytes(), body].concat()
    }
}

type Script = dyn Fn(&Request) -> Answer + Send + Sync;

/// Runs until the test's runtime ends.
pub struct Scripted {
    pub endpoint: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Scripted {
    pub async fn start(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let (seen, script): (_, Arc<Script>) = (Arc::default(), Arc::new(script));
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Scripted { endpoint, seen }
    }

    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("whole").clone()
    }

    /// How many requests had this method and this in their target.
    pub fn count(&self, method: &str, part: &str) -> usize {
        self.seen().iter().filter(|r| r.method == method && r.target.contains(part)).count()
    }
}

async fn serve(connection: TcpStream, script: Arc<Script>, log: Arc<Mutex<Vec<Request>>>) -> Option<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let request = read(&mut connection).await?;
        log.lock().expect("whole").push(request.clone());
        let answer = script(&request);
        connection.write_all(&answer.to_bytes(&request)).await.ok()?;
        connection.flush().await.ok()?;
        if answer.says_length.is_some() && request.method != "HEAD" {
            return None;
        }
    }
}

/// The next request of a connection; none when it has ended.
pub async fn read(connection: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_string()),
        }
    }
    let mut first = lines.first()?.split(' ').map(String::from);
    let (method, target) = (first.next()?, first.next()?);
    let headers: Vec<(String, String)> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.ok()?;
    Some(Request { method, target, headers, body })
}
