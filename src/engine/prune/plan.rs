//! The plan: each point and each slice, whether it stays, and why; and the objects that nothing needs when the others are
//! gone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::abandoned::Abandoned;
use super::live::Live;
use super::marks::Now;
use super::objects::{ObjectPlan, objects};
use super::sweep::Due;
use super::{GRACE, GRACE_MIN, PruneRequest};
use crate::base::{Fault, Instant, OpTime, Result, Span};
use crate::evidence::Health;
use crate::policy::{Mechanism, Policy, Protection};
use crate::port::ObjectStore;
use crate::repository::key::Name;
use crate::repository::manifest::ManifestKind;
use crate::repository::{Manifest, SliceHeader, SliceName};
use crate::retention::log::{self, Base, LogRules, Piece};
use crate::retention::{Decision, Point, Reason, Rules, Standing, decide};

#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub as_of: Instant,
    pub grace: Span,
    pub points: Vec<PointPlan>,
    pub slices: Vec<SlicePlan>,
    /// Runs that were killed, as it seems, and left data that goes.
    pub abandoned: Vec<Abandoned>,
    /// What goes with them, in order of key.
    pub objects: Vec<ObjectPlan>,
    /// Marks of earlier prunings: those whose grace is over, and those that wait.
    pub due: Vec<Due>,
    /// Bytes that are kept, by the protection that made them; what more than one shares counts for the first.
    pub kept_bytes: BTreeMap<String, u64>,
    /// Runs that are taken for made, where the plan is of a later day.
    pub assumed_runs: usize,
    /// What speaks against carrying it out.
    pub refused: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointPlan {
    pub asset: String,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    pub of: Instant,
    pub kept: bool,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlicePlan {
    #[serde(skip)]
    pub name: SliceName,
    /// The key of its data.
    #[serde(skip)]
    pub data: String,
    pub asset: String,
    pub first: OpTime,
    pub last: OpTime,
    pub bytes: u64,
    pub kept: bool,
    pub why: String,
}

impl Plan {
    pub fn points_to_go(&self) -> impl Iterator<Item = &PointPlan> {
        self.points.iter().filter(|point| !point.kept)
    }

    pub fn slices_to_go(&self) -> impl Iterator<Item = &SlicePlan> {
        self.slices.iter().filter(|slice| !slice.kept)
    }

    pub fn bytes_to_go(&self) -> u64 {
        self.objects.iter().map(|object| object.bytes).fold(0, u64::saturating_add)
    }

    /// The assets that it is about.
    pub fn assets(&self) -> BTreeSet<&str> {
        let points = self.points.iter().map(|point| point.asset.as_str());
        let slices = self.slices.iter().map(|slice| slice.asset.as_str());
        points.chain(slices).chain(self.abandoned.iter().map(|run| run.asset.as_str())).collect()
    }
}

/// Looks at everything, and writes nothing.
pub async fn make(store: &dyn ObjectStore, now: Instant, request: &PruneRequest<'_>) -> Result<Plan> {
    let asset = request.asset.as_deref().map(str::parse::<Name>).transpose()?;
    let live = Live::look(store, now).await?;
    let grace = grace(&live, request)?;
    let mut plan = Planner { live: &live, request, now, as_of: request.as_of.unwrap_or(now), assumed: 0 }.plan(grace);
    if let Some(asset) = asset
        && plan.points.is_empty()
        && plan.slices.is_empty()
        && plan.abandoned.is_empty()
    {
        return Err(Fault::missing(format!("the repository holds nothing of `{asset}`"))
            .help("`plimsoll inventory` lists what it holds"));
    }
    if let Some((behind, place)) = live.behind(now) {
        plan.refused = Some(format!("this machine's clock is {behind} behind what `{place}` says"));
    }
    Ok(plan)
}

/// Longer than anything that may still be at work on what goes.
fn grace(live: &Live, request: &PruneRequest<'_>) -> Result<Span> {
    let runs = live.evidence.runs.iter().map(|run| (run.took(), &run.id));
    let drills = live.evidence.drills.iter().map(|drill| (drill.took(), &drill.id));
    let longest = runs.chain(drills).max();
    let least = longest.as_ref().map_or(GRACE_MIN, |(took, _)| took.saturating_mul(2).max(GRACE_MIN));
    match (request.grace, longest) {
        (Some(asked), _) if asked >= least => Ok(asked),
        (None, _) => Ok(GRACE.max(least)),
        (Some(asked), Some((took, id))) if took.saturating_mul(2) > GRACE_MIN => {
            Err(Fault::usage(format!("a grace of {asked} is too short: `{id}` took {took}"))
                .help(format!("what is at work must be over when data goes: {least} at least")))
        }
        (Some(asked), _) => Err(Fault::usage(format!("a grace of {asked} is too short"))
            .help(format!("what reads or writes must be over when data goes: {least} at least"))),
    }
}

struct Planner<'a> {
    live: &'a Live,
    request: &'a PruneRequest<'a>,
    now: Instant,
    as_of: Instant,
    assumed: usize,
}

