//! Charts: each says its finding in the title, labels what it draws, and hands out its numbers.

pub mod axis;
pub mod bill;
pub mod canvas;
pub mod cost;
pub mod drills;
pub mod exceedance;
pub mod heat;
pub mod outlook;
pub mod sawtooth;
pub mod storage;
pub mod style;
pub mod tornado;

use std::path::Path;

use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, SVGBackend};

use crate::base::{Fault, Result};
use canvas::{Canvas, Drawn, Side, Type};
use style::{INK, MUTED, PAPER};

/// Where a drawing will be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// A page, a screen, a slide.
    Wide,
    /// A phone held upright.
    Narrow,
}

impl Sheet {
    pub fn width(self) -> f64 {
        match self {
            Sheet::Wide => 720.0,
            Sheet::Narrow => 344.0,
        }
    }
}

/// A drawing with its words and numbers.
pub trait Chart {
    /// The finding, in a sentence without its full stop.
    fn title(&self) -> String;
    /// What is drawn, of what, in which units.
    fn subtitle(&self) -> String;
    /// What somebody who does not see the drawing must know of it.
    fn description(&self) -> String;
    /// Height below the words.
    fn height(&self, sheet: Sheet) -> f64;
    /// Draws below `top`.
    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB>;
    /// The numbers drawn, header first.
    fn numbers(&self) -> Vec<Vec<String>>;
}

/// Finer than a point, so that a line over a week keeps its slope.
const SVG_SCALE: u32 = 4;
/// Sharp on a dense screen and in print.
const PNG_SCALE: u32 = 2;

const MARGIN: f64 = 16.0;
const TITLE: Type = Type { size: 17.0, bold: true, paint: INK };
const SUBTITLE: Type = Type { size: 12.5, bold: false, paint: MUTED };

/// Text small enough for axes, large enough to read at 720 points' width.
pub const LABEL: Type = Type { size: 12.0, bold: false, paint: MUTED };
pub const STRONG: Type = Type { size: 12.5, bold: true, paint: INK };

/// The words on top, wrapped to the sheet: (text, type, height of its line).
fn words<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, chart: &impl Chart, sheet: Sheet) -> Vec<(String, Type, f64)> {
    let room = sheet.width() - 2.0 * MARGIN;
    let lines = |text: &str, set: Type, most: usize| -> Vec<(String, Type, f64)> {
        let all = canvas.wrap(text, room, set);
        all.into_iter().take(most).map(|line| (line, set, (set.size * 1.35).round())).collect()
    };
    let mut words = lines(&chart.title(), TITLE, 4);
    words.extend(lines(&chart.subtitle(), SUBTITLE, 6));
    words
}

fn paint<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, chart: &impl Chart, sheet: Sheet) -> Drawn<DB> {
    canvas.fill(PAPER)?;
    let mut y = MARGIN;
    for (line, set, height) in words(canvas, chart, sheet) {
        canvas.text(&line, (MARGIN, y + height / 2.0), Side::Left, set)?;
        y += height;
    }
    chart.draw(canvas, sheet, y + 10.0)
}

/// Width and height in points: the words take what they need.
fn size(chart: &impl Chart, sheet: Sheet) -> Result<(u32, u32)> {
    style::register()?;
    let mut scrap = String::new();
    let area = SVGBackend::with_string(&mut scrap, (1, 1)).into_drawing_area();
    let words: f64 = words(&Canvas::new(&area, SVG_SCALE), chart, sheet).iter().map(|(_, _, height)| height).sum();
    let height = MARGIN + words + 10.0 + chart.height(sheet) + MARGIN;
    Ok((sheet.width().round() as u32, height.round() as u32))
}

/// The drawing as SVG, equal bytes for equal numbers. `id` tells the drawings of one page apart.
pub fn svg(chart: &impl Chart, sheet: Sheet, id: &str) -> Result<String> {
    let (width, height) = size(chart, sheet)?;
    let fine = (width * SVG_SCALE, height * SVG_SCALE);
    let mut text = String::new();
    let notes = {
        let area = SVGBackend::with_string(&mut text, fine).into_drawing_area();
        let canvas = Canvas::new(&area, SVG_SCALE);
        let drawn = paint(&canvas, chart, sheet).and_then(|()| area.present());
        drawn.map_err(|e| Fault::bug(format!("cannot draw the chart `{id}`: {e}")))?;
        noted(&canvas.notes())
    };
    let (_, body) = text.split_once(">\n").ok_or_else(|| Fault::bug("a drawing without an opening tag"))?;
    let (strokes, _) = body.rsplit_once("</svg>").ok_or_else(|| Fault::bug("a drawing without a closing tag"))?;
    let (title, description) = (escape(&chart.title()), escape(&chart.description()));
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{description}</desc>\n{strokes}{notes}</svg>\n",
        fine.0, fine.1
    ))
}

/// Unseen boxes with their notes: a browser shows the one that is pointed at, without any script.
fn noted(notes: &[([i32; 4], String)]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let one = |([x, y, width, height], text): &([i32; 4], String)| {
        let text = escape(text);
        format!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{text}</title></rect>\n")
    };
    let all: String = notes.iter().map(one).collect();
    format!("<g class=\"notes\" fill=\"none\" pointer-events=\"all\">\n{all}</g>\n")
}

/// The drawing as a file of its own: it repaints itself where the reader's screen is dark.
pub fn svg_file(chart: &impl Chart, id: &str) -> Result<String> {
    let svg = svg(chart, Sheet::Wide, id)?;
    let style = format!("<style>@media (prefers-color-scheme: dark){{{}}}</style>\n", style::dark_css("svg"));
    Ok(svg.replacen("</desc>\n", &format!("</desc>\n{style}"), 1))
}

/// Writes the drawing as PNG to `path`, whose name ends in `.png`.
pub fn png_file(chart: &impl Chart, path: &Path) -> Result<()> {
    let (width, height) = size(chart, Sheet::Wide)?;
    let area = BitMapBackend::new(path, (width * PNG_SCALE, height * PNG_SCALE)).into_drawing_area();
    let drawn = paint(&Canvas::new(&area, PNG_SCALE), chart, Sheet::Wide).and_then(|()| area.present());
    drawn.map_err(|e| {
        Fault::new(crate::base::FaultKind::Exhausted, format!("cannot draw `{}`: {e}", path.display()))
            .help("check that there is space, and that the folder can be written to")
    })
}

/// Text as it may stand between tags and in attributes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
