//! How compression is asked for, and how a name tells it.

use plimsoll::base::{Codec, Compression};
use proptest::prelude::*;

#[test]
fn what_is_written_is_read_and_a_level_may_be_left_out() {
    for (text, compression) in [
        ("gzip", Compression::Gzip(6)),
        ("gzip:12", Compression::Gzip(12)),
        ("zstd", Compression::Zstd(3)),
        ("zstd:-7", Compression::Zstd(-7)),
        ("none", Compression::Plain),
    ] {
        assert_eq!(text.parse(), Ok(compression));
        assert_eq!(compression.to_string().parse(), Ok(compression));
    }
    assert_eq!(Compression::default(), Compression::Gzip(6), "the default is what stock tools read");
}

#[test]
fn what_cannot_be_done_is_refused_with_what_can() {
    for text in
        ["", "lz4", "gzip:0", "gzip:13", "zstd:20", "zstd:-8", "none:3", "zstd:", "gzip:6:6", "zstd:99999999999"]
    {
        let refused = text.parse::<Compression>().expect_err(text);
        assert!(refused.contains("gzip:1 to gzip:12"), "{refused}");
    }
}

proptest! {
    #[test]
    fn a_name_gives_its_codec_back(stem in "[a-z.]{0,12}") {
        for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd] {
            let plain = format!("{stem}.bson");
            let name = format!("{plain}{}", codec.suffix());
            prop_assert_eq!(Codec::split(&name), (plain.as_str(), codec));
        }
    }
}
