//! What `check` and `audit` print in every form, held against the form's own definition: a schema, a parser, or the tool
//! that will read it. Whatever a policy's author writes stays text.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::desk::Desk;

const PLAN: &str = include_str!("../../policies/pixelcraft.toml");
const AS_OF: &str = "--as-of 2026-11-23T10:00:00Z";
/// A formula, markup of every form, a command of a log, a mention, and what turns the writing round.
const HOSTILE: &str = "=HYPERLINK(1)]]></failure><script>alert(1)</script> | `a` `b | @everyone [x](https://example.com) #1 %0A \
    ${x} \\\"quoted\\\" \\n::error::out \\u202e\\u200b";

/// PixelCraft's plan under its own file name, and beside it one whose texts are hostile, one that is broken.
fn desk() -> Desk {
    let desk = Desk::new();
    let hostile = PLAN
        .replace("name = \"PixelCraft\"", &format!("name = \"::error::{HOSTILE}\""))
        .replace("title = \"S3 data loss\"", &format!("title = \"{HOSTILE}\""));
    assert!(hostile.contains("alert(1)"));
    desk.write("pixelcraft.toml", PLAN).write("hostile.toml", &hostile);
    desk.write("broken.toml", &PLAN.replacen("rpo = \"1h\"", "rpo = \"1m\"", 1));
    desk
}

fn waived(plan: &str) -> String {
    let waiver = "\n[[waiver]]\ncode = \"not-encrypted\"\nowner = \"Security\"\nreason = \"the bucket encrypts\"\n\
        until = \"2027-06-30\"\n";
    plan.to_string() + waiver
}

/// The schema, compiled; what it does not allow is an error with its place.
fn schema(text: &str) -> impl Fn(&Value) -> Result<(), String> {
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("schema.json", serde_json::from_str(text).expect("JSON")).expect("a resource");
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("schema.json", &mut schemas).expect("a sound schema");
    move |value| schemas.validate(value, index).map_err(|error| format!("{error:#}"))
}

fn sarif(text: &str) -> Value {
    let log: Value = serde_json::from_str(text).expect("SARIF is JSON");
    let valid = schema(include_str!("../schemas/sarif-2.1.0-rtm.5.json"));
    valid(&log).unwrap_or_else(|why| panic!("{why}"));
    let mut wrong = log.clone();
    wrong["runs"][0]["results"][0]["level"] = "dreadful".into();
    assert!(valid(&wrong).is_err(), "the schema tells a good log from a bad one");
    log
}

#[test]
fn sarif_is_valid_by_its_own_schema_and_each_result_stands_at_the_line_that_it_is_about() {
    let desk = desk();
    desk.write("pixelcraft.toml", &waived(PLAN));
    let said = desk.run(&format!("check pixelcraft.toml broken.toml --format sarif {AS_OF}"));
    assert_eq!(said.status, 2, "{}", said.err);
    let log = sarif(&said.out);
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 10);
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["markdown"].as_str().unwrap().len() > 100, "{} has help", rule["id"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "pixelcraft.toml");
        let line = place["region"]["startLine"].as_u64().unwrap() as usize;
        let text = desk.read("pixelcraft.toml");
        assert_eq!(place["region"]["snippet"]["text"], text.lines().nth(line - 1).unwrap());
        assert_eq!(result["partialFingerprints"]["plimsoll/v1"].as_str().unwrap().len(), 32);
        let suppressed = result["suppressions"][0]["kind"] == "inSource";
        assert_eq!(suppressed, result["ruleId"] == "not-encrypted", "what is waived is suppressed, and nothing else");
    }
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let refused = &invocation["toolConfigurationNotifications"][0];
    assert_eq!(refused["locations"][0]["physicalLocation"]["region"]["startLine"], 16);
}

