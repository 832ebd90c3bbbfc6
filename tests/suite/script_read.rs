//! What scripts do to stores, as far as their lines tell it; and that nothing is claimed of what they do not.

use plimsoll::script::{self, Act, Script};
use proptest::prelude::*;

fn read(text: &str) -> Script {
    script::read("ops/test.sh", text, 1).unwrap_or_else(|(at, said)| panic!("{at:?}: {said}"))
}

/// Act, name and line of each action.
fn actions(text: &str) -> Vec<(Act, String, u32)> {
    read(text).facts.actions.iter().map(|a| (a.act, a.name.shown(), a.at.line)).collect()
}

#[test]
fn names_are_followed_through_variables_defaults_and_dates() {
    let text = "B=s3://vault\nD=$(date -u +%F)\nX=\"${1:-$D}\"\naws s3 cp dump.gz \"$B/${X}.gz\" --quiet\n\
                aws --profile x s3 cp \\\n  s3://vault/`date +%F`.gz - | tar xz\n";
    let expected = [(Act::Write, "s3://vault/%F.gz".to_string(), 4), (Act::Read, "s3://vault/%F.gz".to_string(), 5)];
    assert_eq!(actions(&text.replace("aws --profile x", "aws")), expected);
    assert!(read(text).facts.actions[0].name.by_default);
}

#[test]
fn what_cannot_be_followed_is_unclear_and_equals_nothing() {
    for value in ["$(cat name)", "$RANDOM", "$(date -d yesterday +%F)", "${X%.gz}", "$((1 + 1))", "$(ls | tail -1)"] {
        let read = read(&format!("N={value}\naws s3 cp a s3://vault/$N.gz\n"));
        assert_eq!(read.facts.actions[0].name.shown(), "s3://vault/….gz", "{value}");
        assert_eq!(read.facts.actions[0].name.may_equal(&read.facts.actions[0].name), None);
    }
    let twice = actions("N=a\nif true; then N=b; fi\naws s3 cp x s3://vault/$N\n");
    assert_eq!(twice[0].1, "s3://vault/…", "set twice, it may be either");
}

#[test]
fn two_dates_are_equal_only_where_their_letters_can_be() {
    let name = |format: &str| read(&format!("aws s3 cp a s3://v/$(date +{format})\n")).facts.actions[0].name.clone();
    for (one, two, equal) in [
        ("%Y-%m-%d", "%F", Some(true)),
        ("%Y-%m-%d", "%Y%m%d", Some(false)),
        ("%F_%H-%M", "%F", Some(false)),
        ("%F-2026", "%F-%Y", Some(true)),
        ("%F", "%A", None),
        ("%s", "%F", None),
    ] {
        assert_eq!(name(one).may_equal(&name(two)), equal, "{one} {two}");
    }
}

#[test]
fn comments_quotes_and_here_documents_do_nothing() {
    let text = "# aws s3 rm s3://vault/x\necho 'aws s3 rm s3://vault/x' # and\ncat <<EOF > f\naws s3 rm s3://vault/x\nEOF\n\
                aws s3 ls s3://vault/y > /dev/null 2>&1\n";
    assert_eq!(actions(text), [(Act::List, "s3://vault/y".to_string(), 6)]);
}

#[test]
fn other_tools_and_whole_trees_are_known() {
    assert_eq!(actions("aws s3 sync /data s3://vault/data")[0].1, "s3://vault/data…");
    assert_eq!(actions("aws s3 cp /data s3://vault/ --recursive")[0].1, "s3://vault/…");
    assert_eq!(actions("s5cmd cp a s3://vault/b")[0].0, Act::Write);
    assert_eq!(actions("gsutil cp gs://vault/b a")[0].0, Act::Read);
    let call = actions("aws s3api put-object --bucket vault --key \"k/$(date +%F)\" --body f");
    assert_eq!((call[0].0, call[0].1.as_str()), (Act::Write, "s3://vault/k/%F"));
}

#[test]
fn only_a_deletion_for_age_alone_is_one() {
    let by_age = |text: &str| {
        let facts = read(text).facts;
        facts.actions.iter().any(|a| a.act == Act::Delete && a.by_age) && !facts.decides
    };
    assert!(by_age("find /backups -name '*.gz' -mtime +30 -delete\n"));
    assert!(by_age("for f in $(ls); do if [[ $f < $(date -d '-30 days' +%F) ]]; then aws s3 rm s3://v/$f; fi; done\n"));
    assert!(by_age("C=$(date -d '-30 days' +%F)\nwhile read -r f; do [[ x ]]\ndone\n").eq(&false));
    assert!(by_age(
        "C=$(date -d -30days +%s)\nwhile read -r t f; do\nif [ \"$t\" -lt \"$C\" ]; then\naws s3 rm s3://v/$f\nfi\ndone\n"
    ));
    for other in [
        "aws s3 rm s3://v/x\n",
        "find /backups -name '*.tmp' -delete\n",
        "ls | head -n -7 | while read -r f; do aws s3 rm s3://v/$f; done\n",
        "n=$(ls | wc -l)\nif [ \"$n\" -gt 7 ]; then find /backups -mtime +30 -delete; fi\n",
        "if [[ $f < $(date -d '-30 days' +%F) ]] && [ \"$left\" -gt 3 ]; then aws s3 rm s3://v/$f; fi\n",
    ] {
        assert!(!by_age(other), "{other}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\\n\\t'\"$(){}`\\\\|&;<>=é]{0,200}") {
        let _ = script::read("x.sh", &text, 1);
    }
}
