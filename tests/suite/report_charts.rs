//! Charts say their finding, keep inside their sheet, and come out the same every time.

use plimsoll::audit::Verdict;
use plimsoll::base::{Bytes, Instant, Span, Window};
use plimsoll::cost::{Bill, BillLine, Choice, Complexity, Grade, PlanPoint, Tradeoff};
use plimsoll::report::chart::bill::AnnualCost;
use plimsoll::report::chart::cost::CostAgainstLoss;
use plimsoll::report::chart::drills::{Bar, DrillTimes};
use plimsoll::report::chart::exceedance::LossExceedance;
use plimsoll::report::chart::heat::{self, HeatMap};
use plimsoll::report::chart::outlook::Outgrowing;
use plimsoll::report::chart::sawtooth::{Panel, Sawtooth};
use plimsoll::report::chart::storage::{Band, Price, StorageGrowth};
use plimsoll::report::chart::style::FAMILY;
use plimsoll::report::chart::tornado::{self, Tornado};
use plimsoll::report::chart::{Chart, Sheet, png_file, svg, svg_file};
use plimsoll::timeline::outgrown::{Outlook, Timed};
use plimsoll::timeline::{Exposure, Loss, Segment};
use plotters::style::{FontDesc, FontFamily, FontStyle};

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

fn week() -> Window {
    Window::new(at("2026-11-16T09:00:00Z"), at("2026-11-23T09:00:00Z"))
}

/// A tooth for each instant in `points`, rising from `lag`; the first begins at the week's start.
fn teeth(points: &[Instant], lag: Span) -> Exposure {
    let window = week();
    let mut segments = Vec::new();
    let mut worst = (Span::ZERO, window.from);
    for (n, from) in points.iter().enumerate() {
        let until = points.get(n + 1).copied().unwrap_or(window.until);
        segments.push(Segment { at: Window::new(*from, until), start: Loss::Window(lag), rises: true });
        if lag + (until - *from) > worst.0 {
            worst = (lag + (until - *from), until);
        }
    }
    Exposure { window, segments, worst: Loss::Window(worst.0), worst_at: worst.1, mean: None }
}

fn nightly(skip: Option<usize>) -> Exposure {
    let nights = (0..7).map(|n| at("2026-11-17T03:20:00Z") + Span::days(n));
    let mut points = vec![week().from];
    points.extend(nights.enumerate().filter(|(n, _)| Some(*n) != skip).map(|(_, at)| at));
    teeth(&points, Span::minutes(20))
}

pub fn sawtooth() -> Sawtooth {
    Sawtooth {
        asset: "uploads".into(),
        title: "Loss of the uploads bucket".into(),
        rpo: Some(Span::hours(1)),
        panels: vec![
            Panel { name: "As declared".into(), exposure: Ok(nightly(None)) },
            Panel { name: "As observed".into(), exposure: Ok(nightly(Some(3))) },
        ],
    }
}

fn with_total_loss() -> Sawtooth {
    let mut chart = sawtooth();
    let mut exposure = nightly(None);
    for piece in exposure.segments.iter_mut().skip(2).take(2) {
        *piece = Segment { start: Loss::Total, rises: false, at: piece.at };
    }
    exposure.worst = Loss::Total;
    chart.panels[1].exposure = Ok(exposure);
    chart
}

fn bar(day: i64, minutes: i64, gb: u64, failed: Option<&str>) -> Bar {
    let part = |name: &str, tenths: i64| (name.to_string(), Span::secs(minutes * 6 * tenths));
    Bar {
        id: format!("drill-{day}"),
        asset: "database".into(),
        started_at: at("2026-11-16T05:00:00Z") + Span::days(day),
        took: Span::minutes(minutes),
        bytes: Bytes(gb * 1_000_000_000),
        phases: vec![part("fetch", 3), part("load", 4), part("index", 1), part("verify", 2)],
        failed: failed.map(String::from),
    }
}