#[test]
fn sarif_of_an_audit_and_of_hostile_texts_is_valid_and_links_nowhere() {
    let desk = desk();
    sarif(&desk.run(&format!("audit pixelcraft.toml --format sarif {AS_OF}")).out);
    let log = sarif(&desk.run(&format!("check hostile.toml --format sarif {AS_OF}")).out);
    let messages = log["runs"][0]["results"].as_array().unwrap().iter().map(|r| r["message"]["text"].as_str().unwrap());
    let hostile: Vec<&str> = messages.filter(|text| text.contains("example.com")).collect();
    assert!(!hostile.is_empty() && hostile.iter().all(|text| text.contains("\\[x\\](")), "{hostile:?}");
}

#[test]
fn json_is_what_its_published_schema_says_and_nothing_else() {
    let desk = desk();
    let published = desk.run("schema --of audit").out;
    let valid = schema(&published);
    desk.write("pixelcraft.toml", &waived(PLAN)).committed();
    desk.write(
        "pixelcraft.toml",
        &waived(PLAN).replace("rpo = \"1h\"", "rpo = \"2h\"").replace("\"10min\"", "\"9min\""),
    );
    desk.write("known.json", "{\"plimsoll_baseline\": 1, \"known\": []}");
    std::fs::remove_file(desk.path("hostile.toml")).unwrap();
    let documents = [
        desk.json(&format!("audit pixelcraft.toml --format json {AS_OF}")),
        desk.json(&format!(
            "check pixelcraft.toml broken.toml --base main --baseline known.json --format json {AS_OF}"
        )),
        desk.json(&format!("check --format json {AS_OF} no-such.toml")),
    ];
    for document in &documents {
        valid(document).unwrap_or_else(|why| panic!("{why}"));
        for field in document.as_object().unwrap().keys() {
            let mut less = document.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(valid(&less).is_err(), "`{field}` is asked for");
        }
        let mut more = document.clone();
        more["surprise"] = 1.into();
        assert!(valid(&more).is_err(), "the schema is closed");
    }
    assert_eq!((&documents[0]["outcome"], &documents[0]["fail_on"]), (&"breached".into(), &"unproven".into()));
    let compared = &documents[1];
    assert_eq!(compared["policies"][0]["change"]["worse"], true);
    assert_eq!(compared["removed"][0]["file"], "hostile.toml");
    assert_eq!(compared["refused"][0]["problems"][0]["at"]["line"], 16);
    assert_eq!(documents[2]["verdict"], Value::Null, "nothing was judged");
}

/// Name and status of each case of a JUnit file; its counts agree with what it holds.
fn cases(text: &str) -> Vec<(String, &'static str)> {
    let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut cases = Vec::new();
    for suite in document.root_element().children().filter(|node| node.has_tag_name("testsuite")) {
        let status = |case: &roxmltree::Node| {
            let has = |name: &str| case.children().any(|child| child.has_tag_name(name));
            ["failure", "error", "skipped"].into_iter().find(|name| has(name)).unwrap_or("passed")
        };
        let own: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        for (name, of) in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
            let count = own.iter().filter(|case| status(case) == of).count();
            assert_eq!(suite.attribute(name), Some(count.to_string().as_str()), "{name}");
        }
        assert_eq!(suite.attribute("tests"), Some(own.len().to_string().as_str()));
        cases.extend(own.iter().map(|case| (case.attribute("name").unwrap().to_string(), status(case))));
    }
    cases
}

#[test]
fn junit_fails_exactly_where_the_run_fails() {
    let desk = desk();
    let fails = |words: &str| {
        let said = desk.run(&format!("{words} --format junit {AS_OF}"));
        let failed = cases(&said.out).iter().filter(|(_, status)| *status == "failure").count();
        (said.status, failed)
    };
    let (status, breached) = fails("check pixelcraft.toml");
    assert!(status == 3 && breached > 5);
    let (status, all) = fails("check pixelcraft.toml --fail-on unproven");
    assert!(status == 3 && all > breached);
    assert_eq!(fails("check pixelcraft.toml --fail-on never"), (0, 0));
    assert_eq!(fails("audit pixelcraft.toml").0, 3);
    let said = desk.run(&format!("check broken.toml hostile.toml --format junit {AS_OF}"));
    let cases = cases(&said.out);
    assert!(cases.iter().any(|(_, status)| *status == "error") && cases.iter().any(|(_, status)| *status == "passed"));
    assert_eq!(said.status, 2);
}

