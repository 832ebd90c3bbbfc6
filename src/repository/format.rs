//! `plimsoll.json`: what makes a store a repository, and the proof that the store decides races itself.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Key;
use crate::base::{Fault, FaultKind, Instant, Result};
use crate::port::Written;
use crate::port::{Clock, ObjectStore};

/// Version of the whole layout. A newer one is refused: half understood, it could be damaged.
const FORMAT: u32 = 1;

/// Not strict about further fields: a newer format must be recognised before it is refused.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: u32,
    id: String,
    created_at: Instant,
}

/// Opens the repository for writing; makes it if the store has none.
///
/// Whether one of two racing runs loses cleanly rests on the store refusing to overwrite. Some S3 gateways ignore the
/// condition and say yes to both, so the refusal is proven here; a store that is refused is left as it was.
pub async fn open(store: Arc<dyn ObjectStore>, clock: &dyn Clock) -> Result<()> {
    let key = Key::Format.to_string();
    let (body, is_new) = match read(store.as_ref()).await? {
        Some(body) => (body, false),
        None => {
            let fresh = fresh(clock.now())?;
            match store.put_new(&key, fresh.clone()).await? {
                Written::New => (fresh, true),
                // Another run made it just now.
                Written::Existed => (store.get(&key).await?, false),
            }
        }
    };
    check(&body, &store.address())?;
    // A line more than is there: so that a try whose answer was lost is not taken for the one that wrote it.
    match store.put_new(&key, Bytes::from([body.as_ref(), b"\n"].concat())).await? {
        Written::Existed => Ok(()),
        Written::New => Err(careless(store.as_ref(), (!is_new).then_some(body)).await),
    }
}

/// The fault of a store that overwrites, which is left as it was found.
async fn careless(store: &dyn ObjectStore, before: Option<Bytes>) -> Fault {
    let key = Key::Format.to_string();
    let put_back = match before {
        Some(body) => store.put(&key, body).await,
        None => store.delete(&key).await,
    };
    let left = match put_back {
        Ok(()) => String::new(),
        Err(_) => format!("; what was written to find that out, `{key}`, is still there"),
    };
    let what = format!("{} overwrote an object although it was told not to{left}", store.address());
    Fault::new(FaultKind::Unsupported, what).help(
        "it ignores If-None-Match, so two runs at once could destroy each other's recovery points; \
         use a server that honours conditional writes",
    )
}

/// Checks that the store holds a repository that this version reads; writes nothing.
pub async fn require(store: &dyn ObjectStore) -> Result<()> {
    match read(store).await? {
        Some(body) => check(&body, &store.address()),
        None => Err(Fault::missing(format!("there is no repository in {}", store.address()))
            .help("check the address; `plimsoll backup` makes a repository where there is none")),
    }
}

/// What tells this repository from every other.
pub async fn id(store: &dyn ObjectStore) -> Result<String> {
    require(store).await?;
    let body = store.get(&Key::Format.to_string()).await?;
    header(&body, &store.address()).map(|header| header.id)
}

async fn read(store: &dyn ObjectStore) -> Result<Option<Bytes>> {
    let key = Key::Format.to_string();
    match store.get(&key).await {
        Ok(body) => Ok(Some(body)),
        // A bucket that is missing is no empty repository; asked for a list, it says so.
        Err(fault) if fault.kind == FaultKind::Missing => match store.list(&key).await?.is_empty() {
            true => Ok(None),
            false => Err(fault),
        },
        Err(fault) => Err(fault),
    }
}

fn fresh(now: Instant) -> Result<Bytes> {
    // Keys of the standard hasher come from the operating system's random numbers.
    let random = || RandomState::new().hash_one(now);
    let header = Header { format: FORMAT, id: format!("{:016x}{:016x}", random(), random()), created_at: now };
    let text = serde_json::to_vec_pretty(&header);
    text.map(Bytes::from).map_err(|e| Fault::bug("cannot write the repository's header").because(e))
}

fn header(body: &[u8], address: &str) -> Result<Header> {
    serde_json::from_slice(body).map_err(|e| {
        Fault::corrupt(format!("cannot read `{}` in {address}", Key::Format))
            .because(e)
            .help("this is no repository, or the file was damaged; use another prefix, or put the file back")
    })
}

fn check(body: &[u8], address: &str) -> Result<()> {
    let header = header(body, address)?;
    if header.format > FORMAT {
        let what = format!("the repository in {address} has format {}; this version reads {FORMAT}", header.format);
        return Err(Fault::new(FaultKind::Unsupported, what).help("use the newer version of plimsoll that wrote it"));
    }
    Ok(())
}
