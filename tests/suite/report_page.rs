//! The page, the tables and the files: right, safe whatever names people choose, and the same every time.

use std::path::Path;

use plimsoll::audit::{Audit, Cell, Code, Finding, Measure, Pass, Severity, Subject, Verdict};
use plimsoll::base::{Instant, Span, Window};
use plimsoll::cost::sensitivity::Turn;
use plimsoll::cost::{Assumption, Bill, BillLine, Choice, Complexity, Grade, PlanPoint, Sensitivity, Tradeoff};
use plimsoll::evidence::Evidence;
use plimsoll::policy::{self, Place, Policy, SourceText};
use plimsoll::report::table::Look;
use plimsoll::report::view::{MadeWith, PromiseRow, shown};
use plimsoll::report::{Inputs, View, csv, html, json, markdown, terminal, write_all};
use plimsoll::sim::{AnnualLoss, AssetResult, Errors, Estimate, Quantiles, ScenarioResult, Simulation};
use plimsoll::timeline::{self, Basis, Failure, Loss};

fn root(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn pixelcraft() -> Policy {
    let source = SourceText::new("policies/pixelcraft.toml", root("policies/pixelcraft.toml"));
    policy::parse(source).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn recorded() -> Evidence {
    serde_json::from_str(&root("reports/sample/evidence.json")).expect("the sample is evidence")
}

fn as_of() -> Instant {
    "2026-11-22T06:00:00Z".parse().expect("an instant")
}

/// An audit of the sample week with the timeline's own curves; verdicts and findings are set by hand, to test the page
/// apart from the rules.
fn audit(policy: &Policy, evidence: Option<&Evidence>) -> Audit {
    let window = Window::new(as_of() - Span::days(7), as_of());
    let mut cells = Vec::new();
    for scenario in &policy.scenarios {
        for asset in &policy.assets {
            let failure = Failure::of(policy, scenario, asset, Span::minutes(5), Span::hours(2));
            if !failure.strikes(asset) {
                continue;
            }
            let declared =
                timeline::exposure::sweep(&timeline::declared::declared(policy, asset, window), &failure, window);
            let observed = evidence
                .map(|e| timeline::exposure::sweep(&timeline::observed::observed(policy, e, asset), &failure, window));
            cells.push(Cell {
                asset: asset.name.clone(),
                scenario: scenario.name.clone(),
                title: scenario.title.clone(),
                rpo: Some(Span::hours(1)),
                rto: Some(Span::hours(2)),
                declared_loss: Measure::Known(declared.worst),
                observed_loss: observed
                    .as_ref()
                    .map_or(Measure::Unknown("no evidence was given".into()), |e| Measure::Known(e.worst)),
                declared_downtime: Measure::Known(Span::minutes(190)),
                drilled_downtime: Measure::Unknown("no drill of uploads is on record".into()),
                rpo_verdict: Verdict::Breached,
                rto_verdict: Verdict::Unproven,
                declared_exposure: Some(declared),
                observed_exposure: observed,
            });
        }
    }
    let finding = |verdict, severity, message: &str, line: u32| Finding {
        code: Code::LossWindowDeclared,
        verdict,
        severity,
        subject: Subject { asset: Some("uploads".into()), scenario: Some("uploads-loss".into()), protection: None },
        at: Some(Place { line, column: 1, len: 3, ..Place::default() }),
        parts: vec![],
        also: vec![],
        message: message.into(),
        evidence: vec!["nightly-uploads-20261117T031600Z".into(), "nightly-uploads-20261119T030500Z".into()],
        remedy: "copy new uploads to another account every hour, or raise the objective".into(),
        controls: vec!["NIST CP-9", "CIS 11.2"],
        waived: None,
    };
    Audit {
        files: vec![],
        policy: policy.name.clone(),
        as_of: as_of(),
        window,
        cells,
        findings: vec![
            finding(
                Verdict::Breached,
                Severity::Critical,
                "up to 24 h 40 min of uploads can be lost, 1 h is allowed",
                18,
            ),
            finding(Verdict::Unproven, Severity::Major, "no drill has restored the uploads", 21),
        ],
        passes: vec![Pass {
            code: Code::LossWindowDeclared,
            subject: Subject { asset: Some("database".into()), ..Subject::default() },
            why: "at most 31 min were exposed".into(),
        }],
        verdict: Verdict::Breached,
    }
}

fn simulation() -> Simulation {
    let estimate = |mean| Estimate { mean, standard_error: mean / 50.0 };
    let quantiles = Quantiles {
        mean: Span::hours(12),
        standard_error: Span::minutes(3),
        p50: Span::hours(12),
        p90: Span::hours(22),
        p95: Span::hours(23),
        p99: Span::hours(24),
        worst: Span::hours(48),
        errors: Errors::default(),
    };
    Simulation {
        basis: Basis::Observed,
        seed: 7,
        years: 20_000,
        incidents: 132_480,
        scenarios: vec![ScenarioResult {
            scenario: "uploads-loss".into(),
            title: "S3 data loss".into(),
            per_year: 0.1,
            incidents: 2_000,
            downtime: Some(quantiles),
            meets_rto: Some(estimate(0.31)),
            assets: vec![AssetResult {
                asset: "uploads".into(),
                loss_window: Some(quantiles),
                total_loss: estimate(0.0),
                meets_rpo: Some(estimate(0.9997)),
            }],
            annual_loss: Some(estimate(6_400.0)),
        }],
        annual: Some(AnnualLoss {
            currency: "USD".into(),
            at_least: false,
            expected: estimate(41_200.0),
            p50: 12_000.0,
            p90: 110_000.0,
            p95: 160_000.0,
            p99: 420_000.0,
            tail_mean_95: 290_000.0,
            errors: Errors::default(),
            tail_mean_95_error: 4_000.0,
            exceedance: vec![],
        }),
        worst: None,
        unsaid: vec!["how long restoring the uploads takes: nothing was drilled".into()],
    }
}

fn bill() -> Bill {
    let line = |item: &str, amount, grade| BillLine {
        protection: "nightly-uploads".into(),
        item: item.into(),
        basis: "40 GB × 30 points × USD 0.023 per GB-month × 12".into(),
        amount,
        grade,
    };
    Bill {
        currency: "USD".into(),
        lines: vec![line("storage", 331.2, Grade::Published), line("egress", 12.9, Grade::Unverified)],
        total: 344.1,
        unpriced: vec![],
        whole: true,
    }
}

fn tradeoff() -> Tradeoff {
    let plan = |label: &str, annual_cost, expected_annual_loss, meets_rpo| PlanPoint {
        label: label.into(),
        choice: Choice::declared(),
        snapshot_every: Some(Span::hours(6)),
        annual_cost,
        expected_annual_loss,
        unpriced_totals: 0.0,
        worst_loss: if meets_rpo { Loss::Window(Span::minutes(31)) } else { Loss::Total },
        complexity: Complexity { moving_parts: 7, ..Complexity::default() },
        weighed: true,
        misses: if meets_rpo { vec![] } else { vec!["RPO"] },
        parts: vec![],
    };
    Tradeoff {
        currency: "USD".into(),
        plans: vec![
            plan("snapshot every 6 h, log", 344.1, 41_200.0, false),
            plan("snapshot every 1 h, log, off-site copy", 1_020.0, 2_100.0, true),
            plan("snapshot every 24 h", 120.0, 98_000.0, false),
        ],
        front: vec![2, 0, 1],
        curve: vec![2, 0, 1],
        today: Some(0),
        cheapest_compliant: Some(1),
        nearest: None,
        least_total: Some(1),
        recommended: Some(1),
        missed_by_all: vec![],
        sensitivity: vec![Sensitivity {
            assumption: Assumption::LostData,
            at_half: 21_000.0,
            at_double: 82_000.0,
            turns_below: None,
            turns_above: Some(Turn { times: 3.0, to: "snapshot every 1 h, log, off-site copy".into() }),
        }],
        recommendation: vec!["Today: the plan costs USD 344 a year.".into()],
        unsaid: vec![],
    }
}

fn made_with(audit: &Audit) -> MadeWith {
    MadeWith { as_of: audit.as_of, window: audit.window.length(), years: 1, seed: 1 }
}

fn with_view<T>(change: impl FnOnce(&mut Policy, &mut Evidence, &mut Audit), use_it: impl FnOnce(&View) -> T) -> T {
    let (mut policy, mut evidence) = (pixelcraft(), recorded());
    let mut audit = audit(&policy, Some(&evidence));
    change(&mut policy, &mut evidence, &mut audit);
    let (simulation, bill, tradeoff) = (simulation(), bill(), tradeoff());
    use_it(&View::build(&Inputs {
        policy: &policy,
        evidence: Some(&evidence),
        audit: &audit,
        simulation: Some(&simulation),
        book: None,
        bill: Some(&bill),
        tradeoff: Some(&tradeoff),
        earlier: None,
        made_with: made_with(&audit),
    }))
}

fn unchanged(_: &mut Policy, _: &mut Evidence, _: &mut Audit) {}

#[test]
fn every_form_is_written_and_equal_inputs_give_equal_bytes() {
    let read = |folder: &Path| {
        let paths = with_view(unchanged, |view| write_all(view, None, folder)).expect("written");
        let bytes = |path: &Path| std::fs::read(path).expect("readable");
        paths.iter().map(|p| (p.strip_prefix(folder).expect("inside").to_path_buf(), bytes(p))).collect::<Vec<_>>()
    };
    let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (first, second) = (read(one.path()), read(two.path()));
    assert_eq!(first.len(), 31, "{:?}", first.iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert!(first == second, "the same inputs gave other bytes");
    assert!(first.iter().all(|(name, bytes)| !bytes.is_empty() && !name.to_string_lossy().starts_with('.')));
    let left = std::fs::read_dir(one.path()).expect("readable").flatten().count();
    assert_eq!(left, 8, "seven files and the charts' folder, nothing half-made");
    if let Ok(folder) = std::env::var("PLIMSOLL_TEST_CHARTS") {
        with_view(unchanged, |view| write_all(view, None, &Path::new(&folder).join("page"))).expect("written");
    }
}

#[test]
fn names_that_steer_are_harmless_in_every_form() {
    let evil = "<script>alert(1)</script>\u{1b}[2J\u{202e}\"'&{{ 7*7 }}";
    let change = |policy: &mut Policy, evidence: &mut Evidence, audit: &mut Audit| {
        policy.name = evil.into();
        policy.contacts[0].reach = evil.into();
        policy.scenarios[0].title = evil.into();
        for point in &mut evidence.points {
            point.origin.place = evil.into();
        }
        evidence.drills[0].id = evil.into();
        evidence.drills[0].asset = evil.into();
        evidence.drills[0].phases[0].name = evil.into();
        for cell in &mut audit.cells {
            cell.asset = evil.into();
            cell.title = evil.into();
            cell.drilled_downtime = Measure::Unknown(evil.into());
        }
        audit.findings[0].message = evil.into();
        audit.findings[0].evidence = vec![evil.into()];
        audit.findings[0].waived = Some(evil.into());
    };
    with_view(change, |view| {
        let page = html::page(view).expect("a page");
        assert_eq!(page.matches("<script").count(), 1, "a script got into the page beside its own");
        assert!(page.contains("&lt;script&gt;alert(1)"), "the name is not shown as text");
        assert!(page.contains("7*7"), "the name was run as a template");
        let texts =
            [page, json::of(view).expect("json"), csv::findings(view).expect("csv"), csv::points(view).expect("csv")];
        for text in texts.iter().chain([&terminal::summary(view, Look::Terminal { width: Some(100) })]) {
            let steering = text.chars().find(|c| *c != '\n' && plimsoll::report::text::steers(*c));
            assert_eq!(steering, None);
        }
    });
}

#[test]
fn the_page_loads_nothing_and_its_own_policy_lets_its_style_and_its_script_through() {
    with_view(unchanged, |view| {
        let page = html::page(view).expect("a page");
        for asset in [" src=", "<link", "@import", "url(", "<iframe", "<object", " style=", " onload", "javascript:"] {
            assert!(!page.contains(asset), "the page holds `{asset}`");
        }
        for part in ["style", "script"] {
            let (_, rest) = page.split_once(&format!("<{part}>")).expect("the part");
            let (text, _) = rest.split_once(&format!("</{part}>")).expect("its end");
            let hash = {
                use sha2::{Digest, Sha256};
                Sha256::digest(text.as_bytes()).to_vec()
            };
            let (_, named) = page.split_once(&format!("{part}-src 'sha256-")).expect("a hash");
            let named = named.split('\'').next().expect("its end").replace("&#x2f;", "/").replace("&#x3d;", "=");
            assert_eq!(decoded(&named), hash, "{part}");
        }
        assert!(page.contains("default-src 'none'"));
    });
}

/// Base64, read the slow and obvious way.
fn decoded(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| format!("{:06b}", alphabet.find(c).unwrap_or_else(|| panic!("`{c}` is not base64"))))
        .collect();
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes.map(|byte| u8::from_str_radix(std::str::from_utf8(byte).expect("bits"), 2).expect("a byte")).collect()
}

#[test]
fn the_page_has_landmarks_scoped_headers_and_verdicts_in_words() {
    with_view(unchanged, |view| {
        let page = html::page(view).expect("a page");
        for part in [
            "<html lang=\"en\">",
            "<header",
            "<main id=\"main\">",
            "<nav aria-label",
            "<footer>",
            "<h1 id=\"verdict\">",
        ] {
            assert_eq!(page.matches(part).count(), 1, "{part}");
        }
        let headers = page.split("<th").skip(1).filter(|tag| !tag.starts_with("ead"));
        for header in headers {
            assert!(
                header.split('>').next().expect("a tag").contains("scope="),
                "a header without scope: {header:.60}"
            );
        }
        for svg in page.split("<svg").skip(1).filter(|svg| !svg.starts_with(" viewBox=\"0 0 32 32\" aria-hidden")) {
            assert!(svg.contains("role=\"img\"") && svg.contains("<title") && svg.contains("<desc"));
        }
        assert!(page.contains("Breached</span>") && page.contains("Unproven</span>") && page.contains("Met</span>"));
        let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let once: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), once.len(), "an id is used twice");
        for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(once.contains(target), "a link leads to #{target}, which is not there");
        }
    });
}

