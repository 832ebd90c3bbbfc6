//! What the weekly report says of the week before, of waivers, and in Markdown; and what the two pages for those who pay say.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use plimsoll::audit::{self, Verdict};
use plimsoll::base::{Instant, Span, Window};
use plimsoll::cost::{Bill, PriceBook, Tradeoff, bill, book, tradeoff};
use plimsoll::evidence::{Evidence, RunOutcome};
use plimsoll::policy::{self, Policy, SourceText};
use plimsoll::report::view::{Earlier, Figure, MadeWith, With};
use plimsoll::report::{Inputs, View, html, json, markdown, stakeholder};
use plimsoll::sim::{self, Simulation, campaign};
use plimsoll::timeline::Basis;

/// A space of plans that is quickly searched.
const SMALL: &str = "\n[tradeoff]\nlog_lag = [\"declared\", \"1min\"]\nsnapshot_every = [\"declared\", \"6h\"]\n\
                     retention = [\"declared\"]\nstorage_class = [\"declared\"]\nlock = [\"declared\"]\n\
                     copy_to = [\"declared\"]\n";
const YEARS: u64 = 2_000;

fn now() -> Instant {
    "2026-11-22T06:00:00Z".parse().unwrap()
}

fn policy_of(text: &str) -> Policy {
    policy::parse(SourceText::new("plan.toml", text)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn pixelcraft() -> String {
    include_str!("../../policies/pixelcraft.toml").to_string() + SMALL
}

fn recorded() -> Evidence {
    serde_json::from_str(include_str!("../../reports/sample/evidence.json")).unwrap()
}

/// What takes long, worked out once for all stories: simulation and plans say nothing of the week.
fn priced() -> &'static (Simulation, PriceBook, Bill, Tradeoff) {
    static PRICED: OnceLock<(Simulation, PriceBook, Bill, Tradeoff)> = OnceLock::new();
    PRICED.get_or_init(|| {
        let (policy, evidence) = (policy_of(&pixelcraft()), recorded());
        let options = sim::Options { seed: 1, years: YEARS, basis: Basis::Declared, threads: 2, as_of: now() };
        let book = book::builtin("aws-us-east-1").unwrap();
        let simulation = campaign::run(&policy, Some(&evidence), &options);
        let bill = bill::annual(&policy, &book, Some(&evidence));
        let tradeoff = tradeoff::explore(&policy, &book, Some(&evidence), now());
        (simulation, book, bill, tradeoff)
    })
}

struct Week {
    policy: Policy,
    evidence: Option<Evidence>,
}

impl Week {
    fn of(policy: &str, evidence: Option<Evidence>) -> Self {
        Week { policy: policy_of(policy), evidence: evidence.map(|evidence| evidence.as_of(now())) }
    }

    /// As the same evidence tells it, or `evidence` that was kept.
    fn earlier(&self, days: i64, kept: Option<&Evidence>) -> Earlier {
        let at = now() - Span::days(days);
        let evidence = self.evidence.as_ref().expect("evidence");
        let known = kept.unwrap_or(evidence).clone().as_of(at);
        let audit = audit::run(&self.policy, Some(&known), at, Window::new(at - Span::days(7), at));
        let with = if kept.is_some() { With::Evidence } else { With::SameEvidence };
        Earlier::of(&self.policy, &known, &audit, with, evidence.read_at)
    }

    fn view(&self, earlier: Option<&Earlier>, with_money: bool) -> View {
        let nothing = Evidence::none(now());
        let evidence = self.evidence.as_ref().unwrap_or(&nothing);
        let audit = audit::run(&self.policy, Some(evidence), now(), Window::new(now() - Span::days(7), now()));
        let (simulation, book, bill, tradeoff) = priced();
        View::build(&Inputs {
            policy: &self.policy,
            evidence: self.evidence.as_ref(),
            audit: &audit,
            simulation: with_money.then_some(simulation),
            book: with_money.then_some(book),
            bill: with_money.then_some(bill),
            tradeoff: with_money.then_some(tradeoff),
            earlier,
            made_with: MadeWith { as_of: now(), window: Span::days(7), years: YEARS, seed: 1 },
        })
    }
}

#[test]
fn nothing_changed_where_it_is_compared_with_itself_and_no_form_claims_more() {
    let week = Week::of(&pixelcraft(), Some(recorded()));
    let same = Earlier::of_report(json::of(&week.view(None, false)).unwrap().as_bytes()).unwrap();
    let view = week.view(Some(&same), false);
    let changes = view.changes.as_ref().unwrap();
    assert!(changes.is_nothing(), "{changes:#?}");
    assert_eq!(changes.sentence, "Since 22 November nothing changed; the verdict is breached as before.");
    assert!(week.view(None, false).changes.is_none(), "without a state before, nothing is said of what changed");
}

#[test]
fn a_drill_and_a_failed_run_since_are_told_and_findings_that_came_and_went() {
    let mut before = recorded();
    before.drills.clear();
    before.runs.clear();
    let mut after = recorded();
    after.unreadable.clear();
    let week = Week::of(&pixelcraft(), Some(after));
    // The state of yesterday, when no drill had been done and something could not be read.
    let earlier = week.earlier(1, Some(&before));
    let view = week.view(Some(&earlier), false);
    let changes = view.changes.as_ref().unwrap();
    assert_eq!(changes.drills.len(), view.drills.len());
    let closed: BTreeSet<&str> = changes.closed.iter().map(|told| told.code.as_str()).collect();
    assert!(closed.contains("evidence-unreadable"), "{closed:?}");
    // Of what one finding tells of two assets, one is still so: it is not closed.
    assert!(!closed.contains("drill-missing") && view.findings.iter().any(|finding| finding.code == "drill-missing"));
    let moved = changes.figures.iter().find(|moved| moved.what == "drilled recovery").expect("it is known now");
    assert!(matches!(moved.then, Figure::Unknown { .. }) && matches!(moved.now, Figure::Span { .. }), "{moved:#?}");
    assert_eq!((moved.by, moved.worse), (None, None), "what was not known has no difference");
    let failed = view.evidence.as_ref().unwrap().failed_runs;
    let since = week.evidence.as_ref().unwrap().runs.iter();
    let since = since.filter(|run| matches!(run.outcome, RunOutcome::Failed { .. }) && run.ended_at > earlier.as_of);
    assert_eq!(changes.failed_runs, since.count());
    assert!(changes.failed_runs <= failed);
}

#[test]
fn runs_that_left_nothing_since_are_named_by_when_they_were_due() {
    let mut evidence = recorded();
    let night: Instant = "2026-11-20T00:00:00Z".parse().unwrap();
    let of_night = |at: Instant| at > night && at < night + Span::days(1);
    evidence.points.retain(|p| !(p.protection.as_deref() == Some("nightly-dump") && of_night(p.consistent_at)));
    evidence.runs.retain(|r| !(r.protection.as_deref() == Some("nightly-dump") && of_night(r.started_at)));
    let week = Week::of(&pixelcraft(), Some(evidence));
    let view = week.view(Some(&week.earlier(4, None)), false);
    let changes = view.changes.as_ref().unwrap();
    let missed = changes.missed.iter().find(|missed| missed.protection == "nightly-dump").expect("a missed run");
    assert!(missed.runs.iter().any(|run| of_night(*run)), "{missed:?}");
    assert!(missed.runs.iter().all(|run| *run >= changes.since), "{missed:?}");
}

#[test]
fn a_figure_moves_by_the_difference_of_the_two() {
    let week = Week::of(&pixelcraft(), Some(recorded()));
    let mut earlier = Earlier::of_report(json::of(&week.view(None, false)).unwrap().as_bytes()).unwrap();
    let shift = Span::minutes(95);
    for row in &mut earlier.promises {
        if let Figure::Span { ms, .. } = &mut row.observed_loss {
            *ms = *ms - shift;
        }
    }
    let view = week.view(Some(&earlier), false);
    let figures = &view.changes.as_ref().unwrap().figures;
    assert_eq!(figures.len(), view.promises.len(), "{figures:#?}");
    assert!(figures.iter().all(|moved| moved.by == Some(shift) && moved.worse == Some(true)), "{figures:#?}");
    let text = markdown::of(&view);
    assert!(text.contains("| observed loss |") && text.contains("| +1 h 35 min, worse |"), "{text}");
    assert!(html::page(&view).unwrap().contains("+1 h 35 min"));
}

#[test]
fn what_has_been_deleted_since_makes_nothing_look_better_than_it_was() {
    // Copies are kept for seven days: of the week before, most are gone by their own rule, and a look back sees holes.
    let mut evidence = recorded();
    let kept = now() - Span::days(7);
    evidence.points.retain(|point| point.consistent_at >= kept);
    evidence.coverage.retain(|piece| piece.last.instant() >= kept);
    let week = Week::of(&pixelcraft(), Some(evidence));
    let earlier = week.earlier(6, None);
    assert!(earlier.unseen.contains(&"database".to_string()), "{:?}", earlier.unseen);
    let view = week.view(Some(&earlier), false);
    let changes = view.changes.as_ref().unwrap();
    let better = changes.figures.iter().filter(|m| m.what == "observed loss" && m.asset == "database");
    assert!(better.clone().all(|moved| moved.worse == Some(true)), "{better:#?}", better = better.collect::<Vec<_>>());
    assert!(changes.closed.iter().all(|told| told.asset.as_deref() != Some("database")), "{:#?}", changes.closed);
    assert!(html::page(&view).unwrap().contains("it is not said what got better"));
}

#[test]
fn before_anything_was_on_record_there_is_nothing_to_compare_with() {
    let week = Week::of(&pixelcraft(), Some(recorded()));
    let view = week.view(Some(&week.earlier(300, None)), false);
    let changes = view.changes.as_ref().unwrap();
    assert!(changes.nothing_known);
    assert!(changes.sentence.contains("nothing was on record yet"), "{}", changes.sentence);
    assert!(!html::page(&view).unwrap().contains("<strong>New</strong>"));
}

#[test]
fn a_report_that_somebody_made_up_cannot_steer_and_what_is_no_report_is_none() {
    let week = Week::of(&pixelcraft(), Some(recorded()));
    let text = json::of(&week.view(None, false)).unwrap();
    let evil = text.replace("\"asset\": \"database\"", "\"asset\": \"\\u001b[2J<script>\\u202e\"");
    let earlier = Earlier::of_report(evil.as_bytes()).unwrap();
    let view = week.view(Some(&earlier), false);
    let page = html::page(&view).unwrap() + &markdown::of(&view) + &json::of(&view).unwrap();
    assert_eq!(page.chars().find(|c| *c != '\n' && plimsoll::report::text::steers(*c)), None);
    let scripts = |view: &View| html::page(view).unwrap().matches("<script").count();
    assert_eq!(scripts(&view), scripts(&week.view(None, false)), "the page holds no script but its own");
    assert!(Earlier::of_report(b"{\"schema\": \"something.else/1\"}").is_none());
    assert!(Earlier::of_report(text.replace("report.weekly/", "report.monthly/").as_bytes()).is_none());
}

#[test]
fn waivers_are_told_by_their_date_and_one_that_ended_says_so() {
    let waiver = |until: &str, reason: &str| {
        format!(
            "\n[[waiver]]\ncode = \"loss-window-declared\"\nasset = \"uploads\"\nowner = \"Ada\"\nreason = \"{reason}\"\nuntil = {until}\n"
        )
    };
    let waivers = waiver("2026-11-20", "first") + &waiver("2026-12-10", "second") + &waiver("2027-06-01", "third");
    let view = Week::of(&(pixelcraft() + &waivers), Some(recorded())).view(None, false);
    let told: Vec<(&str, &str)> = view.waivers.iter().map(|w| (w.reason.as_str(), w.state)).collect();
    assert_eq!(told, [("first", "ended"), ("second", "ends-soon"), ("third", "holds")]);
    let (page, text) = (html::page(&view).unwrap(), markdown::of(&view));
    assert!(
        page.contains("<strong>ended</strong>") && page.contains("1 waiver ends later"),
        "the page tells all three"
    );
    assert!(text.contains("**ended** 30 h ago: Ada, first") && text.contains("ends in 18 d"), "{text}");
}

#[test]
fn every_simulated_figure_stands_beside_its_error() {
    let view = Week::of(&pixelcraft(), Some(recorded())).view(None, true);
    let (page, text) = (html::page(&view).unwrap(), markdown::of(&view));
    let annual = view.simulation.as_ref().unwrap().annual.as_ref().unwrap();
    let errors = [&annual.p50_give_or_take, &annual.p95_give_or_take];
    for (amount, error) in [&annual.p50, &annual.p95].into_iter().zip(errors) {
        let said = format!("{amount} ± {}", error.as_ref().expect("thousands of years tell it"));
        assert!(page.contains(&said) && text.contains(&said), "{said}");
    }
    for row in &view.simulation.as_ref().unwrap().rows {
        let (Some(spread), Some(loss)) = (&row.downtime, &row.annual_loss) else { continue };
        let error = row.annual_loss_give_or_take.as_ref().expect("money has an error");
        assert!(text.contains(&format!("{loss} ± {error}")), "{loss} ± {error}\n{text}");
        if let Some(error) = spread.p95_give_or_take {
            assert!(
                text.contains(&format!("{} ± {error}", spread.p95))
                    && page.contains(&format!("<small>± {error}</small>"))
            );
        }
    }
}

#[test]
fn hostile_names_do_not_break_out_of_the_markdown() {
    let mut policy = policy_of(&pixelcraft());
    policy.name = "Pixel|Craft `x` <img src=x> [a](javascript:b)\u{202e} @everyone #1".into();
    policy.scenarios[0].title = "a | b ` c <b> *d*".into();
    let week = Week { policy, evidence: Some(recorded().as_of(now())) };
    let text = markdown::of(&week.view(None, true));
    assert_eq!(text.chars().find(|c| *c != '\n' && plimsoll::report::text::steers(*c)), None);
    assert!(
        !text.contains(" <img") && !text.replace("\\]", "").contains("](javascript") && !text.contains(" @everyone"),
        "{text}"
    );
    for block in text.split("\n\n").filter(|block| block.starts_with('|')) {
        let bars = |line: &str| line.replace("\\|", "").matches('|').count();
        let counts: BTreeSet<usize> = block.lines().map(bars).collect();
        assert_eq!(counts.len(), 1, "{block}");
    }
}

#[test]
fn the_markdown_begins_with_the_verdict_and_its_table_reads_in_a_terminal() {
    let week = Week::of(&pixelcraft(), Some(recorded()));
    let text = markdown::of(&week.view(Some(&week.earlier(7, None)), false));
    let (before, rest) = text.split_once("## Promised").expect("the table's heading");
    let (table, _) = rest.split_once("## What changed since 15 November 2026").expect("the next heading");
    let head: Vec<&str> = before.lines().take(3).chain(table.lines()).collect();
    insta::assert_snapshot!(head.join("\n").trim_end(), @r"
    # PixelCraft breaks 17 promises and cannot prove 10 more.

    **Breached** · PixelCraft · 15 November 2026 to 22 November 2026
    , declared, observed, drilled

    | asset | failure | RPO | declared | observed | loss | RTO | declared | drilled | recovery |
    |---|---|--:|--:|--:|---|--:|--:|--:|---|
    | database | Database corruption or drop | 1 h | 0 s | 3 h 50 min | Breached | 2 h | 1 h 50 min | 1 h 47 min | Unproven |
    | uploads | S3 data loss | 1 h | 24 h 40 min | 48 h 48 min | Breached | 2 h | 1 h 40 min | not known | Unproven |
    | database | Complete infrastructure failure | 1 h | 24 h 40 min | 48 h 48 min | Breached | 2 h | 1 h 50 min | 1 h 47 min | Unproven |
    ");
}

/// The words on the page, without its style and its marks.
fn words(page: &str) -> String {
    let body = page.split_once("</style>").expect("a style").1;
    let mut out = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.replace('\u{a0}', " ")
}

/// Words that nobody outside the trade knows.
const JARGON: [&str; 19] = [
    "rpo",
    "rto",
    "pitr",
    "oplog",
    "snapshot",
    "recovery point",
    "loss window",
    "retention",
    "immutab",
    "failover",
    "replica",
    "restore drill",
    "critical path",
    "quantile",
    "percentile",
    "monte carlo",
    "standard error",
    "exceedance",
    "s3-standard",
];

#[test]
fn the_two_pages_use_no_jargon_and_every_amount_is_the_views_own() {
    for evidence in [Some(recorded()), None] {
        let view = Week::of(&pixelcraft(), evidence).view(None, true);
        let page = stakeholder::page(&view).unwrap();
        let told = words(&page);
        let lower = told.to_lowercase();
        for word in JARGON {
            assert!(!lower.contains(word), "`{word}` is on the page: {told}");
        }
        let known = json::of(&view).unwrap();
        let charts = [view
            .charts
            .loss_exceedance
            .as_ref()
            .map(|c| plimsoll::report::chart::svg(c, plimsoll::report::chart::Sheet::Wide, "x"))];
        let drawn: String = charts.into_iter().flatten().map(|svg| svg.unwrap()).collect();
        for amount in told.split("USD ").skip(1) {
            let digits: String = amount.chars().take_while(|c| c.is_ascii_digit() || ",.".contains(*c)).collect();
            let amount = format!("USD {}", digits.trim_end_matches([',', '.']));
            assert!(known.contains(&amount) || drawn.contains(&amount), "{amount} is nowhere in the view");
        }
    }
}

#[test]
fn the_two_pages_say_plainly_what_they_cannot_say() {
    let with = Week::of(&pixelcraft(), Some(recorded())).view(None, true);
    let told = words(&stakeholder::page(&with).unwrap());
    let annual = with.simulation.as_ref().unwrap().annual.as_ref().unwrap();
    assert!(told.contains(&annual.expected) && told.contains(&annual.give_or_take), "{told}");
    assert!(told.contains("All amounts are in USD, for one year, as of 2026."), "{told}");
    assert!(
        told.contains("at prices that nobody has verified") && told.contains("simulated over 2,000 years"),
        "{told}"
    );

    let alone = words(&stakeholder::page(&Week::of(&pixelcraft(), None).view(None, false)).unwrap());
    for plain in [
        "no record was given, so these pages tell the plan alone",
        "Whether a restore works at all: none was ever tried.",
        "What failures cost cannot be said",
        "What another plan would cost cannot be said",
        "Nothing was simulated.",
    ] {
        assert!(alone.contains(plain), "{plain}: {alone}");
    }
    assert!(!alone.contains("USD 0"), "an amount that is not known is none: {alone}");
}

#[test]
fn the_two_pages_load_nothing() {
    let page = stakeholder::page(&Week::of(&pixelcraft(), Some(recorded())).view(None, true)).unwrap();
    for asset in
        [" src=", "<link", "@import", "url(", "<iframe", "<object", " style=", " onload", "javascript:", "<script"]
    {
        assert!(!page.contains(asset), "the page holds `{asset}`");
    }
    assert!(page.contains("default-src 'none'") && page.contains("style-src 'sha256-"));
    assert_eq!(page.matches("class=\"sheet\"").count(), 2);
    assert_eq!(page.matches("<h1").count(), 1);
}

#[test]
fn the_sentence_on_top_follows_the_verdict() {
    let mut view = Week::of(&pixelcraft(), Some(recorded())).view(None, true);
    let top = |view: &View| stakeholder::Sheet::of(view).sentence;
    assert!(top(&view).starts_with("PixelCraft can lose "), "{}", top(&view));
    view.verdict = Verdict::Unproven;
    assert_eq!(top(&view), "PixelCraft’s backups may do what was agreed, but nobody has shown it.");
    view.verdict = Verdict::Met;
    assert!(top(&view).contains("there is proof"));
}
