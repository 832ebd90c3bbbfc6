//! What is the directory store's own.

use bytes::Bytes;
use plimsoll::base::FaultKind;
use plimsoll::port::ObjectStore;
use plimsoll::store::directory::DirectoryStore;

#[tokio::test]
async fn keys_that_no_file_system_holds_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = DirectoryStore::new(folder.path());
    for key in ["/abs", "a//b", "a/", ".plimsoll-x.partial"] {
        assert_eq!(store.put(key, Bytes::new()).await.expect_err(key).kind, FaultKind::Usage, "{key:?}");
    }
    let fault = store.put(&"n".repeat(300), Bytes::new()).await.expect_err("a name of 300 bytes");
    assert_eq!(fault.kind, FaultKind::Unsupported, "{fault}");
}

#[tokio::test]
async fn a_file_where_a_folder_is_needed_is_a_conflict() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = DirectoryStore::new(folder.path());
    store.put("a", Bytes::new()).await.expect("put");
    assert_eq!(store.put("a/b", Bytes::new()).await.expect_err("a is a file").kind, FaultKind::Conflict);
    store.put("f/g", Bytes::new()).await.expect("put");
    assert_eq!(store.put("f", Bytes::new()).await.expect_err("f is a folder").kind, FaultKind::Conflict);
}

/// A killed run leaves a file under its temporary name: no listing shows it.
#[tokio::test]
async fn a_file_still_being_written_is_in_no_list() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = DirectoryStore::new(folder.path());
    let mut upload = store.upload("a/b").await.expect("upload");
    upload.write(Bytes::from_static(b"half")).await.expect("write");
    let names = || std::fs::read_dir(folder.path().join("a")).expect("the folder").count();
    assert_eq!(names(), 1);
    assert_eq!(store.list("").await.expect("list"), []);
    drop(upload);
    assert_eq!(names(), 0);
}

#[tokio::test]
async fn reading_a_folder_that_was_never_made_makes_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("mistyped");
    let store = DirectoryStore::new(&root);
    assert_eq!(store.list("").await.expect("list"), []);
    assert_eq!(store.get("a").await.expect_err("nothing").kind, FaultKind::Missing);
    assert!(!root.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_told_not_followed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::os::unix::fs::symlink("/etc", folder.path().join("link")).expect("a link");
    let fault = DirectoryStore::new(folder.path()).list("").await.expect_err("a link is there");
    assert_eq!(fault.kind, FaultKind::Unsupported);
    assert!(fault.to_string().contains("link"), "{fault}");
}

/// `/dev/full` answers every write as a full disk does; a real one needs a mount.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_as_one() {
    use std::io::Write;
    let error = std::fs::File::create("/dev/full").and_then(|mut f| f.write_all(b"x")).expect_err("no space");
    let fault = plimsoll::base::Fault::io("write", "/backups/a", error);
    assert_eq!(fault.kind, FaultKind::Exhausted);
    assert!(fault.help.expect("help").contains("free space"));
}

/// Large files are written past the page cache in whole blocks, and their ends in the ordinary way: every length that is
/// near a block's or a buffer's must come back as it was, on a disk and in a file system that lives in memory.
#[tokio::test]
async fn a_file_of_any_length_comes_back_as_it_was_written() {
    let in_memory = std::path::Path::new("/dev/shm");
    let folders = [Some(tempfile::tempdir()), in_memory.is_dir().then(|| tempfile::tempdir_in(in_memory))];
    for folder in folders.into_iter().flatten() {
        let folder = folder.expect("a temporary folder");
        let store = DirectoryStore::new(folder.path());
        const BUFFER: usize = 4 << 20;
        for length in [0, 1, 4095, 4096, 4097, BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER + 4096, 2 * BUFFER + 12_345] {
            let bytes: Vec<u8> = (0..length).map(|at| (at * 31 + at / 4096) as u8).collect();
            let mut upload = store.upload("large").await.expect("begins");
            for piece in bytes.chunks(1_000_003) {
                upload.write(Bytes::copy_from_slice(piece)).await.expect("writes");
            }
            upload.finish().await.expect("finishes");
            assert!(store.get("large").await.expect("reads") == bytes, "{length} bytes in {}", folder.path().display());
        }
    }
}
