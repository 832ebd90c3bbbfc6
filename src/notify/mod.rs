//! Sends one message to one address of the policy's: within a time, to where it should go and nowhere else.
//!
//! No redirect is followed, no proxy used, no address inside reached unless the policy says so: what a name means is asked
//! once, and the very addresses that were checked are connected to. The address is a secret: of it nothing but scheme and
//! host is ever shown.

mod address;
mod reach;
mod sign;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

pub use address::Address;
pub use reach::is_outside;
pub use sign::{HEADER, signature};

use crate::base::{Fault, FaultKind, Instant, Result};

/// The head of an answer is no longer; its body is not read.
const HEAD_BYTES: usize = 16 << 10;

/// What is sent.
pub enum Message<'a> {
    /// JSON, signed with the key if there is one.
    Post { body: String, key: Option<&'a [u8]>, at: Instant },
    /// That it is asked for is all that it says.
    Ping,
}

/// How it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Addresses inside are allowed, and to this host itself plain HTTP.
    pub allow_private: bool,
    /// Until a connection stands, and until all is answered.
    pub connect: Duration,
    pub whole: Duration,
}

impl Terms {
    pub fn usual(allow_private: bool) -> Self {
        Terms { allow_private, connect: Duration::from_secs(5), whole: Duration::from_secs(15) }
    }
}

/// What a name means.
#[async_trait]
pub trait Resolve: Send + Sync {
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// As the system does it.
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// Sends it, and returns once it was taken.
pub async fn send(address: &Address, message: Message<'_>, terms: Terms, resolver: &dyn Resolve) -> Result<()> {
    let late = || Fault::unreachable(format!("{address} did not answer within {} s", terms.whole.as_secs_f32()));
    within(terms.whole, exchange(address, message, terms, resolver), late).await
}

async fn within<T>(time: Duration, work: impl Future<Output = Result<T>>, late: impl Fn() -> Fault) -> Result<T> {
    tokio::time::timeout(time, work).await.unwrap_or_else(|_| Err(late()))
}

async fn exchange(address: &Address, message: Message<'_>, terms: Terms, resolver: &dyn Resolve) -> Result<()> {
    let found = resolver
        .resolve(address.host(), address.port())
        .await
        .map_err(|error| Fault::unreachable(format!("cannot find out where {address} is")).because(error))?;
    reach::check(address, &found, terms.allow_private)?;
    let late = || Fault::unreachable(format!("{address} could not be reached in {} s", terms.connect.as_secs_f32()));
    let stream = within(terms.connect, connect(address, &found), late).await?;
    let request = request(address, message)?;
    if address.is_plain() {
        return answer(address, stream, request).await;
    }
    let secured = secure(address, stream);
    answer(address, within(terms.connect, secured, late).await?, request).await
}

/// To the first of the addresses that takes the connection.
async fn connect(address: &Address, found: &[SocketAddr]) -> Result<TcpStream> {
    let mut last = None;
    for to in found {
        match TcpStream::connect(to).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    let fault = Fault::unreachable(format!("cannot reach {address}"));
    Err(match last {
        Some(error) => fault.because(error),
        None => fault,
    })
}

async fn secure(address: &Address, stream: TcpStream) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Fault::missing("this machine has no certificates to know a server by")
            .help("install its package of CA certificates, or name a file of them in SSL_CERT_FILE"));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Fault::bug("cannot set TLS up").because(error))?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let connected = TlsConnector::from(Arc::new(config)).connect(address.server_name()?, stream).await;
    connected.map_err(|error| Fault::unreachable(format!("cannot trust {address}")).because(error))
}

fn request(address: &Address, message: Message<'_>) -> Result<Request<Full<Bytes>>> {
    let start = Request::builder()
        .uri(address.target())
        .header(header::HOST, address.authority())
        .header(header::USER_AGENT, concat!("plimsoll/", env!("CARGO_PKG_VERSION")));
    let request = match message {
        Message::Ping => start.method(Method::GET).body(Full::default()),
        Message::Post { body, key, at } => {
            let mut start = start.method(Method::POST).header(header::CONTENT_TYPE, "application/json");
            if let Some(key) = key {
                start = start.header(HEADER, signature(key, at, body.as_bytes())?);
            }
            start.body(Full::from(body))
        }
    };
    // What is wrong with it is not told: it would show the address.
    request.map_err(|_| Fault::usage(format!("{address} cannot be asked in HTTP")))
}

async fn answer(
    address: &Address,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<()> {
    let broke = |error| Fault::unreachable(format!("{address} broke off")).because(error);
    let mut builder = http1::Builder::new();
    let handshake = builder.max_buf_size(HEAD_BYTES).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(broke)?;
    // Ends with the sender: the body of the answer is left where it is.
    let running = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    running.abort();
    let status = answer.map_err(broke)?.status();
    let code = status.as_u16();
    match code {
        200..=299 => Ok(()),
        300..=399 => {
            let fault = Fault::new(FaultKind::Denied, format!("{address} answers with a redirect ({code})"));
            Err(fault.help("redirects are not followed: name the address that it leads to"))
        }
        408 | 429 | 500..=599 => Err(Fault::unreachable(format!("{address} answers with {code}"))),
        _ => {
            let fault = Fault::new(FaultKind::Denied, format!("{address} answers with {code}"));
            Err(fault.help("check that the address is whole and still in force"))
        }
    }
}
