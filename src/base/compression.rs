//! How the files of a dump are compressed: what a person asks for, and what a file's name tells.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The form of compressed bytes; the ending of a name tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// As they are: `mongorestore` reads such a dump.
    Plain,
    /// `mongorestore --gzip` reads such a dump.
    Gzip,
    /// Smaller and faster, read by Plimsoll alone.
    Zstd,
}

impl Codec {
    const ALL: [Codec; 3] = [Codec::Gzip, Codec::Zstd, Codec::Plain];

    /// What it adds to a file's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Codec::Plain => "",
            Codec::Gzip => ".gz",
            Codec::Zstd => ".zst",
        }
    }

    /// The codec that a name tells, and the name without it.
    pub fn split(name: &str) -> (&str, Codec) {
        let found = Codec::ALL.into_iter().find_map(|codec| Some((name.strip_suffix(codec.suffix())?, codec)));
        found.unwrap_or((name, Codec::Plain))
    }
}

/// A codec with its level: more is smaller and slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Compression {
    Plain,
    /// 1 to 12; 6 is what `gzip` and mongodump use.
    Gzip(i8),
    /// -7 (fastest) to 19.
    Zstd(i8),
}

const GZIP_LEVELS: std::ops::RangeInclusive<i8> = 1..=12;
const GZIP_USUAL: i8 = 6;
const ZSTD_LEVELS: std::ops::RangeInclusive<i8> = -7..=19;
const ZSTD_USUAL: i8 = 3;
/// What may be written.
pub const FORMS: &str = "write gzip, zstd or none, with a level if you like: gzip:1 to gzip:12, zstd:-7 to zstd:19";

impl Compression {
    /// For the small texts of a dump: with `.metadata.json.zst` the longest names would not fit a file system.
    pub fn of_texts(self) -> Compression {
        match self {
            Compression::Zstd(_) => Compression::default(),
            other => other,
        }
    }

    pub fn codec(self) -> Codec {
        match self {
            Compression::Plain => Codec::Plain,
            Compression::Gzip(_) => Codec::Gzip,
            Compression::Zstd(_) => Codec::Zstd,
        }
    }
}

/// The one that stock tools read.
impl Default for Compression {
    fn default() -> Self {
        Compression::Gzip(GZIP_USUAL)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compression::Plain => f.write_str("none"),
            Compression::Gzip(level) => write!(f, "gzip:{level}"),
            Compression::Zstd(level) => write!(f, "zstd:{level}"),
        }
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no compression; {FORMS}", text.escape_debug());
        let (name, level) = text.split_once(':').map_or((text, None), |(name, level)| (name, Some(level)));
        let level = level.map(|level| level.parse::<i8>().map_err(|_| wrong())).transpose()?;
        match (name, level) {
            ("none", None) => Ok(Compression::Plain),
            ("gzip", level) if GZIP_LEVELS.contains(&level.unwrap_or(GZIP_USUAL)) => {
                Ok(Compression::Gzip(level.unwrap_or(GZIP_USUAL)))
            }
            ("zstd", level) if ZSTD_LEVELS.contains(&level.unwrap_or(ZSTD_USUAL)) => {
                Ok(Compression::Zstd(level.unwrap_or(ZSTD_USUAL)))
            }
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Compression {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Compression> for String {
    fn from(compression: Compression) -> String {
        compression.to_string()
    }
}
