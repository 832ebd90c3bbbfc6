//! A plan against the one before it: what changed, by how much, and whether it got worse. To declare a failure, an asset
//! or an objective away is never an improvement.

use plimsoll::audit;
use plimsoll::base::{Instant, Span, Window};
use plimsoll::cost::book;
use plimsoll::gate::change::{self, Change, Direction, Figure, Origin, Side};
use plimsoll::policy::{self, Policy, SourceText};
use proptest::prelude::*;
use serde_json::Value;

use crate::desk::Desk;

const PLAN: &str = include_str!("../../policies/pixelcraft.toml");
const AS_OF: &str = "--as-of 2026-11-23T10:00:00Z";

/// PixelCraft's plan as `main` has it, and a branch to change it in.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("plimsoll.toml", PLAN).committed();
    desk
}

fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(PLAN.to_string(), |text, (from, to)| {
        assert!(text.contains(from), "the plan says `{from}`");
        text.replace(from, to)
    })
}

/// The plan without the table that begins with this line, up to the next blank line.
fn without(tables: &[&str]) -> String {
    let blocks =
        PLAN.split("\n\n").filter(|block| !tables.iter().any(|table| block.lines().any(|l| l.starts_with(table))));
    blocks.collect::<Vec<_>>().join("\n\n")
}

fn compared(desk: &Desk, words: &str) -> Value {
    desk.json(&format!("check --base main --format json {AS_OF} {words}"))
}

/// `direction figure what` of each difference.
fn deltas(document: &Value) -> Vec<String> {
    let word = |delta: &Value, name: &str| delta[name].as_str().unwrap().to_string();
    let deltas = document["policies"][0]["change"]["deltas"].as_array().unwrap();
    deltas.iter().map(|d| format!("{} {} {}", word(d, "direction"), word(d, "figure"), word(d, "what"))).collect()
}

