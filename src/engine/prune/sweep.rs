//! The second phase: the data of what was marked long enough ago. Each object is held against everything that is there by
//! now; what the store will not give up is marked anew.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tokio::time::Instant as Moment;

use super::live::Live;
use super::marks::{self, Now, Pruning};
use crate::base::{Fault, FaultKind, Instant, Result, Span};
use crate::engine::event::Unit;
use crate::engine::{Event, Listener, points, record};
use crate::port::{Clock, ObjectStore, Written};
use crate::repository::manifest::FORMAT;
use crate::repository::prune::{End, Marked, Record, Verdict};
use crate::repository::{Key, Mark, PruneStep, SliceHeader, SnapshotName};

const PHASE: &str = "sweep";
const AT_ONCE: usize = 8;
/// A sweep that takes longer ends, and the next goes on: nobody may come back after hours, from a sleep of its machine,
/// and remove what was brought again meanwhile.
const LONGEST: Duration = Duration::from_secs(3 * 3600);
/// One that was silent for so long was killed.
const KILLED_AFTER: Span = Span::hours(6);

/// A mark whose data is still there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Due {
    pub id: String,
    pub marked_at: Instant,
    pub objects: usize,
    pub bytes: u64,
    /// When its grace is over.
    pub from: Instant,
    pub is_due: bool,
}

impl Due {
    pub fn of(pruning: &Pruning, now: Now) -> Due {
        let mark = &pruning.mark;
        Due {
            id: mark.id.clone(),
            marked_at: mark.marked_at,
            objects: mark.objects.len(),
            bytes: mark.objects.iter().map(|object| object.bytes).fold(0, u64::saturating_add),
            from: mark.marked_at + mark.grace,
            is_due: pruning.is_due(now),
        }
    }
}

/// What became of the marks that were due.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Swept {
    pub removed: u64,
    pub bytes: u64,
    /// Objects that something lists by now.
    pub spared: u64,
    /// Objects that the store would not remove, and why.
    pub left: Vec<(String, String)>,
}

pub(super) struct Sweep<'a> {
    pub store: &'a dyn ObjectStore,
    pub clock: &'a dyn Clock,
    pub listener: &'a dyn Listener,
    /// The run that sweeps.
    pub by: &'a str,
    pub now: Now,
    pub since: Moment,
}