#[test]
fn a_page_without_evidence_says_so_and_claims_nothing_observed() {
    let policy = pixelcraft();
    let mut audit = audit(&policy, None);
    audit.verdict = Verdict::Unproven;
    audit.findings.retain(|finding| finding.verdict == Verdict::Unproven);
    audit.passes.clear();
    let inputs = Inputs {
        policy: &policy,
        evidence: None,
        audit: &audit,
        simulation: None,
        book: None,
        bill: None,
        tradeoff: None,
        earlier: None,
        made_with: made_with(&audit),
    };
    let view = View::build(&inputs);
    let page = html::page(&view).expect("a page");
    assert_eq!(view.headline, "PixelCraft cannot prove 1 promise; none is known to be broken.");
    assert!(page.contains("No evidence was given") && page.contains("No restore drill is on record"));
    assert!(page.contains("Unproven: no evidence was given"), "the observed panel must say why it is empty");
    let folder = tempfile::tempdir().expect("a folder");
    let paths = write_all(&view, None, folder.path()).expect("written");
    assert!(!paths.iter().any(|path| path.to_string_lossy().contains("drills.svg")), "a chart without numbers");
}

#[test]
fn a_chart_that_has_no_numbers_any_more_does_not_stay_from_last_week() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("charts")).expect("a folder");
    for ending in ["svg", "png", "csv"] {
        std::fs::write(folder.path().join(format!("charts/drills.{ending}")), "last week's").expect("written");
    }
    with_view(|_, evidence, _| evidence.drills.clear(), |view| write_all(view, None, folder.path())).expect("written");
    for ending in ["svg", "png", "csv"] {
        assert!(!folder.path().join(format!("charts/drills.{ending}")).exists(), "{ending}");
    }
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_inert_and_numbers_stay_numbers() {
    let row = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", " =x", "-5", "1.5", "plain, \"quoted\""];
    let text = csv::of([row.map(String::from).to_vec()]).expect("csv");
    assert_eq!(text, "'=1+1,'+cmd,'-2+3,'@SUM(A1),' =x,-5,1.5,\"plain, \"\"quoted\"\"\"\n");
}

