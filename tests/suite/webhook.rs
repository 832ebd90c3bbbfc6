//! A server on loopback that notes what it is sent, and answers as a story wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Got {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// How it answers from now on.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16),
    RedirectTo(String),
    /// Takes the request and says nothing.
    Silent,
    /// A head without an end.
    Endless,
}

pub struct Webhook {
    pub at: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    answer: Arc<Mutex<Answer>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Webhook {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let at = listener.local_addr().unwrap();
        let (got, answer) = (Arc::default(), Arc::new(Mutex::new(Answer::Status(200))));
        let (seen, how) = (Arc::clone(&got), Arc::clone(&answer));
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&how)));
            }
        });
        Webhook { at, got, answer, runtime: Some(runtime) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// What it was sent since this was asked last.
    pub fn take(&self) -> Vec<Got> {
        std::mem::take(&mut self.got.lock().unwrap())
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<Got>>>, how: Arc<Mutex<Answer>>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let got = loop {
        let Ok(count @ 1..) = stream.read(&mut buffer).await else { return };
        bytes.extend(&buffer[..count]);
        if let Some(got) = read(&bytes) {
            break got;
        }
    };
    seen.lock().unwrap().push(got);
    let answer = how.lock().unwrap().clone();
    let text = match answer {
        Answer::Status(code) => format!("HTTP/1.1 {code} So\r\ncontent-length: 2\r\n\r\nok"),
        Answer::RedirectTo(url) => format!("HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n"),
        Answer::Silent => return tokio::time::sleep(Duration::from_secs(60)).await,
        Answer::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            return;
        }
    };
    let _ = stream.write_all(text.as_bytes()).await;
}

/// A whole request, if it is one yet.
fn read(bytes: &[u8]) -> Option<Got> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let line = lines.next()?.to_string();
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.into(), value.into())).collect();
    let got = Got { line, headers, body: body.to_string() };
    let length = got.header("content-length").map_or(0, |length| length.parse().unwrap());
    (got.body.len() >= length).then_some(got)
}
