//! The one error style. Rules for everyone who makes a `Fault`:
//!
//! * `what` is a lowercase fragment saying what happened and to what: "cannot read manifest `a/b.json`".
//! * `help` says what to do next, and is there whenever the reader can do something.
//! * `kind` decides the exit status and whether a retry can help; it never decides the wording.
//! * No secret enters a fault: addresses go through [`redact_uri`] first.
//! * Expected faults (the user's, the world's) are all kinds but `Bug`; `Bug` means Plimsoll itself is wrong.

use std::fmt;

pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// Who or what is at fault, and so what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The command line or a file that the user wrote is wrong. Exit status 2.
    Usage,
    /// Something that was named does not exist.
    Missing,
    /// Credentials are wrong or do not allow this.
    Denied,
    /// It is encrypted, and no identity that was given opens it.
    Sealed,
    /// A server did not answer or said that it is busy. The only kind for which a retry can help.
    Unreachable,
    /// Bytes are not what they were declared to be.
    Corrupt,
    /// The server does not keep the state that was asked for; another way of reading may do.
    Gone,
    /// No space, or another limit of the machine.
    Exhausted,
    /// Something is there that must not be overwritten.
    Conflict,
    /// The user or the system asked to stop.
    Interrupted,
    /// The other side cannot do what is needed.
    Unsupported,
    /// A broken assumption of Plimsoll's own.
    Bug,
}

/// An error with what happened, why, and what to do.
#[derive(Debug)]
pub struct Fault {
    pub kind: FaultKind,
    pub what: String,
    pub help: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Fault {
    pub fn new(kind: FaultKind, what: impl Into<String>) -> Self {
        Fault { kind, what: what.into(), help: None, source: None }
    }

    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(FaultKind::Usage, what)
    }

    pub fn missing(what: impl Into<String>) -> Self {
        Self::new(FaultKind::Missing, what)
    }

    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::new(FaultKind::Corrupt, what)
    }

    pub fn unreachable(what: impl Into<String>) -> Self {
        Self::new(FaultKind::Unreachable, what)
    }

    pub fn bug(what: impl Into<String>) -> Self {
        Self::new(FaultKind::Bug, what)
    }

    /// Adds what the reader should do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the error underneath; its chain is printed after `what`.
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts a wider `what` in front, keeping kind and help: "cannot back up `users`: <inner>".
    pub fn within(self, what: impl Into<String>) -> Self {
        Fault { kind: self.kind, what: what.into(), help: self.help.clone(), source: Some(Box::new(self)) }
    }

    pub fn retry_can_help(&self) -> bool {
        self.kind == FaultKind::Unreachable
    }

    /// From a file system error about `path`: the kind follows from the operating system's own word.
    pub fn io(doing: &str, path: impl fmt::Display, error: std::io::Error) -> Self {
        use std::io::ErrorKind as K;
        let (kind, help) = match error.kind() {
            K::NotFound => (FaultKind::Missing, Some("check the path")),
            K::PermissionDenied => (FaultKind::Denied, Some("check the permissions of the file and its folder")),
            K::StorageFull | K::QuotaExceeded => {
                (FaultKind::Exhausted, Some("free space there, or name another place, and run the same command again"))
            }
            K::AlreadyExists => (FaultKind::Conflict, None),
            K::TimedOut | K::ConnectionRefused | K::ConnectionReset => (FaultKind::Unreachable, None),
            _ => (FaultKind::Missing, None),
        };
        let fault = Self::new(kind, format!("cannot {doing} `{path}`")).because(error);
        match help {
            Some(help) => fault.help(help),
            None => fault,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

/// The address without what must not be shown: user, password and query are left out.
pub fn redact_uri(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.split('?').next().unwrap_or_default().to_string();
    };
    let rest = rest.split('?').next().unwrap_or_default();
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((_, hosts)) => format!("{scheme}://…@{hosts}{path}"),
        // A password with an unescaped slash pushes the `@` into the path: show the scheme alone.
        None if path.contains('@') => format!("{scheme}://…"),
        None => format!("{scheme}://{authority}{path}"),
    }
}