#[test]
fn names_of_two_hundred_characters_stay_whole_on_the_page_and_inside_the_charts() {
    let long = "x".repeat(200);
    let change = |_: &mut Policy, evidence: &mut Evidence, audit: &mut Audit| {
        evidence.drills.iter_mut().for_each(|drill| drill.asset = long.clone());
        audit.cells.iter_mut().for_each(|cell| cell.title = long.clone());
    };
    with_view(change, |view| {
        let page = html::page(view).expect("a page");
        assert!(page.contains(&long));
        let sizes: Vec<&str> =
            page.split("<text ").skip(1).map(|t| t.split("</text>").next().unwrap_or_default()).collect();
        assert!(sizes.iter().all(|text| text.chars().count() < 420), "a chart holds the whole name on one line");
    });
}

#[test]
fn total_loss_is_a_word_and_never_a_number() {
    let change = |_: &mut Policy, _: &mut Evidence, audit: &mut Audit| {
        for cell in &mut audit.cells {
            cell.observed_loss = Measure::Known(Loss::Total);
        }
    };
    with_view(change, |view| {
        assert!(view.lead[0].contains("loses all of"), "{:?}", view.lead);
        assert!(html::page(view).expect("a page").contains("<strong>everything</strong>"));
        assert!(csv::cells(view).expect("csv").contains(",total,"));
    });
}

