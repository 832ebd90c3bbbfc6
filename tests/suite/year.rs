//! A year in a few minutes: a clock turned by hand drives the real verbs, against a real server, over a store in a folder.
//! Nights fail and are killed, bytes rot, drills and prunings go on; and after each day a reader that knows nothing of the
//! engine goes through the folder and holds it against what the story did.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use bson::{Document, doc};
use chrono::{DateTime, Datelike, Utc};
use plimsoll::base::rng::Stream;
use plimsoll::base::{Compression, Instant, Keeping, Span};
use plimsoll::engine::backup::{self, BackupRequest};
use plimsoll::engine::drill::{self, DrillRequest, Practised};
use plimsoll::engine::dump::Wanted;
use plimsoll::engine::event::Silent;
use plimsoll::engine::expectation::Expectations;
use plimsoll::engine::plan::RestoreTo;
use plimsoll::engine::verify::{self, VerifyRequest};
use plimsoll::evidence::RunOutcome;
use plimsoll::mongo::{Source, Target, client};
use plimsoll::policy::Policy;
use plimsoll::port::{Clock, ObjectStore};
use plimsoll::repository::{Manifest, catalog};
use plimsoll::store::directory::DirectoryStore;

use super::displaced::Displaced;
use super::pruned::{self, Dated, Hand, Trouble, at, prune, sha256};
use super::servers::private_mongo;

/// Everything is read back once in so many days.
const PARTS: u64 = 7;
const DRILL_EVERY: i64 = 30;
/// From when nobody visible lists data until it is gone: a mark's grace of a day, and the daily pruning after it.
const LINGERS: i64 = 3;
/// The same of what a killed run left: silent for a day, it is marked, and so is, last of all, what says that it began.
const KILLED_LINGERS: i64 = 8;

/// What the reader found in the folder.
#[derive(Default)]
struct Found {
    /// Points by asset and id, with the keys that each lists.
    points: BTreeMap<(String, String), BTreeSet<String>>,
    /// Listed, and not as listed.
    bad: BTreeSet<String>,
    /// Data that no visible point lists.
    unlisted: BTreeSet<String>,
}

/// Goes through the folder file by file.
fn read(root: &Path) -> Found {
    let mut files = BTreeMap::new();
    walk(root, root, &mut files);
    let mut found = Found::default();
    let mut listed = BTreeSet::new();
    for (key, path) in files.iter().filter(|(key, _)| key.ends_with("/manifest.json")) {
        let told: serde_json::Value = serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("JSON");
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_string();
        let mut keys = BTreeSet::new();
        for object in told["objects"].as_array().expect("objects") {
            let of = text(&object["key"]);
            let path = files.get(&of).unwrap_or_else(|| panic!("{key} lists `{of}`, which is gone"));
            if sha256(&std::fs::read(path).expect("reads")) != text(&object["sha256"]) {
                found.bad.insert(of.clone());
            }
            keys.insert(of);
        }
        listed.extend(keys.iter().cloned());
        found.points.insert((text(&told["asset"]), text(&told["id"])), keys);
    }
    let is_data = |key: &String| key.starts_with("blobs/") || key.starts_with("snapshots/");
    let manifests: BTreeSet<String> = files.keys().filter(|key| key.ends_with("/manifest.json")).cloned().collect();
    let of_a_point = |key: &String| {
        let begun = key.strip_suffix("begun.json");
        manifests.contains(key) || begun.is_some_and(|folder| manifests.contains(&format!("{folder}manifest.json")))
    };
    found.unlisted =
        files.into_keys().filter(|key| is_data(key) && !of_a_point(key) && !listed.contains(key)).collect();
    found
}

fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => walk(root, &path, files),
            false => {
                let key = path.strip_prefix(root).expect("below").to_str().expect("a key").to_string();
                files.insert(key, path);
            }
        }
    }
}

/// A point that was made.
struct Made {
    asset: &'static str,
    id: String,
    at: Instant,
    /// None: the run was killed after it.
    documents: Option<u64>,
}

struct Year {
    folder: tempfile::TempDir,
    clock: Arc<Hand>,
    store: Arc<dyn ObjectStore>,
    trouble: Arc<Trouble>,
    chance: Stream,
    policy: Policy,
    client: mongodb::Client,
    source: Displaced,
    target: Target,
    files: BTreeMap<String, String>,
    made: Vec<Made>,
    /// Damaged objects, and the day of it.
    rotten: BTreeMap<String, i64>,
    found_rotten: BTreeSet<String>,
    unlisted_since: BTreeMap<String, i64>,
    failed: usize,
    killed: usize,
    /// Armed to break, and ended well: what broke was no part of the point.
    broke_unheard: usize,
    armed: bool,
    drills: (usize, usize),
    _servers: [plimsoll::lab::server::MongoServer; 2],
}

