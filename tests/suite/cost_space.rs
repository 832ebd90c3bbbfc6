//! The space of plans: as declared, by default, bounded, the same on any number of threads; and what cannot be said.

use plimsoll::base::{Instant, OpTime, Span};
use plimsoll::cost::bill;
use plimsoll::cost::{Choice, Copies, PriceBook, Tradeoff, book, tradeoff};
use plimsoll::evidence::{Coverage, Drill, DrillOutcome, Evidence, Origin};
use plimsoll::policy::rewrite::rewrite;
use plimsoll::policy::{self, Policy, Setting, SourceText, Tiers};

use super::sim_oracles::{AS_OF, BASE, drill, policy};

fn aws() -> PriceBook {
    book::builtin("aws-us-east-1").expect("built in")
}

fn with(ranges: &str) -> Policy {
    policy(&format!("{BASE}\n[tradeoff]\n{ranges}\n"))
}

/// Everything pinned but what `ranges` names.
fn pinned(ranges: &str) -> Policy {
    let all = ["snapshot_every", "log_lag", "retention", "storage_class", "copy_to", "lock", "drill_every"];
    let rest = all.iter().filter(|name| !ranges.contains(*name)).map(|name| format!("{name} = [\"declared\"]\n"));
    with(&(rest.collect::<String>() + ranges))
}

fn explore(policy: &Policy) -> Tradeoff {
    tradeoff::explore(policy, &aws(), None, AS_OF)
}

fn labels(policy: &Policy) -> Vec<String> {
    explore(policy).plans.into_iter().map(|plan| plan.label).collect()
}

#[test]
fn declared_ranges_are_searched_in_every_combination_and_today_is_always_there() {
    let plans = explore(&pinned("snapshot_every = [\"6h\", \"12h\"]\nlock = [\"off\", \"kept\", \"7d\"]\n"));
    let labels: Vec<&str> = plans.plans.iter().map(|plan| plan.label.as_str()).collect();
    // A plan without a lock is today's with `off`: each plan stands once.
    assert_eq!(
        labels,
        [
            "as declared today",
            "snapshots every 6 h, no lock",
            "snapshots every 6 h, locked while kept",
            "snapshots every 6 h, locked for 7 d",
            "snapshots every 12 h, no lock",
            "snapshots every 12 h, locked while kept",
            "snapshots every 12 h, locked for 7 d",
        ]
    );
}

#[test]
fn each_range_makes_the_plan_that_it_names() {
    let text = format!("{BASE}\n[domain.far]\nkind = \"region\"\n[domain.farther]\nkind = \"account\"\n");
    let plain = policy(&text);
    let of = |choice: Choice| choice.of(&plain).expect("a plan");
    let log = of(Choice { log_lag: Setting::Is(Span::minutes(15)), ..Choice::declared() });
    assert_eq!(log.protections.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["dump", "dump-log"]);
    let kept = of(Choice { retention: Setting::Is(Span::days(90)), ..Choice::declared() });
    assert_eq!(kept.protections[0].retention.as_ref().map(|r| r.value), Some(Span::days(90)));
    let class = of(Choice { storage_class: Setting::Is("s3-standard-ia".into()), ..Choice::declared() });
    assert_eq!(class.protections[0].storage_class.as_ref().map(|c| c.value.as_str()), Some("s3-standard-ia"));
    let both = of(Choice { copy_to: Copies::In(vec!["far".into(), "farther".into()]), ..Choice::declared() });
    assert_eq!(both.protections.len(), 3);
    let locked = of(Choice { lock: Setting::Kept, ..Choice::declared() });
    assert_eq!(locked.protections[0].lock.as_ref().map(|l| l.value), Some(Span::days(30)));
    let drilled = of(Choice { drill_every: Setting::Is(Span::days(7)), ..Choice::declared() });
    assert_eq!(drilled.objective.drill_every.as_ref().map(|d| d.value), Some(Span::days(7)));
    let longer_lock = Choice { lock: Setting::Is(Span::days(31)), ..Choice::declared() };
    assert!(longer_lock.of(&plain).is_none(), "a lock of 31 days on what is kept for 30");
    assert_eq!(labels(&pinned("lock = [\"31d\"]\n")), ["as declared today"]);
}

