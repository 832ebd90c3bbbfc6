//! What S3 answers when things go wrong, and what becomes of it: rows 1, 2, 3, 21 and 22 of the failure modes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use plimsoll::base::{Fault, FaultKind};
use plimsoll::port::ObjectStore;
use plimsoll::port::Written;
use plimsoll::store::{self, S3Options};

use super::proxied::{Deed, Proxied};
use super::scripted::{Answer, Request, Scripted, answer};
use super::servers;

const MIB: usize = 1 << 20;

async fn open(endpoint: &str, secret: &str) -> Arc<dyn ObjectStore> {
    let credentials = Some(("access".to_string(), secret.to_string()));
    let options = S3Options { endpoint: Some(endpoint.to_string()), region: None, credentials };
    store::open("s3://bucket/p", &options).await.expect("opens")
}

async fn real(bucket: &str) -> Arc<dyn ObjectStore> {
    let server = servers::s3().await;
    let credentials = Some((server.access_key.clone(), server.secret_key.clone()));
    let options = S3Options { endpoint: Some(server.endpoint.clone()), region: None, credentials };
    store::open(&format!("s3://{bucket}"), &options).await.expect("opens")
}

/// The fault with everything that is shown of it.
fn shown(fault: &Fault) -> String {
    let mut text = format!("{fault} | {}", fault.help.as_deref().unwrap_or_default());
    let mut source = std::error::Error::source(fault);
    while let Some(error) = source {
        text.push_str(&format!(" | {error}"));
        source = error.source();
    }
    text
}

fn begun() -> Answer {
    answer(
        200,
        "<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>p/k</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
    )
}

/// A server that takes every part; what it says to joining them, and of their length, is the test's.
fn joins(said: Answer, bytes_stored: usize) -> impl Fn(&Request) -> Answer + Send + Sync {
    move |request| match (request.method.as_str(), request.target.contains("uploadId=")) {
        ("POST", false) => begun(),
        ("POST", true) => said.clone(),
        ("PUT", _) => answer(200, "").with("etag", "\"part\""),
        ("HEAD", _) => Answer { status: 200, says_length: Some(bytes_stored), ..Answer::default() },
        _ => answer(204, ""),
    }
}

async fn send(store: &dyn ObjectStore, bytes: usize) -> Result<(), Fault> {
    let mut upload = store.upload("k").await.expect("begins");
    for _ in 0..bytes / MIB {
        upload.write(Bytes::from(vec![7; MIB])).await?;
    }
    upload.finish().await
}

fn joined() -> Answer {
    answer(200, "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>")
}

#[tokio::test]
async fn an_answer_of_200_to_joining_that_is_no_success_is_none() {
    let cut = "<CompleteMultipartUploadResult><Location>http://x</Loc";
    let said = [
        "<Error><Code>InternalError</Code><Message>We encountered an internal error</Message></Error>",
        "",
        "<html><body>Welcome to the proxy</body></html>",
        cut,
        "<CompleteMultipartUploadResult><Bucket>bucket</Bucket></CompleteMultipartUploadResult>",
    ];
    for said in said {
        let server = Scripted::start(joins(answer(200, said), 20 * MIB)).await;
        let fault = send(open(&server.endpoint, "s").await.as_ref(), 20 * MIB).await.expect_err(said);
        assert_eq!(fault.kind, FaultKind::Unreachable, "{said}: {}", shown(&fault));
        assert!(server.count("POST", "uploadId=") > 1, "{said}: asked again");
        assert_eq!(server.count("DELETE", "uploadId="), 1, "{said}: the parts were taken back");
    }
}

#[tokio::test]
async fn bytes_that_the_server_lost_are_noticed_after_joining() {
    let server = Scripted::start(joins(joined(), 20 * MIB - 1)).await;
    let fault = send(open(&server.endpoint, "s").await.as_ref(), 20 * MIB).await.expect_err("a byte is missing");
    assert_eq!(fault.kind, FaultKind::Corrupt, "{}", shown(&fault));
    let server = Scripted::start(joins(joined(), 20 * MIB)).await;
    send(open(&server.endpoint, "s").await.as_ref(), 20 * MIB).await.expect("all there");
    assert_eq!(server.count("PUT", "partNumber="), 3);
}

#[tokio::test]
async fn one_failed_part_fails_the_upload_whichever_it_is() {
    for failing in [1, 3, 5] {
        let good = joins(joined(), 36 * MIB);
        let server = Scripted::start(move |request| match request.target.contains(&format!("partNumber={failing}&")) {
            true => answer(400, "<Error><Code>BadDigest</Code><Message>changed on the way</Message></Error>"),
            false => good(request),
        })
        .await;
        let fault = send(open(&server.endpoint, "s").await.as_ref(), 36 * MIB).await.expect_err("a part is missing");
        assert_eq!(fault.kind, FaultKind::Corrupt, "{}", shown(&fault));
        assert_eq!(server.count("POST", "uploadId="), 0, "never joined");
    }
}

