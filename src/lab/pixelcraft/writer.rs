//! PixelCraft's users at work: a few writers that insert, change and delete, in transactions too, and write down what
//! the server acknowledged. Each works on images of its own, so the order of changes of a document is that of its writer.

use std::sync::PoisonError;
use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};
use futures_util::TryStreamExt;
use mongodb::ClientSession;
use mongodb::error::{Error, ErrorKind};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::data::{self, Kind};
use super::ledger::{SharedLedger, Upload, op_time};
use super::step::{Deed, Step};
use super::{ACTIVITY, EDITS, IMAGES, PixelCraft, Size, USERS};
use crate::base::rng::Stream;
use crate::base::{Fault, Result};
use crate::mongo::client::fault;

/// Writers side by side: as many as keep the rate while each waits for its majority.
const WRITERS: u64 = 4;
/// Rows of the first day that a writer works on, of each kind; nobody touches the rest, as most of a site's rows.
const OWN: usize = 100;
/// Numbers of the images that a writer makes lie apart from those of all others.
const NEW_IMAGES: u64 = 1_000_000;

/// The writers, going on until they are told to stop.
#[derive(Debug)]
pub struct Writer {
    stop: watch::Sender<bool>,
    tasks: JoinSet<Result<Written>>,
}

/// What the writers did, all of it acknowledged but `refused`.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Written {
    pub operations: u64,
    pub transactions: u64,
    pub uploads: u64,
    /// Refused by the server, so not written: what users see once their database is gone.
    pub refused: u64,
}

impl Writer {
    /// Starts writing at that many operations a second, all writers together.
    pub async fn start(craft: &PixelCraft, size: &Size, ledger: &SharedLedger, per_second: u32) -> Result<Writer> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let pause = Duration::from_secs(1).saturating_mul(WRITERS as u32) / per_second.max(1);
        for number in 0..WRITERS {
            let hand = Hand::new(craft, size, ledger, number).await?;
            tasks.spawn(hand.work(pause, stopped.clone()));
        }
        Ok(Writer { stop, tasks })
    }

    /// Lets each writer end what it is doing. A writer that lost its server without an answer is a fault: nobody knows
    /// then whether its last write is there.
    pub async fn stop(mut self) -> Result<Written> {
        self.stop.send_replace(true);
        let mut all = Written::default();
        while let Some(ended) = self.tasks.join_next().await {
            let written = ended.map_err(|e| Fault::bug("a writer broke").because(e))??;
            all.operations += written.operations;
            all.transactions += written.transactions;
            all.uploads += written.uploads;
            all.refused += written.refused;
        }
        Ok(all)
    }
}

/// A writer that is cut off in a transaction leaves it open, and the server keeps its locks for a minute: each ends what
/// it is doing, also where nobody waits for it any more.
impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.tasks.detach_all();
    }
}

/// One writer, with the rows that are its own as it knows them.
struct Hand {
    craft: PixelCraft,
    ledger: SharedLedger,
    chance: Stream,
    users: Vec<Document>,
    images: Vec<Document>,
    edits: Vec<Document>,
    /// The next image that it makes.
    next: u64,
    written: Written,
}

impl Hand {
    async fn new(craft: &PixelCraft, size: &Size, ledger: &SharedLedger, number: u64) -> Result<Hand> {
        let own = |of: u64| (number..of).step_by(WRITERS as usize).take(OWN);
        let users = own(size.users).map(|n| Bson::from(data::user_id(craft.seed, n))).collect();
        let images = own(size.images).map(|n| Bson::from(data::image_id(n))).collect();
        Ok(Hand {
            users: read(craft, USERS, users).await?,
            images: read(craft, IMAGES, images).await?,
            edits: vec![],
            craft: craft.clone(),
            ledger: ledger.clone(),
            chance: data::stream(craft.seed, Kind::Writer, number),
            next: (number + 1) * NEW_IMAGES,
            written: Written::default(),
        })
    }

