//! What a failed request means, and what to do about it.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::place::Place;
use crate::base::{Fault, FaultKind};
use crate::store::missing;

pub type SdkFault<E> = SdkError<E, HttpResponse>;

/// An operation's own error type.
pub trait ServiceFault: Error + ProvideErrorMetadata + Send + Sync + 'static {}
impl<E: Error + ProvideErrorMetadata + Send + Sync + 'static> ServiceFault for E {}

pub fn status<E>(error: &SdkFault<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// Whether the key is missing, and not the bucket.
pub fn is_missing_key<E: ServiceFault>(error: &SdkFault<E>) -> bool {
    match error.code() {
        Some("NoSuchKey" | "NoSuchVersion" | "NotFound") => true,
        Some(code) if !code.is_empty() => false,
        _ => status(error) == Some(404),
    }
}

pub fn fault<E: ServiceFault>(place: &Place, doing: &str, key: &str, error: SdkFault<E>) -> Fault {
    let what = format!("cannot {doing} `{key}` in {}", place.address());
    let server = place.server();
    let status = status(&error);
    match &error {
        SdkError::ServiceError(service) => refused(place, key, what, status, service.err()),
        SdkError::TimeoutError(_) => Fault::unreachable(what)
            .because(format!("{server} did not answer in time"))
            .help("check the network and the server, and run the same command again"),
        SdkError::DispatchFailure(_) => {
            let reason = innermost(&error);
            if reason.contains("credential") {
                return Fault::new(FaultKind::Denied, what).because(reason);
            }
            Fault::unreachable(what)
                .because(format!("cannot reach {server}: {reason}"))
                .help("check that the server runs, and its address (--s3-endpoint)")
        }
        SdkError::ResponseError(_) => Fault::unreachable(what)
            .because(format!("{server} gave an answer that is not S3's: {}", innermost(&error)))
            .help("check the network and what stands between, and run the same command again"),
        _ => Fault::usage(what).because(innermost(&error)).help("check the bucket's name and the region"),
    }
}

/// The server understood the request and said no.
fn refused(place: &Place, key: &str, what: String, status: Option<u16>, error: &impl ProvideErrorMetadata) -> Fault {
    let code = error.code().unwrap_or_default();
    let (server, bucket) = (place.server(), &place.bucket);
    let (kind, help) = match (code, status) {
        ("NoSuchBucket", _) => {
            return Fault::missing(format!("the bucket `{bucket}` does not exist on {server}"))
                .help("check its name, the endpoint and the region, or create it; Plimsoll makes no buckets");
        }
        ("NoSuchKey" | "NoSuchVersion" | "NotFound", _) | ("", Some(404)) => return missing(key, &place.address()),
        (
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" | "ExpiredTokenException",
            _,
        ) => (FaultKind::Denied, "the credentials are wrong or out of date: check AWS_ACCESS_KEY_ID and its secret"),
        ("RequestTimeTooSkewed", _) => (FaultKind::Denied, "set this machine's clock: it differs from the server's"),
        ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _) => {
            (FaultKind::Usage, "the bucket is in another region: name it with --s3-region")
        }
        ("BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch", _) => {
            (FaultKind::Corrupt, "the bytes changed on their way: run the same command again, and check the network")
        }
        ("QuotaExceeded" | "InsufficientStorage" | "XMinioStorageFull", _) | (_, Some(507)) => {
            (FaultKind::Exhausted, "free space there, or name another place, and run the same command again")
        }
        ("PreconditionFailed", _) => (FaultKind::Conflict, "the object was changed by another run"),
        ("NotImplemented" | "MethodNotAllowed", _) | (_, Some(501)) => {
            (FaultKind::Unsupported, "this server lacks what is needed; use another")
        }
        ("SlowDown" | "InternalError" | "ServiceUnavailable" | "RequestTimeout" | "Throttling", _)
        | (_, Some(408 | 429 | 500..)) => (FaultKind::Unreachable, "the server is busy or failing: try again later"),
        ("AccessDenied" | "AllAccessDisabled" | "AccountProblem", _) | (_, Some(401 | 403)) => {
            (FaultKind::Denied, "the credentials do not allow this; grant it, or use others")
        }
        // A success that does not read as one: cut short, or a proxy's own page.
        (_, Some(200..300)) => {
            (FaultKind::Unreachable, "that is no answer of S3: check what stands between, and try again")
        }
        _ => (FaultKind::Unsupported, "the server refused the request"),
    };
    let said = match (error.message(), status) {
        (Some(message), _) => format!("{server} answered {code}: {message}"),
        (None, Some(status)) => format!("{server} answered {status} {code}"),
        (None, None) => format!("{server} answered {code}"),
    };
    Fault::new(kind, what).because(said.trim_end()).help(help)
}

/// The reason at the bottom of the chain; what is above says only that something failed.
pub fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
