//! How places to tell and operations are declared: strictly, and without a secret ever being shown.

use super::policy_problems::said_of;

#[test]
fn what_is_wrong_points_at_its_line() {
    insta::assert_snapshot!(said_of("[operations]\nverify = \"never\"\nverify_sample = \"all\"\n[notify.chat]\nkind = \"slack\"\non = [\"fire\"]\nsecret_env = \"K\"\n[notify.watch]\nkind = \"ping\"\nurl_env = \"A B\"\nremind_every = \"1d\"\n"), @r#"
    error: `never` has 1 fields, a cron expression has 5
     --> plan.toml:9:10
      |
    9 | verify = "never"
      |          ^^^^^^^
      = help: write `minute hour day month weekday`, such as `0 3 * * *` for 03:00 each day
    error: `verify_sample` cannot be `all`
      --> plan.toml:10:17
       |
    10 | verify_sample = "all"
       |                 ^^^^^
       = help: it takes a part in percent, such as "5%", at least 0.01%
    error: a place to tell needs `url_env` or `url_file`
      --> plan.toml:11:9
       |
    11 | [notify.chat]
       |         ^^^^
       = help: the address is a secret: name the variable of the environment, or the file, that holds it
    error: `on` cannot be `fire`
      --> plan.toml:13:7
       |
    13 | on = ["fire"]
       |       ^^^^^^
       = help: allowed: failure, breach, unproven, recovery
    error: `secret_env` does not fit the kind `slack`
      --> plan.toml:14:1
       |
    14 | secret_env = "K"
       | ^^^^^^^^^^
       = help: it fits: json
    error: `url_env` is no name of a variable
      --> plan.toml:17:11
       |
    17 | url_env = "A B"
       |           ^^^^^
       = help: it takes the name of a variable of the environment, such as "SLACK_URL"
    error: `remind_every` does not fit the kind `ping`
      --> plan.toml:18:1
       |
    18 | remind_every = "1d"
       | ^^^^^^^^^^^^
       = help: it fits: slack, json
    "#);
}

#[test]
fn an_address_in_place_of_its_variable_is_refused_without_its_line() {
    for field in ["url_env", "url_file", "secret_env"] {
        let said = said_of(&format!("[notify.desk]\nkind = \"json\"\n{field} = \"https://hooks.example/geheim\"\n"));
        assert!(said.contains("holds an address in place of a name"), "{said}");
        assert!(!said.contains("geheim"), "{said}");
    }
}

#[test]
fn a_place_with_two_addresses_or_none_is_refused() {
    let two = said_of("[notify.chat]\nkind = \"slack\"\nurl_env = \"A\"\nurl_file = \"b\"\n");
    assert!(two.contains("`url_env` and `url_file` both say where it stands"), "{two}");
    let none = said_of("[notify.chat]\nkind = \"slack\"\n");
    assert!(none.contains("a place to tell needs `url_env` or `url_file`"), "{none}");
    assert_eq!(said_of("[notify.chat]\nkind = \"slack\"\nurl_file = \"../secret/chat\"\n"), "no problem");
}

#[test]
fn a_place_is_not_called_as_an_asset_is() {
    let said = said_of("[notify.a]\nkind = \"slack\"\nurl_env = \"A\"\n");
    assert!(said.contains("`a` is the name of an asset too"), "{said}");
}