impl Year {
    async fn begin(seed: u64) -> Year {
        let (from, to) = tokio::join!(private_mongo(), private_mongo());
        let client = client::connect(&from.uri).await.expect("connects");
        let clock = Hand::at("2027-01-01T00:00:00Z");
        let folder = tempfile::tempdir().expect("a folder");
        let inner: Arc<dyn ObjectStore> = Arc::new(DirectoryStore::new(folder.path()));
        let trouble = Arc::new(Trouble::default());
        Year {
            store: Dated::in_trouble(inner, Arc::clone(&clock), Arc::clone(&trouble)),
            source: Displaced::new(Source::new(client.clone()), Arc::clone(&clock)),
            target: Target::new(client::connect(&to.uri).await.expect("connects")),
            policy: pruned::policy("keep = { weekly = 5, monthly = 6 }"),
            chance: Stream::new(seed, 0),
            files: BTreeMap::new(),
            made: vec![],
            rotten: BTreeMap::new(),
            found_rotten: BTreeSet::new(),
            unlisted_since: BTreeMap::new(),
            failed: 0,
            killed: 0,
            broke_unheard: 0,
            armed: false,
            drills: (0, 0),
            _servers: [from, to],
            folder,
            clock,
            trouble,
            client,
        }
    }

    /// The application's day: documents and files come, change and go.
    async fn live(&mut self, day: i64) {
        let things = self.client.database("shop").collection::<Document>("things");
        let new = (0..5).map(|n| doc! { "_id": day * 10 + n, "day": day, "text": "x".repeat(200) });
        things.insert_many(new).await.expect("inserts");
        things.update_many(doc! { "day": day - 1 }, doc! { "$set": { "seen": true } }).await.expect("updates");
        things.delete_many(doc! { "day": day - 40 }).await.expect("deletes");
        self.files.insert(format!("image-{day}"), format!("the image of day {day}"));
        self.files.insert("logo".to_string(), format!("the logo of week {}", day / 7));
        self.files.remove(&format!("image-{}", day - 60));
    }

    async fn night(&mut self, day: i64) {
        let request = BackupRequest {
            asset: "shop".to_string(),
            protection: Some("nightly".to_string()),
            wanted: Wanted { databases: vec!["shop".to_string()], ..Wanted::default() },
            with_log: false,
            expires_after: None,
            compression: Compression::default(),
            keeping: Keeping::default(),
        };
        self.misfortune(day);
        let run = backup::run(&self.source, Arc::clone(&self.store), self.clock.as_ref(), &Silent, &request);
        let ended = tokio::select! {
            ended = run => Some(ended),
            () = self.trouble.killed() => None,
        };
        let documents = self.client.database("shop").collection::<Document>("things").count_documents(doc! {}).await;
        self.ended("shop", ended, documents.expect("a count"));
        self.clock.turn(Span::hours(1));

        let files: Vec<(&str, &str)> = self.files.iter().map(|(key, body)| (key.as_str(), body.as_str())).collect();
        let count = files.len() as u64;
        self.armed = self.chance.uniform() < 0.1;
        let at = (self.chance.below(3) as i64, self.chance.uniform() < 0.5);
        self.trouble.arm(self.armed.then_some(at));
        let run = pruned::uploads(&self.store, self.clock.as_ref(), &files);
        let ended = tokio::select! {
            ended = run => Some(ended),
            () = self.trouble.killed() => None,
        };
        self.ended("uploads", ended, count);
    }

    /// Of ten nights one fails at some call, and one is killed there; in March five in a row fail.
    fn misfortune(&mut self, day: i64) {
        let (luck, call) = (self.chance.uniform(), self.chance.below(4) as i64);
        let kills = match luck {
            _ if (60..65).contains(&day) => Some(false),
            ..0.1 => Some(false),
            ..0.2 => Some(true),
            _ => None,
        };
        self.armed = kills.is_some();
        self.trouble.arm(kills.map(|kills| (call, kills)));
    }

