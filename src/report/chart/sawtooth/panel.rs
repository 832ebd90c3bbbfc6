//! One curve in its frame: axes, the curve, what is above the objective, what is lost altogether.

use plotters::prelude::DrawingBackend;

use super::super::canvas::{At, Canvas, Drawn, Frame, Side, Type};
use super::super::style::{BLUE, GRID, INK, MUTED, PAPER, PURPLE, VERMILION};
use super::super::{LABEL, MARGIN, STRONG, Sheet, axis};
use super::{Panel, highest};
use crate::base::{Instant, Span, Window};
use crate::timeline::{Exposure, Loss, Segment};

/// Beyond this many pieces a curve is drawn as the worst of each column: no eye and no printer tells them apart.
const PIECES_MOST: usize = 1_500;
/// Pieces of a curve that have their figures noted.
const NOTES_MOST: usize = 110;

/// A curve that is so many times lower than the other panel's would be a line on the floor: its scale is its own.
const FLAT: i64 = 40;

/// What both panels share.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub rpo: Option<Span>,
    /// The longest loss window of any panel.
    pub most: Span,
}

pub fn height(panel: &Panel, sheet: Sheet) -> f64 {
    match (&panel.exposure, sheet) {
        (Err(_), _) => 74.0,
        (Ok(_), Sheet::Wide) => 208.0,
        (Ok(_), Sheet::Narrow) => 196.0,
    }
}

/// How instants and spans become places.
struct Scale {
    plot: Frame,
    window: Window,
    most: Span,
}

impl Scale {
    fn x(&self, at: Instant) -> f64 {
        let whole = self.window.length().0.max(1) as f64;
        self.plot.left + self.plot.width() * ((at - self.window.from).0 as f64 / whole).clamp(0.0, 1.0)
    }

    fn y(&self, loss: Span) -> f64 {
        self.plot.bottom - self.plot.height() * (loss.0 as f64 / self.most.0.max(1) as f64).clamp(0.0, 1.0)
    }
}

pub fn draw<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    panel: &Panel,
    limits: Limits,
    sheet: Sheet,
    frame: Frame,
) -> Drawn<DB> {
    let heading = frame.top + 14.0;
    let own = own_most(panel, limits.most);
    let name = own.map_or_else(|| panel.name.clone(), |_| format!("{}, on a scale of its own", panel.name));
    canvas.text(&name, (MARGIN, heading), Side::Left, STRONG)?;
    let exposure = match &panel.exposure {
        Ok(exposure) => exposure,
        Err(why) => {
            let lines = canvas.wrap(&format!("Unproven: {why}"), frame.width() - 2.0 * MARGIN, LABEL);
            for (n, line) in lines.iter().take(3).enumerate() {
                canvas.text(line, (MARGIN, heading + 18.0 + 16.0 * n as f64), Side::Left, LABEL)?;
            }
            return Ok(());
        }
    };
    // A little air above the highest tooth.
    let most = own.unwrap_or(limits.most);
    let most = Span(most.0.saturating_add(most.0 / 6));
    let ticks = axis::spans(most, 4);
    let left = ticks.iter().map(|(_, name)| canvas.width_of(name, LABEL)).fold(0.0, f64::max);
    let right = match limits.rpo {
        Some(rpo) => canvas.width_of(&format!("{rpo} ↑"), STRONG).max(canvas.width_of("allowed", LABEL)) + 8.0,
        None => 0.0,
    };
    let narrow = sheet == Sheet::Narrow;
    let plot = Frame {
        left: MARGIN + left + 8.0,
        top: frame.top + if narrow { 48.0 } else { 32.0 },
        right: frame.right - MARGIN - right,
        bottom: frame.bottom - 28.0,
    };
    let scale = Scale { plot, window: exposure.window, most };
    grid(canvas, &scale, &ticks)?;
    curve(canvas, &scale, exposure, limits.rpo)?;
    if let Some(rpo) = limits.rpo {
        objective(canvas, &scale, rpo)?;
    }
    peak(canvas, &scale, exposure)?;
    let (at, side) = match narrow {
        true => ((MARGIN, heading + 17.0), Side::Left),
        false => ((frame.right - MARGIN, heading), Side::Right),
    };
    canvas.text(&summary(exposure, limits.rpo), at, side, LABEL)
}