fn drills(rto: Span) -> DrillTimes {
    DrillTimes {
        rto: Some(rto),
        drills: vec![bar(0, 6, 4, None), bar(3, 13, 9, Some("2 documents differ")), bar(6, 41, 18, None)],
    }
}

fn tradeoff() -> CostAgainstLoss {
    let mut plans = Vec::new();
    for (n, hours) in [24, 12, 6, 4, 2, 1].into_iter().enumerate() {
        for (log, offsite) in [(false, false), (false, true), (true, false), (true, true)] {
            let cost =
                180.0 + 40.0 * n as f64 * n as f64 + if log { 420.0 } else { 0.0 } + if offsite { 150.0 } else { 0.0 };
            let loss = if log { 900.0 } else { 4_200.0 * hours as f64 / 2.0 } + if offsite { 60.0 } else { 16_000.0 };
            let words = [
                Some(format!("snapshot every {hours} h")),
                log.then(|| "log".into()),
                offsite.then(|| "off-site copy".into()),
            ];
            plans.push(PlanPoint {
                label: words.into_iter().flatten().collect::<Vec<_>>().join(", "),
                choice: Choice::declared(),
                snapshot_every: Some(Span::hours(hours)),
                annual_cost: cost,
                unpriced_totals: 0.0,
                weighed: true,
                expected_annual_loss: loss,
                worst_loss: Loss::Window(Span::hours(hours)),
                complexity: Complexity { moving_parts: 3, ..Complexity::default() },
                misses: if log && offsite { vec![] } else { vec!["RPO"] },
                parts: vec![],
            });
        }
    }
    let mut order: Vec<usize> = (0..plans.len()).collect();
    order.sort_by(|a, b| plans[*a].annual_cost.total_cmp(&plans[*b].annual_cost));
    let mut best = f64::INFINITY;
    let front: Vec<usize> = order
        .into_iter()
        .filter(|n| {
            let better = plans[*n].expected_annual_loss < best;
            best = best.min(plans[*n].expected_annual_loss);
            better
        })
        .collect();
    let least = (0..plans.len())
        .min_by(|a, b| {
            let sum = |n: &usize| plans[*n].annual_cost + plans[*n].expected_annual_loss;
            sum(a).total_cmp(&sum(b))
        })
        .expect("plans");
    let tradeoff = Tradeoff {
        currency: "USD".into(),
        plans,
        curve: front.clone(),
        front,
        today: Some(8),
        cheapest_compliant: Some(3),
        nearest: None,
        least_total: Some(least),
        recommended: Some(least),
        missed_by_all: vec![],
        sensitivity: vec![],
        recommendation: vec![],
        unsaid: vec![],
    };
    CostAgainstLoss { tradeoff }
}

/// A text of a drawing, in points, as wide as the chart's own face makes it.
#[derive(Debug)]
struct Words {
    left: f64,
    right: f64,
    y: f64,
    body: String,
}

/// Every text; none may be clipped at the top or at the bottom.
fn texts(svg: &str) -> Vec<Words> {
    let height: f64 = svg
        .split_once("height=\"")
        .and_then(|(_, rest)| rest.split('"').next())
        .expect("height")
        .parse()
        .expect("height");
    let mut found = Vec::new();
    for tag in svg.split("<text ").skip(1) {
        let attribute = |name: &str| -> String {
            let rest = tag.split_once(&format!("{name}=\"")).expect("an attribute").1;
            rest.split('"').next().expect("its value").to_string()
        };
        let body =
            tag.split_once('>').expect("a body").1.split('<').next().expect("text").trim().replace("&apos;", "'");
        let (x, size): (f64, f64) = (attribute("x").parse().expect("x"), attribute("font-size").parse().expect("size"));
        let style = if tag.contains("font-weight=\"bold\"") { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name(FAMILY), size * 1.24, style);
        let width = f64::from(font.box_size(&body).expect("the face is known").0);
        let (left, right) = match attribute("text-anchor").as_str() {
            "start" => (x, x + width),
            "middle" => (x - width / 2.0, x + width / 2.0),
            _ => (x - width, x),
        };
        let y: f64 = attribute("y").parse().expect("y");
        assert!(y - size / 2.0 >= 0.0 && y + size / 2.0 <= height * 4.0, "`{body}` at {y} of {height}");
        found.push(Words { left: left / 4.0, right: right / 4.0, y: y / 4.0, body });
    }
    assert!(!found.is_empty());
    found
}

