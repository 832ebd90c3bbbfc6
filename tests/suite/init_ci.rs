//! `init --ci`: a workflow and a hook that are whole as they are written, and never over what a team has.

use std::io::Write as _;
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

use crate::desk::Desk;

const WORKFLOW: &str = ".github/workflows/plimsoll.yml";
const HOOK: &str = ".pre-commit-config.yaml";

fn yaml(text: &str) -> Yaml {
    YamlLoader::load_from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")).remove(0)
}

fn words(yaml: &Yaml) -> Vec<String> {
    yaml.as_vec().unwrap().iter().map(|word| word.as_str().unwrap().to_string()).collect()
}

/// What a job may do, as `permission: level`.
fn allowed(job: &Yaml) -> Vec<String> {
    let permissions = job["permissions"].as_hash().unwrap();
    permissions.iter().map(|(what, level)| format!("{}: {}", what.as_str().unwrap(), level.as_str().unwrap())).collect()
}

#[test]
fn it_writes_the_policy_the_workflow_and_the_hook_where_none_is() {
    let desk = Desk::new();
    let said = desk.run("init --ci ops/plimsoll.toml");
    assert_eq!(said.status, 1, "the policy's folder is the user's to make: {}", said.out);
    std::fs::create_dir(desk.path("ops")).unwrap();
    let said = desk.run("init --ci ops/plimsoll.toml");
    assert_eq!(said.out, format!("wrote ops/plimsoll.toml\nwrote {WORKFLOW}\nwrote {HOOK}\n"), "{}", said.err);
    assert_eq!(desk.run("check ops/plimsoll.toml").status, 3, "the template is a policy, and shows findings");
    let hook = &yaml(&desk.read(HOOK))["repos"][0]["hooks"][0];
    assert_eq!(hook["entry"].as_str(), Some("plimsoll check --quiet"));
    assert_eq!(hook["files"].as_str(), Some("^ops/plimsoll\\.toml$"));
    let said = desk.run("init --ci ops/plimsoll.toml");
    assert_eq!((said.status, said.out.as_str()), (1, ""));
    assert!(said.err.contains("all of it is there already; nothing was written"), "{}", said.err);
}

#[test]
fn what_a_team_has_stays_and_the_hook_is_shown_to_be_added() {
    let desk = Desk::new();
    desk.write("plimsoll.toml", "mine").write(HOOK, "repos: []\n");
    let said = desk.run("init --ci");
    assert_eq!(
        said.out,
        format!("wrote {WORKFLOW}\nkept plimsoll.toml, which is there already\nkept {HOOK}, which is there already\n")
    );
    assert_eq!((desk.read("plimsoll.toml").as_str(), desk.read(HOOK).as_str()), ("mine", "repos: []\n"));
    assert!(said.err.contains("- id: plimsoll-check"), "{}", said.err);
    let document: serde_json::Value = desk.write("x/y", "").json("init --ci other.toml --format json --quiet");
    assert_eq!(document, serde_json::json!({ "written": ["other.toml"], "kept": [WORKFLOW, HOOK] }));
}

