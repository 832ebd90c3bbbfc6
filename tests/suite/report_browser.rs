//! The page in a real browser, whatever it is made from: nothing is asked for, nothing complains, everybody can read it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant as Clock};

use plimsoll::base::{Instant, Span};
use plimsoll::evidence::{
    Drill, DrillOutcome, Evidence, Health, Origin, Phase, RecoveryPoint, Run, RunOutcome, Unreadable,
};

use super::browser::{Browser, Examined, browser};
use super::fleet::made::Fleet;

fn as_of() -> Instant {
    "2026-11-22T06:00:00Z".parse().expect("an instant")
}

fn weekly(policy: &Path, evidence: Option<&Path>) -> String {
    report("weekly", policy, evidence)
}

fn report(kind: &str, policy: &Path, evidence: Option<&Path>) -> String {
    let out = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("PLIMSOLL_REPO");
    command.args(["report", kind, "--quiet", "--as-of", "2026-11-22T06:00:00Z", "--years", "50", "--out"]);
    command.arg(out.path()).arg(policy);
    if let Some(evidence) = evidence {
        command.arg("--evidence").arg(evidence);
    }
    let run = command.output().expect("the binary starts");
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    std::fs::read_to_string(out.path().join(format!("{kind}.html"))).expect("a page")
}

fn sample() -> String {
    weekly(Path::new("policies/pixelcraft.toml"), Some(Path::new("reports/sample/evidence.json")))
}

/// The page of a policy and evidence that a story made.
fn made(policy: &str, evidence: Option<&Evidence>) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, json) = (folder.path().join("policy.toml"), folder.path().join("evidence.json"));
    std::fs::write(&file, policy).expect("written");
    std::fs::write(&json, serde_json::to_vec(&evidence).expect("JSON")).expect("written");
    weekly(&file, evidence.is_some().then_some(&json))
}

/// All checks on a phone in light and on a desk in dark.
fn holds(browser: &Browser, html: &str, story: &str) -> Examined {
    holds_but(browser, html, story, "")
}

/// The same, but for one thing that such a page does not have.
fn holds_but(browser: &Browser, html: &str, story: &str, lacks: &str) -> Examined {
    let opened = browser.open(html);
    assert!(opened.console.is_empty(), "{story}: {:?}", opened.console);
    assert!(opened.requests.is_empty(), "{story}: {:?}", opened.requests);
    let examine = |width: u32, dark| {
        let found = browser.examine(html, width, dark);
        assert!(found.problems.iter().all(|told| told == lacks), "{story} at {width}: {:#?}", found.problems);
        assert_eq!(found.dark, dark, "the browser shows the page as it was told");
        assert_eq!(found.window, f64::from(width));
        assert!(found.content <= found.window, "{story}: {} wide in {width}", found.content);
        assert!(found.texts > 50, "{story}: only {} texts were measured", found.texts);
        found
    };
    examine(1280, true);
    examine(375, false)
}

#[test]
fn the_sample_page_is_silent_asks_for_nothing_and_can_be_read_by_everybody() {
    let Some(browser) = browser("the sample page in a real browser") else { return };
    let found = holds(&browser, &sample(), "the sample");
    for part in ["Calendar of runs", "Restores of database outgrow the 2 h RTO in about", "Storage growth"] {
        assert!(found.text.contains(part), "{part}");
    }
    let fixed = weekly(Path::new("policies/pixelcraft-fixed.toml"), Some(Path::new("reports/sample/evidence.json")));
    holds(&browser, &fixed, "the fixed plan");
}

#[test]
fn what_those_who_decide_get_is_two_sheets_of_paper_and_can_be_read_by_everybody() {
    let Some(browser) = browser("the stakeholder page in a real browser") else { return };
    let evidence = Some(Path::new("reports/sample/evidence.json"));
    for policy in ["policies/pixelcraft.toml", "policies/pixelcraft-fixed.toml"] {
        for evidence in [evidence, None] {
            let page = report("stakeholder", Path::new(policy), evidence);
            let story = format!("{policy} with{} evidence", if evidence.is_some() { "" } else { "out" });
            // Two pages need no way through them.
            holds_but(&browser, &page, &story, "landmarks: 0 of nav");
            assert_eq!(browser.printed(&page), 2, "{story}");
        }
    }
}