#[test]
fn tiers_of_older_points_are_tried_priced_and_written_into_the_plan() {
    let range = "keep = [\"off\", { weekly = 8, monthly = 12 }]\n";
    let explored = explore(&pinned(range));
    let labels: Vec<&str> = explored.plans.iter().map(|plan| plan.label.as_str()).collect();
    assert_eq!(labels, ["as declared today", "of the older ones 8 weekly and 12 monthly"]);
    // 30 days hold 4 whole weeks and no whole month: 4 + 12 points more than 30, of 3.5 GB each.
    let cost = |n: usize| explored.plans[n].annual_cost;
    let gb_month = (cost(1) - cost(0)) / (16.0 * 3.5e9 / f64::from(1 << 30)) / 12.0;
    assert!((gb_month - 0.023).abs() < 1e-6, "{gb_month}");
    let choice = &explored.plans[1].choice;
    let before = pinned(range);
    let text = rewrite(&before, &choice.of(&before).expect("a plan")).expect("written");
    assert!(text.contains("keep = { weekly = 8, monthly = 12 }"), "{text}");
    let kept = policy(&text).protections[0].keep.clone().expect("tiers");
    assert_eq!(kept.value, Tiers { weekly: 8, monthly: 12, ..Tiers::default() });
}

#[test]
fn where_no_plan_meets_the_objectives_the_nearest_is_the_one_that_costs_and_loses_least() {
    // No schedule of these keeps an RPO of a minute; the rarest is the cheapest to keep, and loses the most.
    let text = BASE.replace("data_per_hour = 1", "data_per_hour = 10_000");
    let strict = text.replacen("rto =", "rpo = \"1min\"\nrto =", 1).replacen("rpo = \"24h\"\n", "", 1);
    let explored = explore(&pinned_of(&strict, "snapshot_every = [\"1h\", \"24h\"]\n"));
    assert!(explored.cheapest_compliant.is_none());
    let nearest = &explored.plans[explored.nearest.expect("a plan")];
    assert_eq!(nearest.label, "snapshots every 1 h");
    assert!(explored.plans.iter().any(|plan| plan.annual_cost < nearest.annual_cost));
}

#[test]
fn to_give_up_an_objective_that_is_kept_today_is_no_advice_but_told_with_what_it_saves() {
    // A copy that nobody who counts money alone would pay for, and that the business asked for.
    let text = BASE.replace("rto =", "copies = 2\nrto =")
        + "[domain.far]\nkind = \"account\"\n[protection.far]\nkind = \"copy\"\nof = \"dump\"\ndelay = \"1h\"\n\
           retention = \"30d\"\nstored_in = [\"far\"]\nconsistency = \"snapshot\"\n";
    let explored = explore(&pinned_of(&text, "copy_to = [\"declared\", \"off\"]\n"));
    let plan = |index: Option<usize>| &explored.plans[index.expect("a plan")];
    assert_eq!(plan(explored.least_total).label, "no copies");
    assert_eq!(
        (plan(explored.least_total).misses.as_slice(), plan(explored.recommended).meets()),
        (&["copies"][..], true)
    );
    let advice = &explored.recommendation;
    assert!(advice[1].contains("leave the plan as it is") && advice[1].contains("keeps every objective"), "{advice:?}");
    let saved = plan(explored.recommended).total() - plan(explored.least_total).total();
    assert!(advice[3].contains(&format!("to give up copies would save USD {saved:.0}")), "{advice:?}");
    assert!(advice[4].contains("the objectives decide"), "{advice:?}");
}