#[test]
fn github_annotations_hold_nothing_that_ends_a_line_or_begins_a_command() {
    let desk = desk();
    let said = desk.run(&format!("check pixelcraft.toml hostile.toml broken.toml --format github {AS_OF}"));
    for line in said.out.lines() {
        let level = ["::error ", "::warning ", "::notice "].into_iter().find(|level| line.starts_with(level));
        assert!(level.is_some(), "{line}");
        let (_, rest) = line.split_once(' ').unwrap();
        let (properties, says) = rest.split_once("::").unwrap();
        assert!(properties.split(',').all(|property| property.contains('=')), "{properties}");
        assert!(!says.is_empty() && !says.contains('\u{202e}'));
    }
    assert!(said.out.contains("::error file=broken.toml,line=16,col=7,endColumn=11,title=invalid policy::`m` in `1m`"));
    assert!(said.out.contains("%250A"), "what looks like an escape is none");
    assert!(said.out.lines().count() > 20);
}

#[test]
fn markdown_is_a_marker_then_one_line_and_hostile_texts_stay_text() {
    let desk = desk();
    let said = desk.run(&format!("check pixelcraft.toml --format markdown {AS_OF}"));
    let head: Vec<&str> = said.out.lines().take(11).collect();
    insta::assert_snapshot!(head.join("\n"), @r"
    <!-- plimsoll:check -->
    **Plimsoll check: breached** — PixelCraft: the plan breaks its objectives by its own figures (11 breached, 3 unproven).

    | asset | scenario | | asked | declared | verdict |
    |---|---|---|--:|--:|---|
    | database | Database corruption or drop | loss | ≤ 1 h | 0 s | unproven |
    | | | downtime | ≤ 2 h | 1 h 50 min | unproven |
    | uploads | S3 data loss | loss | ≤ 1 h | 24 h 40 min | breached |
    | | | downtime | ≤ 2 h | 1 h 40 min | unproven |
    | database | Complete infrastructure failure | loss | ≤ 1 h | 24 h 40 min | breached |
    | | | downtime | ≤ 2 h | 1 h 50 min | unproven |
    ");
    let said = desk.run(&format!("check hostile.toml broken.toml --format markdown {AS_OF}"));
    assert!(said.out.starts_with("<!-- plimsoll:check -->\n"));
    for (raw, why) in [
        ("<script", "no markup"),
        ("@everyone", "nobody is called"),
        ("](", "no link"),
        ("\u{202e}", "nothing turns round"),
        ("$", "no formula"),
    ] {
        assert!(!said.out.contains(raw), "{why}: {}", said.out);
    }
    let tables = said.out.lines().filter(|line| line.starts_with('|'));
    let columns: Vec<usize> = tables.map(|line| line.matches('|').count()).collect();
    assert!(!columns.is_empty() && columns.iter().all(|n| *n == 7), "no cell is split: {columns:?}");
    assert_eq!(said.out.matches("<details>").count(), said.out.matches("</details>").count());
}

#[test]
fn a_comment_on_very_many_policies_still_fits() {
    let desk = desk();
    let mut words = vec!["check".to_string(), "--format=markdown".into(), "--as-of=2026-11-23T10:00:00Z".into()];
    for number in 0..40 {
        let name = format!("p{number}.toml");
        desk.write(&name, PLAN);
        words.push(name);
    }
    let said = desk.run_words(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.out.chars().count() < 65_536, "a comment holds no more");
    assert!(said.out.contains("policies did not fit here"), "and it says that it left some out");
}

/// Debian's promtool; none where it is missing, which is said on the terminal, past the harness that hides output.
fn promtool(story: &str) -> Option<Command> {
    let found = Command::new("promtool").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        let line = format!("LEFT OUT: {story}: no promtool (Debian's package `prometheus`)\n");
        std::io::stderr().write_all(line.as_bytes()).expect("the terminal takes it");
    }
    found.then(|| Command::new("promtool"))
}

