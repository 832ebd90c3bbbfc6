//! Uncertain times and rates, shared resources and trouble, as the policy writes them: read as they stand, and refused by
//! line where they make no sense.

use plimsoll::base::Span;
use plimsoll::policy::{self, Duration, Sharing, SourceText, Uncertain};

use crate::policy_problems::said_of;
use crate::sim_oracles::BASE;

fn scenario(lines: &str) -> String {
    format!("[scenario.s]\ncorrupts = [\"a\"]\n{lines}\n")
}

#[test]
fn what_is_written_is_what_is_read() {
    let text = BASE
        .replace("per_year = 0.5", "per_year = { seen = 2, years = 10 }")
        .replace("noticed_after = \"0s\"", "noticed_after = { p50 = \"1h\", p95 = \"6h\" }")
        .replace("asset = \"database\"\n", "asset = \"database\"\nuses = \"line\"\n")
        .replace(
            "retention = \"30d\"",
            "retention = \"30d\"\ntrouble = { fails = 0.02, hangs = 0.01, hangs_for = \"2d\", late = \"5min\" }",
        );
    let text = text + "[resource.line]\nkind = \"bandwidth\"\nat_once = 2\n";
    let read = policy::parse(SourceText::new("p", text)).unwrap();
    let scenario = &read.scenarios[0];
    assert_eq!(scenario.per_year.value, 0.25);
    assert_eq!(scenario.per_year_uncertain, Some(Uncertain::Gamma { shape: 2.5 }));
    let Duration::Lognormal(notice) = &scenario.noticed_after.value else { panic!("{:?}", scenario.noticed_after) };
    assert!(
        (notice.at(0.0) - 3_600_000.0).abs() < 1e-3 && (notice.at(1.644_853_626_951_472_7) - 21_600_000.0).abs() < 1e-3
    );
    // What one in a thousand exceeds stands for the longest.
    let longest = scenario.noticed_after.value.declared_longest().unwrap();
    assert!(longest > Span::hours(28) && longest < Span::hours(30), "{longest}");
    let line = scenario.runbook[0].uses.as_ref().unwrap();
    assert_eq!((line.name.as_str(), line.sharing, line.at_once), ("line", Sharing::Bandwidth, 2));
    let trouble = &read.protections[0].trouble;
    assert_eq!(trouble.fails.as_ref().map(|fails| fails.value), Some(0.02));
    assert_eq!(trouble.hangs.as_ref().map(|(share, span)| (share.value, *span)), Some((0.01, Span::days(2))));
    assert_eq!(trouble.late.as_ref().map(|late| late.value.clone()), Some(Duration::Constant(Span::minutes(5))));
}

/// Each message with the line that it points at; and nothing else is said.
fn says(more: &str, wanted: &[(&str, u32)]) {
    let said = said_of(more);
    for (message, line) in wanted {
        let there = |problem: &str| problem.contains(message) && problem.contains(&format!("--> plan.toml:{line}:"));
        assert!(said.split("error: ").any(there), "`{message}` is not said of line {line}:\n{said}");
    }
    assert_eq!(said.matches("error: ").count(), wanted.len(), "{said}");
}

#[test]
fn quantiles_that_make_no_distribution() {
    let step = "[[scenario.s.runbook]]\nstep = \"x\"\ntakes = { p50 = \"2h\", p95 = \"2h\", p99 = \"3h\" }";
    says(
        &scenario(&format!("per_year = {{ p5 = 2, p95 = 1 }}\nnoticed_after = {{ p50 = \"1h\" }}\n{step}")),
        &[("`p95` is no more than `p5`", 10), ("1 quantiles are given", 11), ("3 quantiles are given", 14)],
    );
    says(
        &scenario("per_year = { p5 = 0, p95 = 1 }\nnoticed_after = { p5 = \"0s\", p95 = \"1h\" }"),
        &[("`p5` cannot be zero", 10), ("`p5` cannot be zero", 11)],
    );
    says(
        &scenario("per_year = { p5 = 0.0001, p95 = 8760 }\nnoticed_after = { p4 = \"1h\", p95 = \"2h\" }"),
        &[("the mean of this rate is", 10), ("unknown field `p4`", 11), ("1 quantiles are given", 11)],
    );
}

#[test]
fn rates_of_what_was_seen_in_no_time_or_by_halves() {
    let rate = |rate: &str| scenario(&format!("per_year = {rate}\nnoticed_after = \"1h\""));
    says(&rate("{ seen = 2 }"), &[("`seen` and `years` go together", 10)]);
    says(&rate("{ seen = 2, years = 0 }"), &[("`years` cannot be zero", 10)]);
    says(&rate("{ seen = 2, years = 10, p50 = 1 }"), &[("what was seen or quantiles, not both", 10)]);
    says(&rate("{ seen = -1, years = 3 }"), &[("`seen` cannot be -1", 10), ("`seen` and `years` go together", 10)]);
    says(&rate("\"often\""), &[("`per_year` is a string", 10)]);
}

#[test]
fn resources_that_nobody_declared_or_that_serve_none() {
    let step =
        "per_year = 1\nnoticed_after = \"1h\"\n[[scenario.s.runbook]]\nstep = \"x\"\ntakes = \"1h\"\nuses = \"lin\"";
    says(&scenario(step), &[("no resource is called `lin`", 15)]);
    let none = format!("{}\n[resource.lin]\nkind = \"pool\"\nat_once = 0", scenario(step));
    says(&none, &[("`kind` cannot be `pool`", 18), ("`at_once` cannot be zero", 19)]);
}

#[test]
fn trouble_that_a_protection_cannot_have() {
    let protection = |rest: &str| format!("[protection.p]\nassets = [\"a\"]\nstored_in = [\"here\"]\n{rest}\n");
    let snapshot = "kind = \"snapshot\"\nschedule = \"0 3 * * *\"\ntakes = \"1h\"";
    let log = "kind = \"log\"\nlag = \"1min\"\nwindow = \"1d\"";
    says(
        &protection(&format!("{snapshot}\ntrouble = {{ fails = 0.6, hangs = 0.5, breaks_per_year = 3 }}")),
        &[
            ("does not fit the kind", 14),
            ("`hangs` and `hangs_for` go together", 14),
            ("`breaks_per_year` and `broken_for` go together", 14),
            ("more runs fail or hang than there are", 14),
        ],
    );
    says(
        &protection(&format!("{log}\ntrouble = {{ fails = 0.1, broken_for = \"1h\" }}")),
        &[("does not fit the kind", 14), ("`breaks_per_year` and `broken_for` go together", 14)],
    );
    says(
        &protection(&format!("{snapshot}\ntrouble = {{ fails = 1.5, late = {{ measured = \"load\" }} }}")),
        &[("`fails` cannot be 1.5", 14), ("`late` cannot be measured", 14)],
    );
}
