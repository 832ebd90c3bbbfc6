//! One self-contained page: no remote asset, one small script that it is whole without, a policy that forbids every other,
//! every name escaped.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, context};
use sha2::{Digest, Sha256};

use super::View;
use super::chart::{self, Chart, Sheet, style};
use super::text::{few, unbroken};
use super::view::shown;
use crate::base::quantity::grouped;
use crate::base::{Bytes, Fault, Instant, Result, Span};

const TEMPLATE: &str = include_str!("../../reports/weekly.html.j2");
const STYLE: &str = include_str!("../../reports/weekly.css");
const SCRIPT: &str = include_str!("../../reports/weekly.js");

/// Rows of evidence that the page shows; the files beside it hold all.
const APPENDIX_MOST: usize = 60;
/// Rows of every other table and list: what nobody reads through would only keep a reader from the rest.
const ROWS_MOST: usize = 100;
/// Lines of a list within another.
const LINES_MOST: usize = 12;

pub fn page(view: &View) -> Result<String> {
    let style = stylesheet("");
    let bug = |e: Error| Fault::bug("cannot write the page").because(format!("{e:#}"));
    let mut env = environment().map_err(bug)?;
    env.add_template("weekly.html", TEMPLATE).map_err(bug)?;
    let charts = context! {
        loss_window => drawing(view.charts.loss_window.as_ref(), "sawtooth")?,
        drill_times => drawing(view.charts.drill_times.as_ref(), "drills")?,
        cost_against_loss => drawing(view.charts.cost_against_loss.as_ref(), "tradeoff")?,
        loss_exceedance => drawing(view.charts.loss_exceedance.as_ref(), "exceedance")?,
        tornado => drawing(view.charts.tornado.as_ref(), "tornado")?,
        annual_cost => drawing(view.charts.annual_cost.as_ref(), "annual-cost")?,
        heat_map => drawing(view.charts.heat_map.as_ref(), "heat-map")?,
        outgrowing => drawing(view.charts.outgrowing.as_ref(), "outlook")?,
        storage_growth => drawing(view.charts.storage_growth.as_ref(), "storage")?,
    };
    let page = env.get_template("weekly.html").map_err(bug)?;
    page.render(context! {
        view => Value::from(Serde(view)),
        charts,
        outlooks => view.outlook_lines(),
        style => Value::from_safe_string(style.clone()),
        style_hash => base64(&Sha256::digest(style.as_bytes())),
        script => Value::from_safe_string(SCRIPT.to_string()),
        script_hash => base64(&Sha256::digest(SCRIPT.as_bytes())),
        promises => Value::from(Serde(shown(&view.promises, ROWS_MOST))),
        rows_most => ROWS_MOST,
        appendix_most => APPENDIX_MOST,
        lines_most => LINES_MOST,
    })
    .map_err(bug)
}

/// What every page is written with: everything escaped, nothing undefined.
pub fn environment<'a>() -> std::result::Result<Environment<'a>, Error> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    env.set_syntax(syntax);
    env.add_filter("span", |ms: i64| Span(ms).to_string());
    env.add_filter("span_or_none", |ms: Option<i64>| ms.map(|ms| Span(ms).to_string()));
    env.add_filter("percent_or_none", |share: Option<f64>| share.map(percent));
    env.add_filter("bytes", |bytes: u64| Bytes(bytes).to_string());
    env.add_filter("dayofmonth", |at: String| instant(&at, "%-d"));
    env.add_filter("sign", |day: String| sign(&day));
    env.add_filter("day", |at: String| instant(&at, "%-d %B %Y"));
    env.add_filter("moment", |at: String| instant(&at, "%-d %b %Y %H:%M"));
    env.add_filter("percent", percent);
    env.add_filter("few", |message: String| few(&message).0);
    env.add_filter("rest_of", |message: String| few(&message).1.into_iter().map(String::from).collect::<Vec<_>>());
    env.add_filter("prose", prose);
    env.add_filter("plain", |n: f64| n.to_string());
    env.add_filter("grouped", grouped);
    Ok(env)
}

/// The rules of every page, `more` of one of them, and those that repaint the drawings where the screen is dark. On paper
/// everything is light.
pub fn stylesheet(more: &str) -> String {
    format!("\n{STYLE}{more}@media screen and (prefers-color-scheme: dark){{{}}}\n", style::dark_css(".chart"))
}

/// A chart for a page's width and one for a phone's; the page shows the one that fits.
pub fn drawing<C: Chart>(chart: Option<&C>, id: &str) -> Result<Value> {
    let Some(chart) = chart else { return Ok(Value::from(())) };
    let safe = |svg: String| Value::from_safe_string(svg);
    Ok(context! {
        wide => safe(chart::svg(chart, Sheet::Wide, id)?),
        narrow => safe(chart::svg(chart, Sheet::Narrow, &format!("{id}-narrow"))?),
    })
}

fn instant(at: &str, format: &str) -> std::result::Result<String, Error> {
    let at: Instant = at.parse().map_err(|e: String| Error::new(ErrorKind::InvalidOperation, e))?;
    Ok(at.to_utc().format(format).to_string())
}

/// A day of the calendar as a sign of its own, so that nobody needs its colour.
fn sign(day: &str) -> &'static str {
    match day {
        "done" => "✓",
        "late" => "◐",
        "failed" => "✕",
        "missed" => "○",
        "unknown" => "?",
        _ => "·",
    }
}

/// A share as a percentage that never rounds a miss away: 99.97 % is not 100 %.
pub fn percent(share: f64) -> String {
    match share {
        s if s <= 0.0 => "0 %".to_string(),
        s if s >= 1.0 => "100 %".to_string(),
        s if s < 0.001 => "< 0.1 %".to_string(),
        s if s > 0.999 => "> 99.9 %".to_string(),
        s => format!("{:.1} %", s * 100.0).replace(".0 %", " %"),
    }
}

/// Text as HTML: what stands between two backticks is set as code, numbers stay with their units.
fn prose(text: &str) -> Value {
    let mut html = String::with_capacity(text.len() + 16);
    let parts: Vec<&str> = text.split('`').collect();
    for (n, part) in parts.iter().enumerate() {
        // A backtick without its pair is a character like any other.
        let (code, alone) = (n % 2 == 1 && n + 1 < parts.len(), n % 2 == 1 && n + 1 == parts.len());
        let shown = chart::escape(&if code { (*part).to_string() } else { unbroken(part) });
        html.push_str(&match (code, alone) {
            (true, _) => format!("<code>{shown}</code>"),
            (_, true) => format!("`{shown}"),
            _ => shown,
        });
    }
    Value::from_safe_string(html)
}

/// Base64 as in RFC 4648, with padding: the form in which a content security policy names a hash.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let byte = |n: usize| u32::from(three.get(n).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for n in 0..4 {
            let letter = ALPHABET.get((bits >> (18 - 6 * n) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if n <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}
