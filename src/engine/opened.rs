//! What was sealed, opened again: that an identity fits is found out before anything else is begun, and the contents come
//! as a stream that ends well only if the stored bytes were those of the manifest.

use std::collections::BTreeSet;
use std::io::Read;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;

use super::pieces::{Pieces, Trouble};
use super::unpack;
use crate::base::{Fault, Result};
use crate::port::{Flow, ObjectStore};
use crate::repository::ObjectEntry;
use crate::repository::sealed_name::is_sealed;
use crate::seal::{Head, Keys, Plain, Recipient};

/// What is handed on at once, and how much of that may wait.
const PIECE: usize = 1 << 18;
const AHEAD: usize = 2;
/// Objects whose heads are asked for at once.
const AT_ONCE: usize = 16;

/// Reads the head of every sealed object, and finds an identity that opens it. The recipients of those that did; empty
/// where nothing is sealed.
pub async fn by_each(store: &dyn ObjectStore, objects: &[ObjectEntry]) -> Result<BTreeSet<Recipient>> {
    let keys = &store.keys();
    let sealed = objects.iter().filter(|object| is_sealed(&object.key));
    let opened = stream::iter(sealed).map(|object| async move {
        let head = head(store, &object.key).await?;
        Ok::<_, Fault>(head.opened_by(keys, &object.key)?.recipient().clone())
    });
    let opened: Result<BTreeSet<Recipient>> = opened.buffer_unordered(AT_ONCE).try_collect().await;
    opened.map_err(|fault| match fault.help.clone() {
        Some(help) => fault.help(format!("nothing was touched; {help}")),
        None => fault,
    })
}

/// What a sealed object begins with; the rest of it is not read.
async fn head(store: &dyn ObjectStore, key: &str) -> Result<Head> {
    let mut flow = store.read(key).await?;
    let mut start = BytesMut::new();
    while let Some(piece) = flow.try_next().await? {
        start.extend_from_slice(&piece);
        if let Some(head) = Head::of(&start).map_err(|error| unpack::damaged(key, error))? {
            return Ok(head);
        }
    }
    Err(Fault::corrupt(format!("`{key}` ends before its age header does"))
        .help("restore another recovery point; this one was damaged after it was written"))
}

/// The contents of a sealed object, as a blocking reader.
pub fn reader<'p>(source: &'p mut Pieces, keys: &Keys) -> Result<Plain<&'p mut Pieces>> {
    let (key, trouble) = (source.key().to_string(), source.trouble());
    let head = Head::read(source).map_err(|error| explained(&trouble, &key, error))?;
    head.open(source, keys, &key)
}

/// What stands in an object, opened where it is sealed and packed as it was. The last item is an error if the stored bytes
/// are not those of `entry`.
pub async fn flow(store: &dyn ObjectStore, entry: &ObjectEntry) -> Result<Flow<Bytes>> {
    let source = Pieces::of(store, &entry.key).await?;
    let (pieces, receiver) = mpsc::channel(AHEAD);
    let (expected, keys) = (entry.clone(), store.keys());
    tokio::task::spawn_blocking(move || {
        if let Err(fault) = hand_on(source, &expected, &keys, &pieces) {
            // Nobody listens any more: nobody minds.
            let _ = pieces.blocking_send(Err(fault));
        }
    });
    Ok(Box::pin(stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|piece| (piece, receiver)))))
}

fn hand_on(mut source: Pieces, expected: &ObjectEntry, keys: &Keys, to: &mpsc::Sender<Result<Bytes>>) -> Result<()> {
    let trouble = source.trouble();
    let mut reader: Box<dyn Read + '_> = match is_sealed(&expected.key) {
        true => Box::new(reader(&mut source, keys)?),
        false => Box::new(&mut source),
    };
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = reader.by_ref().take(PIECE as u64).read_to_end(&mut piece);
        if read.map_err(|error| explained(&trouble, &expected.key, error))? == 0 {
            break;
        }
        if to.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
    }
    drop(reader);
    match source.finish()? == *expected {
        true => Ok(()),
        false => Err(unpack::other_bytes(&expected.key)),
    }
}

fn explained(trouble: &Trouble, key: &str, error: std::io::Error) -> Fault {
    trouble.explain(error, |error| unpack::damaged(key, error))
}
