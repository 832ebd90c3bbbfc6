//! Policies of several files: what overrides what, what is refused, and where that stands.

use std::collections::BTreeMap;
use std::process::Command;

use plimsoll::base::Span;
use plimsoll::policy::{self, Fetched, Policy, SourceText};

const MAIN: &str = r#"include = ["a.toml", "b.toml"]
plimsoll = 1
name = "shop"
[objective]
rpo = "1h"
[asset.db]
kind = "mongodb"
lives_in = ["here"]
"#;

/// Reads `files`, the first of which is the policy; what is wrong is rendered.
fn read(files: &[(&str, &str)]) -> Result<Policy, String> {
    let all: BTreeMap<&str, &str> = files.iter().copied().collect();
    let mut fetch = |_: &str, path: &str| match all.get(path) {
        Some(text) => Ok(Fetched { name: path.to_string(), text: text.to_string() }),
        None => Err("there is no such file".to_string()),
    };
    let source = SourceText::new(files[0].0, files[0].1);
    policy::parse_with(source, &mut fetch)
        .map_err(|refused| refused.problems.iter().map(|problem| problem.render(&refused.source)).collect())
}

#[test]
fn what_stands_here_overrides_and_the_later_file_overrides_the_earlier() {
    let a = "currency = \"EUR\"\n[objective]\nrpo = \"5h\"\nrto = \"2h\"\nretention = \"30d\"\n[domain.here]\nkind = \"host\"\n[domain.far]\nkind = \"site\"\n";
    let b = "[objective]\nrto = \"9h\"\n[domain.here]\nkind = \"cluster\"\n[[contact]]\nname = \"b\"\nreach = \"b\"\n";
    let policy = read(&[("main.toml", MAIN), ("a.toml", a), ("b.toml", b)]).unwrap();
    let span = |text: &str| Some(text.parse::<Span>().unwrap());
    let objective = &policy.objective;
    let asked = [&objective.rpo, &objective.rto, &objective.retention].map(|asked| asked.as_ref().map(|a| a.value));
    assert_eq!(asked, [span("1h"), span("9h"), span("30d")]);
    let kinds: Vec<(&str, policy::DomainKind)> = policy.domains.iter().map(|d| (d.name.as_str(), d.kind)).collect();
    assert_eq!(kinds, [("here", policy::DomainKind::Cluster), ("far", policy::DomainKind::Site)]);
    assert_eq!((policy.currency.as_str(), policy.contacts.len()), ("EUR", 1));
    let retention = objective.retention.as_ref().unwrap().at;
    assert_eq!(policy.source.of(retention).name, "a.toml");
    assert_eq!(policy.source.line(retention), "retention = \"30d\"");
}

#[test]
fn circles_are_refused_at_the_line_that_closes_them() {
    let said = read(&[("main.toml", MAIN), ("a.toml", "\ninclude = [\"main.toml\"]\n"), ("b.toml", "")]).unwrap_err();
    assert!(said.contains("`main.toml` includes itself: main.toml → a.toml → main.toml"), "{said}");
    assert!(said.contains("--> a.toml:2:12"), "{said}");
}

#[test]
fn depth_number_and_foreign_paths_have_their_limits() {
    let files: Vec<(String, String)> =
        (0..20).map(|n| (format!("{n}.toml"), format!("include = [\"{}.toml\"]\n", n + 1))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert!(read(&files).unwrap_err().contains("includes nest deeper than 8"));
    let wide = (0..100).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
    let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let main = format!("include = [{wide}]\n");
    let mut files = vec![("main.toml", main.as_str())];
    files.extend(names.iter().map(|name| (name.as_str(), "")));
    assert!(read(&files).unwrap_err().contains("more than 64 files"));
    for path in ["/etc/passwd", "https://example.org/x.toml", "C:x.toml"] {
        let said = read(&[("main.toml", &format!("include = [\"{path}\"]\n"))]).unwrap_err();
        assert!(said.contains(&format!("`{path}` is not a relative path")), "{said}");
    }
}

#[test]
fn a_policy_and_what_it_includes_share_one_limit_of_size() {
    let half = format!("#{}\n", "x".repeat(400 << 10));
    let said = read(&[("main.toml", MAIN), ("a.toml", &half), ("b.toml", &half)]).unwrap_err();
    assert!(said.contains("with `a.toml` the policy has more than 786432 bytes"), "{said}");
}

#[test]
fn problems_stand_in_the_file_that_has_them() {
    let said =
        read(&[("main.toml", MAIN), ("a.toml", "[domain.here]\nkind = \"hots\"\n"), ("b.toml", "")]).unwrap_err();
    assert!(said.contains("--> a.toml:2:8") && said.contains("2 | kind = \"hots\""), "{said}");
    let said = read(&[("main.toml", MAIN), ("a.toml", "")]).unwrap_err();
    assert!(said.contains("cannot read `b.toml`: there is no such file"), "{said}");
    let said = read(&[("main.toml", "include = [\"a.toml\"]\n"), ("a.toml", "plimsoll = 1\n")]).unwrap_err();
    assert!(said.contains("neither the policy nor what it includes has `name`"), "{said}");
}

#[test]
fn files_are_found_from_the_file_that_names_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("team/plan.toml", &MAIN.replace("\"a.toml\", \"b.toml\"", "\"../org/defaults.toml\""));
    write("org/defaults.toml", "include = [\"domains.toml\"]\n[objective]\nrto = \"2h\"\n");
    write("org/domains.toml", "[domain.here]\nkind = \"hots\"\n");
    let check = || {
        Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .current_dir(folder.path())
            .args(["check", "team/plan.toml"])
            .output()
    };
    let said = String::from_utf8(check().unwrap().stderr).unwrap();
    assert!(said.contains("--> org/domains.toml:2:8") || said.contains("team/../org/domains.toml:2:8"), "{said}");
    write("org/domains.toml", "[domain.here]\nkind = \"host\"\n");
    assert_eq!(check().unwrap().status.code(), Some(3), "it is judged: nothing protects `db`");
}
