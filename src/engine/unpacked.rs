//! The contents of compressed bytes, of either codec, as a reader; and the reader underneath back, to see how it ended.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;

use crate::base::Codec;

/// 8 MiB: many times what a frame of ours needs, and no way to ask for much memory by a few bytes.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

pub enum Unpacked<R: Read> {
    Plain(R),
    Gzip(Box<MultiGzDecoder<R>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<R>>),
}

impl<R: Read> Unpacked<R> {
    pub fn new(codec: Codec, source: R) -> io::Result<Self> {
        Ok(match codec {
            Codec::Plain => Unpacked::Plain(source),
            Codec::Gzip => Unpacked::Gzip(Box::new(MultiGzDecoder::new(source))),
            Codec::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(source)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Unpacked::Zstd(decoder)
            }
        })
    }

    pub fn into_source(self) -> R {
        match self {
            Unpacked::Plain(source) => source,
            Unpacked::Gzip(decoder) => decoder.into_inner(),
            Unpacked::Zstd(decoder) => decoder.finish().into_inner(),
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::Plain(source) => source.read(into),
            Unpacked::Gzip(decoder) => decoder.read(into),
            Unpacked::Zstd(decoder) => decoder.read(into),
        }
    }
}
