//! The signature by which a receiver knows that a notice is ours, and of now: `t=<seconds>,v1=<hexadecimal>`, the HMAC with
//! SHA-256 of `<seconds>.<body>`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::{Fault, Instant, Result};

/// Header that holds it.
pub const HEADER: &str = "X-Plimsoll-Signature";

pub fn signature(key: &[u8], at: Instant, body: &[u8]) -> Result<String> {
    let seconds = at.0.div_euclid(1000);
    let mac = Hmac::<Sha256>::new_from_slice(key);
    let mut mac = mac.map_err(|error| Fault::bug("cannot sign a notice").because(error))?;
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("t={seconds},v1={hex}"))
}
