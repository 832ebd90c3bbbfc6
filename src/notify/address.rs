//! An address that is a secret: only its scheme and host may be shown, also by mistake.

use std::fmt;

use hyper::Uri;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::base::{Fault, Result};

#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
    plain: bool,
    /// Path and query.
    target: String,
}

impl Address {
    /// Reads `https://host/path`. What is wrong is told without the text itself.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            let fault = Fault::usage(format!("the address of a notice {what}"));
            fault.help("it is one such as https://host/path, without a user and a password")
        };
        let uri: Uri = text.trim().parse().map_err(|_| wrong("is no URL"))?;
        let plain = match uri.scheme_str() {
            Some("https") => false,
            Some("http") => true,
            _ => return Err(wrong("is neither https nor http")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("holds a user or a password"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(wrong("names no host"));
        }
        let port = authority.port_u16().unwrap_or(if plain { 80 } else { 443 });
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_string();
        Ok(Address { host, port, plain, target })
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// HTTP without TLS.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.plain, self.port) {
            (true, 80) | (false, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    pub(super) fn server_name(&self) -> Result<ServerName<'static>> {
        let name = ServerName::try_from(self.host.clone());
        name.map_err(|error| Fault::usage(format!("{self} has a name that no certificate can hold")).because(error))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.plain { "http" } else { "https" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}/…")
    }
}