#[test]
fn what_the_records_cannot_say_of_restores_to_come_and_of_storage_is_said() {
    let unknown = |view: &View, why: &str| {
        let found = view.unknowns.iter().find(|one| one.why.starts_with(why));
        found.unwrap_or_else(|| panic!("{why}: {:?}", view.unknowns)).what.clone()
    };
    with_view(unchanged, |view| {
        assert_eq!(view.outlooks.len(), 1, "the database alone was drilled");
        assert_eq!(view.outlooks[0].room, Span::minutes(55));
        let what = unknown(view, "No drill of the last year passed");
        assert_eq!(what, "When restores outgrow the time that they have: uploads");
        assert!(html::page(view).expect("a page").contains("outgrow the 2\u{a0}h RTO in about 14 months"));
    });
    let one_drill = |_: &mut Policy, evidence: &mut Evidence, _: &mut Audit| evidence.drills.truncate(1);
    with_view(one_drill, |view| {
        assert!(view.outlooks.is_empty());
        unknown(view, "One drill alone says nothing of how much restores differ");
    });
    let no_growth = |policy: &mut Policy, _: &mut Evidence, _: &mut Audit| {
        policy.assets.iter_mut().for_each(|asset| asset.growth_per_year = 0.0);
    };
    with_view(no_growth, |view| {
        unknown(view, "No growth is declared, and its recorded sizes are too few or show none");
        assert!(view.storage.unsaid.iter().any(|line| line.starts_with("No growth is declared or recorded for")));
    });
    let sizeless = |_: &mut Policy, evidence: &mut Evidence, _: &mut Audit| {
        evidence.points.iter_mut().for_each(|point| point.bytes_stored = None);
    };
    with_view(sizeless, |view| {
        assert!(view.charts.storage_growth.is_none());
        assert_eq!(
            view.storage.unsaid,
            ["No recovery point on record tells its size, so what is stored and how it grows cannot be said."]
        );
    });
}