#[test]
fn the_workflow_asks_for_the_least_and_pins_what_it_runs() {
    let desk = Desk::new();
    desk.run("init --ci");
    let text = desk.read(WORKFLOW);
    let workflow = yaml(&text);
    assert!(workflow["permissions"].as_hash().unwrap().is_empty(), "nothing unless a job asks");
    let (check, show) = (&workflow["jobs"]["check"], &workflow["jobs"]["show"]);
    assert_eq!(allowed(check), ["contents: read"], "what reads the change may write nowhere");
    assert_eq!(allowed(show), ["actions: read", "pull-requests: write", "security-events: write"]);
    assert_eq!(words(&workflow["on"]["pull_request"]["paths"]), ["plimsoll.toml", WORKFLOW]);
    assert_eq!(workflow["env"]["PLIMSOLL_VERSION"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    let steps = [check, show].into_iter().flat_map(|job| job["steps"].as_vec().unwrap());
    let mut used = 0;
    for step in steps {
        // What an event holds reaches a shell by its environment alone, never as a part of its text.
        assert!(!step["run"].as_str().unwrap_or_default().contains("${{"), "{step:?}");
        let Some(uses) = step["uses"].as_str() else { continue };
        let (_, version) = uses.split_once("@v").unwrap_or_else(|| panic!("{uses} is not pinned"));
        assert_eq!(version.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3, "{uses}");
        used += 1;
    }
    assert_eq!(used, 5);
    assert_eq!(check["steps"][0]["with"]["fetch-depth"].as_i64(), Some(0), "the merge base is there");
    assert_eq!(check["steps"][0]["with"]["persist-credentials"].as_bool(), Some(false));
}

/// The step that checks, run as a runner would, on a change that is worse.
#[test]
fn the_step_that_checks_runs_and_leaves_what_is_shown() {
    let desk = Desk::new();
    desk.run("init --ci");
    desk.committed();
    let plan = desk.read("plimsoll.toml").replace("rpo = \"1h\"", "rpo = \"8h\"");
    desk.write("plimsoll.toml", &plan);
    desk.commit();
    let workflow = yaml(&desk.read(WORKFLOW));
    let steps = workflow["jobs"]["check"]["steps"].as_vec().unwrap();
    let step = steps.iter().find(|step| step["name"].as_str() == Some("Check")).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_plimsoll")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    for (base, compared) in [("main", true), ("0000000000000000000000000000000000000000", false)] {
        let output = Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", step["run"].as_str().unwrap()])
            .envs([
                ("PATH", path.as_str()),
                ("POLICY", "plimsoll.toml"),
                ("BASE", base),
                ("GITHUB_STEP_SUMMARY", "summary.md"),
            ])
            .current_dir(desk.path(""))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("::error file=plimsoll.toml,line="), "{said}");
        let comment = desk.read("out/comment.md");
        assert!(comment.starts_with("<!-- plimsoll:check -->\n"), "the marker that the comment is found by");
        assert_eq!(comment.contains("RPO of"), compared, "{comment}");
        assert!(desk.read("out/plimsoll.sarif").contains("\"version\": \"2.1.0\""));
    }
    assert!(desk.read(WORKFLOW).contains("startswith(\"<!-- plimsoll:check -->\")"));
}

#[test]
fn a_path_that_would_mean_something_else_is_refused() {
    let desk = Desk::new();
    for path in ["/etc/plan.toml", "../plan.toml", "a b.toml", "$(x).toml", "a\"b.toml", "*.toml"] {
        let said = desk.run_words(&["init", "--ci", path]);
        assert!(said.status == 2 && said.err.contains("cannot stand in a workflow"), "{path}: {}", said.err);
    }
    assert!(!desk.path(".github").exists() && !desk.path(HOOK).exists(), "nothing was written");
}

#[test]
fn the_hook_of_this_repository_is_one_that_others_can_name() {
    let hooks = yaml(include_str!("../../.pre-commit-hooks.yaml"));
    let hook = &hooks[0];
    for (key, value) in [("id", "plimsoll-check"), ("entry", "plimsoll check --quiet"), ("language", "rust")] {
        assert_eq!(hook[key].as_str(), Some(value));
    }
}

/// actionlint knows every expression and context of a workflow; where it is missing, the run says so.
#[test]
fn actionlint_finds_nothing_in_the_workflow() {
    let found = Command::new("actionlint").arg("-version").output().is_ok_and(|output| output.status.success());
    if !found {
        let line = "LEFT OUT: the workflow by actionlint: it is not installed\n";
        std::io::stderr().write_all(line.as_bytes()).expect("the terminal takes it");
        return;
    }
    let desk = Desk::new();
    desk.run("init --ci");
    let output =
        Command::new("actionlint").args(["-shellcheck=", WORKFLOW]).current_dir(desk.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