/// Gives the object's bytes from the start that is asked for, but no more than `most` at a time.
fn gives(body: &'static [u8], most: usize) -> impl Fn(&Request) -> Answer + Send + Sync {
    move |request| {
        let from = request.header("range").and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let rest = &body[from.unwrap_or(0)..];
        let said = Answer {
            status: if from.is_some() { 206 } else { 200 },
            body: rest[..most.min(rest.len())].to_vec(),
            says_length: Some(rest.len()),
            ..Answer::default()
        };
        let range = format!("bytes {}-{}/{}", from.unwrap_or(0), body.len() - 1, body.len());
        let said = said.with("etag", "\"e\"");
        if from.is_some() { said.with("content-range", &range) } else { said }
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_asked_for_again_from_there() {
    let server = Scripted::start(gives(b"0123456789", 4)).await;
    let body = open(&server.endpoint, "s").await.get("k").await.expect("whole in the end");
    assert_eq!(body, "0123456789");
    let ranges: Vec<_> = server.seen().iter().map(|r| r.header("range").map(String::from)).collect();
    assert_eq!(ranges, [None, Some("bytes=4-".to_string()), Some("bytes=8-".to_string())]);
    assert!(server.seen().iter().skip(1).all(|r| r.header("if-match") == Some("\"e\"")), "of the same version");
}

#[tokio::test]
async fn a_body_that_never_comes_whole_is_an_error_not_a_short_read() {
    let given = gives(b"0123456789", 4);
    let server = Scripted::start(move |request| match request.header("range") {
        Some(_) => Answer { body: vec![], ..given(request) },
        None => given(request),
    })
    .await;
    let fault = open(&server.endpoint, "s").await.get("k").await.expect_err("six bytes never come");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.to_string().contains("4 of 10 bytes"), "{}", shown(&fault));
}

#[tokio::test]
async fn a_listing_that_says_it_goes_on_and_does_not_is_an_error() {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>p/a</Key><Size>1</Size></Contents>";
    for next in ["", "<NextContinuationToken>same</NextContinuationToken>"] {
        let page = format!("{page}{next}</ListBucketResult>");
        let server = Scripted::start(move |_| answer(200, &page)).await;
        let fault = open(&server.endpoint, "s").await.list("").await.expect_err("not whole");
        assert_eq!(fault.kind, FaultKind::Corrupt, "{}", shown(&fault));
    }
}

#[tokio::test]
async fn a_listing_that_repeats_itself_from_page_to_page_names_each_object_and_version_once() {
    let objects = |keys: [&str; 2], rest: &str| {
        let entries = keys.map(|key| format!("<Contents><Key>p/{key}</Key><Size>1</Size></Contents>")).concat();
        answer(200, &format!("<ListBucketResult>{entries}{rest}</ListBucketResult>"))
    };
    let versions = |ids: [&str; 2], rest: &str| {
        let entry = |id: &str| {
            format!(
                "<Version><Key>p/a</Key><VersionId>{id}</VersionId><IsLatest>false</IsLatest><Size>1</Size></Version>"
            )
        };
        answer(200, &format!("<ListVersionsResult>{}{rest}</ListVersionsResult>", ids.map(entry).concat()))
    };
    let server = Scripted::start(move |request| match request.target.as_str() {
        target if target.contains("versioning") => {
            answer(200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
        }
        target if target.contains("key-marker") => versions(["2", "3"], ""),
        target if target.contains("versions") => {
            versions(["1", "2"], "<IsTruncated>true</IsTruncated><NextKeyMarker>p/a</NextKeyMarker>")
        }
        target if target.contains("continuation-token") => objects(["b", "c"], ""),
        _ => objects(["a", "b"], "<IsTruncated>true</IsTruncated><NextContinuationToken>n</NextContinuationToken>"),
    })
    .await;
    let store = open(&server.endpoint, "s").await;
    let listed: Vec<String> = store.list("").await.expect("lists").into_iter().map(|o| o.key).collect();
    assert_eq!(listed, ["a", "b", "c"]);
    let listed = store.versions("").await.expect("lists").expect("keeps versions");
    assert_eq!(listed.into_iter().map(|version| version.id).collect::<Vec<_>>(), ["1", "2", "3"]);
}

/// The first try writes, but its answer is lost; the second finds what the first wrote.
#[tokio::test]
async fn a_conditional_write_whose_answer_was_lost_is_still_new() {
    for (stored, expected) in [("mine", Written::New), ("theirs", Written::Existed)] {
        let tries = AtomicUsize::new(0);
        let server = Scripted::start(move |request| match request.method.as_str() {
            "PUT" if tries.fetch_add(1, Ordering::Relaxed) == 0 => answer(500, ""),
            "PUT" => answer(412, "<Error><Code>PreconditionFailed</Code></Error>"),
            _ => answer(200, stored),
        })
        .await;
        let written = open(&server.endpoint, "s").await.put_new("k", Bytes::from_static(b"mine")).await;
        assert_eq!(written.expect("an answer"), expected, "{stored}");
        assert!(server.seen().iter().filter(|r| r.method == "PUT").all(|r| r.header("if-none-match") == Some("*")));
    }
}

#[tokio::test]
async fn a_small_upload_is_one_request() {
    let server = Scripted::start(|_| answer(200, "").with("etag", "\"e\"")).await;
    send(open(&server.endpoint, "s").await.as_ref(), 3 * MIB).await.expect("sent");
    let [request] = server.seen().try_into().expect("one request");
    assert_eq!((request.method.as_str(), request.body.len()), ("PUT", 3 * MIB));
}

#[tokio::test]
async fn a_full_server_is_told_as_one() {
    let server = Scripted::start(|_| answer(507, "<Error><Code>InsufficientStorage</Code></Error>")).await;
    let fault = open(&server.endpoint, "s").await.put("k", Bytes::new()).await.expect_err("no space");
    assert_eq!(fault.kind, FaultKind::Exhausted, "{}", shown(&fault));
}

#[tokio::test]
async fn a_dead_endpoint_is_unreachable_with_its_address_and_soon() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let since = Instant::now();
    let fault = open(&format!("http://{free}"), "s").await.list("").await.expect_err("nobody is there");
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(shown(&fault).contains(&free.to_string()), "{}", shown(&fault));
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_takes_no_connection_is_unreachable_within_ten_seconds() {
    // A listener whose queue is full drops what comes, as a host that is off does.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("listens");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(tokio::spawn(tokio::net::TcpStream::connect(address)));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let since = Instant::now();
    let fault = open(&format!("http://{address}"), "s").await.head("k").await.expect_err("nobody answers");
    assert_eq!(fault.kind, FaultKind::Unreachable, "{}", shown(&fault));
    assert!(shown(&fault).contains(&address.to_string()), "{}", shown(&fault));
    assert!(since.elapsed() < Duration::from_secs(12), "{:?}", since.elapsed());
}

#[tokio::test]
async fn wrong_credentials_are_denied_and_the_secret_is_in_no_message() {
    let server = servers::s3().await;
    for access in [server.access_key.as_str(), "nobody"] {
        let credentials = Some((access.to_string(), "a-wrong-secret".to_string()));
        let options = S3Options { endpoint: Some(server.endpoint.clone()), region: None, credentials };
        assert!(!format!("{options:?}").contains("a-wrong-secret"));
        let store = store::open("s3://whatever", &options).await.expect("opens");
        assert!(!format!("{store:?}").contains("a-wrong-secret"));
        let fault = store.list("").await.expect_err("wrong");
        assert_eq!(fault.kind, FaultKind::Denied, "{}", shown(&fault));
        assert!(shown(&fault).contains("AWS_ACCESS_KEY_ID"), "{}", shown(&fault));
        assert!(!shown(&fault).contains("a-wrong-secret"), "{}", shown(&fault));
    }
}

#[tokio::test]
async fn a_missing_bucket_is_named_with_what_to_do() {
    let store = real("there-is-no-such-bucket").await;
    let faults = [
        store.list("").await.expect_err("list"),
        store.get("k").await.expect_err("get"),
        plimsoll::repository::require(store.as_ref()).await.expect_err("require"),
    ];
    for fault in faults {
        assert_eq!(fault.kind, FaultKind::Missing, "{}", shown(&fault));
        assert!(fault.to_string().contains("the bucket `there-is-no-such-bucket` does not exist"), "{}", shown(&fault));
        assert!(fault.help.is_some());
    }
}

#[tokio::test]
async fn a_listing_of_many_pages_is_whole() {
    let store = real(&servers::bucket("pages").await).await;
    let keys: Vec<String> = (0..1100).map(|i| format!("k/{i:04}")).collect();
    for some in keys.chunks(50) {
        let puts = some.iter().map(|key| store.put(key, Bytes::from_static(b"x")));
        futures_util::future::try_join_all(puts).await.expect("put");
    }
    let listed: Vec<String> = store.list("").await.expect("list").into_iter().map(|o| o.key).collect();
    assert_eq!(listed, keys);
}

/// A byte of a part that is flipped between here and the server: the server must refuse it. Which servers do not is told
/// in `second_s3`, with what becomes of it.
#[tokio::test]
async fn a_part_that_changed_on_its_way_is_refused() {
    let server = servers::s3().await;
    let bucket = servers::bucket("flipped").await;
    let through = Proxied::start(&server.options(), flipped).await;
    let store = store::open(&format!("s3://{bucket}"), &through.options).await.expect("opens");
    let fault = send(store.as_ref(), 20 * MIB).await.expect_err("changed bytes");
    assert!(matches!(fault.kind, FaultKind::Corrupt | FaultKind::Denied), "{}", shown(&fault));
    assert_eq!(real(&bucket).await.list("").await.expect("list"), []);
}

/// What has a body arrives with one bit of its middle turned.
pub fn flipped(request: &Request) -> Deed {
    let mut request = request.clone();
    let middle = request.body.len() / 2;
    match request.body.get_mut(middle) {
        Some(byte) if request.method == "PUT" => *byte ^= 1,
        _ => return Deed::Pass,
    }
    Deed::PassInstead(request)
}