fn keeps_inside(chart: &impl Chart, name: &str) {
    // For people who want to look at what the tests draw.
    if let Ok(folder) = std::env::var("PLIMSOLL_TEST_CHARTS") {
        let folder = std::path::Path::new(&folder);
        std::fs::write(folder.join(format!("{name}.svg")), svg_file(chart, name).expect("svg")).expect("written");
        let narrow = svg(chart, Sheet::Narrow, name).expect("svg");
        std::fs::write(folder.join(format!("{name}-narrow.svg")), narrow).expect("written");
        png_file(chart, &folder.join(format!("{name}.png"))).expect("png");
    }
    for sheet in [Sheet::Wide, Sheet::Narrow] {
        for Words { left, right, body: text, .. } in texts(&svg(chart, sheet, name).expect("a drawing")) {
            assert!(
                left >= 0.0 && right <= sheet.width() + 2.0,
                "{name} on {sheet:?}: `{text}` from {left} to {right}"
            );
        }
    }
}

#[test]
fn no_text_is_clipped_on_a_page_or_a_phone() {
    keeps_inside(&sawtooth(), "sawtooth");
    keeps_inside(&with_total_loss(), "total");
    keeps_inside(&drills(Span::hours(2)), "drills");
    keeps_inside(&drills(Span::hours(12)), "drills-far");
    keeps_inside(&tradeoff(), "tradeoff");
    keeps_inside(&tornado(), "tornado");
    keeps_inside(&exceedance(), "exceedance");
    keeps_inside(&annual_cost(), "annual-cost");
    keeps_inside(&heat_map(2, 3), "heat-map");
    keeps_inside(&heat_map(200, 12), "heat-map-fleet");
    keeps_inside(&outgrowing(0.4), "outlook");
    keeps_inside(&outgrowing(0.01), "outlook-never");
    keeps_inside(&outgrowing(30.0), "outlook-soon");
    keeps_inside(&storage(3), "storage");
    keeps_inside(&storage(40), "storage-fleet");
}

/// A front through a cloud of other plans, as a whole space of them looks, drawn from a fixed sequence.
fn crowded(seed: u64) -> CostAgainstLoss {
    let mut chart = tradeoff();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut part = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let plan = chart.tradeoff.plans[0].clone();
    for n in 0..300 {
        let (annual_cost, expected_annual_loss) = (180.0 + 2_000.0 * part(), 500.0 + 60_000.0 * part() * part());
        let label = format!("plan {n}");
        chart.tradeoff.plans.push(PlanPoint { label, annual_cost, expected_annual_loss, ..plan.clone() });
    }
    chart
}

/// Centre and radius of every circle, in points.
fn circles(svg: &str) -> Vec<(f64, f64, f64)> {
    let number = |tag: &str, name: &str| -> f64 {
        let rest = tag.split_once(&format!(" {name}=\"")).expect("an attribute").1;
        rest.split('"').next().expect("a value").parse::<f64>().expect("a number") / 4.0
    };
    svg.split("<circle").skip(1).map(|tag| (number(tag, "cx"), number(tag, "cy"), number(tag, "r"))).collect()
}

