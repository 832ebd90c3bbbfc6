//! The marks of earlier prunings, and how a sync takes back what it needs again.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::base::{Fault, FaultKind, Instant, Result, Span};
use crate::engine::record;
use crate::port::{Clock, ObjectInfo, ObjectStore, Written};
use crate::repository::key::PRUNES;
use crate::repository::manifest::FORMAT;
use crate::repository::prune::{Record, Verdict};
use crate::repository::{Fate, Key, Mark, PruneStep};

const AT_ONCE: usize = 16;

/// One pruning, as far as it went.
#[derive(Debug, Clone)]
pub struct Pruning {
    pub mark: Mark,
    pub fate: Option<Fate>,
    pub is_over: bool,
    /// When mark and fate were written by the store's own clock, where it says so.
    pub marked: Option<Instant>,
    pub decided: Option<Instant>,
}

/// Now, by this machine's clock and by the store's, where that has one.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    pub ours: Instant,
    pub stores: Option<Instant>,
}

impl Now {
    /// How long ago something was written; by whichever clock says less.
    fn since(self, ours: Instant, stores: Option<Instant>) -> Span {
        let by_stores = self.stores.zip(stores).map(|(now, then)| now - then);
        by_stores.map_or(self.ours - ours, |age| age.min(self.ours - ours))
    }
}

impl Pruning {
    pub fn is_due(&self, now: Now) -> bool {
        !self.is_over && self.age(now) >= self.mark.grace
    }

    pub fn age(&self, now: Now) -> Span {
        now.since(self.mark.marked_at, self.marked)
    }

    /// How long ago its fate was decided.
    pub fn decided_since(&self, now: Now) -> Option<Span> {
        self.fate.as_ref().map(|fate| now.since(fate.at, self.decided))
    }
}

/// What the store lists of prunings: by id, which steps were written and when.
pub async fn listed(store: &dyn ObjectStore) -> Result<BTreeMap<String, BTreeMap<PruneStep, ObjectInfo>>> {
    let mut found: BTreeMap<String, BTreeMap<PruneStep, ObjectInfo>> = BTreeMap::new();
    for object in store.list(PRUNES).await? {
        if let Ok(Key::Prune(id, step)) = object.key.parse() {
            found.entry(id.to_string()).or_default().insert(step, object);
        }
    }
    Ok(found)
}

/// All of them, the oldest first. One that cannot be read is a fault: what it marked, and why, would be unknown.
pub async fn read(store: &dyn ObjectStore) -> Result<Vec<Pruning>> {
    let listed = listed(store).await?;
    let marked = listed.into_iter().filter(|(_, steps)| steps.contains_key(&PruneStep::Mark));
    let read = stream::iter(marked).map(|(id, steps)| async move {
        let mark = match get::<Mark>(store, &id, PruneStep::Mark).await {
            // One that had nothing to say is taken away again.
            Err(fault) if fault.kind == FaultKind::Missing => return Ok(None),
            mark => mark?,
        };
        let fate = match steps.get(&PruneStep::Fate) {
            Some(_) => Some(get::<Fate>(store, &id, PruneStep::Fate).await?),
            None => None,
        };
        let at = |step| steps.get(&step).and_then(|info: &ObjectInfo| info.modified_at);
        let (marked, decided) = (at(PruneStep::Mark), at(PruneStep::Fate));
        let is_over = steps.contains_key(&PruneStep::End);
        Ok::<_, Fault>(Some(Pruning { mark, fate, is_over, marked, decided }))
    });
    let read: Vec<Option<Pruning>> = read.buffered(AT_ONCE).try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}

async fn get<T: Record>(store: &dyn ObjectStore, id: &str, step: PruneStep) -> Result<T> {
    let key = Key::prune(id, step)?.to_string();
    T::decode(&store.get(&key).await?, &key)
}

/// Decides what becomes of a mark, unless that is decided. What holds from now on, and whether it was decided here.
pub async fn decide(
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    (id, by): (&str, &str),
    verdict: Verdict,
) -> Result<(Fate, bool)> {
    let fate = Fate { format: FORMAT, verdict, by: by.to_string(), at: clock.now() };
    let key = Key::prune(id, PruneStep::Fate)?.to_string();
    if store.put_new(&key, fate.encode()?).await? == Written::New {
        return Ok((fate, true));
    }
    let found = get::<Fate>(store, id, PruneStep::Fate).await?;
    // An earlier try whose answer was lost wrote it.
    let own = found.by == by && found.verdict == verdict;
    Ok((found, own))
}

/// The prunings that were over before a sync looked at what the store holds: whatever they removed, it did not see.
pub async fn over(store: &dyn ObjectStore) -> Result<BTreeSet<String>> {
    let listed = listed(store).await?;
    Ok(listed.into_iter().filter(|(_, steps)| steps.contains_key(&PruneStep::End)).map(|(id, _)| id).collect())
}

/// Makes sure that no sweep removes these objects, just before a manifest that lists them makes them wanted. Of all that
/// want to decide about a mark the store lets one; if a sweep was first, what is to be brought again is told.
pub async fn take_back(
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    by: &str,
    over_before: &BTreeSet<String>,
    objects: &HashSet<&str>,
) -> Result<Option<Fault>> {
    for (id, steps) in listed(store).await? {
        if over_before.contains(&id) || !steps.contains_key(&PruneStep::Mark) {
            continue;
        }
        let mark = match get::<Mark>(store, &id, PruneStep::Mark).await {
            // One that had nothing to say is taken away again.
            Err(fault) if fault.kind == FaultKind::Missing => continue,
            mark => mark?,
        };
        let wanted: Vec<&str> =
            mark.objects.iter().map(|object| object.key.as_str()).filter(|key| objects.contains(key)).collect();
        if wanted.is_empty() {
            continue;
        }
        let gone = match steps.contains_key(&PruneStep::End) {
            true => first_missing(store, &wanted).await?,
            false => match decide(store, clock, (&id, by), Verdict::Spare).await?.0.verdict {
                Verdict::Spare => None,
                Verdict::Sweep => wanted.first().copied(),
            },
        };
        if let Some(key) = gone {
            return Ok(Some(removed(&id, wanted.len(), key)));
        }
    }
    Ok(None)
}

async fn first_missing<'a>(store: &dyn ObjectStore, keys: &[&'a str]) -> Result<Option<&'a str>> {
    for key in keys {
        if store.head(key).await?.is_none() {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// A try that begins again sees what is gone, and brings it anew.
fn removed(id: &str, many: usize, key: &str) -> Fault {
    Fault::unreachable(format!("pruning {id} removes {many} objects that are needed again, such as `{key}`"))
        .help("run the backup again when it is over; `plimsoll prune --apply` ends one that was killed")
}

/// Removes what is marked; whether it went. A refusal is told and stops nothing; a store that does not answer does.
pub async fn erase(store: &dyn ObjectStore, key: &str) -> Result<Option<String>> {
    match store.erase(key).await {
        Ok(()) => Ok(None),
        Err(fault) if matches!(fault.kind, FaultKind::Denied | FaultKind::Conflict | FaultKind::Unsupported) => {
            Ok(Some(record::chain(&fault)))
        }
        Err(fault) => Err(fault),
    }
}