    fn ended(&mut self, asset: &'static str, ended: Option<plimsoll::base::Result<Manifest>>, documents: u64) {
        self.trouble.arm(None);
        match ended {
            Some(Ok(manifest)) => {
                self.broke_unheard += usize::from(self.armed);
                let apart = (self.clock.now() - manifest.consistent_at).0.abs();
                assert!(apart <= Span::minutes(2).0, "consistent at {}", manifest.consistent_at);
                self.made.push(Made { asset, id: manifest.id, at: manifest.started_at, documents: Some(documents) });
            }
            Some(Err(_)) => self.failed += 1,
            None => self.killed += 1,
        }
    }

    /// Of fifty days one flips a bit of something that is kept.
    fn rot(&mut self, day: i64) {
        if self.chance.uniform() >= 0.02 && day != 20 {
            return;
        }
        let found = read(self.folder.path());
        // On the twentieth day a blob, which stands long enough to be found for sure.
        let may = |key: &&String| !self.rotten.contains_key(*key) && (day != 20 || key.starts_with("blobs/"));
        let kept: Vec<&String> = found.points.values().flatten().filter(may).collect();
        let key = kept[self.chance.below(kept.len() as u64) as usize].clone();
        let path = self.folder.path().join(&key);
        let mut body = std::fs::read(&path).expect("reads");
        let place = self.chance.below(body.len() as u64) as usize;
        body[place] ^= 1 << self.chance.below(8);
        std::fs::write(&path, body).expect("writes");
        self.rotten.insert(key, day);
    }

    async fn verify(&mut self) {
        let request = VerifyRequest { parts: PARTS, ..VerifyRequest::default() };
        let found = verify::run(Arc::clone(&self.store), self.clock.as_ref(), &Silent, &request).await;
        let bad: BTreeSet<String> = found.expect("a verdict").bad().map(|bad| bad.key.clone()).collect();
        assert!(bad.iter().all(|key| self.rotten.contains_key(key)), "{bad:?} are as they were written");
        self.found_rotten.extend(bad);
    }

    /// The newest point, or one of long ago; the story knows what must come of it.
    async fn drill(&mut self, day: i64) {
        let found = read(self.folder.path());
        let shop: Vec<&Made> = self.made.iter().filter(|made| made.asset == "shop" && found.has(made)).collect();
        let place = if day % 60 == 0 { shop.len() - 1 } else { self.chance.below(shop.len() as u64) as usize };
        let point = shop[place];
        let sound = found.points[&("shop".to_string(), point.id.clone())].is_disjoint(&found.bad);
        let what = Practised::Point(RestoreTo::Point(point.id.clone()));
        let expectations = Expectations::default();
        let request = DrillRequest { asset: "shop".to_string(), what, before: vec![], expectations };
        let drill = drill::run(Arc::clone(&self.store), &self.target, self.clock.as_ref(), &Silent, &request).await;
        let drill = drill.expect("recorded");
        assert_eq!(drill.passed(), sound, "{drill:#?}");
        if sound {
            assert!(point.documents.is_none_or(|documents| documents == drill.documents), "{drill:#?}");
            self.drills.0 += 1;
        } else {
            self.drills.1 += 1;
        }
    }

    /// What must be true after any day.
    fn judge(&mut self, day: i64) {
        let found = read(self.folder.path());
        assert!(found.bad.iter().all(|key| self.rotten.contains_key(key)), "{:?} rotted by themselves", found.bad);
        // What was brought again is right again.
        self.rotten.retain(|key, _| found.bad.contains(key));
        let late =
            self.rotten.iter().find(|(key, since)| day - **since > PARTS as i64 && !self.found_rotten.contains(*key));
        assert_eq!(late, None, "day {day}: nobody found it");
        self.note_killed(&found);
        self.promised(&found, day);
        self.unlisted_since.retain(|key, _| found.unlisted.contains(key));
        let ids: BTreeSet<&str> = self.made.iter().map(|made| made.id.as_str()).collect();
        let killed =
            |key: &String| key.starts_with("snapshots/") && key.split('/').nth(2).is_none_or(|id| !ids.contains(id));
        for key in found.unlisted {
            let longest = if killed(&key) { KILLED_LINGERS } else { LINGERS };
            let since = *self.unlisted_since.entry(key.clone()).or_insert(day);
            assert!(day - since <= longest, "day {day}: `{key}` is listed by nothing since day {since}");
        }
    }

    /// A run that was killed after its manifest has made a point too.
    fn note_killed(&mut self, found: &Found) {
        for (asset, id) in found.points.keys() {
            if self.made.iter().any(|made| made.id == *id) {
                continue;
            }
            let (day, time) = (&id[..8], &id[9..15]);
            let (year, month, day) = (&day[..4], &day[4..6], &day[6..]);
            let at = at(&format!("{year}-{month}-{day}T{}:{}:{}Z", &time[..2], &time[2..4], &time[4..]));
            let asset = if asset == "shop" { "shop" } else { "uploads" };
            self.made.push(Made { asset, id: id.clone(), at, documents: None });
        }
        self.made.sort_by_key(|made| made.at);
    }