#[test]
fn no_label_of_a_plan_covers_the_dot_of_any_plan() {
    // Where no place is left, a plan keeps its ring and has no label.
    let t = tradeoff().tradeoff;
    let named = std::collections::BTreeSet::from([t.today, t.cheapest_compliant, t.least_total]).len();
    for (chart, least) in [(tradeoff(), named), (crowded(1), 1), (crowded(2), 1), (crowded(3), 1)] {
        for sheet in [Sheet::Wide, Sheet::Narrow] {
            let drawn = svg(&chart, sheet, "tradeoff").expect("a drawing");
            let named = ["today", "cheapest", "least"];
            let labels: Vec<_> =
                texts(&drawn).into_iter().filter(|t| named.iter().any(|n| t.body.starts_with(n))).collect();
            assert!(labels.len() >= least, "{sheet:?}: {labels:?}");
            for label in &labels {
                for (x, y, radius) in circles(&drawn).into_iter().filter(|(_, _, radius)| *radius <= 4.6) {
                    let apart =
                        x + radius < label.left || x - radius > label.right || (y - label.y).abs() > 6.0 + radius;
                    assert!(apart, "{sheet:?}: `{}` lies over the dot at {x}, {y}", label.body);
                }
            }
        }
    }
}

fn tornado() -> Tornado {
    let bar = |name: &str, at_half, at_double, turns: &[f64]| tornado::Bar {
        name: name.into(),
        at_half,
        at_double,
        turns: turns.to_vec(),
    };
    Tornado {
        currency: "USD".into(),
        today: 44_300.0,
        bars: vec![
            bar(
                "how often: Complete infrastructure failure of both of the providers",
                22_200.0,
                88_500.0,
                &[0.04, 31.0],
            ),
            bar("lost writes", 27_000.0, 79_000.0, &[0.62]),
            bar("an hour of downtime", 41_000.0, 51_000.0, &[]),
            bar("all prices", 44_150.0, 44_600.0, &[2.4]),
        ],
    }
}

fn exceedance() -> LossExceedance {
    let share = |n: i32| (-f64::from(n) / 12.0).exp();
    LossExceedance {
        currency: "USD".into(),
        years: 100_000,
        at_least: false,
        curve: (0..60).map(|n| (90.0 * 1.16_f64.powi(n), share(n), 0.01)).collect(),
        half: 90.0 * 1.16_f64.powi(8),
        one_in_twenty: 90.0 * 1.16_f64.powi(36),
        one_in_a_hundred: 90.0 * 1.16_f64.powi(55),
    }
}

#[test]
fn the_exceedance_says_what_a_bad_year_loses_and_that_it_may_be_more() {
    let plain = exceedance();
    let amount = plain.one_in_twenty.round() as u64;
    let shown = plimsoll::base::quantity::grouped(amount);
    assert_eq!(plain.title(), format!("One year in twenty loses more than USD {shown}"));
    let unpriced = LossExceedance { at_least: true, ..plain };
    assert!(
        unpriced.title().contains("at least") && unpriced.subtitle().contains("not in it"),
        "{}",
        unpriced.subtitle()
    );
    assert_eq!(unpriced.numbers().len(), 61, "a header and every amount");
}

fn annual_cost() -> AnnualCost {
    let line = |protection: &str, item: &str, amount, grade| BillLine {
        protection: protection.into(),
        item: item.into(),
        basis: "1 GB × 2".into(),
        amount,
        grade,
    };
    let mut lines = vec![
        line("nightly-uploads", "storage", 331.2, Grade::Published),
        line("nightly-uploads", "requests", 12.0, Grade::Published),
        line("nightly-uploads", "drills", 61.5, Grade::Mirrored),
        line("atlas-log", "storage", 120.0, Grade::Unverified),
    ];
    lines
        .extend((0..9).map(|n| line(&format!("a-copy-with-a-long-name-number-{n}"), "transfer", 9.0, Grade::Mirrored)));
    let total = lines.iter().map(|line| line.amount).sum();
    AnnualCost { bill: Bill { currency: "USD".into(), lines, total, unpriced: vec!["a replica".into()], whole: true } }
}

