//! Charts say their finding, keep inside their sheet, and come out the same every time.

use plimsoll::base::{Bytes, Instant, Span, Window};
use plimsoll::cost::{PlanPoint, Tradeoff};
use plimsoll::report::chart::cost::CostAgainstLoss;
use plimsoll::report::chart::drills::{Bar, DrillTimes};
use plimsoll::report::chart::sawtooth::{Panel, Sawtooth};
use plimsoll::report::chart::style::FAMILY;
use plimsoll::report::chart::{Chart, Sheet, png_file, svg, svg_file};
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
                snapshot_every: Span::hours(hours),
                log,
                offsite_copy: offsite,
                annual_cost: cost,
                unpriced_totals: 0.0,
                expected_annual_loss: loss,
                worst_loss: Loss::Window(Span::hours(hours)),
                complexity: 3,
                meets_rpo: log && offsite,
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
        front,
        today: Some(8),
        cheapest_compliant: Some(3),
        least_total: Some(least),
        sensitivity: vec![],
        unsaid: vec![],
    };
    CostAgainstLoss { tradeoff }
}

/// Left and right edge of every text, in points, by the width that the chart's own face gives it; none may be clipped.
fn edges(svg: &str) -> Vec<(f64, f64, String)> {
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
        found.push((left / 4.0, right / 4.0, body));
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
        for (left, right, text) in edges(&svg(chart, sheet, name).expect("a drawing")) {
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
}
