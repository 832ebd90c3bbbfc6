//! A sheet to draw on in points of a screen, whatever the backend: the same strokes become SVG and PNG.

use std::cell::RefCell;

use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{FAMILY, Paint};

/// What a backend says of a stroke.
pub type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A place on the sheet, in points from the upper left corner.
pub type At = (f64, f64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Middle,
    Right,
}

/// Type: size in points, weight, colour.
#[derive(Debug, Clone, Copy)]
pub struct Type {
    pub size: f64,
    pub bold: bool,
    pub paint: Paint,
}

/// A box: left, top, right, bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Frame {
    /// The box around a place, as far each way.
    pub fn around((x, y): At, reach: f64) -> Self {
        Frame { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }
    }

    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    pub fn overlaps(&self, other: &Frame) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    pub fn within(&self, outer: &Frame) -> bool {
        self.left >= outer.left && self.right <= outer.right && self.top >= outer.top && self.bottom <= outer.bottom
    }
}

pub struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    /// Backend's units in a point: finer than a point, so that lines keep their slope.
    scale: f64,
    notes: RefCell<Vec<(Frame, String)>>,
}

/// Notes of one drawing at most: a page holds each of them twice.
const NOTES_MOST: usize = 250;

impl<'a, DB: DrawingBackend> Canvas<'a, DB> {
    pub fn new(area: &'a DrawingArea<DB, Shift>, scale: u32) -> Self {
        Canvas { area, scale: f64::from(scale), notes: RefCell::default() }
    }

    /// What somebody is told who points at this place: the figures behind the strokes.
    pub fn note(&self, frame: Frame, text: String) {
        let mut notes = self.notes.borrow_mut();
        if notes.len() < NOTES_MOST {
            notes.push((frame, text));
        }
    }

    /// The notes in the order in which they were made, each with its box in the backend's units: left, top, width, height.
    pub fn notes(&self) -> Vec<([i32; 4], String)> {
        let boxed = |(frame, text): &(Frame, String)| {
            let ((left, top), (right, bottom)) =
                (self.to((frame.left, frame.top)), self.to((frame.right, frame.bottom)));
            ([left, top, (right - left).max(1), (bottom - top).max(1)], text.clone())
        };
        self.notes.borrow().iter().map(boxed).collect()
    }

    fn to(&self, (x, y): At) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn stroke(&self, paint: Paint, width: f64) -> ShapeStyle {
        ShapeStyle { color: paint.rgb().to_rgba(), filled: false, stroke_width: (width * self.scale).round() as u32 }
    }

    pub fn fill(&self, paint: Paint) -> Drawn<DB> {
        self.area.fill(&paint.rgb())
    }

    pub fn line(&self, points: &[At], paint: Paint, width: f64) -> Drawn<DB> {
        let points: Vec<_> = points.iter().map(|p| self.to(*p)).collect();
        self.area.draw(&PathElement::new(points, self.stroke(paint, width)))
    }

    /// A straight line of dashes.
    pub fn dashes(&self, from: At, to: At, paint: Paint, width: f64) -> Drawn<DB> {
        const DASH: f64 = 5.0;
        const GAP: f64 = 3.5;
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let on = |d: f64| (from.0 + dx * d / length, from.1 + dy * d / length);
        let mut at = 0.0;
        while at < length {
            self.line(&[on(at), on((at + DASH).min(length))], paint, width)?;
            at += DASH + GAP;
        }
        Ok(())
    }

    pub fn area(&self, points: &[At], paint: Paint, alpha: f64) -> Drawn<DB> {
        let points: Vec<_> = points.iter().map(|p| self.to(*p)).collect();
        self.area.draw(&Polygon::new(points, paint.rgb().mix(alpha).filled()))
    }

    pub fn rect(&self, frame: Frame, paint: Paint, alpha: f64) -> Drawn<DB> {
        let corners = [self.to((frame.left, frame.top)), self.to((frame.right, frame.bottom))];
        self.area.draw(&Rectangle::new(corners, paint.rgb().mix(alpha).filled()))
    }

