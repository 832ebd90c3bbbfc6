//! Dumps of other tools made by hand, so that each of their lies can be told apart: a tar, and an archive of mongodump.

use std::io::Write;

use bson::{Document, doc};
use crc_fast::{CrcAlgorithm, checksum};
use flate2::Compression;
use flate2::write::GzEncoder;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).expect("packs");
    encoder.finish().expect("packs")
}

pub fn bson(documents: &[Document]) -> Vec<u8> {
    documents.iter().flat_map(|document| document.to_vec().expect("BSON")).collect()
}

/// Metadata of an ordinary collection.
pub fn metadata(name: &str) -> Vec<u8> {
    format!(r#"{{"options":{{}},"indexes":[],"collectionName":"{name}","type":"collection"}}"#).into_bytes()
}

/// A header of the tar format.
pub fn header(name: &[u8], bytes: u64, kind: u8) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{bytes:011o}").as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

pub fn entry(name: &str, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut entry = header(name.as_bytes(), body.len() as u64, kind);
    entry.extend_from_slice(body);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

/// An extended header with one record, which says its own length.
pub fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let length = (1..).find(|length: &usize| length.to_string().len() + rest.len() == *length).expect("a length");
    entry("extended", b'x', format!("{length}{rest}").as_bytes())
}

pub fn tar(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entries.concat();
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// A small dump as the original scripts pack it.
pub fn dump_entries() -> Vec<Vec<u8>> {
    vec![
        entry("backups/now/", b'5', b""),
        entry("backups/now/shop/users.metadata.json.gz", b'0', &gzip(&metadata("users"))),
        entry("backups/now/shop/users.bson.gz", b'0', &gzip(&bson(&[doc! { "_id": 1 }, doc! { "_id": 2 }]))),
    ]
}

/// An archive as mongodump writes it, of one collection in two slices.
pub fn archive(first: &[u8], second: &[u8]) -> Vec<u8> {
    let name = |ends: bool, crc: u64| {
        doc! { "db": "shop", "collection": "users", "EOF": ends, "CRC": i64::from_ne_bytes(crc.to_ne_bytes()) }
    };
    let text = String::from_utf8(metadata("users")).expect("UTF-8");
    let crc = checksum(CrcAlgorithm::Crc64Xz, &[first, second].concat());
    let mark = [0xff; 4];
    [
        &0x8199_e26d_u32.to_le_bytes()[..],
        &bson(&[
            doc! { "concurrent_collections": 4, "version": "0.1", "server_version": "6.0", "tool_version": "100" },
        ]),
        &bson(&[doc! { "db": "shop", "collection": "users", "metadata": text, "size": 0, "type": "" }]),
        &mark,
        &bson(&[name(false, 0)]),
        first,
        &mark,
        &bson(&[name(false, 0)]),
        second,
        &mark,
        &bson(&[name(true, crc)]),
        &mark,
    ]
    .concat()
}
