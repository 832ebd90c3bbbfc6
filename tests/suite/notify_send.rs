//! Sending to a real server on loopback: what arrives, what is refused, and that the address is never shown.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant as Moment};

use async_trait::async_trait;
use plimsoll::base::{Fault, FaultKind, Instant};
use plimsoll::notify::{Address, HEADER, Message, Resolve, SystemResolver, Terms, is_outside, send, signature};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::webhook::{Answer, Webhook};

const SECRET: &str = "/services/T0/B0/geheim";

fn terms() -> Terms {
    Terms { allow_private: true, connect: Duration::from_secs(5), whole: Duration::from_secs(5) }
}

fn post<'a>(body: &str, key: Option<&'a [u8]>) -> Message<'a> {
    Message::Post { body: body.to_string(), key, at: Instant(1_800_000_000_123) }
}

fn to(server: &Webhook) -> Address {
    Address::parse(&server.url(SECRET)).unwrap()
}

/// What a person would see of it, and what a log would.
fn shown(fault: &Fault) -> String {
    format!("{} {fault:?}", plimsoll::engine::record::chain(fault))
}

/// HMAC by the text of RFC 2104, of nothing but a hash.
fn hmac(key: &[u8], text: &[u8]) -> String {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with).to_vec();
    let inner = Sha256::digest([pad(0x36), text.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn what_is_sent_arrives_as_json_with_a_signature_that_anybody_with_the_key_can_check() {
    let server = Webhook::new();
    send(&to(&server), post("{\"a\":\"ü\"}", Some(b"key")), terms(), &SystemResolver).await.unwrap();
    let [got] = server.got().try_into().expect("one request");
    assert_eq!(got.line, format!("POST {SECRET} HTTP/1.1"));
    assert_eq!(got.body, "{\"a\":\"ü\"}");
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert_eq!(got.header("host"), Some(server.at.to_string().as_str()));
    let expected = format!("t=1800000000,v1={}", hmac(b"key", "1800000000.{\"a\":\"ü\"}".as_bytes()));
    assert_eq!(got.header(HEADER), Some(expected.as_str()));
    send(&to(&server), post("{}", None), terms(), &SystemResolver).await.unwrap();
    assert_eq!(server.got()[1].header(HEADER), None, "without a key nothing is signed");
}

#[tokio::test]
async fn a_ping_asks_and_sends_nothing() {
    let server = Webhook::new();
    send(&to(&server), Message::Ping, terms(), &SystemResolver).await.unwrap();
    let [got] = server.got().try_into().expect("one request");
    assert_eq!((got.line, got.body), (format!("GET {SECRET} HTTP/1.1"), String::new()));
}

#[tokio::test]
async fn a_redirect_is_refused_and_never_followed() {
    let (server, elsewhere) = (Webhook::new(), Webhook::new());
    server.answer(Answer::RedirectTo(elsewhere.url("/stolen")));
    let fault = send(&to(&server), post("{}", None), terms(), &SystemResolver).await.unwrap_err();
    assert!(fault.to_string().contains("redirect") && !fault.retry_can_help(), "{}", shown(&fault));
    assert!(elsewhere.got().is_empty());
    assert!(!shown(&fault).contains("geheim") && !shown(&fault).contains("stolen"), "{}", shown(&fault));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time_and_one_that_answers_without_end_too() {
    let server = Webhook::new();
    for (answer, within) in [(Answer::Silent, 300), (Answer::Endless, 5_000)] {
        server.answer(answer);
        let terms = Terms { whole: Duration::from_millis(within), ..terms() };
        let since = Moment::now();
        let fault = send(&to(&server), post("{}", None), terms, &SystemResolver).await.unwrap_err();
        assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
        assert!(fault.retry_can_help() && !shown(&fault).contains("geheim"), "{}", shown(&fault));
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_a_fault_and_what_it_cannot_do_now_may_be_tried_again() {
    let server = Webhook::new();
    for (code, again) in [(400, false), (404, false), (410, false), (429, true), (500, true), (503, true)] {
        server.answer(Answer::Status(code));
        let fault = send(&to(&server), post("{}", None), terms(), &SystemResolver).await.unwrap_err();
        assert_eq!(fault.retry_can_help(), again, "{code}");
        assert!(fault.to_string().contains(&code.to_string()) && !shown(&fault).contains("geheim"));
    }
    server.answer(Answer::Status(204));
    send(&to(&server), post("{}", None), terms(), &SystemResolver).await.unwrap();
}

#[tokio::test]
async fn nobody_at_the_door_is_a_fault_that_does_not_show_the_address() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = Address::parse(&format!("http://{free}{SECRET}")).unwrap();
    let fault = send(&address, post("{}", None), terms(), &SystemResolver).await.unwrap_err();
    assert!(fault.retry_can_help() && shown(&fault).contains(&free.to_string()), "{}", shown(&fault));
    assert!(!shown(&fault).contains("geheim") && !format!("{address:?}").contains("geheim"));
}

/// A name that means what a story wants.
struct Means(Vec<SocketAddr>);

#[async_trait]
impl Resolve for Means {
    async fn resolve(&self, _: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(self.0.iter().map(|to| SocketAddr::new(to.ip(), port)).collect())
    }
}

#[tokio::test]
async fn a_name_that_means_an_address_inside_is_refused_before_anything_is_sent() {
    let server = Webhook::new();
    let address = Address::parse(&format!("https://hooks.example:{}{SECRET}", server.at.port())).unwrap();
    let inside =
        ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "169.254.169.254", "fd00::1", "fe80::1", "0.0.0.0"];
    for ip in inside {
        let outside: SocketAddr = "93.184.215.14:1".parse().unwrap();
        // One among those that are fine is enough.
        let means = Means(vec![outside, SocketAddr::new(ip.parse().unwrap(), 1)]);
        let terms = Terms { allow_private: false, ..terms() };
        let fault = send(&address, post("{}", None), terms, &means).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Denied, "{ip}: {}", shown(&fault));
        assert!(fault.to_string().contains("inside") && fault.help.as_ref().unwrap().contains("allow_private"));
    }
    assert!(server.got().is_empty());
}

#[tokio::test]
async fn plain_http_goes_to_this_host_alone() {
    let address = Address::parse(&format!("http://hooks.example{SECRET}")).unwrap();
    for ip in ["93.184.215.14", "10.0.0.1"] {
        let means = Means(vec![SocketAddr::new(ip.parse().unwrap(), 1)]);
        let fault = send(&address, post("{}", None), terms(), &means).await.unwrap_err();
        assert!(fault.to_string().contains("without TLS"), "{}", shown(&fault));
    }
}

#[test]
fn what_is_no_address_is_refused_without_being_shown() {
    for text in
        ["", "geheim", "ftp://host/geheim", "https:///geheim", "https://user:geheim@host/", "https://ho st/geheim"]
    {
        let fault = Address::parse(text).unwrap_err();
        assert!(!shown(&fault).contains("geheim"), "{text}: {}", shown(&fault));
    }
    assert_eq!(Address::parse("https://[2001:DB8::1]:8443/x?y=1").unwrap().to_string(), "https://[2001:db8::1]:8443");
}

#[test]
fn the_registry_of_special_addresses_is_kept_to() {
    let outside = [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "2606:4700::1111",
        "2a00::1",
        "64:ff9b::808:808",
        "::ffff:8.8.8.8",
        "2002:808:808::1",
    ];
    for ip in outside {
        assert!(is_outside(ip.parse().unwrap()), "{ip}");
    }
    let inside = [
        "0.0.0.0",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.1.2.3",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    for ip in inside {
        assert!(!is_outside(ip.parse().unwrap()), "{ip}");
    }
}

proptest! {
    #[test]
    fn an_address_of_version_4_is_judged_the_same_in_every_dress(bits in any::<u32>()) {
        let plain = std::net::Ipv4Addr::from(bits);
        let judged = is_outside(IpAddr::V4(plain));
        prop_assert_eq!(is_outside(IpAddr::V6(plain.to_ipv6_mapped())), judged);
        let [a, b] = [(bits >> 16) as u16, bits as u16];
        prop_assert_eq!(is_outside(IpAddr::V6(std::net::Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b))), judged);
        prop_assert_eq!(is_outside(IpAddr::V6(std::net::Ipv6Addr::new(0x2002, a, b, 0, 0, 0, 0, 1))), judged);
        // What the standard library knows to be inside is inside here too.
        let inside = plain.is_private() || plain.is_loopback() || plain.is_link_local() || plain.is_broadcast()
            || plain.is_documentation() || plain.is_unspecified() || plain.is_multicast();
        prop_assert!(!(inside && judged));
    }

    #[test]
    fn the_signature_is_that_of_the_standard(key in prop::collection::vec(any::<u8>(), 0..200), body in ".{0,200}") {
        let expected = format!("t=7,v1={}", hmac(&key, format!("7.{body}").as_bytes()));
        prop_assert_eq!(signature(&key, Instant(7_999), body.as_bytes()).unwrap(), expected);
    }
}

#[test]
fn the_hmac_of_the_tests_is_that_of_rfc_4231() {
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hmac(b"Jefe", b"what do ya want for nothing?"), expected);
}