/// The panel's own longest loss, where the shared scale would hide it.
fn own_most(panel: &Panel, most: Span) -> Option<Span> {
    let own = panel.exposure.as_ref().ok()?.worst_window()?;
    (own.0.saturating_mul(FLAT) < most.0).then_some(own.max(Span::secs(1)))
}

fn summary(exposure: &Exposure, rpo: Option<Span>) -> String {
    let worst = match exposure.worst {
        Loss::Window(span) => format!("at worst {span}"),
        Loss::Total => "at worst everything".to_string(),
    };
    let Some(rpo) = rpo else { return worst };
    let share = exposure.in_breach(rpo).0 as f64 / exposure.window.length().0.max(1) as f64 * 100.0;
    match share {
        0.0 => format!("{worst}; never in breach"),
        s if s < 1.0 => format!("{worst}; in breach under 1 % of the time"),
        s => format!("{worst}; in breach {s:.0} % of the time"),
    }
}

fn grid<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, scale: &Scale, ticks: &[(Span, String)]) -> Drawn<DB> {
    let plot = scale.plot;
    for (tick, name) in ticks {
        let y = scale.y(*tick);
        canvas.line(&[(plot.left, y), (plot.right, y)], GRID, 1.0)?;
        canvas.text(name, (plot.left - 8.0, y), Side::Right, LABEL)?;
    }
    for (at, name) in axis::instants(scale.window, plot.width(), 78.0) {
        let x = scale.x(at);
        canvas.line(&[(x, plot.bottom), (x, plot.bottom + 4.0)], MUTED, 1.0)?;
        let half = canvas.width_of(&name, LABEL) / 2.0;
        if x - half >= MARGIN && x + half <= plot.right + MARGIN {
            canvas.text(&name, (x, plot.bottom + 15.0), Side::Middle, LABEL)?;
        }
    }
    Ok(())
}

/// The pieces as they are, or the worst of each column where they are too many to tell apart; total losses in a row
/// are one piece.
fn pieces(scale: &Scale, exposure: &Exposure) -> Vec<Segment> {
    let all = match exposure.segments.len() <= PIECES_MOST {
        true => exposure.segments.clone(),
        false => columns(exposure, scale.plot.width().round().max(1.0) as i64),
    };
    let mut merged: Vec<Segment> = Vec::with_capacity(all.len());
    for piece in all {
        match merged.last_mut() {
            Some(last) if last.start == Loss::Total && piece.start == Loss::Total => last.at.until = piece.at.until,
            _ => merged.push(piece),
        }
    }
    merged
}

fn columns(exposure: &Exposure, columns: i64) -> Vec<Segment> {
    let step = Span((exposure.window.length().0 / columns).max(1));
    let mut worst: Vec<Option<Loss>> = vec![None; columns as usize + 1];
    for piece in &exposure.segments {
        let loss = highest(piece).map_or(Loss::Total, Loss::Window);
        let column = |at: Instant| ((at - exposure.window.from).0 / step.0).clamp(0, columns) as usize;
        for slot in worst.iter_mut().take(column(piece.at.until) + 1).skip(column(piece.at.from)) {
            *slot = Some(match (*slot, loss) {
                (Some(Loss::Window(a)), Loss::Window(b)) => Loss::Window(a.max(b)),
                (None, loss) => loss,
                _ => Loss::Total,
            });
        }
    }
    let at = |n: usize| exposure.window.from + step.saturating_mul(n as i64);
    let window = |n: usize| Window::new(at(n), at(n + 1).min(exposure.window.until));
    let made = worst.into_iter().enumerate().filter_map(|(n, loss)| Some((n, loss?)));
    made.map(|(n, start)| Segment { at: window(n), start, rises: false }).collect()
}

fn curve<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    scale: &Scale,
    exposure: &Exposure,
    rpo: Option<Span>,
) -> Drawn<DB> {
    let mut line: Vec<At> = Vec::new();
    let pieces = pieces(scale, exposure);
    let every = pieces.len().div_ceil(NOTES_MOST).max(1);
    for (n, piece) in pieces.into_iter().enumerate() {
        let (from, until) = (scale.x(piece.at.from), scale.x(piece.at.until));
        if n % every == 0 {
            canvas.note(Frame { left: from, right: until, ..scale.plot }, said(&piece));
        }
        let (Loss::Window(start), Some(end)) = (piece.start, highest(&piece)) else {
            flush(canvas, &mut line)?;
            total(canvas, Frame { left: from, right: until, ..scale.plot })?;
            continue;
        };
        if let Some(rpo) = rpo.filter(|rpo| end > *rpo) {
            breach(canvas, scale, &piece, (start, end), rpo)?;
        }
        line.push((from, scale.y(start)));
        line.push((until, scale.y(end)));
    }
    flush(canvas, &mut line)
}