    /// Slanted lines within a box: what cannot be a number is not a filled amount either.
    pub fn hatch(&self, frame: Frame, paint: Paint) -> Drawn<DB> {
        const STEP: f64 = 7.0;
        let reach = frame.width() + frame.height();
        let mut d = STEP;
        while d < reach {
            let from = (frame.left + (d - frame.height()).max(0.0), frame.top + d.min(frame.height()));
            let to = (frame.left + d.min(frame.width()), frame.top + (d - frame.width()).max(0.0));
            self.line(&[from, to], paint, 1.0)?;
            d += STEP;
        }
        Ok(())
    }

    pub fn dot(&self, at: At, radius: f64, paint: Paint, filled: bool) -> Drawn<DB> {
        let style = if filled { paint.rgb().filled() } else { self.stroke(paint, 1.5) };
        self.area.draw(&Circle::new(self.to(at), (radius * self.scale).round() as i32, style))
    }

    /// Text with its baseline's box centred on `at.1`; `side` says which end of it stands at `at.0`.
    pub fn text(&self, text: &str, at: At, side: Side, set: Type) -> Drawn<DB> {
        let h = match side {
            Side::Left => HPos::Left,
            Side::Middle => HPos::Center,
            Side::Right => HPos::Right,
        };
        let style = self.style_of(set).pos(Pos::new(h, VPos::Center));
        self.area.draw(&Text::new(text.to_string(), self.to(at), style))
    }

    fn style_of(&self, set: Type) -> TextStyle<'static> {
        let weight = if set.bold { FontStyle::Bold } else { FontStyle::Normal };
        // The backends take the height of a line, which is 1.24 of the size.
        let font = FontDesc::new(FontFamily::Name(FAMILY), set.size * self.scale * 1.24, weight);
        TextStyle { font, color: set.paint.rgb().to_backend_color(), pos: Pos::default() }
    }

    /// Width of a text in points, with a little room, since another machine may set it in another face.
    pub fn width_of(&self, text: &str, set: Type) -> f64 {
        let style = self.style_of(set);
        let drawn = self.area.estimate_text_size(text, &style).map_or(0.0, |(w, _)| f64::from(w) / self.scale);
        drawn * 1.04
    }

    /// Lines of at most `width` points, broken between words; a word too long for a line is cut with an ellipsis.
    pub fn wrap(&self, text: &str, width: f64, set: Type) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in words(text) {
            let word = self.fit(&word, width, set);
            match lines.last_mut() {
                Some(line) if self.width_of(&format!("{line} {word}"), set) <= width => {
                    line.push(' ');
                    line.push_str(&word);
                }
                _ => lines.push(word),
            }
        }
        lines
    }

    /// The text, or as much of its beginning as fits with an ellipsis.
    pub fn fit(&self, text: &str, width: f64, set: Type) -> String {
        if self.width_of(text, set) <= width {
            return text.to_string();
        }
        let mut kept: Vec<char> = text.chars().take(400).collect();
        loop {
            let cut: String = kept.iter().collect::<String>().trim_end().to_string() + "…";
            if kept.is_empty() || self.width_of(&cut, set) <= width {
                return cut;
            }
            kept.pop();
        }
    }
}

/// Words as they may be parted: a number stays with its unit, an amount with its currency.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let first = word.chars().next();
        let keeps = words.last().is_some_and(|before: &String| {
            let unit = first.is_some_and(|c| c.is_alphabetic() || c == '%') && word.chars().count() <= 4;
            let currency = before.len() == 3 && before.chars().all(|c| c.is_ascii_uppercase());
            (before.ends_with(|c: char| c.is_ascii_digit()) && unit)
                || (currency && first.is_some_and(|c| c.is_ascii_digit()))
        });
        match words.last_mut() {
            Some(before) if keeps => {
                before.push(' ');
                before.push_str(word);
            }
            _ => words.push(word.to_string()),
        }
    }
    words
}
