//! A network between Plimsoll and a real S3 server, that does to each request what its script says: so the faults are
//! met by the very client, with its retries, that meets them in earnest.

use std::sync::Arc;
use std::time::Duration;

use plimsoll::store::S3Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::scripted::{Answer, Request, read};

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Deed {
    /// It is passed on, and the server's answer back.
    Pass,
    /// After this long.
    Wait(Duration),
    /// This one is passed on in its place.
    PassInstead(Request),
    /// It never reaches the server, and this is the answer.
    Answer(Answer),
    /// It never reaches the server: the connection is cut.
    Cut,
    /// The server does it, and its answer is lost.
    LoseAnswer,
    /// The server does it, and its answer comes back without its last byte.
    CutAnswer,
    /// The server does it, and this comes back as its answer.
    AnswerInstead(Answer),
    /// The server does it, and wherever its answer has the one text it comes back with the other, which is as long.
    Reword(&'static str, &'static str),
}

type Script = dyn Fn(&Request) -> Deed + Send + Sync;

/// Runs until the test's runtime ends.
pub struct Proxied {
    /// How to open a store through it.
    pub options: S3Options,
}

impl Proxied {
    pub async fn start(server: &S3Options, script: impl Fn(&Request) -> Deed + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let far = server.endpoint.as_deref().and_then(|url| url.strip_prefix("http://")).expect("http").to_string();
        let script: Arc<Script> = Arc::new(script);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (far, script) = (far.clone(), Arc::clone(&script));
                tokio::spawn(async move { serve(near, &far, script.as_ref()).await });
            }
        });
        Proxied { options: S3Options { endpoint: Some(endpoint), ..server.clone() } }
    }
}

async fn serve(near: TcpStream, far: &str, script: &Script) -> Option<()> {
    let mut near = BufReader::new(near);
    loop {
        let request = read(&mut near).await?;
        let answer = match script(&request) {
            Deed::Cut => return None,
            Deed::Answer(answer) => answer.to_bytes(&request),
            Deed::Pass => pass(far, &request).await?,
            Deed::PassInstead(other) => pass(far, &other).await?,
            Deed::Wait(time) => {
                tokio::time::sleep(time).await;
                pass(far, &request).await?
            }
            Deed::AnswerInstead(answer) => {
                pass(far, &request).await?;
                answer.to_bytes(&request)
            }
            Deed::Reword(from, to) => reworded(pass(far, &request).await?, from, to),
            Deed::LoseAnswer => {
                pass(far, &request).await?;
                return None;
            }
            Deed::CutAnswer => {
                let mut answer = pass(far, &request).await?;
                answer.pop();
                near.write_all(&answer).await.ok()?;
                return None;
            }
        };
        near.write_all(&answer).await.ok()?;
        near.flush().await.ok()?;
    }
}

/// The server's whole answer, on a connection of its own.
async fn pass(far: &str, request: &Request) -> Option<Vec<u8>> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "connection") {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("connection: close\r\n\r\n");
    let mut far = TcpStream::connect(far).await.ok()?;
    far.write_all(&[head.as_bytes(), &request.body].concat()).await.ok()?;
    let mut answer = Vec::new();
    far.read_to_end(&mut answer).await.ok()?;
    Some(answer)
}

fn reworded(mut answer: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "the length of the answer is told before it");
    for at in 0..answer.len().saturating_sub(from.len()) {
        if answer[at..].starts_with(from.as_bytes()) {
            answer[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    answer
}
