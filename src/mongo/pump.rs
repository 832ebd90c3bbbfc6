//! From a driver's cursor to a flow of plain bytes, read ahead by a task of its own so that server and reader overlap.

use bson::spec::ElementType;
use bson::{RawBsonRef, RawDocumentBuf};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor};
use tokio::sync::mpsc;

use super::client::fault;
use crate::base::{Fault, Result};
use crate::port::Flow;

/// A reply of the server is up to 16 MB; it is handed on in pieces of about this size, cut between documents.
const PIECE: usize = 1 << 20;
/// Pieces that may wait for the reader.
const AHEAD: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The cursor ends when all was read.
    WhenRead,
    /// The cursor never ends by itself; that nothing came is told as an empty piece.
    Never,
}

/// Without the last message a task that died would look like the end of the data.
enum Message {
    Piece(Result<Bytes>),
    End,
}

enum State {
    /// Nothing is fetched, nor held in memory, before somebody reads.
    Waiting(Box<RawBatchCursor>),
    Running(mpsc::Receiver<Message>),
    Ended,
}

/// The documents of a cursor that is open already.
pub fn flow(cursor: RawBatchCursor, ends: Ends, what: String) -> Flow<Bytes> {
    let next = move |state: State| {
        let what = what.clone();
        async move {
            let mut pieces = match state {
                State::Waiting(cursor) => {
                    let (sender, receiver) = mpsc::channel(AHEAD);
                    tokio::spawn(pump(*cursor, ends, what.clone(), sender));
                    receiver
                }
                State::Running(receiver) => receiver,
                State::Ended => return None,
            };
            match pieces.recv().await {
                Some(Message::Piece(Ok(piece))) => Some((Ok(piece), State::Running(pieces))),
                Some(Message::Piece(Err(error))) => Some((Err(error), State::Ended)),
                Some(Message::End) => None,
                None => Some((Err(Fault::bug(format!("the reader of {what} stopped without a word"))), State::Ended)),
            }
        }
    };
    Box::pin(stream::unfold(State::Waiting(Box::new(cursor)), next))
}

async fn pump(mut cursor: RawBatchCursor, ends: Ends, what: String, to: mpsc::Sender<Message>) {
    let mut piece = Piece::default();
    loop {
        let batch = tokio::select! {
            // Nobody reads any more: dropping the cursor closes it on the server.
            () = to.closed() => return,
            batch = cursor.next() => batch,
        };
        let last = match batch {
            Some(Ok(batch)) => match piece.take(&batch, ends, &to).await {
                Ok(true) => continue,
                Ok(false) => return,
                Err(error) => Message::Piece(Err(error)),
            },
            Some(Err(error)) => Message::Piece(Err(fault(format!("cannot read {what}"), &error))),
            None if ends == Ends::Never => {
                Message::Piece(Err(Fault::unreachable(format!("the server closed the cursor on {what}"))))
            }
            None if piece.send(&to).await => Message::End,
            None => return,
        };
        // If the reader is gone, so is the need to tell it.
        let _ = to.send(last).await;
        return;
    }
}

/// Documents that are gathered to be handed on together.
#[derive(Default)]
struct Piece(Vec<u8>);

impl Piece {
    /// Takes a reply's documents, and hands on what is full; what is tailed is handed on at once. False if nobody reads
    /// any more.
    async fn take(&mut self, batch: &RawBatch, ends: Ends, to: &mpsc::Sender<Message>) -> Result<bool> {
        let mut sent = false;
        for document in Elements::of(batch.doc_slices().map_err(odd)?.as_bytes()) {
            let bytes = document?;
            if !self.0.is_empty() && self.0.len() + bytes.len() > PIECE {
                sent = true;
                if !self.send(to).await {
                    return Ok(false);
                }
            }
            if self.0.is_empty() {
                self.0.reserve_exact(PIECE.max(bytes.len()));
            }
            self.0.extend_from_slice(bytes);
        }
        match ends {
            Ends::Never if self.0.is_empty() && !sent => Ok(hand_on(Vec::new(), to).await),
            Ends::Never => Ok(self.send(to).await),
            Ends::WhenRead => Ok(true),
        }
    }

    /// Hands on what is there, if anything is. False if nobody reads any more.
    async fn send(&mut self, to: &mpsc::Sender<Message>) -> bool {
        self.0.is_empty() || hand_on(std::mem::take(&mut self.0), to).await
    }
}

/// The documents of a BSON array, as the bytes they are: only their lengths are looked at.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn of(array: &'a [u8]) -> Self {
        // Between the array's own length and its final zero.
        Elements(array.get(4..array.len().saturating_sub(1)).unwrap_or_default())
    }

    fn split(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (kind, named) = self.0.split_first()?;
        let key = named.iter().position(|byte| *byte == 0).filter(|_| *kind == ElementType::EmbeddedDocument as u8)?;
        let rest = named.get(key + 1..)?;
        let length = usize::try_from(i32::from_le_bytes(*rest.first_chunk::<4>()?)).ok()?;
        rest.split_at_checked(length)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = self.split();
        self.0 = split.map_or(&[], |(_, rest)| rest);
        let document = split.map(|(document, _)| document);
        Some(document.ok_or_else(|| Fault::corrupt("the server's reply holds something other than documents")))
    }
}

async fn hand_on(piece: Vec<u8>, to: &mpsc::Sender<Message>) -> bool {
    to.send(Message::Piece(Ok(piece.into()))).await.is_ok()
}

/// All documents of a short list, such as the collections of a database.
pub async fn gather(mut cursor: RawBatchCursor) -> mongodb::error::Result<Vec<RawDocumentBuf>> {
    let mut all = Vec::new();
    while let Some(batch) = cursor.next().await {
        for document in batch?.doc_slices()? {
            if let RawBsonRef::Document(document) = document? {
                all.push(document.to_owned());
            }
        }
    }
    Ok(all)
}

fn odd(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::corrupt("cannot read the server's reply").because(error)
}
