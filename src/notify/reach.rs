//! Which addresses may be reached: those outside. A name that means one inside could make a notice ask the metadata
//! service of a cloud, or a server that trusts whoever is near.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Address;
use crate::base::{Fault, FaultKind, Result};

/// All that a name means must be allowed: what is tried first is nobody's choice.
pub(super) fn check(address: &Address, found: &[SocketAddr], allow_private: bool) -> Result<()> {
    if found.is_empty() {
        return Err(Fault::unreachable(format!("{address} is nowhere")));
    }
    if let Some(inside) = found.iter().find(|to| !allow_private && !is_outside(to.ip())) {
        let what = format!("{address} is an address inside ({})", inside.ip());
        return Err(Fault::new(FaultKind::Denied, what)
            .help("nothing was sent; if it should be told there, say `allow_private = true` in the policy"));
    }
    if address.is_plain() && !found.iter().all(|to| is_this_host(to.ip())) {
        return Err(Fault::new(FaultKind::Denied, format!("{address} would be told without TLS"))
            .help("nothing was sent; name an address that begins with https://"));
    }
    Ok(())
}

fn is_this_host(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Whether an address is one of the public network.
pub fn is_outside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => v4_outside(ip),
        IpAddr::V6(ip) => v6_outside(ip),
    }
}

/// What IANA's registry of special addresses does not hold.
fn v4_outside(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, ..)
    );
    !special
}

fn v6_outside(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        v4_outside(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        // An address of version 4 in other clothes: mapped, or behind a translator.
        (0, 0) if [c, d, e, f] == [0, 0, 0, 0xffff] => inner(g, h),
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => inner(g, h),
        (0x2002, _) => inner(b, c),
        // Tunnels, benchmarks, and what documents are written with.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // All that is given out is below 2000::/3.
        _ => a & 0xe000 == 0x2000,
    }
}