impl Sweep<'_> {
    pub async fn run(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        let prunings = marks::read(self.store).await?;
        let due: Vec<Pruning> = prunings.into_iter().filter(|pruning| pruning.is_due(self.now)).collect();
        if due.is_empty() {
            return Ok(swept);
        }
        // Before anything is decided, so that what cannot be swept stays anybody's to take back.
        must_be_known(&Live::look(self.store, self.clock.now()).await?)?;
        let mut taken = Vec::new();
        for pruning in due {
            if let Some(verdict) = self.take(&pruning).await? {
                taken.push((pruning.mark, verdict));
            }
        }
        // And again: whoever made something wanted before its fate was decided is seen here, whoever does so after it
        // finds the fate.
        let live = Live::look(self.store, self.clock.now()).await?;
        must_be_known(&live)?;
        let younger = live.prunings.iter().filter(|other| !other.is_over && !other.is_due(self.now));
        let younger = younger.flat_map(|other| &other.mark.objects).map(|object| object.key.as_str());
        let listed = live.manifests.iter().flat_map(|manifest| &manifest.objects).map(|object| object.key.as_str());
        let slices = live.slices.iter().map(|(name, header)| header.data(name).to_string()).collect::<Vec<_>>();
        let wanted: BTreeSet<&str> = listed.chain(younger).chain(slices.iter().map(String::as_str)).collect();
        for (mark, verdict) in taken {
            self.one(&mark, verdict, &wanted, &mut swept).await?;
        }
        Ok(swept)
    }

    /// Whether the mark is this run's to end, and how.
    async fn take(&self, pruning: &Pruning) -> Result<Option<Verdict>> {
        let id = &pruning.mark.id;
        let (fate, is_own) = match &pruning.fate {
            Some(fate) => (fate.clone(), false),
            None => marks::decide(self.store, self.clock, (id, self.by), Verdict::Sweep).await?,
        };
        let was_killed = || pruning.decided_since(self.now).is_some_and(|since| since > KILLED_AFTER);
        match fate.verdict {
            Verdict::Spare => Ok(Some(Verdict::Spare)),
            Verdict::Sweep if is_own || was_killed() => Ok(Some(Verdict::Sweep)),
            Verdict::Sweep => {
                let who = &fate.by;
                self.listener.on(Event::Note(format!("run {who} sweeps what {id} marked, or was killed at it lately")));
                Ok(None)
            }
        }
    }

    async fn one(&self, mark: &Mark, verdict: Verdict, wanted: &BTreeSet<&str>, swept: &mut Swept) -> Result<()> {
        let still = self.still_there(mark).await?;
        let is_wanted = |object: &&Marked| wanted.contains(object.key.as_str()) || still.contains(&object.key);
        let (spared, free): (Vec<&Marked>, Vec<&Marked>) = mark.objects.iter().partition(is_wanted);
        let left = match verdict {
            Verdict::Sweep => self.erase(&free, swept).await?,
            // A sync took it back: what it does not list is marked anew.
            Verdict::Spare => free.iter().map(|object| (*object).clone()).collect(),
        };
        swept.spared += spared.len() as u64;
        let removed = free.len() as u64 - left.len() as u64;
        let bytes = |objects: &mut dyn Iterator<Item = &Marked>| objects.map(|object| object.bytes).sum::<u64>();
        let freed = bytes(&mut free.iter().copied()).saturating_sub(bytes(&mut left.iter()));
        (swept.removed, swept.bytes) = (swept.removed + removed, swept.bytes + freed);
        let left_to = match left.is_empty() {
            true => None,
            false => Some(self.mark_anew(mark, left.clone()).await?),
        };
        let end = End {
            format: FORMAT,
            at: self.clock.now(),
            removed,
            bytes: freed,
            spared: spared.len() as u64,
            left: left.len() as u64,
            left_to,
        };
        self.store.put_new(&Key::prune(&mark.id, PruneStep::End)?.to_string(), end.encode()?).await?;
        Ok(())
    }

    /// What the marked points and slices consist of that are there all the same. Asked by name: a pruning that was killed
    /// may have marked a point and left it visible, and a listing may leave it out.
    async fn still_there(&self, mark: &Mark) -> Result<BTreeSet<String>> {
        let mut still = BTreeSet::new();
        for point in &mark.points {
            match points::one(self.store, &SnapshotName::new(&point.asset, &point.id)?).await {
                Ok(manifest) => still.extend(manifest.objects.into_iter().map(|object| object.key)),
                Err(fault) if fault.kind == FaultKind::Missing => {}
                Err(fault) => return Err(fault),
            }
        }
        for slice in &mark.slices {
            let Ok(Key::SliceHeader(name)) = slice.key.parse() else { continue };
            match self.store.get(&slice.key).await {
                Ok(body) => drop(still.insert(SliceHeader::decode(&body, &slice.key)?.data(&name).to_string())),
                Err(fault) if fault.kind == FaultKind::Missing => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(still)
    }

    async fn erase(&self, objects: &[&Marked], swept: &mut Swept) -> Result<Vec<Marked>> {
        let total = objects.len() as u64;
        self.listener.on(Event::Started { phase: PHASE, total: Some(total), unit: Unit::Objects });
        let erased = stream::iter(objects).map(|object| async move {
            if self.since.elapsed() > LONGEST {
                return Err(Fault::new(FaultKind::Interrupted, "the sweep took too long and ends here")
                    .help("the next pruning goes on where it ended"));
            }
            let refused = marks::erase(self.store, &object.key).await?;
            self.listener.on(Event::Advanced { phase: PHASE, by: 1 });
            Ok::<_, Fault>(refused.map(|why| ((*object).clone(), why)))
        });
        let refused: Vec<Option<(Marked, String)>> = erased.buffer_unordered(AT_ONCE).try_collect().await?;
        let mut left = Vec::new();
        for (object, why) in refused.into_iter().flatten() {
            swept.left.push((object.key.clone(), why));
            left.push(object);
        }
        left.sort();
        Ok(left)
    }

    async fn mark_anew(&self, mark: &Mark, objects: Vec<Marked>) -> Result<String> {
        let now = self.clock.now();
        let anew = Mark {
            id: record::new_id(now),
            marked_at: now,
            points: Vec::new(),
            slices: Vec::new(),
            objects,
            left_by: Some(mark.id.clone()),
            ..mark.clone()
        };
        let key = Key::prune(&anew.id, PruneStep::Mark)?.to_string();
        match self.store.put_new(&key, anew.encode()?).await? {
            Written::New => Ok(anew.id),
            Written::Existed => Err(Fault::new(FaultKind::Conflict, format!("`{key}` is there already"))),
        }
    }
}

/// What cannot be read may list anything.
fn must_be_known(live: &Live) -> Result<()> {
    match live.doubt.as_ref().or(live.uploads_doubt.as_ref()) {
        None => Ok(()),
        Some(doubt) => Err(Fault::new(FaultKind::Corrupt, format!("what was marked is not removed: {doubt}"))
            .help("put it right, or move it away, and run it again")),
    }
}