#[test]
fn a_plan_that_promises_and_keeps_less_is_worse_and_each_figure_says_by_how_much() {
    let desk = desk();
    desk.write("plimsoll.toml", &edited(&[("rpo = \"1h\"", "rpo = \"2h\""), ("0 3 * * *", "0 3 */2 * *")]));
    let said = desk.run(&format!("check --base main --fail-on worse {AS_OF}"));
    assert_eq!(said.status, 3, "{}", said.err);
    let begins = said.out.find("Change: ").unwrap();
    let shown = &said.out[begins..];
    let (first, rest) = shown.split_once('\n').unwrap();
    assert!(first.starts_with("Change: worse than main ("), "{first}");
    let figures: Vec<&str> = rest.lines().take_while(|line| !line.is_empty()).map(str::trim_end).collect();
    insta::assert_snapshot!(figures.join("\n"), @r"
            what                                                      before        after                  by
    worse   RPO of `database`, `uploads`                                 1 h          2 h                +1 h
    worse   loss of `uploads`: S3 data loss                      24 h 40 min  48 h 40 min               +24 h
    worse   loss of `database`: Complete infrastructure failure  24 h 40 min  48 h 40 min               +24 h
    worse   expected loss a year                                  USD 12,846   USD 19,908  +USD 7,062 (+55 %)
    better  cost a year                                              USD 634      USD 424    −USD 211 (−33 %)
    ");
    assert_eq!(desk.run(&format!("check --base main --fail-on worse {AS_OF}")).out, said.out, "the same again");
}

#[test]
fn an_unchanged_plan_is_no_worse_however_bad_it_is() {
    let desk = desk();
    let said = desk.run(&format!("check --base main --fail-on worse {AS_OF}"));
    assert_eq!(said.status, 0, "{}", said.out);
    assert!(said.out.contains("Change: unchanged since main ("), "{}", said.out);
    desk.write("plimsoll.toml", &("# a remark\n\n".to_string() + PLAN));
    assert_eq!(deltas(&compared(&desk, "")), Vec::<String>::new(), "a line that moved is no change");
    assert_eq!(desk.run(&format!("check --base main {AS_OF}")).status, 3, "it breaches as before");
}

#[test]
fn better_protection_may_cost_more() {
    let desk = desk();
    desk.write("plimsoll.toml", &edited(&[("\"0 3 * * *\"", "\"0 */6 * * *\"")]));
    let said = desk.run(&format!("check --base main --fail-on worse {AS_OF}"));
    assert_eq!(said.status, 0, "{}", said.out);
    let all = deltas(&compared(&desk, ""));
    assert!(all.contains(&"worse cost cost a year".to_string()), "{all:?}");
    assert!(all.contains(&"better expected-loss expected loss a year".to_string()), "{all:?}");
    assert!(all.contains(&"better bound loss of `uploads`: S3 data loss".to_string()), "{all:?}");
    assert!(said.out.contains("Change: better than main ("), "{}", said.out);
}

#[test]
fn to_declare_something_away_is_worse() {
    let desk = desk();
    for (plan, says) in [
        (
            without(&["[scenario.uploads-loss]", "[[scenario.uploads-loss.", "# Previous versions"]),
            "worse declared scenario `uploads-loss`",
        ),
        (edited(&[("rto = \"2h\"", "# rto")]), "worse objective RTO of `database`, `uploads`"),
        (edited(&[("immutable = true", "immutable = false")]), "worse objective immutability of `database`, `uploads`"),
        (
            edited(&[("destroys = [\"uploads-bucket\"]", "destroys = [\"app-host\"]")]),
            "worse bound loss of `uploads`: S3 data loss",
        ),
        (edited(&[("total_loss = 1_500_000", "# none")]), "other assumption price of a total loss"),
        (without(&["[losses]"]), "worse expected-loss expected loss a year"),
        // A time that nobody names any more costs nothing, and is no gain.
        (edited(&[(", declared = \"1h\"", "")]), "worse expected-loss expected loss a year"),
        // A time that nobody names any more costs nothing, and is no gain.
        (edited(&[(", declared = \"1h\"", "")]), "worse expected-loss expected loss a year"),
    ] {
        desk.write("plimsoll.toml", &plan);
        let all = deltas(&compared(&desk, ""));
        assert!(all.iter().any(|delta| delta == says), "{says}: {all:#?}");
        let expected = if says.starts_with("worse") { 3 } else { 0 };
        assert_eq!(desk.run(&format!("check --base main --fail-on worse {AS_OF}")).status, expected, "{says}");
    }
}

#[test]
fn how_sure_a_rate_is_stands_among_what_the_figures_rest_on() {
    let desk = desk();
    desk.write("plimsoll.toml", &edited(&[("per_year = 0.5", "per_year = { seen = 2, years = 4 }")]));
    let said = compared(&desk, "");
    let deltas = said["policies"][0]["change"]["deltas"].as_array().unwrap();
    let sure = deltas.iter().find(|d| d["what"].as_str().unwrap().starts_with("how sure that is: ")).unwrap();
    assert_eq!((&sure["before"]["value"], &sure["after"]["value"]), (&"taken as exact".into(), &"from 2 seen".into()));
    assert_eq!((sure["direction"].as_str(), sure["figure"].as_str()), (Some("other"), Some("assumption")));
}

#[test]
fn a_renamed_policy_is_compared_and_a_removed_one_is_told() {
    let desk = Desk::new();
    let second = edited(&[("name = \"PixelCraft\"", "name = \"Second\"")]);
    desk.write("plans/one.toml", PLAN)
        .write("plans/two.toml", &second)
        .write("plans/other.toml", "a = 1\n")
        .committed();
    desk.git(&["mv", "plans/one.toml", "plans/uno.toml"]);
    desk.git(&["rm", "--quiet", "plans/two.toml", "plans/other.toml"]);
    desk.write("plans/uno.toml", &edited(&[("rto = \"2h\"", "rto = \"3h\"")]));
    desk.write("plans/three.toml", &edited(&[("name = \"PixelCraft\"", "name = \"Third\"")]));
    let document = compared(&desk, "plans/uno.toml plans/three.toml");
    let origin = |n: usize| document["policies"][n]["change"]["origin"].clone();
    assert_eq!(origin(0), serde_json::json!({ "kind": "renamed", "from": "plans/one.toml" }));
    assert_eq!(deltas(&document), ["worse objective RTO of `database`, `uploads`"]);
    assert_eq!(origin(1), serde_json::json!({ "kind": "added" }));
    let removed = document["removed"].as_array().unwrap();
    assert_eq!(removed.len(), 1, "what was no policy promised nothing: {removed:?}");
    assert_eq!((&removed[0]["file"], &removed[0]["policy"]), (&"plans/two.toml".into(), &"Second".into()));
    // Named or not: a file that is gone is removed, and no error.
    let said = desk.run(&format!("check --base main --fail-on worse plans/two.toml {AS_OF}"));
    assert_eq!((said.status, said.err.as_str()), (3, ""));
    assert!(said.out.contains("Second: removed since main ("), "{}", said.out);
    let said = desk.run(&format!("check --base main --fail-on worse plans/three.toml plans/uno.toml {AS_OF}"));
    assert_eq!(said.status, 3);
}

#[test]
fn a_new_policy_and_one_that_was_invalid_are_compared_with_nothing() {
    let desk = Desk::new();
    desk.write("plimsoll.toml", "plimsoll = 1\nnonsense = 2\n").committed();
    desk.write("plimsoll.toml", PLAN).write("new.toml", &edited(&[("name = \"PixelCraft\"", "name = \"New\"")]));
    let said = desk.run(&format!("check --base main --fail-on worse plimsoll.toml new.toml {AS_OF}"));
    assert_eq!(said.status, 0, "whoever repairs a policy, or writes a first one, is not held up: {}", said.err);
    assert!(said.out.contains("not compared: it was no valid policy in main ("), "{}", said.out);
    assert!(said.out.contains("Change: new, not in main ("), "{}", said.out);
}

#[test]
fn it_is_the_merge_base_that_counts_and_the_folder_does_not_matter() {
    let desk = Desk::new();
    desk.write("ops/plimsoll.toml", PLAN).committed();
    desk.git(&["checkout", "--quiet", "main"]);
    desk.write("ops/plimsoll.toml", &edited(&[("rpo = \"1h\"", "rpo = \"15min\"")]));
    desk.commit();
    desk.git(&["checkout", "--quiet", "work"]);
    let document = compared(&desk, "ops/plimsoll.toml");
    assert_eq!(deltas(&document), Vec::<String>::new(), "what others did since is none of this branch's doing");
    let inside = desk.run(&format!("check --base main {AS_OF} ops/../ops/plimsoll.toml"));
    assert!(inside.out.contains("unchanged since main"), "{}", inside.out);
}

#[test]
fn prices_are_those_of_each_side() {
    let desk = Desk::new();
    let book = include_str!("../../policies/prices/aws-us-east-1.toml");
    let plan = edited(&[("prices = \"aws-us-east-1\"", "prices = \"prices.toml\"")]);
    desk.write("ops/plimsoll.toml", &plan).write("ops/prices.toml", book).committed();
    assert_eq!(deltas(&compared(&desk, "ops/plimsoll.toml")), Vec::<String>::new());
    std::fs::remove_file(desk.path("ops/prices.toml")).unwrap();
    let document = compared(&desk, "ops/plimsoll.toml");
    assert_eq!(deltas(&document), ["worse cost cost a year"], "what could be said and no longer can");
    let unsaid = document["policies"][0]["change"]["unsaid"].to_string();
    assert!(unsaid.contains("the cost after: ") && unsaid.contains("ops/prices.toml"), "{unsaid}");
}

#[test]
fn what_an_included_file_promised_is_compared_as_it_was() {
    let desk = Desk::new();
    let plan = edited(&[("plimsoll = 1", "plimsoll = 1\ninclude = [\"../defaults.toml\"]"), ("rto = \"2h\"", "# rto")]);
    desk.write("ops/plimsoll.toml", &plan)
        .write("defaults.toml", "plimsoll = 1\n[objective]\nrto = \"2h\"\n")
        .committed();
    assert_eq!(deltas(&compared(&desk, "ops/plimsoll.toml")), Vec::<String>::new());
    desk.write("defaults.toml", "plimsoll = 1\n[objective]\nrto = \"3h\"\n");
    let document = compared(&desk, "ops/plimsoll.toml");
    assert_eq!(
        deltas(&document),
        ["worse objective RTO of `database`, `uploads`"],
        "the policy's own file is the same"
    );
}

#[test]
fn without_git_a_file_is_compared_with() {
    let desk = Desk::new();
    desk.write("plimsoll.toml", &edited(&[("rpo = \"1h\"", "rpo = \"2h\"")])).write("before.toml", PLAN);
    let said = desk.run(&format!("check --base-file before.toml --fail-on worse {AS_OF}"));
    assert_eq!(said.status, 3);
    assert!(said.out.contains("Change: worse than before.toml: 1 worse"), "{}", said.out);
}

#[test]
fn what_cannot_be_compared_says_why_and_what_to_do() {
    let desk = desk();
    let alone = Desk::new();
    alone.write("plimsoll.toml", PLAN);
    for (desk, words, says) in [
        (&desk, "check --base no-such", "git knows no commit `no-such`"),
        (&desk, "check --base=--output=x", "git knows no commit `--output=x`"),
        (&desk, "check --fail-on worse", "nothing can get worse that is compared with nothing"),
        (&desk, "check --base main --base-file x", "cannot be used with"),
        (&desk, "check plimsoll.toml plimsoll.toml --base-file plimsoll.toml", "--base-file is one policy"),
    ] {
        let said = desk.run(words);
        assert!(said.status == 2 && said.err.contains(says), "{words}: {} {}", said.status, said.err);
    }
    let said = alone.run("check --base main");
    assert!(said.status == 1 && said.err.contains("is in no git repository"), "{}", said.err);
    assert!(said.err.contains("help: compare with a file instead: --base-file FILE"), "{}", said.err);
    desk.git(&["checkout", "--quiet", "--orphan", "island"]);
    // Of one second, the same files would be the same commit.
    desk.write("island", "");
    desk.commit();
    let said = desk.run("check --base main");
    assert!(
        said.status == 2 && said.err.contains("no commit in common") && said.err.contains("fetch-depth: 0"),
        "{}",
        said.err
    );
}

#[test]
fn a_comment_shows_the_change_as_a_table() {
    let desk = desk();
    desk.write("plimsoll.toml", &edited(&[("rpo = \"1h\"", "rpo = \"2h\"")]));
    let said = desk.run(&format!("check --base main --format markdown {AS_OF}"));
    let mut lines = said.out.lines();
    assert_eq!(lines.next(), Some("<!-- plimsoll:check -->"));
    let headline = lines.next().unwrap();
    assert!(headline.starts_with("**Plimsoll check: worse** — PixelCraft: "), "{headline}");
    let row = "| **worse** | RPO of <code>database</code>, <code>uploads</code> | 1 h | 2 h | +1 h |";
    assert!(said.out.lines().any(|line| line == row), "{}", said.out);
}

fn at() -> Instant {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn compare(before: &Policy, after: &Policy) -> Change {
    let window = Window::new(at() - Span::days(7), at());
    let audits = [before, after].map(|policy| audit::run(policy, None, at(), window));
    let book = book::builtin("aws-us-east-1").unwrap();
    let old = Side { policy: before, audit: &audits[0], book: Some(&book) };
    let new = Side { policy: after, audit: &audits[1], book: Some(&book) };
    change::compare("before".into(), Origin::Same, &old, &new)
}

/// PixelCraft with some of its figures drawn anew.
fn plans() -> impl Strategy<Value = Policy> {
    let one = |words: &'static [&'static str]| prop::sample::select(words);
    let figures = (
        one(&["rpo = \"1h\"", "rpo = \"24h\"", ""]),
        one(&["rto = \"2h\"", "rto = \"1d\"", ""]),
        one(&["copies = 2", "copies = 1", ""]),
        one(&["0 3 * * *", "0 */4 * * *", "0 3 * * 1"]),
        one(&["window = \"7d\"", "window = \"1d\""]),
        one(&["retention = \"30d\"", "retention = \"10d\""]),
        one(&["per_year = 0.1 ", "per_year = 3"]),
        one(&["consistency = \"none\"", "consistency = \"snapshot\""]),
    );
    figures.prop_map(|(rpo, rto, copies, schedule, window, retention, per_year, consistency)| {
        let text = edited(&[
            ("rpo = \"1h\"", rpo),
            ("rto = \"2h\"", rto),
            ("copies = 2", copies),
            ("0 3 * * *", schedule),
            ("window = \"7d\"", window),
            ("retention = \"30d\"", retention),
            ("per_year = 0.1 ", per_year),
            ("consistency = \"none\"", consistency),
        ]);
        policy::parse(SourceText::new("plan.toml", text)).unwrap_or_else(|problems| panic!("{problems:#?}"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever is worse one way is better the other way, and a plan compared with itself has not changed.
    #[test]
    fn a_change_and_its_undoing_are_mirrors(a in plans(), b in plans()) {
        let (there, back) = (compare(&a, &b), compare(&b, &a));
        prop_assert_eq!(there.deltas.len(), back.deltas.len());
        for delta in &there.deltas {
            let mirror = back.deltas.iter().find(|other| other.what == delta.what && other.figure == delta.figure);
            let mirror = mirror.unwrap_or_else(|| panic!("{delta:?} has no mirror"));
            prop_assert_eq!((&mirror.before, &mirror.after), (&delta.after, &delta.before));
            let turned = match delta.direction {
                Direction::Worse => Direction::Better,
                Direction::Better => Direction::Worse,
                Direction::Other => Direction::Other,
            };
            prop_assert_eq!(mirror.direction, turned, "{:?}", delta);
        }
        prop_assert!(compare(&a, &a).is_empty());
        let objectives = |change: &Change| change.deltas.iter().filter(|d| d.figure == Figure::Objective).count();
        let differ = |a: Option<Span>, b: Option<Span>| usize::from(a != b);
        let asked = |p: &Policy| (p.objective.rpo.as_ref().map(|r| r.value), p.objective.rto.as_ref().map(|r| r.value));
        let expected = differ(asked(&a).0, asked(&b).0) + differ(asked(&a).1, asked(&b).1);
        prop_assert!(objectives(&there) >= expected, "each objective that differs is told");
    }
}
