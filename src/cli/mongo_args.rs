//! Where MongoDB is. A password comes from the environment alone: every user of a machine can read command lines.

use clap::Args;

use crate::base::fault::redact_uri;
use crate::base::{Fault, Result};
use crate::mongo::client;

const VARIABLE: &str = "PLIMSOLL_URI";
const TARGET_VARIABLE: &str = "PLIMSOLL_TARGET_URI";

#[derive(Debug, Clone, Args)]
pub struct MongoArgs {
    /// MongoDB address without a password, such as mongodb://host:27017/ [env: PLIMSOLL_URI, which may hold one]
    #[arg(long, value_name = "URI")]
    pub uri: Option<String>,
}

/// The server that a restore writes to: never taken from the address that backups read.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// MongoDB to restore into, without a password [env: PLIMSOLL_TARGET_URI, which may hold one]
    #[arg(long, value_name = "URI")]
    pub to_uri: Option<String>,
}

impl TargetArgs {
    pub fn address(&self) -> Result<String> {
        choose(self.to_uri.as_deref(), std::env::var(TARGET_VARIABLE).ok(), "--to-uri", TARGET_VARIABLE)
    }

    /// Whether a server was named at all.
    pub fn is_named(&self) -> bool {
        self.to_uri.is_some() || std::env::var_os(TARGET_VARIABLE).is_some_and(|uri| !uri.is_empty())
    }
}

/// A drill into the server that the backups read would be a drill in production.
pub fn refuse_the_source(target: &str) -> Result<()> {
    let Some(source) = std::env::var(VARIABLE).ok().filter(|uri| !uri.is_empty()) else { return Ok(()) };
    let (source, target) = (hosts(&source), hosts(target));
    match target.iter().find(|host| source.contains(host)) {
        None => Ok(()),
        Some(host) => Err(Fault::usage(format!("`{host}` is the server that backups read ({VARIABLE})"))
            .help("nothing was changed; name another server, or leave the address out to drill on one of its own")),
    }
}

/// The hosts that an address names, with their ports.
fn hosts(uri: &str) -> Vec<String> {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let before = rest.split(['/', '?']).next().unwrap_or_default();
    let hosts = before.rsplit_once('@').map_or(before, |(_, hosts)| hosts);
    let host = |host: &str| match host.contains(':') {
        true => host.to_ascii_lowercase(),
        false => format!("{}:27017", host.to_ascii_lowercase()),
    };
    hosts.split(',').filter(|host| !host.is_empty()).map(host).collect()
}

impl MongoArgs {
    /// Whether a server was named at all.
    pub fn is_named(&self) -> bool {
        self.uri.is_some() || std::env::var_os(VARIABLE).is_some_and(|uri| !uri.is_empty())
    }

    /// The address to connect to, from the flag or the environment.
    pub fn address(&self) -> Result<String> {
        uri_from(self.uri.as_deref(), std::env::var(VARIABLE).ok())
    }
}

/// The flag goes before the environment, but may not hold a secret.
fn uri_from(flag: Option<&str>, environment: Option<String>) -> Result<String> {
    choose(flag, environment, "--uri", VARIABLE)
}

fn choose(flag: Option<&str>, environment: Option<String>, name: &str, variable: &str) -> Result<String> {
    match (flag, environment.filter(|uri| !uri.is_empty())) {
        (Some(uri), _) if client::holds_secret(uri) => Err(Fault::usage(format!(
            "the address `{}` holds a password, which every user of this machine can read from the command line",
            redact_uri(uri)
        ))
        .help(format!("put the whole address into the environment variable {variable} and leave {name} out"))),
        (Some(uri), _) => Ok(uri.to_string()),
        (None, Some(uri)) => Ok(uri),
        (None, None) => Err(Fault::usage("no MongoDB address")
            .help(format!("give {name} mongodb://host:27017/, or set {variable}, which may hold a password"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_of_an_address_are_found_whatever_stands_around_them() {
        let all = hosts("mongodb://anna:p%40ss@Db1.example,db2.example:27018/shop?replicaSet=rs0");
        assert_eq!(all, ["db1.example:27017", "db2.example:27018"]);
        assert_eq!(hosts("mongodb+srv://cluster.example"), ["cluster.example:27017"]);
    }

    #[test]
    fn a_password_comes_from_the_environment_alone() {
        let secret = "mongodb://anna:geheim@db.example:27017/";
        let refused = uri_from(Some(secret), None).expect_err("refused");
        assert_eq!(crate::cli::Exit::of(&refused), crate::cli::Exit::Usage);
        assert!(!format!("{refused:?}").contains("geheim"));
        assert_eq!(uri_from(None, Some(secret.to_string())).ok().as_deref(), Some(secret));
        assert!(uri_from(None, None).is_err());
        let plain = "mongodb://localhost/";
        assert_eq!(uri_from(Some(plain), Some(secret.to_string())).ok().as_deref(), Some(plain));
    }
}