/// The page without its own policy, so that what is wrong with it takes effect.
fn unguarded(html: &str) -> String {
    let (before, rest) = html.split_once("<meta http-equiv=\"Content-Security-Policy\"").expect("a policy");
    let (_, after) = rest.split_once('>').expect("its end");
    format!("{before}{after}")
}

#[test]
fn a_page_that_is_broken_on_purpose_fails_the_check_that_it_is_broken_for() {
    let Some(browser) = browser("broken pages in a real browser") else { return };
    let page = sample();
    let open = unguarded(&page);
    let into = |html: &str, what: &str| html.replacen("<main id=\"main\">", &format!("<main id=\"main\">{what}"), 1);
    let broken = [
        ("landmarks: 0 of main", page.replace("<main id=\"main\">", "<div id=\"main\">").replace("</main>", "</div>")),
        ("landmarks: 2 of h1", into(&page, "<h1>another</h1>")),
        ("landmarks: 0 of footer", page.replace("<footer>", "<div>").replace("</footer>", "</div>")),
        ("landmarks: the page names no language", page.replace("<html lang=\"en\">", "<html>")),
        ("tables: a header without scope", page.replacen(" scope=\"row\"", "", 1)),
        ("names: an image has none", into(&page, "<img src=\"data:image/gif;base64,R0lGODlhAQABAAAAACw=\">")),
        ("names: id main twice", into(&page, "<p id=\"main\">x</p>")),
        ("contrast: ", into(&open, "<p style=\"color:#aaa\">pale</p>")),
        ("contrast: ", open.replacen("fill=\"#59626D\"", "fill=\"#D9D8D2\"", 400)),
    ];
    for (problem, html) in &broken {
        let found = browser.examine(html, 1280, false);
        assert!(found.problems.iter().any(|told| told.starts_with(problem)), "{problem}: {:?}", found.problems);
    }
    let wide = browser.examine(&into(&open, "<div style=\"width:900px\">wide</div>"), 375, false);
    assert!(wide.content > wide.window, "{} in {}", wide.content, wide.window);

    let asking = into(&open, "<img alt=\"x\" src=\"http://asset.example/x.png\">");
    assert_eq!(browser.open(&asking).requests, ["http://asset.example/x.png"]);
    let guarded = browser.open(&into(&page, "<img alt=\"x\" src=\"http://asset.example/x.png\">"));
    assert!(guarded.requests.is_empty(), "the page's own policy holds: {:?}", guarded.requests);
    assert!(guarded.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", guarded.console);
    let scripted = browser.open(&into(&page, "<script>document.title = 'owned'</script>"));
    assert!(scripted.console.iter().any(|line| line.contains("inline script")), "{:?}", scripted.console);
    let failing = browser.open(&into(&open, "<script>missing()</script>"));
    assert!(failing.console.iter().any(|line| line.contains("missing is not defined")), "{:?}", failing.console);
}

#[test]
fn the_script_filters_findings_opens_tables_and_reads_out_figures_and_the_page_is_whole_without_it() {
    let Some(browser) = browser("the page's script in a real browser") else { return };
    let page = sample();
    let act = "const act = (page) => {
        const shown = (list) => [...list].filter((one) => one.getClientRects().length).length;
        const findings = page.querySelectorAll('ol.findings > li');
        const said = [shown(findings)];
        page.querySelectorAll('.choose button')[1].click();
        said.push(shown(findings), page.querySelectorAll('ol.findings > li:not([hidden])[data-verdict=unproven]').length);
        page.querySelectorAll('.choose button')[0].click();
        said.push(shown(findings));
        const table = page.querySelector('[aria-label=\"Recovery points\"]');
        const rows = table.querySelectorAll('tbody tr');
        said.push(shown(rows), rows.length);
        table.nextElementSibling.click();
        said.push(shown(rows));
        const chart = page.querySelector('#outlook ~ figure');
        const note = chart.querySelector('.narrow .notes rect');
        note.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
        said.push(chart.querySelector('.readout').textContent === note.textContent && note.textContent.includes('at the size of that day'));
        return said.join(' ');
    };";
    let acted = browser.examine_after(&page, 375, false, act);
    assert!(acted.problems.is_empty(), "{:?}", acted.problems);
    let said: Vec<&str> = acted.acted.split(' ').collect();
    let number = |n: usize| said[n].parse::<usize>().unwrap_or_else(|_| panic!("{said:?}"));
    assert!(number(1) > 0 && number(1) < number(0), "some findings are hidden: {said:?}");
    assert_eq!((number(2), number(3)), (0, number(0)), "none of another verdict, then all again: {said:?}");
    assert_eq!((number(4), number(6)), (10, number(5)), "ten rows, then all: {said:?}");

    let (before, rest) = page.split_once("<script>").expect("a script");
    let (_, after) = rest.split_once("</script>").expect("its end");
    let without = browser.examine(&format!("{before}{after}"), 1280, false);
    assert!(without.problems.is_empty(), "{:?}", without.problems);
    let with = browser.examine_after(
        &page,
        1280,
        false,
        "const act = (page) => {
        for (const button of page.querySelectorAll('.scroll + button')) button.click();
        for (const own of page.querySelectorAll('button, .readout')) own.remove();
    };",
    );
    let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
    assert_eq!(words(&without.text), words(&with.text), "every word is there without the script");
}

