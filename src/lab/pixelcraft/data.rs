//! What PixelCraft's rows and pictures look like: all of it follows from the seed.

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::base::Instant;
use crate::base::rng::Stream;

const FIRST: [&str; 16] = [
    "Ada",
    "Bilal",
    "Chloé",
    "Dmitri",
    "Esi",
    "Fatima",
    "Goran",
    "Hana",
    "Iker",
    "Jūratė",
    "Kofi",
    "Lucía",
    "Mei",
    "Nils",
    "Oluwaseun",
    "Priya",
];
const LAST: [&str; 16] = [
    "Abebe", "Bauer", "Castro", "Dubois", "Eriksen", "Fischer", "García", "Hoang", "Ivanova", "Jansen", "Kaya",
    "López", "Müller", "Nakamura", "Okafor", "Petrov",
];
const PLANS: [&str; 4] = ["free", "free", "pro", "team"];
const CAMERAS: [&str; 5] = ["X-T5", "α7 IV", "Z 8", "EOS R6", "Pixel 9"];
const TAGS: [&str; 12] =
    ["sea", "street", "portrait", "night", "macro", "forest", "food", "sky", "bird", "city", "snow", "black & white"];
const TOOLS: [&str; 6] = ["crop", "exposure", "curves", "heal", "denoise", "grade"];

/// Streams of one seed that must not meet: one for each kind of thing.
#[derive(Clone, Copy)]
pub enum Kind {
    User = 1,
    Image = 2,
    Edit = 3,
    Object = 4,
    Writer = 5,
}

pub fn stream(seed: u64, kind: Kind, number: u64) -> Stream {
    Stream::new(seed ^ ((kind as u64) << 56), number)
}

pub fn pick<'a>(stream: &mut Stream, from: &[&'a str]) -> &'a str {
    let at = stream.below(from.len() as u64) as usize;
    from.get(at).copied().unwrap_or_default()
}

fn date(at: Instant) -> Bson {
    DateTime::from_millis(at.0).into()
}

/// The user of that number; the id is of the kind that drivers make, but from the seed.
pub fn user(seed: u64, number: u64, at: Instant) -> Document {
    let mut s = stream(seed, Kind::User, number);
    let (first, last) = (pick(&mut s, &FIRST), pick(&mut s, &LAST));
    doc! {
        "_id": user_id(seed, number),
        "email": format!("{}.{}{number}@example.org", first.to_lowercase(), last.to_lowercase()),
        "name": { "first": first, "last": last },
        "plan": pick(&mut s, &PLANS),
        "locale": "en",
        "logins": s.below(400) as i32,
        "storedBytes": s.below(5_000_000_000) as i64,
        "score": s.uniform(),
        "settings": { "theme": "dark", "newsletter": s.below(2) == 0, "quota": Bson::Null },
        "createdAt": date(at),
        "lastSeenAt": date(at),
    }
}

pub fn user_id(seed: u64, number: u64) -> ObjectId {
    let mut bytes = [0; 12];
    let random = stream(seed, Kind::User, !number).next_u64().to_be_bytes();
    bytes.iter_mut().zip(random.iter().chain(&(number as u32).to_be_bytes())).for_each(|(to, from)| *to = *from);
    ObjectId::from_bytes(bytes)
}

pub fn image_id(number: u64) -> String {
    format!("img-{number:07}")
}

/// The row of an image whose picture has those bytes.
pub fn image(seed: u64, number: u64, owner: ObjectId, picture: &Picture, at: Instant) -> Document {
    let mut s = stream(seed, Kind::Image, number);
    let tags: Vec<&str> = (0..s.below(5)).map(|_| pick(&mut s, &TAGS)).collect();
    doc! {
        "_id": image_id(number),
        "owner": owner,
        "title": format!("{} at {}", pick(&mut s, &TAGS), pick(&mut s, &LAST)),
        "object": { "key": &picture.key, "bytes": picture.length as i64, "sha256": &picture.sha256 },
        "visibility": if s.below(3) == 0 { "private" } else { "public" },
        "tags": tags,
        "likes": s.below(900) as i32,
        "edits": 0,
        "exif": {
            "camera": pick(&mut s, &CAMERAS),
            "iso": 100 << s.below(7) as i32,
            "aperture": 1.4 + s.below(12) as f64 * 0.7,
            "position": [s.uniform() * 360.0 - 180.0, s.uniform() * 170.0 - 85.0],
            "taken": date(at),
        },
        "createdAt": date(at),
        "updatedAt": date(at),
    }
}

/// One step of work on an image; its id is a document.
pub fn edit(seed: u64, image: &str, step: i64, at: Instant) -> Document {
    let mut s = stream(seed, Kind::Edit, at.0 as u64 ^ (step as u64) << 48);
    let values: Vec<f64> = (0..s.below(8)).map(|_| s.normal()).collect();
    doc! {
        "_id": { "image": image, "step": step },
        "tool": pick(&mut s, &TOOLS),
        "values": values,
        "mask": bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: noise(&mut s, 24) },
        "at": date(at),
    }
}

/// One line of the log.
pub fn activity(stream: &mut Stream, what: &str, of: &str, at: Instant) -> Document {
    doc! { "_id": uuid(stream), "what": what, "of": of, "at": date(at) }
}

fn uuid(stream: &mut Stream) -> bson::Uuid {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(noise(stream, 16)).for_each(|(to, from)| *to = from);
    bson::Uuid::from_bytes(bytes)
}

/// An uploaded picture, as big and as incompressible as small pictures are.
pub struct Picture {
    pub key: String,
    pub bytes: Bytes,
    pub length: u64,
    pub sha256: String,
}

pub fn picture(seed: u64, number: u64) -> Picture {
    let mut s = stream(seed, Kind::Object, number);
    // Between 1 and 60 kB, most of them small.
    let length = 1_000 + (59_000.0 * s.uniform().powi(3)) as usize;
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xE0];
    bytes.extend(noise(&mut s, length));
    let sha256 = crate::engine::content::hex(&Sha256::digest(&bytes));
    let key = format!("originals/{:02x}/{number:07}.jpg", number % 256);
    Picture { key, length: bytes.len() as u64, bytes: bytes.into(), sha256 }
}

fn noise(stream: &mut Stream, length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| stream.next_u64().to_le_bytes()).collect();
    bytes.truncate(length);
    bytes
}
