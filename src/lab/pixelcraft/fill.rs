//! Fills PixelCraft for its first day: collections, pictures and rows.

use bson::{Bson, Document};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::data::{self, Kind, Picture};
use super::ledger::{Ledger, Upload, op_time};
use super::{ACTIVITY, EDITS, IMAGES, PixelCraft, USERS, schema};
use crate::base::{Fault, FaultKind, Instant, Result, Span};
use crate::mongo::client::fault;

/// How much there is on the first day.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub users: u64,
    /// Images, each with an object among the uploads.
    pub images: u64,
    pub edits: u64,
    pub activity: u64,
}

impl Default for Size {
    fn default() -> Self {
        Size { users: 1_500, images: 2_500, edits: 30_000, activity: 30_000 }
    }
}

/// Uploads on their way at once.
const UPLOADS_AT_ONCE: usize = 16;
const BATCH: usize = 1_000;

/// Makes collections, pictures and rows. Fails if anything of that name is there already.
pub async fn fill(craft: &PixelCraft, size: &Size) -> Result<Ledger> {
    let mut ledger = Ledger::default();
    let began = craft.clock.now() - Span::days(90);
    schema::make(&craft.database).await?;
    let pictures = upload_pictures(craft, size.images, &mut ledger).await?;
    let rows = rows(craft.seed, size, &pictures, began);
    let mut session = craft.database.client().start_session().await.map_err(|e| fault("cannot begin a session", &e))?;
    for (name, mut documents) in rows {
        loop {
            let batch: Vec<Document> = documents.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let collection = craft.database.collection::<Document>(name);
            let inserted = collection.insert_many(&batch).session(&mut session).await;
            inserted.map_err(|e| fault(format!("cannot fill `{name}`"), &e))?;
            let at = session.operation_time().map(op_time).ok_or_else(|| {
                Fault::new(FaultKind::Unsupported, "the server gives no cluster times; is it a replica set?")
            })?;
            let acked_at = craft.clock.now();
            for document in &batch {
                ledger.note(name, document.get("_id").unwrap_or(&Bson::Null), Some(document), at, acked_at)?;
            }
        }
    }
    Ok(ledger)
}

/// Makes the pictures and uploads them many at once; their bytes are not kept.
async fn upload_pictures(craft: &PixelCraft, count: u64, ledger: &mut Ledger) -> Result<Vec<Picture>> {
    let uploads = stream::iter(0..count).map(|number| async move {
        let mut picture = data::picture(craft.seed, number);
        let bytes = std::mem::take(&mut picture.bytes);
        picture.length = bytes.len() as u64;
        craft.uploads.put(&picture.key, bytes).await?;
        Ok::<_, Fault>((picture, craft.clock.now()))
    });
    let done: Vec<_> = uploads.buffered(UPLOADS_AT_ONCE).try_collect().await?;
    for (picture, acked_at) in &done {
        let upload = Upload { sha256: picture.sha256.clone(), bytes: picture.length, acked_at: *acked_at };
        ledger.note_upload(picture.key.clone(), upload);
    }
    Ok(done.into_iter().map(|(picture, _)| picture).collect())
}

type Rows<'a> = Box<dyn Iterator<Item = Document> + Send + 'a>;

/// Made as they are asked for: all at once they would weigh more than all else together.
fn rows<'a>(seed: u64, size: &Size, pictures: &'a [Picture], began: Instant) -> [(&'static str, Rows<'a>); 4] {
    let at = move |n: u64| began + Span::minutes((n % 120_000) as i64);
    let mut chance = data::stream(seed, Kind::Writer, u64::MAX);
    let (users, images) = (size.users, pictures.len() as u64);
    let mut steps = vec![0; pictures.len()];
    let mut edits = Vec::new();
    for n in 0..size.edits {
        let image = chance.below(images);
        if let Some(step) = steps.get_mut(image as usize) {
            edits.push((n, image, *step));
            *step += 1;
        }
    }
    let mut owners = data::stream(seed, Kind::Writer, u64::MAX - 1);
    let image = move |(n, (picture, edits)): (u64, (&Picture, i32))| {
        let owner = data::user_id(seed, owners.below(users));
        let mut image = data::image(seed, n, owner, picture, at(n));
        image.insert("edits", edits);
        image
    };
    let edit = move |(n, image, step)| data::edit(seed, &data::image_id(image), i64::from(step), at(n));
    [
        (USERS, Box::new((0..users).map(move |n| data::user(seed, n, at(n))))),
        (IMAGES, Box::new((0..).zip(pictures.iter().zip(steps)).map(image))),
        (EDITS, Box::new(edits.into_iter().map(edit))),
        (
            ACTIVITY,
            Box::new((0..size.activity).map(move |n| data::activity(&mut chance, "viewed", &data::image_id(n), at(n)))),
        ),
    ]
}