const NAME: &str = "a-name-of-sixty-four-letters-which-is-the-most-that-a-name-holds";

/// A plan with one asset, whose words are `words` wherever a policy takes any.
fn plan(words: &str) -> String {
    let words = serde_json::to_string(words).expect("a string as TOML writes it too");
    format!(
        "plimsoll = 1\nname = {words}\nprices = \"aws-us-east-1\"\n[objective]\nrpo = \"1h\"\nrto = \"2h\"\n\
         drill_every = \"30d\"\n[domain.d]\nkind = \"host\"\n[domain.b]\nkind = \"bucket\"\n[asset.{NAME}]\n\
         kind = \"mongodb\"\nsize = \"3 GB\"\ngrowth_per_year = 0.4\nlives_in = [\"d\"]\n[protection.nightly]\n\
         kind = \"snapshot\"\nassets = [\"{NAME}\"]\nschedule = \"0 3 * * *\"\ntakes = \"10min\"\nstored_in = [\"b\"]\n\
         runs_in = [\"d\"]\nretention = \"30d\"\n[scenario.loss]\ntitle = {words}\ndestroys = [\"d\"]\nper_year = 1\n\
         per_year_source = {words}\nnoticed_after = \"5min\"\nrunbook = [{{ step = {words}, takes = {{ measured = \"total\" }}, \
         asset = \"{NAME}\" }}]\n[[contact]]\nname = {words}\nreach = {words}\n"
    )
}

/// Nightly points, monthly drills and a failed run of so many days, of which every free word is `words`.
fn records(days: i64, words: &str) -> Evidence {
    let mut evidence = Evidence::none(as_of());
    let origin = Origin { tool: words.into(), place: words.into(), sha256: None };
    for day in 0..days {
        let consistent_at = as_of() - Span::hours(3) - Span::days(day);
        evidence.points.push(RecoveryPoint {
            recipients: Vec::new(),
            id: format!("{words}{day}"),
            asset: NAME.into(),
            protection: Some("nightly".into()),
            consistent_at,
            cluster_time: None,
            available_at: consistent_at + Span::minutes(9),
            expires_at: None,
            locked_until: None,
            stored_in: vec![],
            consistency: None,
            without: vec![],
            encrypted: None,
            health: if day == 3 { Health::Bad { at: as_of(), why: words.into() } } else { Health::Unverified },
            bytes_stored: Some(1_000_000_000),
            bytes_restored: Some(3_000_000_000),
            documents: Some(7),
            origin: origin.clone(),
        });
        if day % 30 > 0 {
            continue;
        }
        for (asset, why) in [(NAME, None), (words, Some(words))] {
            evidence.drills.push(Drill {
                key: None,
                id: format!("{words}{day}"),
                asset: asset.into(),
                protection: None,
                point: words.into(),
                target: None,
                started_at: consistent_at + Span::minutes(20),
                ended_at: consistent_at + Span::minutes(50 + day % 7),
                phases: vec![Phase::new(words, Span::minutes(9), 1)],
                checks: vec![],
                outcome: why.map_or(DrillOutcome::Passed, |why| DrillOutcome::Failed { why: why.into() }),
                bytes_restored: 3_000_000_000,
                documents: 7,
                origin: origin.clone(),
            });
        }
    }
    let started_at = as_of() - Span::days(2);
    let (verb, ended_at) = (words.to_string(), started_at + Span::minutes(5));
    let outcome = RunOutcome::Failed { why: words.into() };
    let asset = words.to_string();
    evidence.runs.push(Run { id: "r".into(), verb, asset, protection: None, started_at, ended_at, outcome, origin });
    evidence.unreadable.push(Unreadable { place: words.into(), why: words.into() });
    evidence
}

