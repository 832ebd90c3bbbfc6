//! The loss window at every instant of a week, against the objective: as declared above, as observed below.

mod panel;

use plotters::prelude::DrawingBackend;

use super::canvas::{Canvas, Drawn, Frame};
use super::{Chart, Sheet};
use crate::base::Span;
use crate::timeline::{Exposure, Loss, Segment};

/// One asset in one scenario.
#[derive(Debug, Clone)]
pub struct Sawtooth {
    pub asset: String,
    /// The scenario in the policy's words.
    pub title: String,
    pub rpo: Option<Span>,
    pub panels: Vec<Panel>,
}

#[derive(Debug, Clone)]
pub struct Panel {
    /// `As declared`, `As observed`.
    pub name: String,
    /// The curve, or why there is none.
    pub exposure: Result<Exposure, String>,
}

impl Sawtooth {
    fn worst(&self) -> Option<Loss> {
        self.panels.iter().filter_map(|p| p.exposure.as_ref().ok()).map(|e| e.worst).max()
    }

    /// The longest loss window that is a number, or the objective where that is longer.
    fn top(&self) -> Span {
        let worst = self.panels.iter().filter_map(|p| p.exposure.as_ref().ok()?.worst_window());
        worst.chain(self.rpo).max().unwrap_or(Span::hours(1)).max(Span::secs(1))
    }
}

/// Supremum of the loss within a piece; None where everything is lost.
fn highest(piece: &Segment) -> Option<Span> {
    match piece.end() {
        Loss::Window(span) => Some(span),
        Loss::Total => None,
    }
}

impl Chart for Sawtooth {
    fn title(&self) -> String {
        match (self.worst(), self.rpo) {
            (None, _) => "How much can be lost is unproven".to_string(),
            (Some(Loss::Total), Some(rpo)) => format!("At times everything can be lost; {rpo} is allowed"),
            (Some(Loss::Total), None) => "At times everything can be lost; no objective is declared".to_string(),
            (Some(Loss::Window(worst)), Some(rpo)) if worst > rpo => {
                format!("Up to {worst} of writes can be lost; {rpo} is allowed")
            }
            (Some(Loss::Window(worst)), Some(rpo)) => {
                format!("At most {worst} of writes can be lost, within the {rpo} allowed")
            }
            (Some(Loss::Window(worst)), None) => {
                format!("Up to {worst} of writes can be lost; no objective is declared")
            }
        }
    }

    fn subtitle(&self) -> String {
        format!("{}: {}. Writes lost, by the instant at which the failure strikes (UTC)", self.asset, self.title)
    }

    fn description(&self) -> String {
        let panels = self.panels.iter().map(|panel| match (&panel.exposure, self.rpo) {
            (Err(why), _) => format!("{}: not known, {why}.", panel.name),
            (Ok(e), None) => format!("{}: at worst {}.", panel.name, loss(e.worst)),
            (Ok(e), Some(rpo)) => format!(
                "{}: at worst {}, at {}; above the objective of {rpo} for {} of {}.",
                panel.name,
                loss(e.worst),
                e.worst_at,
                e.in_breach(rpo),
                e.window.length()
            ),
        });
        format!("{}. {}. {}", self.title(), self.subtitle(), panels.collect::<Vec<_>>().join(" "))
    }

    fn height(&self, sheet: Sheet) -> f64 {
        self.panels.iter().map(|panel| panel::height(panel, sheet)).sum::<f64>()
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB> {
        let most = self.top();
        let mut y = top;
        for panel in &self.panels {
            let height = panel::height(panel, sheet);
            let frame = Frame { left: 0.0, top: y, right: sheet.width(), bottom: y + height };
            panel::draw(canvas, panel, panel::Limits { rpo: self.rpo, most }, sheet, frame)?;
            y += height;
        }
        Ok(())
    }

    fn numbers(&self) -> Vec<Vec<String>> {
        let header = ["panel", "from", "until", "loss_at_from_s", "loss_at_until_s", "objective_s", "total_loss"];
        let mut rows = vec![header.map(String::from).to_vec()];
        let seconds = |span: Option<Span>| span.map(|s| s.as_secs().to_string()).unwrap_or_default();
        for panel in &self.panels {
            for piece in panel.exposure.iter().flat_map(|e| &e.segments) {
                let start = if let Loss::Window(span) = piece.start { Some(span) } else { None };
                rows.push(vec![
                    panel.name.clone(),
                    piece.at.from.to_string(),
                    piece.at.until.to_string(),
                    seconds(start),
                    seconds(highest(piece)),
                    seconds(self.rpo),
                    (piece.start == Loss::Total).to_string(),
                ]);
            }
        }
        rows
    }
}

fn loss(loss: Loss) -> String {
    match loss {
        Loss::Window(span) => format!("{span} of writes lost"),
        Loss::Total => "everything lost".to_string(),
    }
}