/// Points that may stand for each other: what one protection made of the same things.
type Scope<'a> = (&'a str, Option<&'a str>, bool, &'a [String], Vec<String>);

fn scope(manifest: &Manifest) -> Scope<'_> {
    let exclude = manifest.exclude.iter().map(ToString::to_string).collect();
    let is_uploads = manifest.kind == ManifestKind::Uploads;
    (&manifest.asset, manifest.protection.as_deref(), is_uploads, &manifest.databases, exclude)
}

impl<'a> Planner<'a> {
    fn plan(mut self, grace: Span) -> Plan {
        let asked = |asset: &str| self.request.asset.as_deref().is_none_or(|wanted| wanted == asset);
        let made = |manifest: &&Manifest| manifest.finished_at <= self.as_of || self.as_of >= self.now;
        let manifests: Vec<&Manifest> = self.live.manifests.iter().filter(made).collect();
        let mut scopes: BTreeMap<Scope, Vec<&Manifest>> = BTreeMap::new();
        for manifest in manifests.iter().filter(|manifest| asked(&manifest.asset)) {
            scopes.entry(scope(manifest)).or_default().push(manifest);
        }
        let mut keeps: BTreeMap<(&str, &str), Decision> = BTreeMap::new();
        for group in scopes.values() {
            let decisions = self.decide(group);
            keeps.extend(group.iter().map(|m| (m.asset.as_str(), m.id.as_str())).zip(decisions));
        }
        let slices = self.slices(&scopes, &mut keeps);
        for manifest in &manifests {
            let doubt = self.live.doubt_of(&manifest.asset, manifest.kind);
            if let (Some(doubt), Some(decision)) =
                (doubt, keeps.get_mut(&(manifest.asset.as_str(), manifest.id.as_str())))
            {
                decision.keeps.push(Reason::Doubt(doubt.clone()));
            }
        }
        let points = manifests.iter().filter_map(|manifest| {
            let decision = keeps.get(&(manifest.asset.as_str(), manifest.id.as_str()))?;
            Some(PointPlan {
                asset: manifest.asset.clone(),
                id: manifest.id.clone(),
                protection: manifest.protection.clone(),
                of: manifest.consistent_at,
                kept: decision.is_kept(),
                why: decision.why(),
            })
        });
        let mut points: Vec<PointPlan> = points.collect();
        points.sort_by(|a, b| (&a.asset, a.of, &a.id).cmp(&(&b.asset, b.of, &b.id)));
        let abandoned = self.abandoned(&asked, grace);
        let (objects, kept_bytes) = objects(&self.live.manifests, &self.live.begun, (&points, &slices), &abandoned);
        let now = Now { ours: self.as_of, stores: None };
        let open = self.live.prunings.iter().filter(|pruning| !pruning.is_over);
        let due = open.map(|pruning| Due::of(pruning, now)).collect();
        let (as_of, assumed_runs) = (self.as_of, self.assumed);
        Plan { as_of, grace, points, slices, abandoned, objects, due, kept_bytes, assumed_runs, refused: None }
    }

