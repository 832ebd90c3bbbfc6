//! Files that were never meant to be policies: nothing panics, nothing takes long, what is said stays harmless.

use std::time::Instant;

use plimsoll::policy::{self, Place, SourceText};
use proptest::prelude::*;

fn problems_of(text: String) -> Vec<policy::Problem> {
    let source = SourceText::new("plan.toml", text);
    let problems = policy::parse(source.clone()).expect_err("hostile files are no policies");
    for problem in problems.iter().take(50) {
        let shown = problem.render(&source);
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        assert!(shown.len() < 4_000, "one problem fits a screen: {} bytes", shown.len());
    }
    problems
}

fn within_seconds(limit: f64, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let took = start.elapsed().as_secs_f64();
    assert!(took < limit, "took {took:.1} s, {limit} s are allowed");
}

#[test]
fn keys_as_deep_as_a_file_can_make_them_are_refused() {
    within_seconds(20.0, || {
        for text in [format!("[{}a]", "a.".repeat(300_000)), format!("x = {{ {}a = 1 }}", "a . ".repeat(150_000))] {
            let problems = problems_of(text);
            assert!(problems[0].message.starts_with("a line with "), "{}", problems[0].message);
        }
    });
}

#[test]
fn tables_nested_as_deep_as_may_be_are_taken_apart_without_overflow() {
    let key = format!("{}a", "a.".repeat(16));
    let inline = format!("{key} = {{").repeat(70) + &"}".repeat(70);
    // Each on a line of its own, so that only the nesting is deep; and once more, so that a duplicate is dropped.
    let lines = inline.replace('{', "{\n").replace('}', "\n}");
    problems_of(format!("{lines}\n{lines}"));
    problems_of("[".repeat(200_000));
    problems_of(format!("a = {}", "[".repeat(200_000)));
    problems_of("[[a]]\n[a.b]\n".repeat(10_000));
}

#[test]
fn a_file_past_the_limit_is_not_read() {
    let problems = problems_of("#".repeat((768 << 10) + 1));
    assert_eq!(problems[0].message, "the file has 786433 bytes; 786432 are allowed");
}

#[test]
fn one_long_line_and_many_unknown_fields_stay_cheap() {
    within_seconds(30.0, || {
        problems_of(format!("asset = [{}]", "1,".repeat(200_000)));
        problems_of((0..50_000).map(|n| format!("k{n}=1\n")).collect());
        let chain: String =
            (0..20_000).map(|n| format!("[domain.d{n}]\nkind='host'\ninside=['d{}']\n", n + 1)).collect();
        problems_of(chain);
    });
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    problems_of("\"\\u001b[31mred\" = 1\n[asset.\"\\u001b]0;title\\u0007\"]\nkind = \"\\u202e\"".into());
    problems_of("x = \"\u{1b}[2J\"".into());
}

/// Pieces of policies, so that chance builds files which get past the TOML reader.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "plimsoll = 1\n",
        "[objective]\n",
        "rpo = ",
        "\"1h\"\n",
        "[asset.a]\n",
        "kind = ",
        "\"s3\"\n",
        "\"snapshot\"\n",
        "[protection.p]\n",
        "schedule = ",
        "\"0 3 * * *\"\n",
        "[[scenario.s.runbook]]\n",
        "[scenario.s]\n",
        "takes = ",
        "{ low = \"1h\" }\n",
        "{ measured = \"load\" }\n",
        "after = []\n",
        "[domain.d]\n",
        "inside = [\"d\"]\n",
        "1\n",
        "nan\n",
        "true\n",
        "2027-01-01\n",
        "[[waiver]]\n",
        "until = ",
        "[",
        "]",
        "\"",
        "'",
        "=",
        ".",
        "{",
        "}",
        "\n",
        "é",
    ];
    proptest::sample::select(words.to_vec()).prop_map(str::to_string)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        problems_of(String::from_utf8_lossy(&bytes).into_owned());
    }

    #[test]
    fn no_pieces_of_policies_make_the_reader_panic(pieces in proptest::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        let source = SourceText::new("plan.toml", text.clone());
        if policy::parse(source).is_err() {
            problems_of(text);
        }
    }

    /// A place leads back to the characters that it was made of.
    #[test]
    fn places_lead_back_to_their_text(text in "[a-zé☃\\n\\r\t]{0,3000}", from in 0usize..4000, more in 0usize..40) {
        let start = (from.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
        let end = ((start + more).min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
        let source = SourceText::new("t", text.clone());
        let place: Place = source.place(start..end);
        let lines: Vec<&str> = text.split('\n').collect();
        let line = lines[place.line as usize - 1];
        let before: usize = lines[..place.line as usize - 1].iter().map(|line| line.len() + 1).sum();
        let inside: usize = line.chars().take(place.column as usize - 1).map(char::len_utf8).sum();
        prop_assert_eq!(before + inside, start);
        let expected = text[start..end].split('\n').next().unwrap_or_default().chars().count().max(1);
        prop_assert_eq!(place.len as usize, expected);
    }
}