/// Larger than any of these a page is not worth its reading.
const LARGEST_BYTES: usize = 4_000_000;

#[test]
fn no_evidence_one_week_and_ten_years_make_a_page_that_can_be_read_and_says_what_it_cannot_say() {
    let Some(browser) = browser("pages of no, little and much evidence in a real browser") else { return };
    let none = holds(&browser, &made(&plan("Ordinary words"), None), "no evidence");
    assert!(none.text.contains("No evidence was given, so what is stored is not known."), "{}", none.text);
    assert!(none.text.contains("No restore drill is on record."));
    assert!(!none.text.contains("Calendar of runs"), "a calendar of nothing claims nothing");

    let week = holds(&browser, &made(&plan("Ordinary words"), Some(&records(7, "w"))), "one week");
    assert!(week.text.contains("One drill alone says nothing of how much restores differ"), "{}", week.text);
    assert!(week.text.contains("the records do not reach back over all of the time"), "{}", week.text);
    assert!(week.text.contains("the past is at least this"));

    let began = Clock::now();
    let years = made(&plan("Ordinary words"), Some(&records(3_650, "w")));
    let took = began.elapsed();
    assert!(years.len() < LARGEST_BYTES, "{} bytes", years.len());
    assert!(took < Duration::from_secs(120), "{took:?}");
    let years = holds(&browser, &years, "ten years");
    assert!(years.text.contains("60 of 3,650"), "what is not shown is said");
    assert!(years.text.contains("Restores of a-name-of-sixty"), "{}", years.text);
}

#[test]
fn names_that_are_long_run_backwards_or_hold_escapes_and_tags_leave_the_page_readable_and_safe() {
    let Some(browser) = browser("pages of hostile names in a real browser") else { return };
    let long = "x".repeat(200);
    let arabic = "قاعدة بيانات العملاء الرئيسية ".repeat(6);
    let tags = "<script>document.title = 'owned'</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}";
    for (story, words, recorded) in [
        ("200 letters", long.clone(), long.clone()),
        ("right to left", arabic.clone(), format!("{arabic}\u{202e}\u{2066}")),
        ("tags and escapes", tags.to_string(), format!("{tags}\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}")),
    ] {
        let html = made(&plan(&words), Some(&records(40, &recorded)));
        assert!(html.len() < LARGEST_BYTES, "{story}: {} bytes", html.len());
        let found = holds(&browser, &html, story);
        assert!(found.title.contains("Backup compliance"), "{story}: {}", found.title);
        assert!(!found.text.contains(['\u{202e}', '\u{1b}', '\u{2066}']), "{story}: something steers");
        let shown: String = words.chars().take(24).collect();
        assert!(found.text.contains(shown.trim()), "{story}: the name is shown as it is written");
    }
}

#[test]
fn a_thousand_assets_make_a_page_within_bounds_that_shows_the_worst_and_tells_the_rest() {
    let Some(browser) = browser("the page of a thousand assets in a real browser") else { return };
    let fleet = Fleet { assets: 1_000, hours: 24, as_of: as_of() };
    let mut evidence = fleet.common();
    for asset in fleet.names() {
        let own = fleet.of(&asset);
        evidence.points.extend(own.points);
        evidence.coverage.extend(own.coverage);
    }
    let began = Clock::now();
    let html = made(&fleet.policy(), Some(&evidence));
    let took = began.elapsed();
    assert!(html.len() < LARGEST_BYTES, "{} bytes", html.len());
    assert!(took < Duration::from_secs(900), "{took:?}");
    let found = holds(&browser, &html, "a thousand assets");
    for said in ["Shown are 100 of 2,5", "992 assets more: ", "more jobs are not shown"] {
        assert!(found.text.contains(said) || html.contains(said), "{said}");
    }
}