    /// What killed runs left, where nothing is unclear about their asset.
    fn abandoned(&self, asked: &dyn Fn(&str) -> bool, grace: Span) -> Vec<Abandoned> {
        let doubted = |asset: &str| {
            let kinds = [ManifestKind::Database, ManifestKind::Uploads];
            kinds.into_iter().any(|kind| self.live.doubt_of(asset, kind).is_some())
        };
        let left = self.live.abandoned.iter().filter(|run| asked(&run.asset) && run.is_killed(self.as_of, grace));
        left.filter(|run| !doubted(&run.asset)).cloned().collect()
    }

    fn decide(&mut self, group: &[&Manifest]) -> Vec<Decision> {
        let Some(first) = group.first() else { return Vec::new() };
        let protection =
            self.request.policy.and_then(|policy| made_by(policy, &first.asset, first.protection.as_deref()));
        let rules = self.request.policy.zip(protection).and_then(|(policy, made_by)| Rules::of(policy, made_by));
        let mut points: Vec<Point> = group.iter().map(|manifest| self.point(manifest)).collect();
        let expected = protection.map_or(Vec::new(), |protection| self.expected(protection));
        self.assumed += expected.len();
        points.extend(expected.into_iter().map(|at| Point {
            id: "",
            at,
            standing: Standing::Unverified,
            expires_at: None,
            locked_until: None,
        }));
        let mut decisions = decide(&points, rules.as_ref(), self.as_of);
        decisions.truncate(group.len());
        decisions
    }