    /// The policy's promises, by a calendar of the story's own: every sound point of the last five (three) days, the newest
    /// of each of five weeks and six months, and always the newest.
    fn promised(&self, found: &Found, day: i64) {
        for (asset, days, tiers) in [("shop", 5, true), ("uploads", 3, false)] {
            let made: Vec<&Made> = self.made.iter().filter(|made| made.asset == asset).collect();
            let Some(newest) = made.last() else { continue };
            assert!(found.has(newest), "day {day}: the newest of {asset} is gone");
            for made in &made {
                let kept = newest.at - made.at <= Span::days(days) - Span::hours(2);
                assert!(!kept || found.has(made), "day {day}: {} of {asset} is gone", made.id);
            }
            if !tiers || !self.found_rotten.is_empty() {
                continue;
            }
            for (many, of) in [(5, week as fn(Instant) -> (i32, u32)), (6, month)] {
                let mut newest: BTreeMap<(i32, u32), &Made> = BTreeMap::new();
                newest.extend(made.iter().map(|made| (of(made.at), *made)));
                for made in newest.values().rev().take(many) {
                    assert!(found.has(made), "day {day}: {}, the newest of its stretch, is gone", made.id);
                }
            }
        }
    }
}

impl Found {
    fn has(&self, made: &Made) -> bool {
        self.points.contains_key(&(made.asset.to_string(), made.id.clone()))
    }
}

fn utc(at: Instant) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.0).expect("a time")
}

fn week(at: Instant) -> (i32, u32) {
    let week = utc(at).iso_week();
    (week.year(), week.week())
}

fn month(at: Instant) -> (i32, u32) {
    (utc(at).year(), utc(at).month())
}

async fn lived(days: i64, seed: u64) -> Year {
    let mut year = Year::begin(seed).await;
    for day in 1..=days {
        year.clock.set(at("2027-01-01T03:00:00Z") + Span::days(day - 1));
        year.live(day).await;
        year.night(day).await;
        year.rot(day);
        year.clock.turn(Span::hours(2));
        year.verify().await;
        if day % DRILL_EVERY == 0 {
            year.drill(day).await;
        }
        year.clock.turn(Span::hours(6));
        prune(year.store.as_ref(), year.clock.as_ref(), &year.policy).await.expect("prunes");
        year.judge(day);
    }
    year
}

async fn adds_up(year: &Year, days: i64) {
    let evidence = catalog::read(year.store.as_ref(), year.clock.now()).await.expect("reads");
    assert!(evidence.unreadable.is_empty(), "{:?}", evidence.unreadable);
    let runs = |verb: &str, failed: bool| {
        let of = |run: &&plimsoll::evidence::Run| run.verb == verb && (run.outcome != RunOutcome::Done) == failed;
        evidence.runs.iter().filter(of).count()
    };
    // A run that is killed at its very end may have told of itself; and what breaks may be the telling.
    let (told, known) = (runs("backup", false) + runs("backup", true), 2 * days as usize - year.killed);
    assert!(told <= 2 * days as usize && told + year.broke_unheard >= known, "{told} runs are told, {known} ended");
    assert_eq!(evidence.drills.len(), year.drills.0 + year.drills.1);
    let told = format!(
        "{days} days: {} points made, {} runs failed, {} killed, {} rotten objects found, {} points left, {} drills passed and \
         {} failed as they must",
        year.made.len(),
        year.failed,
        year.killed,
        year.found_rotten.len(),
        evidence.points.len(),
        year.drills.0,
        year.drills.1
    );
    // A reader that closed the pipe is no fault.
    let _ = writeln!(std::io::stderr(), "{told}");
    assert!(year.failed > 0 && year.killed > 0 && !year.found_rotten.is_empty(), "too little went wrong: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_nights_that_fail_rot_and_are_killed_keeps_every_promise() {
    let year = lived(31, 1).await;
    adds_up(&year, 31).await;
}

/// The whole year takes minutes: `.ci/run` runs it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; .ci/run runs it"]
async fn a_year_of_nights_that_fail_rot_and_are_killed_keeps_every_promise() {
    let year = lived(365, 2).await;
    adds_up(&year, 365).await;
}
