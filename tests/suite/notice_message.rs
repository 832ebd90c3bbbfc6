//! How what is told is put into words: as JSON, and in Slack's markup, whatever names and reasons hold.

use plimsoll::base::{Instant, Span};
use plimsoll::notice::{Change, Look, Notice, Told, Trouble, change};
use plimsoll::policy::{Channel, Occasion};

use super::notice_change::{USUAL, place, trouble};

fn now() -> Instant {
    "2026-11-26T03:00:00Z".parse().unwrap()
}

fn hostile() -> Change {
    let wild = Trouble {
        title: "backup of <!channel> & \u{202e}evil\u{1b}[31m failed".into(),
        detail: "see <https://example.com|here>\nand\u{0} there".into(),
        ..trouble("failure backup db -", Occasion::Failure)
    };
    let breach = Trouble { remedy: String::new(), ..trouble("finding 1", Occasion::Breach) };
    let before = Look { open: vec![trouble("finding 2", Occasion::Breach)], audited: true, ..Look::default() };
    let told = change(&place(&USUAL), &Told::new(), &before, now() - Span::days(2)).told;
    let look = Look { open: vec![wild, breach], audited: true, ..Look::default() };
    change(&place(&USUAL), &told, &look, now())
}

#[test]
fn slack_is_sent_text_in_which_nothing_is_a_link_a_mention_or_turned_around() {
    let body = Notice::of("Shop & Sons", &hostile(), now()).body(Channel::Slack).unwrap();
    let text = serde_json::from_str::<serde_json::Value>(&body).unwrap()["text"].as_str().unwrap().to_string();
    insta::assert_snapshot!(text, @"
    *Plimsoll* · Shop &amp; Sons · 2026-11-26T03:00:00Z
    *FAILED* backup of &lt;!channel&gt; &amp; �evil�[31m failed
    > see &lt;https://example.com|here&gt; and� there
    > _do something_
    *BREACHED* finding 1 is wrong
    > a reason
    *OVER* finding 2 is wrong
    > since 2026-11-24T03:00:00Z
    ");
}

#[test]
fn programs_are_sent_json_with_a_key_by_which_they_know_a_trouble_again() {
    let body = Notice::of("Shop & Sons", &hostile(), now()).body(Channel::Json).unwrap();
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&body).unwrap()).unwrap();
    insta::assert_snapshot!(pretty, @r#"
    {
      "at": "2026-11-26T03:00:00Z",
      "events": [
        {
          "detail": "see <https://example.com|here> and� there",
          "event": "failure",
          "key": "failure backup db -",
          "remedy": "do something",
          "since": "2026-11-26T03:00:00Z",
          "title": "backup of <!channel> & �evil�[31m failed"
        },
        {
          "detail": "a reason",
          "event": "breach",
          "key": "finding 1",
          "since": "2026-11-26T03:00:00Z",
          "title": "finding 1 is wrong"
        },
        {
          "event": "recovery",
          "key": "finding 2",
          "since": "2026-11-24T03:00:00Z",
          "title": "finding 2 is wrong"
        }
      ],
      "format": 1,
      "more": 0,
      "policy": "Shop & Sons"
    }
    "#);
}

#[test]
fn a_thousand_troubles_are_one_message_that_a_place_takes() {
    let long = |n: usize| Trouble { detail: "x".repeat(100_000), ..trouble(&n.to_string(), Occasion::Breach) };
    let look = Look { open: (0..1000).map(long).collect(), audited: true, ..Look::default() };
    let change = change(&place(&USUAL), &Told::new(), &look, now());
    let notice = Notice::of("p", &change, now());
    assert_eq!((notice.events.len(), notice.more), (20, 980));
    for channel in [Channel::Slack, Channel::Json] {
        let body = notice.body(channel).unwrap();
        assert!(body.len() < 40_000, "{} bytes", body.len());
    }
    assert!(notice.body(Channel::Slack).unwrap().contains("and 980 more"));
}
