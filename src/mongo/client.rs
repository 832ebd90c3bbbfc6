//! Connecting, and what the driver's errors mean. No secret of an address leaves this file.

use std::time::Duration;

use bson::doc;
use mongodb::Client;
use mongodb::action::Action;
use mongodb::error::{Error, ErrorKind};
use mongodb::options::ClientOptions;

use crate::base::fault::redact_uri;
use crate::base::{Fault, FaultKind, Result};

/// Long enough for a server far away, short enough for a person who mistyped an address.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects and asks the server for a sign of life, so that a wrong address or password shows here and not later.
pub async fn connect(uri: &str) -> Result<Client> {
    let address = redact_uri(uri);
    let mut options = ClientOptions::parse(uri).await.map_err(|error| unusable(uri, &address, &error))?;
    options.app_name.get_or_insert_with(|| "plimsoll".to_string());
    options.server_selection_timeout.get_or_insert(PATIENCE);
    options.connect_timeout.get_or_insert(PATIENCE);
    let client = Client::with_options(options).map_err(|error| unusable(uri, &address, &error))?;
    let criteria = client.selection_criteria().cloned();
    let admin = client.database("admin");
    let ping = admin.run_command(doc! { "ping": 1 });
    match ping.optional(criteria, |ping, criteria| ping.selection_criteria(criteria)).await {
        Ok(_) => Ok(client),
        Err(error) => Err(no_answer(&address, error)),
    }
}

/// The driver could not make sense of the address, or its DNS name does not resolve.
fn unusable(uri: &str, address: &str, error: &Error) -> Fault {
    if let ErrorKind::DnsResolve { .. } | ErrorKind::Io(_) = *error.kind {
        return fault(format!("cannot reach {address}"), error).help("check the host name in the address");
    }
    let fault = Fault::usage(format!("`{address}` is not a usable MongoDB address"))
        .help("write it as mongodb://host:27017/ or mongodb+srv://host/; percent-encode user and password");
    // The driver quotes parts of what it could not read, which may be the password.
    let reason = error.kind.to_string();
    match secrets(uri).iter().any(|secret| reason.contains(secret.as_str())) {
        true => fault,
        false => fault.because(reason),
    }
}

fn no_answer(address: &str, error: Error) -> Fault {
    let reached = fault(format!("cannot reach {address}"), &error);
    match reached.kind {
        FaultKind::Denied => fault(format!("{address} refused the user or the password"), &error)
            .help("check user, password and authSource; MongoDB says no more than that"),
        FaultKind::Unreachable => {
            reached.help("check that the server runs and that host and port are right; for one member of a replica set add directConnection=true")
        }
        _ => reached,
    }
}

/// What of an address must never be shown: user and password, whole and in parts, and the options that hold a secret.
fn secrets(uri: &str) -> Vec<String> {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let (user_info, tail) = rest.rsplit_once('@').unwrap_or(("", rest));
    let user_parts = user_info.split([':', '@', '/']).chain([user_info]);
    let options = tail.split(['?', '&']).filter_map(|option| option.split_once('='));
    let secret_options = options.filter(|(name, _)| may_be_secret(name)).map(|(_, value)| value);
    user_parts.chain(secret_options).filter(|part| !part.is_empty()).map(String::from).collect()
}

fn may_be_secret(option: &str) -> bool {
    let option = option.to_ascii_lowercase();
    ["password", "token", "properties"].iter().any(|word| option.contains(word))
}

/// Whether the address itself holds a secret, which the command line must not.
pub fn holds_secret(uri: &str) -> bool {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let password = rest.rsplit_once('@').is_some_and(|(user_info, _)| user_info.contains(':'));
    let lower = rest.to_ascii_lowercase();
    password || ["tlscertificatekeyfilepassword=", "aws_session_token"].iter().any(|option| lower.contains(option))
}

/// A fault from what the driver says, with the kind that its cause deserves. Only the cause's own text is kept: the
/// driver's full form would print the server's whole reply.
pub fn fault(what: impl Into<String>, error: &Error) -> Fault {
    let (kind, cause) = meaning(error);
    Fault::new(kind, what).because(cause)
}

fn meaning(error: &Error) -> (FaultKind, String) {
    use mongodb::error::WriteFailure;
    let text = error.kind.to_string();
    let kind = match &*error.kind {
        ErrorKind::Authentication { .. } => FaultKind::Denied,
        ErrorKind::Command(command) => {
            return (of_code(command.code), format!("{} ({} {})", command.message, command.code_name, command.code));
        }
        ErrorKind::Write(WriteFailure::WriteError(write)) => return (of_code(write.code), write.message.clone()),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => {
            return (of_code(concern.code), concern.message.clone());
        }
        ErrorKind::ServerSelection { message, .. } => return (FaultKind::Unreachable, unanswered(message)),
        ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } | ErrorKind::DnsResolve { .. } => {
            FaultKind::Unreachable
        }
        ErrorKind::InvalidTlsConfig { .. } => FaultKind::Usage,
        ErrorKind::InvalidResponse { .. } | ErrorKind::Bson(_) => FaultKind::Corrupt,
        ErrorKind::InvalidArgument { .. } | ErrorKind::Internal { .. } => FaultKind::Bug,
        _ => FaultKind::Unsupported,
    };
    (kind, text)
}

/// What the server's error codes mean for who reads them: see `error_codes.yml` of the server.
fn of_code(code: i32) -> FaultKind {
    match code {
        // Unauthorized, AuthenticationFailed, and the managed service's own.
        13 | 18 | 8000 => FaultKind::Denied,
        // HostUnreachable … NotPrimaryOrSecondary: the driver's own list of what a retry can help.
        6 | 7 | 89 | 91 | 134 | 189 | 262 | 9001 | 10107 | 11600 | 11602 | 13435 | 13436 => FaultKind::Unreachable,
        // CursorNotFound, CappedPositionLost, QueryPlanKilled, CursorKilled: read again.
        43 | 136 | 175 | 237 => FaultKind::Unreachable,
        // SnapshotTooOld, SnapshotUnavailable.
        239 | 246 => FaultKind::Gone,
        // OutOfDiskSpace, ExceededMemoryLimit, MaxTimeMSExpired.
        50 | 146 | 14031 => FaultKind::Exhausted,
        26 => FaultKind::Missing,
        48 | 11000 => FaultKind::Conflict,
        _ => FaultKind::Unsupported,
    }
}

/// The driver lists the whole topology; a person needs the first reason in it.
fn unanswered(message: &str) -> String {
    let secs = PATIENCE.as_secs();
    let reason = message.split_once("I/O error: ").and_then(|(_, rest)| rest.split_once(", labels"));
    match reason {
        Some((reason, _)) => format!("no server answered: {reason}"),
        None if message.contains("ReplicaSetNoPrimary") => format!("no primary was found within {secs} s"),
        None => format!("no fitting server was found within {secs} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_noticed_wherever_an_address_can_hold_one() {
        assert!(holds_secret("mongodb://anna:geheim@localhost/"));
        assert!(holds_secret("mongodb://localhost/?tlsCertificateKeyFilePassword=geheim"));
        assert!(!holds_secret("mongodb://anna@localhost:27017/?authSource=admin"));
        assert!(!holds_secret("mongodb://localhost:27017,other:27018/shop"));
    }
}
