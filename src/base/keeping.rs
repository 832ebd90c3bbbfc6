//! How a store is asked to keep what is written to it: as a plan declares it, and as it holds for one moment's writes.

use std::fmt;
use std::str::FromStr;

use super::{Instant, Span};

/// As declared; what is absent is the store's own default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keeping {
    /// The store's own name of a class, for objects large enough to be cheaper in it.
    pub storage_class: Option<StorageClass>,
    pub encryption: Option<ServerEncryption>,
    /// From its writing on, nobody can delete or change an object for so long.
    pub lock: Option<Span>,
}

/// What holds for an object that is written now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    pub storage_class: Option<StorageClass>,
    pub encryption: Option<ServerEncryption>,
    /// Nobody can delete or change it before then.
    pub locked_until: Option<Instant>,
}

impl Keeping {
    /// For a point that begins `at` this instant.
    pub fn from(&self, at: Instant) -> Terms {
        Terms {
            storage_class: self.storage_class,
            encryption: self.encryption.clone(),
            locked_until: self.lock.map(|span| at + span),
        }
    }
}

impl Terms {
    pub fn are_default(&self) -> bool {
        *self == Terms::default()
    }
}

/// The classes of S3 that answer at once. The others need hours before they can be read, which no restore, drill or
/// verification here waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageClass {
    Standard,
    StandardIa,
    OneZoneIa,
    GlacierInstant,
}

impl StorageClass {
    const ALL: [StorageClass; 4] =
        [StorageClass::Standard, StorageClass::StandardIa, StorageClass::OneZoneIa, StorageClass::GlacierInstant];

    /// S3's own name.
    pub fn name(self) -> &'static str {
        match self {
            StorageClass::Standard => "STANDARD",
            StorageClass::StandardIa => "STANDARD_IA",
            StorageClass::OneZoneIa => "ONEZONE_IA",
            StorageClass::GlacierInstant => "GLACIER_IR",
        }
    }

    /// The item of a price book that prices it.
    pub fn price(self) -> &'static str {
        match self {
            StorageClass::Standard => "s3-standard",
            StorageClass::StandardIa => "s3-standard-ia",
            StorageClass::OneZoneIa => "s3-one-zone-ia",
            StorageClass::GlacierInstant => "s3-glacier-instant",
        }
    }
}

/// By either name.
impl FromStr for StorageClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        StorageClass::ALL.into_iter().find(|class| class.name() == text || class.price() == text).ok_or_else(|| {
            format!(
                "`{}` is no storage class of S3 that can be read at once; write STANDARD, STANDARD_IA, ONEZONE_IA or \
                 GLACIER_IR",
                text.escape_debug()
            )
        })
    }
}

/// By the store's own keys: who may read the store reads the bytes. Encryption before bytes leave the host is another
/// thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEncryption {
    /// Keys that the store keeps to itself.
    Aes256,
    /// A key of the key service: its own for S3, or the one named.
    Kms(Option<String>),
}

impl FromStr for ServerEncryption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "aes256" => Ok(ServerEncryption::Aes256),
            None if text == "kms" => Ok(ServerEncryption::Kms(None)),
            Some(("kms", key)) if !key.is_empty() && key.chars().all(|c| c.is_ascii_graphic()) => {
                Ok(ServerEncryption::Kms(Some(key.to_string())))
            }
            _ => Err(format!("`{}` is no server-side encryption; write aes256, kms or kms:KEY", text.escape_debug())),
        }
    }
}

impl fmt::Display for ServerEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerEncryption::Aes256 => f.write_str("aes256"),
            ServerEncryption::Kms(None) => f.write_str("kms"),
            ServerEncryption::Kms(Some(key)) => write!(f, "kms:{key}"),
        }
    }
}