    fn point(&self, manifest: &'a Manifest) -> Point<'a> {
        Point {
            id: &manifest.id,
            at: manifest.consistent_at,
            standing: self.standing(manifest),
            expires_at: manifest.expires_at,
            locked_until: manifest.locked_until,
        }
    }

    fn standing(&self, manifest: &Manifest) -> Standing {
        let of = |p: &&crate::evidence::RecoveryPoint| p.asset == manifest.asset && p.id == manifest.id;
        match self.live.evidence.points.iter().find(of).map(|point| &point.health) {
            Some(Health::Verified { .. }) => Standing::Verified,
            Some(Health::Bad { .. }) => Standing::Bad,
            Some(Health::Unverified) | None => Standing::Unverified,
        }
    }

    /// Runs that a plan of a later day takes for made.
    fn expected(&self, protection: &Protection) -> Vec<Instant> {
        match &protection.mechanism {
            Mechanism::Snapshot { schedule, takes, .. } => {
                let until = self.as_of - takes.value + Span::millis(1);
                schedule.runs_in(crate::base::Window::new(self.now, until))
            }
            _ => Vec::new(),
        }
    }

    /// Decides about the log of each asset, and keeps the points that it needs.
    fn slices(
        &self,
        scopes: &BTreeMap<Scope<'_>, Vec<&'a Manifest>>,
        keeps: &mut BTreeMap<(&'a str, &'a str), Decision>,
    ) -> Vec<SlicePlan> {
        let mut logs: BTreeMap<&str, Vec<&(SliceName, SliceHeader)>> = BTreeMap::new();
        let asked = |asset: &str| self.request.asset.as_deref().is_none_or(|wanted| wanted == asset);
        let made = |header: &SliceHeader| header.written_at <= self.as_of || self.as_of >= self.now;
        for slice in self.live.slices.iter().filter(|(_, header)| asked(&header.asset) && made(header)) {
            logs.entry(&slice.1.asset).or_default().push(slice);
        }
        let sound: BTreeSet<&str> =
            self.live.evidence.coverage.iter().map(|piece| piece.origin.place.as_str()).collect();
        let mut plans = Vec::new();
        for (asset, slices) in logs {
            let rules = self.request.policy.and_then(|policy| log_rules(policy, asset));
            let mut pieces: Vec<Piece> = slices
                .iter()
                .map(|(name, header)| Piece {
                    first: header.first,
                    last: header.last,
                    sound: sound.contains(name.header().to_string().as_str()),
                    locked_until: header.locked_until,
                })
                .collect();
            pieces.extend(self.expected_log(rules, &pieces));
            let (bases, owners) = self.bases(scopes, asset);
            let (mut decisions, needed) = log::decide(&pieces, &bases, rules, self.as_of);
            for place in needed {
                if let Some(decision) = keeps.get_mut(&owners[place]) {
                    decision.keeps.push(Reason::LogBase);
                }
            }
            decisions.truncate(slices.len());
            for ((name, header), mut decision) in slices.into_iter().zip(decisions) {
                let doubt = self.live.doubt_of(asset, ManifestKind::Database);
                decision.keeps.extend(doubt.map(|doubt| Reason::Doubt(doubt.clone())));
                plans.push(SlicePlan {
                    name: name.clone(),
                    data: header.data(name).to_string(),
                    asset: asset.to_string(),
                    first: header.first,
                    last: header.last,
                    bytes: header.bytes,
                    kept: decision.is_kept(),
                    why: decision.why(),
                });
            }
        }
        plans
    }

    /// What the capture will have written by a later day.
    fn expected_log(&self, rules: Option<LogRules>, pieces: &[Piece]) -> Option<Piece> {
        let newest =
            pieces.iter().map(|piece| piece.last).max().filter(|_| rules.is_some() && self.as_of > self.now)?;
        let last = OpTime::last_in_second(self.as_of);
        (last > newest).then_some(Piece { first: newest, last, sound: true, locked_until: None })
    }

    /// The points of an asset that a log can roll forward, and whose they are.
    fn bases(
        &self,
        scopes: &BTreeMap<Scope<'_>, Vec<&'a Manifest>>,
        asset: &str,
    ) -> (Vec<Base>, Vec<(&'a str, &'a str)>) {
        let of_asset = scopes.iter().filter(|((name, ..), _)| *name == asset);
        let numbered = of_asset.enumerate().flat_map(|(number, (_, group))| group.iter().map(move |m| (number, *m)));
        let good = numbered.filter(|(_, manifest)| self.standing(manifest) != Standing::Bad);
        let bases = good.filter_map(|(scope, manifest)| {
            let base = Base { at: manifest.cluster_time?, scope };
            Some((base, (manifest.asset.as_str(), manifest.id.as_str())))
        });
        bases.unzip()
    }
}

/// The protection that made a point: the one that it names, or else the only one that could have.
fn made_by<'p>(policy: &'p Policy, asset: &'p str, named: Option<&str>) -> Option<&'p Protection> {
    if let Some(named) = named {
        return policy.protections_of(asset).find(|protection| protection.name == named);
    }
    let makes = |p: &&Protection| matches!(p.mechanism, Mechanism::Snapshot { .. } | Mechanism::Mirror { .. });
    let mut makers = policy.protections_of(asset).filter(makes);
    makers.next().filter(|_| makers.next().is_none())
}

/// The longest of all that is declared of an asset's logs.
fn log_rules(policy: &Policy, asset: &str) -> Option<LogRules> {
    let logs = policy.protections_of(asset).filter_map(|protection| match &protection.mechanism {
        Mechanism::Log { window, .. } => {
            let kept = protection.retention.as_ref().map_or(window.value, |kept| kept.value);
            Some(LogRules { window: window.value, kept })
        }
        _ => None,
    });
    logs.reduce(|a, b| LogRules { window: a.window.max(b.window), kept: a.kept.max(b.kept) })
}