#[test]
fn the_bars_of_the_bill_add_up_to_it_and_its_title_names_the_dearest() {
    let chart = annual_cost();
    let numbers = chart.numbers();
    let sum: f64 = numbers[1..].iter().map(|row| row[2].parse::<f64>().expect("an amount")).sum();
    assert!((sum - chart.bill.total).abs() < 1e-6);
    assert!(chart.title().starts_with("Storage of nightly-uploads is 55 %"), "{}", chart.title());
    assert!(chart.description().contains("others together"), "{}", chart.description());
    assert!(
        tornado().title().starts_with("“How often: Complete infrastructure failure")
            && tornado().description().contains("above 31 times")
    );
}

/// Every asset is struck by every third failure; the last asset is the worst, the first keeps everything.
fn heat_map(assets: usize, scenarios: usize) -> HeatMap {
    let mut cells = Vec::new();
    for asset in 0..assets {
        for scenario in (0..scenarios).filter(|scenario| scenarios < 4 || (scenario + asset) % 3 == 0) {
            let verdict = match asset {
                0 => Verdict::Met,
                n if n == assets - 1 => Verdict::Breached,
                _ => Verdict::Unproven,
            };
            cells.push(heat::Cell {
                asset: format!("asset-{asset}-of-a-business-with-long-names"),
                scenario: format!("s{scenario}"),
                title: format!("Complete failure of all the infrastructure number {scenario}"),
                rpo: Some(Span::hours(1)),
                lost: match asset {
                    0 => Some(Loss::Window(Span::minutes(31))),
                    n if n == assets - 1 => Some(Loss::Total),
                    _ => None,
                },
                rpo_verdict: verdict,
                rto: Some(Span::hours(2)),
                down: Some(Span::minutes(100)),
                rto_verdict: verdict,
            });
        }
    }
    HeatMap::of(cells).expect("cells")
}

#[test]
fn the_heat_map_draws_the_worst_first_and_tells_the_rest_in_words_and_in_numbers() {
    let fleet = heat_map(200, 12);
    let drawn = svg(&fleet, Sheet::Wide, "heat-map").expect("a drawing");
    let words = texts(&drawn);
    let assets: Vec<&str> =
        words.iter().map(|text| text.body.as_str()).filter(|text| text.starts_with("asset-")).collect();
    assert_eq!(assets.len(), 8, "bounded: {assets:?}");
    assert!(assets[0].starts_with("asset-199-"), "the worst first: {assets:?}");
    let rest = words.iter().find(|text| text.body.starts_with("192 assets more")).expect("the rest in words");
    assert!(rest.body.contains("0 break a limit, 191 leave one unproven, 1 keep all"), "{}", rest.body);
    assert!(words.iter().any(|text| text.body.starts_with("6 failures more")), "{words:?}");
    assert_eq!(fleet.numbers().len(), 1 + 200 * 4, "the numbers hold them all");
    assert!(
        fleet.title().starts_with("8 of 1600 limits on loss and downtime are broken and 1584 unproven"),
        "{}",
        fleet.title()
    );
}

#[test]
fn an_unproven_cell_looks_unlike_a_kept_one_without_any_colour() {
    let strokes = |verdict| {
        let mut cell = heat::Cell {
            asset: "a".into(),
            scenario: "s".into(),
            title: "S".into(),
            rpo: Some(Span::hours(1)),
            lost: Some(Loss::Window(Span::minutes(31))),
            rpo_verdict: verdict,
            rto: None,
            down: None,
            rto_verdict: Verdict::Met,
        };
        cell.rto_verdict = verdict;
        svg(&HeatMap::of(vec![cell]).expect("a cell"), Sheet::Wide, "heat-map").expect("a drawing")
    };
    let (met, unproven, breached) = (strokes(Verdict::Met), strokes(Verdict::Unproven), strokes(Verdict::Breached));
    let hatching = |svg: &str| svg.matches("<polyline").count();
    assert!(hatching(&unproven) > hatching(&met) + 20, "hatched: {} against {}", hatching(&unproven), hatching(&met));
    assert_eq!(hatching(&met), hatching(&breached));
    let says = |svg: &str, words: &str| texts(svg).iter().any(|text| text.body == words);
    assert!(says(&met, "31 min of 1 h") && says(&unproven, "? 31 min of 1 h") && says(&breached, "× 31 min of 1 h"));
    assert!(says(&unproven, "? not known"), "no figure is no good figure");
}

