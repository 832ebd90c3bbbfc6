//! The client, the bucket and the prefix: what every request needs.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Credentials, ProvideCredentials, Region, StalledStreamProtectionConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bytes::Bytes;

use super::{attributes, errors, terms};
use crate::base::fault::redact_uri;
use crate::base::{Fault, FaultKind, Result, Terms};
use crate::port::Attributes;
use crate::store::S3Options;

#[derive(Debug, Clone)]
pub struct Place {
    pub client: Client,
    pub bucket: String,
    /// Without slashes at its ends; may be empty.
    prefix: String,
    /// Where requests go, for messages; none for AWS itself.
    endpoint: Option<String>,
    /// Of what is written.
    pub terms: Terms,
}

/// Three attempts at a host that does not answer end within ten seconds.
const CONNECT_WITHIN: Duration = Duration::from_millis(2500);
/// An answer to a request without a body worth counting.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Joining ten thousand parts takes a server minutes.
const JOIN_WITHIN: Duration = Duration::from_secs(600);
/// A transfer slower than this is as good as dead.
const BYTES_A_SECOND_MIN: u64 = 64 << 10;
const STALL: Duration = Duration::from_secs(20);

impl Place {
    pub async fn open(bucket: &str, prefix: &str, options: &S3Options) -> Result<Self> {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_WITHIN).operation_attempt_timeout(ANSWER_WITHIN);
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).http_client(http).timeout_config(timeouts.build());
        if let Some(endpoint) = &options.endpoint {
            check_endpoint(endpoint)?;
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some((access_key, secret_key)) = &options.credentials {
            loader = loader.credentials_provider(Credentials::new(access_key, secret_key, None, None, "given"));
        }
        let shared = loader.load().await;
        let Some(credentials) = shared.credentials_provider() else { return Err(no_credentials()) };
        credentials.provide_credentials().await.map_err(|e| why_no_credentials(&e))?;
        let endpoint = options.endpoint.as_deref().or(shared.endpoint_url()).map(redact_uri);
        let config = Builder::from(&shared)
            .force_path_style(endpoint.is_some())
            .retry_config(RetryConfig::standard())
            // How much is retried in all is counted for each store: one that fails takes no retry from another.
            .retry_partition(RetryPartition::custom(bucket.to_string()).build())
            .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALL).build());
        let config = match shared.region() {
            Some(_) => config,
            // The region of AWS that answers for all; servers elsewhere do not care.
            None => config.region(Region::from_static("us-east-1")),
        };
        let prefix = prefix.trim_matches('/').to_string();
        let (client, bucket) = (Client::from_conf(config.build()), bucket.to_string());
        Ok(Place { client, bucket, prefix, endpoint, terms: Terms::default() })
    }

    pub fn address(&self) -> String {
        match self.prefix.as_str() {
            "" => format!("s3://{}", self.bucket),
            prefix => format!("s3://{}/{prefix}", self.bucket),
        }
    }

    /// The server that is asked.
    pub fn server(&self) -> String {
        self.endpoint.clone().unwrap_or_else(|| "Amazon S3".to_string())
    }

    /// Begins the bucket's own name of each key.
    pub fn root(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    /// The bucket's own name of a key.
    pub fn full(&self, key: &str) -> Result<String> {
        crate::store::check_key(key)?;
        Ok(format!("{}{key}", self.root()))
    }

    pub fn fault<E: errors::ServiceFault>(&self, doing: &str, key: &str, error: errors::SdkFault<E>) -> Fault {
        errors::fault(self, doing, key, error)
    }

    /// Writes a whole object with one request. Its SHA-256 is part of the signature: changed bytes are refused.
    pub async fn put(&self, key: &str, body: Bytes, attributes: &Attributes) -> Result<()> {
        let request = self.client.put_object().bucket(&self.bucket).key(self.full(key)?);
        let request = terms::put(attributes::put(request, attributes), &self.terms, body.len());
        let patience = Builder::new().timeout_config(patience(body.len()));
        let sent = request.body(body.into()).customize().config_override(patience).send().await;
        let answer = sent.map_err(|e| self.fault("write", key, e))?;
        if answer.e_tag().is_none() {
            let what = format!("the answer of {} to writing `{key}` names no ETag", self.server());
            return Err(Fault::unreachable(what));
        }
        terms::check_encryption(self, key, answer.server_side_encryption())?;
        terms::check_lock(self, key).await
    }
}

/// Time for `bytes` to go over, and the answer to come.
fn patience(bytes: usize) -> TimeoutConfig {
    let transfer = Duration::from_secs(bytes as u64 / BYTES_A_SECOND_MIN);
    TimeoutConfig::builder().connect_timeout(CONNECT_WITHIN).operation_attempt_timeout(ANSWER_WITHIN + transfer).build()
}

/// Settings for a request that carries `bytes`.
pub fn carrying(bytes: usize) -> Builder {
    Builder::new().timeout_config(patience(bytes))
}

/// The same, and tried once.
pub fn once(bytes: usize) -> Builder {
    carrying(bytes).retry_config(RetryConfig::disabled())
}

/// Settings for the request that joins parts.
pub fn joining() -> Builder {
    let within = TimeoutConfig::builder().connect_timeout(CONNECT_WITHIN).operation_attempt_timeout(JOIN_WITHIN);
    Builder::new().timeout_config(within.build())
}

fn check_endpoint(endpoint: &str) -> Result<()> {
    let rest = endpoint.strip_prefix("http://").or(endpoint.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['@', '?']) => Ok(()),
        _ => Err(Fault::usage(format!("`{}` is no address of an S3 server", redact_uri(endpoint)))
            .help("write it as http://host:port or https://host, without user or password")),
    }
}

/// A profile that is wrong says why; that this is no cloud machine, asked last of all, explains nothing.
fn why_no_credentials(error: &dyn std::error::Error) -> Fault {
    let why = errors::innermost(error);
    if why.contains("IMDS") { no_credentials() } else { no_credentials().because(why) }
}

fn no_credentials() -> Fault {
    Fault::new(FaultKind::Denied, "there are no credentials for S3")
        .help("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, as for every AWS tool")
}