    async fn work(mut self, pause: Duration, stopped: watch::Receiver<bool>) -> Result<Written> {
        let client = self.craft.database.client().clone();
        let mut session = client.start_session().await.map_err(|e| fault("cannot begin a session", &e))?;
        let mut beat = tokio::time::interval(pause);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*stopped.borrow() {
            beat.tick().await;
            let steps = match self.chance.below(100) {
                0..8 => self.share_image().await?,
                8..38 => self.edit_image(),
                38..50 => self.undo_edit(),
                50..75 => self.change_image(),
                75..92 => self.visit(),
                92..96 => self.remove_image(),
                _ => vec![Step::insert(
                    ACTIVITY,
                    data::activity(&mut self.chance, "viewed", "gallery", self.craft.clock.now()),
                )],
            };
            self.carry_out(&mut session, steps).await?;
        }
        Ok(self.written)
    }

    /// Does the steps, in a transaction if there are several, and notes them once they are acknowledged.
    async fn carry_out(&mut self, session: &mut ClientSession, steps: Vec<Step>) -> Result<()> {
        let done = match self.send(session, &steps).await {
            Err(error) if was_refused(&error) => false,
            sent => sent.map_err(|e| fault("a writer lost its server in the middle of a write", &e))?,
        };
        if !done {
            self.written.refused += 1;
            return Ok(());
        }
        let at = session.operation_time().map(op_time);
        let at = at.ok_or_else(|| Fault::bug("a write was acknowledged without a cluster time"))?;
        self.written.operations += 1;
        self.written.transactions += u64::from(steps.len() > 1);
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let acked_at = self.craft.clock.now();
        for step in &steps {
            ledger.note(step.collection, step.id(), step.after(), at, acked_at)?;
        }
        drop(ledger);
        steps.into_iter().for_each(|step| self.remember(step));
        Ok(())
    }

    /// Whether all of it was done; what is done to a row that is no longer there is not.
    async fn send(&self, session: &mut ClientSession, steps: &[Step]) -> Result<bool, Error> {
        let together = steps.len() > 1;
        if together {
            session.start_transaction().await?;
        }
        for step in steps {
            let done = step.send(&self.craft, session).await;
            if !matches!(done, Ok(true)) {
                if together {
                    // The server forgets a transaction that nobody ends; its answer changes nothing.
                    let _ = session.abort_transaction().await;
                }
                return done;
            }
        }
        if together {
            session.commit_transaction().await?;
        }
        Ok(true)
    }

    /// Keeps its own rows as the server has them now.
    fn remember(&mut self, step: Step) {
        let rows = match step.collection {
            USERS => &mut self.users,
            IMAGES => &mut self.images,
            EDITS => &mut self.edits,
            _ => return,
        };
        let place = rows.iter().position(|row| row.get("_id") == step.row.get("_id"));
        match (place, step.deed) {
            (Some(place), Deed::Delete) => drop(rows.swap_remove(place)),
            (Some(place), _) => drop(rows.get_mut(place).map(|row| *row = step.row)),
            // It makes more than it needs to remember.
            (None, Deed::Insert) if rows.len() < 4 * OWN => rows.push(step.row),
            (None, _) => {}
        }
    }