#[test]
fn a_log_is_priced_by_its_recorded_pieces_once_they_are_a_day_long() {
    let with_log = format!(
        "{BASE}\n[protection.log]\nkind = \"log\"\nassets = [\"database\"]\nlag = \"1min\"\nwindow = \"7d\"\n\
         stored_in = [\"vault\"]\n"
    );
    let policy = policy(&with_log);
    let storage = |hours: i64| {
        let piece = |n: i64| Coverage {
            encrypted: None,
            asset: "database".into(),
            protection: Some("log".into()),
            first: op(AS_OF - Span::hours(n + 1)),
            last: op(AS_OF - Span::hours(n)),
            available_at: AS_OF - Span::hours(n),
            expires_at: None,
            locked_until: None,
            stored_in: vec![],
            bytes_stored: Some(100_000_000),
            origin: Origin { tool: "test".into(), place: "here".into(), sha256: None },
        };
        let evidence = Evidence {
            read_at: AS_OF,
            points: vec![],
            coverage: (0..hours).map(piece).collect(),
            drills: vec![],
            runs: vec![],
            unreadable: vec![],
        };
        let bill = bill::annual(&policy, &aws(), Some(&evidence));
        bill.lines.into_iter().find(|line| line.protection == "log" && line.item == "storage").expect("a line")
    };
    // 2.4 GB a day for 7 days.
    let recorded = storage(24);
    let gb = 7.0 * 2.4e9 / f64::from(1 << 30);
    assert!((recorded.amount - gb * 0.023 * 12.0).abs() < 1e-6, "{recorded:?}");
    assert!(recorded.basis.contains("as 24 recorded pieces are"), "{recorded:?}");
    assert!(storage(23).basis.contains("by default"), "{:?}", storage(23));
}

fn op(at: Instant) -> OpTime {
    OpTime::new(u32::try_from(at.0 / 1000).expect("seconds"), 0)
}

#[test]
fn a_new_place_counts_with_the_credential_that_writes_there() {
    let plan = Choice { copy_to: Copies::In(vec!["off-site".into()]), ..Choice::declared() }.of(&policy(BASE));
    let plan = plan.expect("a plan");
    assert_eq!(plan.credentials.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["off-site-writer"]);
    let (before, after) = (tradeoff::Complexity::of(&policy(BASE)), tradeoff::Complexity::of(&plan));
    assert_eq!((after.moving_parts, after.credentials), (before.moving_parts + 1, before.credentials + 1));
    assert_eq!(after.total(), before.total() + 2);
}

#[test]
fn the_same_bytes_come_out_on_any_number_of_threads() {
    let policy = pinned("snapshot_every = [\"1h\", \"4h\", \"8h\"]\nlog_lag = [\"declared\", \"1min\"]\n");
    let on = |threads| {
        let explored = tradeoff::explore_on(threads, &policy, &aws(), None, AS_OF);
        serde_json::to_string(&explored).expect("JSON")
    };
    let one = on(1);
    assert!(one == on(2) && one == on(7) && one == on(1));
}

fn said(text: &str) -> Vec<String> {
    let refused = policy::parse(SourceText::new("test.toml", text)).expect_err("refused");
    refused.into_iter().map(|problem| format!("{}: {}", problem.at.line, problem.message)).collect()
}

#[test]
fn a_range_that_cannot_be_is_refused_at_its_line() {
    let line = BASE.lines().count() + 3;
    let cases = [
        ("snapshot_every = [\"0s\"]", "no daily schedule runs every 0 s"),
        ("snapshot_every = [\"1y\"]", "no daily schedule runs every 365 d"),
        ("snapshot_every = [\"5h\"]", "no daily schedule runs every 5 h"),
        ("snapshot_every = []", "is an empty list"),
        ("retention = [\"0d\"]", "cannot be zero"),
        ("lock = [\"kept\", \"kept\"]", "stands twice"),
        ("lock = [7]", "is an integer"),
        ("copy_to = [\"nowhere\"]", "no domain is called `nowhere`"),
        ("keep = [{}]", "`keep` keeps nothing"),
        ("keep = [{ fortnightly = 2 }]", "unknown field `fortnightly`"),
        ("keep = [\"weekly\"]", "is a string"),
        ("keep = [{ daily = 7 }, { daily = 7 }]", "stands twice"),
        ("colour = [\"red\"]", "unknown field `colour`"),
    ];
    for (range, wanted) in cases {
        let said = said(&format!("{BASE}\n[tradeoff]\n{range}\n"));
        let place = format!("{line}: ");
        assert!(said.iter().any(|s| s.starts_with(&place) && s.contains(wanted)), "{range}: {said:?}, wanted {wanted}");
    }
    let rarer = BASE.replace("rto = \"4h\"", "rto = \"4h\"\ndrill_every = \"7d\"");
    let said = said(&format!("{rarer}\n[tradeoff]\ndrill_every = [\"30d\"]\n"));
    assert!(said[0].contains("rarer than the 7 d"), "{said:?}");
}