/// A piece in words, for whoever points at it.
fn said(piece: &Segment) -> String {
    let when = |at: Instant| at.to_utc().format("%-d %b %H:%M").to_string();
    let lost = match (piece.start, highest(piece)) {
        (Loss::Window(start), Some(end)) if piece.rises => format!("{start} rising to {end} of writes lost"),
        (Loss::Window(start), _) => format!("{start} of writes lost"),
        (Loss::Total, _) => "everything lost".to_string(),
    };
    format!("{} to {}: {lost}", when(piece.at.from), when(piece.at.until))
}

fn flush<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, line: &mut Vec<At>) -> Drawn<DB> {
    if line.len() > 1 {
        canvas.line(line, BLUE, 1.75)?;
    }
    line.clear();
    Ok(())
}

/// Shades what lies between the objective and the curve.
fn breach<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    scale: &Scale,
    piece: &Segment,
    (start, end): (Span, Span),
    rpo: Span,
) -> Drawn<DB> {
    let crosses = if start >= rpo { piece.at.from } else { piece.at.from + (rpo - start) };
    let (from, until) = (scale.x(crosses), scale.x(piece.at.until));
    let level = scale.y(rpo);
    canvas.area(
        &[(from, level), (from, scale.y(start.max(rpo))), (until, scale.y(end)), (until, level)],
        VERMILION,
        0.30,
    )
}

fn total<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, frame: Frame) -> Drawn<DB> {
    canvas.rect(frame, PURPLE, 0.18)?;
    canvas.hatch(frame, PURPLE)?;
    let text = "everything lost";
    let width = canvas.width_of(text, STRONG);
    if width + 16.0 > frame.width() {
        return Ok(());
    }
    let (x, y) = ((frame.left + frame.right) / 2.0, (frame.top + frame.bottom) / 2.0);
    let plate = Frame { left: x - width / 2.0 - 6.0, right: x + width / 2.0 + 6.0, top: y - 11.0, bottom: y + 11.0 };
    canvas.rect(plate, PAPER, 1.0)?;
    canvas.text(text, (x, y), Side::Middle, STRONG)
}

/// The objective across the plot, named in the margin where nothing else is drawn.
fn objective<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, scale: &Scale, rpo: Span) -> Drawn<DB> {
    let right = scale.plot.right;
    if rpo > scale.most {
        canvas.text(&format!("{rpo} ↑"), (right + 7.0, scale.plot.top), Side::Left, STRONG)?;
        let below = (right + 7.0, scale.plot.top + 14.5);
        return canvas.text("allowed", below, Side::Left, Type { paint: INK, ..LABEL });
    }
    let y = scale.y(rpo);
    canvas.dashes((scale.plot.left, y), (right, y), INK, 1.5)?;
    let first = (y - 7.0).min(scale.plot.bottom - 21.0);
    canvas.text(&rpo.to_string(), (right + 7.0, first), Side::Left, STRONG)?;
    canvas.text("allowed", (right + 7.0, first + 14.5), Side::Left, Type { paint: INK, ..LABEL })
}

/// Marks the longest loss window that is a number, and says how long it is.
fn peak<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, scale: &Scale, exposure: &Exposure) -> Drawn<DB> {
    let ends = exposure.segments.iter().filter_map(|piece| Some((highest(piece)?, piece.at.until)));
    let Some((worst, at)) = ends.max_by_key(|(loss, at)| (*loss, std::cmp::Reverse(*at))) else { return Ok(()) };
    let (x, y) = (scale.x(at), scale.y(worst));
    canvas.dot((x, y), 3.5, PAPER, true)?;
    canvas.dot((x, y), 3.5, VERMILION, false)?;
    let text = worst.to_string();
    let half = canvas.width_of(&text, STRONG) / 2.0;
    let middle = x.clamp(scale.plot.left + half, (scale.plot.right - half).max(scale.plot.left + half));
    let plate = Frame { left: middle - half, right: middle + half, top: y - 21.0, bottom: y - 6.0 };
    canvas.rect(plate, PAPER, 0.85)?;
    canvas.text(&text, (middle, y - 13.0), Side::Middle, STRONG)
}