    /// Uploads a picture, and only then makes the row that names it.
    async fn share_image(&mut self) -> Result<Vec<Step>> {
        let number = self.next;
        self.next += 1;
        let picture = data::picture(self.craft.seed, number);
        self.craft.uploads.put(&picture.key, picture.bytes.clone()).await?;
        let at = self.craft.clock.now();
        let upload = Upload { sha256: picture.sha256.clone(), bytes: picture.length, acked_at: at };
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).note_upload(picture.key.clone(), upload);
        self.written.uploads += 1;
        let owner = some(&mut self.chance, &self.users).and_then(|user| user.get_object_id("_id").ok());
        let owner = owner.unwrap_or_else(|| data::user_id(self.craft.seed, 0));
        Ok(vec![Step::insert(IMAGES, data::image(self.craft.seed, number, owner, &picture, at))])
    }

    /// A step of work on an image and the image's count of them: in one transaction, or the two could disagree.
    fn edit_image(&mut self) -> Vec<Step> {
        let Some(mut image) = some(&mut self.chance, &self.images).cloned() else { return self.visit() };
        let at = self.craft.clock.now();
        let id = image.get_str("_id").unwrap_or_default().to_string();
        // Steps are never numbered twice, also after one was undone.
        let edit = data::edit(self.craft.seed, &id, at.0.saturating_mul(1_000) + self.chance.below(1_000) as i64, at);
        let change = doc! { "$inc": { "edits": 1 }, "$set": { "updatedAt": DateTime::from_millis(at.0) } };
        image.insert("edits", image.get_i32("edits").unwrap_or(0).saturating_add(1));
        image.insert("updatedAt", DateTime::from_millis(at.0));
        vec![Step::insert(EDITS, edit), Step::update(IMAGES, change, image)]
    }

    /// Takes a step of work back, and the image's count with it if the image is still there.
    fn undo_edit(&mut self) -> Vec<Step> {
        let Some(edit) = some(&mut self.chance, &self.edits).cloned() else { return self.visit() };
        let id = edit.get_document("_id").and_then(|id| id.get_str("image")).unwrap_or_default();
        let image = self.images.iter().find(|image| image.get_str("_id").is_ok_and(|own| own == id)).cloned();
        let mut steps = vec![Step::delete(EDITS, edit)];
        if let Some(mut image) = image {
            image.insert("edits", image.get_i32("edits").unwrap_or(0).saturating_sub(1));
            steps.push(Step::update(IMAGES, doc! { "$inc": { "edits": -1 } }, image));
        }
        steps
    }

    /// Changes of all the shapes that an update can have in the oplog.
    fn change_image(&mut self) -> Vec<Step> {
        let Some(mut image) = some(&mut self.chance, &self.images).cloned() else { return self.visit() };
        let word = format!("no. {}", self.chance.below(1_000_000));
        let change = match self.chance.below(6) {
            0 => {
                image.insert("title", &word);
                doc! { "$set": { "title": word } }
            }
            1 => {
                let _ = image.get_array_mut("tags").map(|tags| tags.push(word.clone().into()));
                doc! { "$push": { "tags": word } }
            }
            2 => {
                let iso = 100 << self.chance.below(7) as i32;
                let _ = image.get_document_mut("exif").map(|exif| exif.insert("iso", iso));
                doc! { "$set": { "exif.iso": iso } }
            }
            3 if image.contains_key("caption") => {
                image.remove("caption");
                doc! { "$unset": { "caption": "" } }
            }
            3 => {
                image.insert("caption", &word);
                doc! { "$set": { "caption": word } }
            }
            4 => {
                image.insert("visibility", "private");
                return vec![Step { collection: IMAGES, deed: Deed::Replace, row: image }];
            }
            _ => {
                image.insert("likes", image.get_i32("likes").unwrap_or(0).saturating_add(1));
                doc! { "$inc": { "likes": 1 } }
            }
        };
        vec![Step::update(IMAGES, change, image)]
    }

    fn visit(&mut self) -> Vec<Step> {
        let at = self.craft.clock.now();
        let Some(mut user) = some(&mut self.chance, &self.users).cloned() else { return vec![] };
        user.insert("logins", user.get_i32("logins").unwrap_or(0).saturating_add(1));
        user.insert("lastSeenAt", DateTime::from_millis(at.0));
        let change = doc! { "$inc": { "logins": 1 }, "$set": { "lastSeenAt": DateTime::from_millis(at.0) } };
        vec![Step::update(USERS, change, user)]
    }

    /// The row goes; the object stays for those who have its address.
    fn remove_image(&mut self) -> Vec<Step> {
        match some(&mut self.chance, &self.images).cloned() {
            Some(image) => vec![Step::delete(IMAGES, image)],
            None => self.visit(),
        }
    }
}

fn some<'a>(chance: &mut Stream, rows: &'a [Document]) -> Option<&'a Document> {
    rows.get(chance.below(rows.len() as u64) as usize)
}

async fn read(craft: &PixelCraft, collection: &str, ids: Vec<Bson>) -> Result<Vec<Document>> {
    let cannot = |e: Error| fault(format!("cannot read `{collection}`"), &e);
    let rows = craft.database.collection(collection);
    let found = rows.find(doc! { "_id": { "$in": ids } }).await;
    found.map_err(cannot)?.try_collect().await.map_err(cannot)
}

/// The server answered that it did not do it; any other error leaves open whether it did.
fn was_refused(error: &Error) -> bool {
    use mongodb::error::WriteFailure::WriteError;
    matches!(*error.kind, ErrorKind::Command(_) | ErrorKind::Write(WriteError(_)))
}