#[test]
fn a_space_without_bound_is_refused_and_counted() {
    let hours = ["1h", "2h", "3h", "4h", "6h", "8h", "12h", "24h"].map(|h| format!("\"{h}\"")).join(", ");
    let days = (1..=24).map(|d| format!("\"{d}d\"")).collect::<Vec<_>>().join(", ");
    let text =
        format!("{BASE}\n[tradeoff]\nsnapshot_every = [{hours}]\nretention = [{days}]\nlock = [{days}, \"1y\"]\n");
    assert!(said(&text).iter().any(|s| s.contains("a range of 25 values")));
    let text = text.replace(", \"1y\"]", "]").replace("retention", "log_lag = [\"1min\", \"2min\"]\nretention");
    assert!(
        said(&text).iter().any(|s| s.contains("these ranges have 9216 plans; 5000 are allowed")),
        "{:?}",
        said(&text)
    );
}

#[test]
fn rates_of_zero_and_of_a_million_give_numbers_and_words_and_never_nan() {
    for rate in ["0", "0.000001", "8760"] {
        let text = BASE
            .replace("per_year = 0.5", &format!("per_year = {rate}"))
            .replace("data_per_hour = 1", "data_per_hour = 1_000_000");
        let explored = explore(&pinned_of(&text, "snapshot_every = [\"1h\", \"6h\"]\n"));
        let json = serde_json::to_string(&explored).expect("JSON");
        assert!(!json.contains("NaN") && !json.contains("inf"), "{rate}");
        assert!(explored.plans.iter().all(|p| p.expected_annual_loss.is_finite() && p.annual_cost.is_finite()));
        assert!(
            explored.recommendation.iter().all(|line| !line.contains("NaN") && !line.contains("inf")),
            "{explored:?}"
        );
        assert_eq!(explored.recommendation.len(), 5);
    }
    let never = explore(&pinned_of(&BASE.replace("per_year = 0.5", "per_year = 0"), "snapshot_every = [\"1h\"]\n"));
    assert_eq!(never.plans[never.least_total.expect("the cheapest")].expected_annual_loss, 0.0);
    assert!(never.recommendation[1].contains("leave the plan as it is"), "{:?}", never.recommendation);
}

fn pinned_of(base: &str, ranges: &str) -> Policy {
    let all = ["snapshot_every", "log_lag", "retention", "storage_class", "copy_to", "lock", "drill_every"];
    let rest = all.iter().filter(|name| !ranges.contains(*name)).map(|name| format!("{name} = [\"declared\"]\n"));
    policy(&format!("{base}\n[tradeoff]\n{}{ranges}", rest.collect::<String>()))
}

#[test]
fn a_space_of_one_plan_says_that_there_is_nothing_to_choose_between() {
    let explored = explore(&pinned(""));
    assert_eq!((explored.plans.len(), explored.front.as_slice(), explored.least_total), (1, &[0][..], Some(0)));
    assert!(explored.one_more_buys(0).is_none());
    assert!(explored.recommendation[1].contains("none of 0 others"), "{:?}", explored.recommendation);
}

fn drilled(n: i64) -> Drill {
    drill(n, Span::hours(1), 10_000_000_000, DrillOutcome::Passed)
}

