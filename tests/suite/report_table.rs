//! The one way to print a table.

use plimsoll::report::table::{Look, Set, Table};

fn sample() -> Table {
    let mut table = Table::new(&[("asset", Set::Text), ("loss window", Set::Number)]);
    table.row(["database", "24 h"]).row(["uploads", "1 h 30 min"]);
    table
}

#[test]
fn a_pipe_gets_plain_columns_with_numbers_on_the_right() {
    insta::assert_snapshot!(sample().render(Look::Plain), @r"
    asset     loss window
    database         24 h
    uploads    1 h 30 min
    ");
}

#[test]
fn a_terminal_gets_light_rules() {
    insta::assert_snapshot!(sample().render(Look::Terminal { width: Some(60) }), @r"
    ────────────────────────
     asset      loss window
    ────────────────────────
     database          24 h
     uploads     1 h 30 min
    ────────────────────────
    ");
}

#[test]
fn a_long_name_wraps_on_a_terminal_and_stays_whole_in_a_pipe() {
    let name = "n".repeat(200);
    let mut table = Table::new(&[("asset", Set::Text), ("size", Set::Number)]);
    table.row([name.as_str(), "1 GB"]);
    let terminal = table.render(Look::Terminal { width: Some(60) });
    assert!(terminal.lines().all(|line| line.chars().count() <= 60), "{terminal}");
    assert!(table.render(Look::Plain).contains(&name));
}

#[test]
fn terminal_escapes_and_turned_text_cannot_reach_the_terminal() {
    let mut table = Table::new(&[("asset", Set::Text)]);
    table.row(["a\u{1b}[2Jb\u{202e}c\nd\u{9b}e"]);
    for look in [Look::Plain, Look::Terminal { width: Some(80) }] {
        let text = table.render(look);
        assert!(text.contains("a�[2Jb�c d�e"), "{text}");
        assert!(!text.chars().any(|c| c != '\n' && plimsoll::report::text::steers(c)));
    }
}

#[test]
fn a_row_of_the_wrong_length_neither_panics_nor_shifts_the_others() {
    let mut table = sample();
    table.row(["only a name"]).row(["too", "many", "cells"]);
    let text = table.render(Look::Plain);
    assert!(text.contains("only a name") && !text.contains("cells"), "{text}");
}