#[test]
fn a_message_of_many_things_names_a_few_on_every_page_and_all_where_a_reader_opens_them() {
    use plimsoll::report::text::few;
    let things: Vec<String> = (0..40).map(|n| format!("`thing; {n}` is gone")).collect();
    let message = format!("Things are gone: {}", things.join("; "));
    let (shown, rest) = few(&message);
    assert!(shown.ends_with("`thing; 5` is gone; and 34 more"), "{shown}");
    assert_eq!(rest, things[6..], "a name is one thing, whatever is in it");
    let short = format!("Things are gone: {}", things[..8].join("; "));
    assert_eq!(few(&short), (short.clone(), vec![]), "two more are read as fast as counted");
    with_view(
        |_, _, audit| audit.findings[0].message = message.clone(),
        |view| {
            let page = html::page(view).expect("a page");
            assert!(page.contains("<summary>34 more</summary>") && page.contains("thing; 39"));
            let plain = markdown::of(view);
            assert!(plain.contains("and 34 more") && !plain.contains("thing; 39"));
        },
    );
}

#[test]
fn of_too_many_promises_the_worst_are_shown_by_how_far_they_are_off() {
    with_view(unchanged, |view| {
        let first = view.promises.first().expect("a promise");
        let row = |hours: i64, verdict| {
            let observed_loss = plimsoll::report::view::Figure::lost(Loss::Window(Span::hours(hours)));
            let asset = format!("lost {hours}");
            let rpo = Some(Span::hours(1));
            let unknown = || plimsoll::report::view::Figure::Unknown { why: "nobody looked".into() };
            PromiseRow {
                asset,
                rpo,
                observed_loss,
                declared_loss: unknown(),
                declared_downtime: unknown(),
                drilled_downtime: unknown(),
                rpo_verdict: verdict,
                rto_verdict: Verdict::Met,
                ..first.clone()
            }
        };
        let rows: Vec<PromiseRow> = (0..30)
            .map(|n| row((n * 7) % 30, if (n * 7) % 30 > 1 { Verdict::Breached } else { Verdict::Met }))
            .collect();
        let names = |most| shown(&rows, most).into_iter().map(|row| row.asset.clone()).collect::<Vec<_>>();
        assert_eq!(names(3), ["lost 29", "lost 28", "lost 27"]);
        assert_eq!(names(30), rows.iter().map(|row| row.asset.clone()).collect::<Vec<_>>(), "all, as declared");
    });
}

#[test]
fn the_trade_offs_title_claims_of_other_plans_only_what_their_sums_show() {
    use plimsoll::report::chart::{Chart, cost::CostAgainstLoss};
    let title = |change: &dyn Fn(&mut Tradeoff)| {
        let mut tradeoff = tradeoff();
        change(&mut tradeoff);
        CostAgainstLoss { tradeoff }.title()
    };
    assert!(title(&|_| ()).ends_with("; another costs USD 1,020 and loses USD 2,100"), "{}", title(&|_| ()));
    let stays = title(&|t| t.recommended = t.today);
    assert!(stays.ends_with("; less of both in sum gives up what is kept today"), "{stays}");
    let best = title(&|t| (t.today, t.recommended) = (Some(1), Some(1)));
    assert!(best.ends_with("; no plan tried does better in sum"), "{best}");
    let nothing = title(&|t| t.recommended = None);
    assert!(nothing.ends_with("is expected to lose USD 41,200"), "{nothing}");
}