fn outgrowing(growth: f64) -> Outgrowing {
    let drill = |day, minutes, gb: u64| Timed {
        at: at("2026-11-15T09:00:00Z") + Span::days(day),
        took: Span::minutes(minutes),
        bytes: gb * 1_000_000_000,
    };
    let drills = vec![drill(0, 6, 1), drill(3, 17, 4), drill(6, 36, 8)];
    let outlook = Outlook { as_of: at("2026-11-23T06:00:00Z"), size: 8e9, growth, room: Span::minutes(55), drills };
    Outgrowing {
        asset: "database".into(),
        rto: Span::hours(2),
        leaves: Some("Database corruption or drop".into()),
        whole: true,
        declared: true,
        outlook,
    }
}

#[test]
fn the_outlook_says_in_its_title_when_restores_outgrow_the_objective() {
    assert_eq!(outgrowing(0.4).title(), "Restores of database outgrow the 2 h RTO in about 15 months");
    assert_eq!(outgrowing(0.01).title(), "Restores of database stay within the 2 h RTO for ten years at this growth");
    let mut slow = outgrowing(0.4);
    slow.outlook.room = Span::minutes(10);
    assert_eq!(slow.title(), "Restores of database already take more than the 2 h RTO leaves them");
    assert!(outgrowing(0.4).subtitle().contains("leave 55 min for it"), "{}", outgrowing(0.4).subtitle());
}

fn storage(bands: usize) -> StorageGrowth {
    let today = at("2026-11-23T06:00:00Z");
    let times: Vec<Instant> = (0..=30).map(|n| today - Span::days(60 - 2 * n)).collect();
    let band = |n: usize| {
        let bytes = 40e9 / (n + 1) as f64;
        Band {
            name: format!("nightly-{n} of uploads-of-a-business-{n}"),
            past: (0..=30).map(|at| bytes * f64::from(at)).collect(),
            ahead: (n != 1).then(|| (0..=365).map(|day| bytes * (30.0 + f64::from(day) / 10.0)).collect()),
            growth: Some((0.4, true)),
        }
    };
    let price = Some(Price { currency: "USD".into(), now: 18.6, then: 59.2, unverified: true });
    StorageGrowth { at: times, bands: (0..bands).map(band).collect(), price }
}

#[test]
fn the_storage_says_what_it_comes_to_and_what_it_will_cost() {
    let chart = storage(3);
    assert_eq!(
        chart.title(),
        "What is stored grows from 2.2 TB to 4.1 TB in a year, and costs USD 18.60 a month now, USD 59.20 then"
    );
    assert!(chart.subtitle().contains("declared; 1 band without a known future as today"), "{}", chart.subtitle());
    let many = storage(40);
    assert!(many.description().contains("36 others together"), "{}", many.description());
    let projected = chart.numbers().iter().filter(|row| row[0] == "projected").count();
    assert_eq!(projected, 2 * 73, "the band without a future has no projected numbers");
}

#[test]
fn what_is_pointed_at_says_its_figures_without_a_script() {
    let drawn = svg(&outgrowing(0.4), Sheet::Wide, "outlook").expect("a drawing");
    let (_, notes) = drawn.split_once("<g class=\"notes\"").expect("notes");
    assert_eq!(notes.matches("<rect").count(), 4, "three drills and the end");
    assert!(notes.contains("<title>15 Nov 2026: 6 min for 1 GB;"), "{notes}");
    assert!(drawn.trim_end().ends_with("</svg>"));
}