#[test]
fn what_drills_say_of_restores_is_told_as_it_is_whether_there_is_none_one_or_more() {
    let policy = pinned("");
    let said = |drills: Option<i64>| {
        let evidence = drills.map(|count| Evidence {
            read_at: AS_OF,
            points: vec![],
            coverage: vec![],
            drills: (0..count).map(drilled).collect(),
            runs: vec![],
            unreadable: vec![],
        });
        let explored = tradeoff::explore(&policy, &aws(), evidence.as_ref(), AS_OF);
        explored.unsaid.into_iter().find(|line| line.contains("every restore worked")).expect("a statement")
    };
    assert!(said(None).contains("there is no evidence of how often they do"), "{}", said(None));
    assert!(said(Some(0)).contains("no drill is recorded"), "{}", said(Some(0)));
    assert!(said(Some(1)).contains("one drill does not say how often they do"), "{}", said(Some(1)));
    assert!(said(Some(3)).contains("what 3 recorded drills leave possible"), "{}", said(Some(3)));
}

#[test]
fn a_class_that_the_book_lacks_is_never_cheap_and_one_that_waits_is_left_out() {
    let explored =
        explore(&pinned("storage_class = [\"declared\", \"tape\", \"s3-glacier-deep-archive\", \"s3-standard-ia\"]\n"));
    let all: Vec<&str> = explored.plans.iter().map(|plan| plan.label.as_str()).collect();
    assert_eq!(all, ["as declared today", "in s3-standard-ia"], "{:?}", explored.unsaid);
    assert!(explored.unsaid.iter().any(|line| line.contains("`tape`") && line.contains("no item")));
    assert!(explored.unsaid.iter().any(|line| line.contains("deep-archive") && line.contains("after 12h")));
}

#[test]
fn what_has_no_price_today_is_weighed_in_no_plan() {
    let text = BASE.replace("retention = \"30d\"", "retention = \"30d\"\nstorage_class = \"tape\"");
    let explored = explore(&pinned_of(&text, "snapshot_every = [\"1h\", \"6h\"]\n"));
    assert!(explored.least_total.is_none() && explored.front.is_empty() && explored.cheapest_compliant.is_none());
    assert!(explored.recommendation[1].contains("nothing can be recommended"), "{:?}", explored.recommendation);
    assert!(explored.unsaid.iter().any(|line| line.contains("3 of 3 plans cost something")), "{:?}", explored.unsaid);
}

#[test]
fn a_copy_over_a_border_is_carried_at_its_price_and_within_a_region_at_none() {
    let world = "\n[domain.seller]\nkind = \"provider\"\n[domain.north]\nkind = \"region\"\ninside = [\"seller\"]\n\
        [domain.south]\nkind = \"region\"\ninside = [\"seller\"]\n[domain.other]\nkind = \"provider\"\n";
    let copy = |stored_in: &str| {
        format!(
            "\n[protection.copy]\nkind = \"copy\"\nof = \"dump\"\ndelay = \"1h\"\nretention = \"30d\"\nstored_in = [\"{stored_in}\"]\n"
        )
    };
    let text =
        BASE.replace("[domain.vault]\nkind = \"bucket\"", "[domain.vault]\nkind = \"bucket\"\ninside = [\"north\"]");
    let carried = |stored_in: &str| {
        let bill = bill::annual(&policy(&format!("{text}{world}{}", copy(stored_in))), &aws(), None);
        bill.lines.into_iter().find(|line| line.item == "transfer").map(|line| line.amount)
    };
    // 10 GB × 0.35 a night, of 2^30 bytes each.
    let gb = 365.0 * 3.5e9 / f64::from(1 << 30);
    let close =
        |said: Option<f64>, wanted: f64| assert!(said.is_some_and(|s| (s - wanted).abs() < 1e-6), "{said:?}, {wanted}");
    close(carried("south"), gb * 0.02);
    close(carried("other"), gb * 0.09);
    // Where nothing says which region or provider it is, the dearest is taken.
    close(carried("runner"), gb * 0.09);
    assert_eq!(carried("north"), None);
}