#[test]
fn prometheus_text_has_one_line_for_each_series_and_promtool_takes_it() {
    let desk = desk();
    let texts = [
        desk.run(&format!("check pixelcraft.toml hostile.toml broken.toml --format prometheus {AS_OF}")).out,
        desk.run(&format!("audit pixelcraft.toml --format prometheus {AS_OF}")).out,
    ];
    for text in &texts {
        let mut seen = std::collections::BTreeSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(series.starts_with("plimsoll_") && series.ends_with('}'), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(seen.insert(series), "told twice: {series}");
        }
        assert!(seen.len() > 30);
    }
    assert!(texts[0].contains("plimsoll_refused{verb=\"check\"} 1\n"));
    let worst = "plimsoll_loss_window_seconds{verb=\"check\",policy=\"PixelCraft\",file=\"pixelcraft.toml\",asset=\"uploads\",\
                 scenario=\"uploads-loss\",basis=\"declared\"} 88800\n";
    assert!(texts[0].contains(worst), "24 h 40 min: {}", texts[0]);
    for text in texts {
        let Some(mut promtool) = promtool("a text file for node_exporter") else { return };
        let mut child =
            promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn csv_is_one_row_for_each_finding_and_no_cell_is_a_formula() {
    let desk = desk();
    let said = desk.run(&format!("check pixelcraft.toml hostile.toml --format csv {AS_OF}"));
    let mut reader = csv::Reader::from_reader(said.out.as_bytes());
    let columns = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let document = desk.json(&format!("check pixelcraft.toml hostile.toml --format json {AS_OF}"));
    let findings = document["policies"].as_array().unwrap().iter().map(|p| p["findings"].as_array().unwrap().len());
    assert_eq!(rows.len(), findings.sum::<usize>());
    let formula = |cell: &str| cell.trim_start().starts_with(['=', '+', '-', '@']);
    assert!(rows.iter().flatten().all(|cell| !formula(cell)), "a spreadsheet would run it");
    let message = columns.iter().position(|name| name == "message").unwrap();
    assert!(rows.iter().any(|row| row[message].starts_with("'=HYPERLINK")), "and the text is still there");
}

#[test]
fn people_are_shown_no_character_that_steers_their_terminal() {
    let desk = desk();
    let said = desk.run(&format!("check hostile.toml {AS_OF}"));
    let steering = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}' || c == '\u{200b}');
    assert!(!said.out.chars().any(steering), "{}", said.out);
    assert!(!said.out.lines().any(|line| line.starts_with("::")), "a log would take it for a command");
}

#[test]
fn a_file_is_written_whole_or_stays_as_it_was() {
    let desk = desk();
    let said = desk.run(&format!("check pixelcraft.toml --format prometheus --out plimsoll.prom {AS_OF}"));
    assert_eq!((said.out.as_str(), said.status), ("", 3), "the result is in the file alone, the status as ever");
    assert!(said.err.contains("wrote plimsoll.prom: 1 policy, 1 breaks its objectives"), "{}", said.err);
    let written = desk.read("plimsoll.prom");
    assert_eq!(written, desk.run(&format!("check pixelcraft.toml --format prometheus {AS_OF}")).out);
    let left: Vec<_> = std::fs::read_dir(desk.path("")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 4, "nothing is left beside it: {left:?}");
    let said = desk.run(&format!("check pixelcraft.toml --out nowhere/plimsoll.prom {AS_OF}"));
    assert!(said.status == 1 && said.err.contains("cannot write into `nowhere`"), "{}", said.err);
}

#[test]
fn other_verbs_say_that_they_print_human_or_json() {
    let desk = desk();
    let said = desk.run("explain loss-window-declared --format sarif");
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    assert_eq!(said.err, "error: only check and audit print sarif\n  help: name --format human or json\n");
}
