//! Losses that are looked up are those that would be worked out, for every instant and every time to notice.

use plimsoll::base::rng::Stream;
use plimsoll::base::{Span, Window};
use plimsoll::policy::Policy;
use plimsoll::sim::band::Bands;
use plimsoll::sim::model::Model;
use plimsoll::timeline::recoverable::loss_at;
use plimsoll::timeline::{Basis, Failure};

use super::sim_oracles::{AS_OF, BASE, policy};

/// Looks up a few thousand failures of every scenario and asset; the part of them that was prepared.
fn looked_up(plan: &Policy, window: Option<Window>) -> f64 {
    let model = Model::new(plan, None, Basis::Declared, AS_OF);
    let (mut found, mut all, mut stream) = (0.0, 0.0, Stream::new(7, 7));
    for hazard in &model.scenarios {
        let notice = hazard.noticed_after.as_ref().unwrap();
        let window = window.unwrap_or(hazard.window);
        for struck in &hazard.assets {
            let history = &model.histories[struck.index].history;
            let bands = Bands::of(history, &struck.failure, window, notice);
            for _ in 0..3_000 {
                let at = window.from + Span(stream.below(window.length().0 as u64) as i64);
                let noticed_after = notice.draw(&mut stream);
                all += 1.0;
                let Some(said) = bands.loss_at(at, noticed_after) else { continue };
                found += 1.0;
                let failure = Failure { noticed_after, ..struck.failure.clone() };
                let name = (&hazard.scenario.name, &struck.asset.name);
                assert_eq!(said, loss_at(history, &failure, at), "{name:?} at {at}, noticed after {noticed_after}");
            }
        }
    }
    found / all
}

#[test]
fn pixelcrafts_losses_are_nearly_all_prepared_and_as_they_would_be_worked_out() {
    let share = looked_up(&policy(include_str!("../../policies/pixelcraft.toml")), None);
    assert!(share > 0.99, "{share}");
}

#[test]
fn a_late_notice_of_any_distribution_finds_what_is_still_there() {
    let notices = [
        "\"0s\"",
        "\"20d\"",
        "{ low = \"1min\", mode = \"3d\", high = \"40d\" }",
        "{ p50 = \"2d\", p95 = \"25d\" }",
        "{ p10 = \"1h\", p90 = \"9h\" }",
    ];
    let more = "[protection.log]\nkind = \"log\"\nassets = [\"database\"]\nlag = \"25min\"\nwindow = \"4d\"\n\
                stored_in = [\"vault\"]\nruns_in = [\"runner\"]\n[protection.far]\nkind = \"copy\"\nof = \"dump\"\n\
                delay = \"9h\"\nstored_in = [\"far-vault\"]\nruns_in = [\"runner\"]\nretention = \"14d\"\nlock = \"6d\"\n\
                [domain.far-vault]\nkind = \"bucket\"\n[credential.key]\ncan_delete = [\"far-vault\", \"vault\"]\n";
    let mut shares = vec![];
    for notice in notices {
        for strikes in [
            "destroys = [\"cluster\"]",
            "corrupts = [\"database\"]",
            "compromises = [\"key\"]\ncorrupts = [\"database\"]",
        ] {
            for goes_on in ["", "\nwrites_continue = true"] {
                let text = BASE
                    .replace("destroys = [\"cluster\"]", strikes)
                    .replace("noticed_after = \"0s\"", &format!("noticed_after = {notice}{goes_on}"));
                shares.push(looked_up(&policy(&(text + more)), Some(Window::new(AS_OF, AS_OF + Span::days(5)))));
            }
        }
    }
    // What is noticed at once, or always at the same time, is prepared whole; the more it varies the less.
    assert!(shares.iter().take(12).all(|share| *share == 1.0) && shares.iter().all(|share| *share > 0.0), "{shares:?}");
}
