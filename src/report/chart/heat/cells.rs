//! Half a cell: a figure, what is allowed of it, and the verdict, which nobody has to see in colour.

use plotters::prelude::DrawingBackend;

use super::super::canvas::{Canvas, Drawn, Frame, Side, Type};
use super::super::style::{GREEN, INK, PAPER, PURPLE, VERMILION};
use super::super::{LABEL, STRONG};
use super::Cell;
use crate::audit::Verdict;
use crate::base::Span;
use crate::timeline::Loss;

/// Total loss is a word of its own: no share of what is allowed.
const EVERYTHING: &str = "everything";

/// The loss window or the downtime of one cell.
pub struct Half<'a> {
    cell: &'a Cell,
    name: &'static str,
    /// None where nothing is known of it.
    value: Option<String>,
    allowed: Option<Span>,
    verdict: Verdict,
}

pub fn verdicts(cell: &Cell) -> [Verdict; 2] {
    [cell.rpo_verdict, cell.rto_verdict]
}

/// How bad an asset's cells are together: each limit broken outweighs all figures, each figure weighs as it exceeds.
pub fn badness(cells: &[Cell]) -> f64 {
    let of = |cell: &Cell| {
        let broken = verdicts(cell).iter().filter(|verdict| **verdict == Verdict::Breached).count();
        let unproven = verdicts(cell).iter().filter(|verdict| **verdict == Verdict::Unproven).count();
        let lost = match (cell.lost, cell.rpo) {
            (Some(Loss::Total), _) => 1.0,
            (Some(Loss::Window(lost)), Some(rpo)) => share(lost, rpo),
            _ => 0.0,
        };
        let down = cell.down.zip(cell.rto).map_or(0.0, |(down, rto)| share(down, rto));
        10_000.0 * broken as f64 + 10.0 * unproven as f64 + lost + down
    };
    cells.iter().map(of).sum()
}

/// From 0 to 1, a half where all that is allowed is used up.
fn share(value: Span, allowed: Span) -> f64 {
    let (value, allowed) = (value.0.max(0) as f64, allowed.0.max(1) as f64);
    value / (value + allowed)
}

impl<'a> Half<'a> {
    pub fn loss(cell: &'a Cell) -> Self {
        let value = cell.lost.map(|lost| match lost {
            Loss::Total => EVERYTHING.to_string(),
            Loss::Window(span) => span.to_string(),
        });
        Half { cell, name: "data lost", value, allowed: cell.rpo, verdict: cell.rpo_verdict }
    }

    pub fn downtime(cell: &'a Cell) -> Self {
        let value = cell.down.map(|down| down.to_string());
        Half { cell, name: "time down", value, allowed: cell.rto, verdict: cell.rto_verdict }
    }

    pub fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Met => "kept",
            Verdict::Unproven => "unproven",
            Verdict::Breached => "broken",
        }
    }

    /// `24 h 40 min of 1 h`.
    pub fn figure(&self) -> String {
        let value = self.value.as_deref().unwrap_or("not known");
        match self.allowed {
            Some(allowed) if self.value.is_some() && value != EVERYTHING => format!("{value} of {allowed}"),
            _ => value.to_string(),
        }
    }

    pub fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, frame: Frame) -> Drawn<DB> {
        let (mark, set) = match self.verdict {
            Verdict::Met => ("", Type { paint: INK, ..LABEL }),
            Verdict::Unproven => ("? ", Type { paint: INK, ..LABEL }),
            Verdict::Breached => ("× ", Type { paint: PAPER, ..STRONG }),
        };
        match self.verdict {
            Verdict::Met => canvas.rect(frame, GREEN, 0.22)?,
            Verdict::Unproven => {
                canvas.rect(frame, PURPLE, 0.10)?;
                canvas.hatch(frame, PURPLE)?;
            }
            Verdict::Breached => canvas.rect(frame, VERMILION, 1.0)?,
        }
        let room = frame.width() - 10.0;
        let short = self.value.as_deref().unwrap_or("not known");
        let full = format!("{mark}{}", self.figure());
        let said = match canvas.width_of(&full, set) <= room {
            true => full,
            false => canvas.fit(&format!("{mark}{short}"), room, set),
        };
        let middle = (frame.top + frame.bottom) / 2.0;
        if self.verdict == Verdict::Unproven {
            // A plate, so that the hatching runs through no letter.
            let right = (frame.left + 7.0 + canvas.width_of(&said, set)).min(frame.right);
            canvas.rect(
                Frame { left: frame.left + 2.0, right, top: middle - 8.0, bottom: middle + 8.0 },
                PAPER,
                1.0,
            )?;
        }
        canvas.note(
            frame,
            format!("{}, {}: {} {}, {}", self.cell.asset, self.cell.title, self.name, self.figure(), self.word()),
        );
        canvas.text(&said, (frame.left + 5.0, middle), Side::Left, set)
    }
}

pub fn numbers(cell: &Cell) -> Vec<String> {
    let seconds = |span: Option<Span>| span.map(|span| span.as_secs().to_string()).unwrap_or_default();
    let word = |verdict| match verdict {
        Verdict::Met => "met".to_string(),
        Verdict::Unproven => "unproven".to_string(),
        Verdict::Breached => "breached".to_string(),
    };
    let lost = match cell.lost {
        Some(Loss::Total) => "total".to_string(),
        Some(Loss::Window(span)) => seconds(Some(span)),
        None => String::new(),
    };
    vec![
        cell.asset.clone(),
        cell.scenario.clone(),
        cell.title.clone(),
        seconds(cell.rpo),
        lost,
        word(cell.rpo_verdict),
        seconds(cell.rto),
        seconds(cell.down),
        word(cell.rto_verdict),
    ]
}
