//! Assets and scenarios: what was asked, declared, observed and drilled; and the worst of them as a curve.

use serde::{Deserialize, Serialize};

use super::super::chart::heat::{self, HeatMap};
use super::super::chart::sawtooth::{Panel, Sawtooth};
use super::{clean, clean_option};
use crate::audit::{Audit, Cell, Measure, Verdict};
use crate::base::Span;
use crate::timeline::{Exposure, Loss};

/// A figure as people read it, and as tools do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Figure {
    Span {
        ms: Span,
        text: String,
    },
    /// Everything is lost: a value of its own, never a number.
    Total,
    Unknown {
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromiseRow {
    pub asset: String,
    pub scenario: String,
    pub title: String,
    pub rpo: Option<Span>,
    pub rto: Option<Span>,
    pub declared_loss: Figure,
    pub observed_loss: Figure,
    pub declared_downtime: Figure,
    pub drilled_downtime: Figure,
    pub rpo_verdict: Verdict,
    pub rto_verdict: Verdict,
}

/// At most so many promises, in the order of the policy; where there are more, the worst, and the worst of these first.
pub fn shown(promises: &[PromiseRow], most: usize) -> Vec<&PromiseRow> {
    let mut rows: Vec<&PromiseRow> = promises.iter().collect();
    if rows.len() > most {
        let verdicts = |row: &PromiseRow| (row.rpo_verdict.max(row.rto_verdict), row.rpo_verdict.min(row.rto_verdict));
        rows.sort_by(|a, b| {
            verdicts(b).cmp(&verdicts(a)).then(b.of_what_is_allowed().total_cmp(&a.of_what_is_allowed()))
        });
        rows.truncate(most);
    }
    rows
}

impl PromiseRow {
    /// How many times what is asked can be lost, or waited for, at worst.
    fn of_what_is_allowed(&self) -> f64 {
        let times = |figure: &Figure, asked: Option<Span>| match (figure, asked) {
            (_, None) | (Figure::Unknown { .. }, _) => 0.0,
            (Figure::Total, Some(_)) => f64::INFINITY,
            (Figure::Span { ms, .. }, Some(asked)) => ms.as_hours() / asked.as_hours().max(f64::MIN_POSITIVE),
        };
        let losses = [&self.declared_loss, &self.observed_loss].map(|figure| times(figure, self.rpo));
        let downtimes = [&self.declared_downtime, &self.drilled_downtime].map(|figure| times(figure, self.rto));
        losses.into_iter().chain(downtimes).fold(0.0, f64::max)
    }
}

impl Figure {
    pub fn of_loss(measure: &Measure<Loss>) -> Self {
        match measure {
            Measure::Known(loss) => Figure::lost(*loss),
            Measure::Unknown(why) => Figure::Unknown { why: clean(why) },
        }
    }

    pub fn of_span(measure: &Measure<Span>) -> Self {
        match measure {
            Measure::Known(span) => Figure::Span { ms: *span, text: span.to_string() },
            Measure::Unknown(why) => Figure::Unknown { why: clean(why) },
        }
    }

    pub fn lost(loss: Loss) -> Self {
        match loss {
            Loss::Window(span) => Figure::Span { ms: span, text: span.to_string() },
            Loss::Total => Figure::Total,
        }
    }

    /// A word or two for a table's cell.
    pub fn short(&self) -> &str {
        match self {
            Figure::Span { text, .. } => text,
            Figure::Total => "everything",
            Figure::Unknown { .. } => "unproven",
        }
    }
}

impl PromiseRow {
    /// One that was read from a file: figures as this version writes them, names without what steers.
    pub fn make_harmless(&mut self) {
        for name in [&mut self.asset, &mut self.scenario, &mut self.title] {
            *name = clean(name);
        }
        let losses = [&mut self.declared_loss, &mut self.observed_loss];
        for figure in losses.into_iter().chain([&mut self.declared_downtime, &mut self.drilled_downtime]) {
            match figure {
                Figure::Span { ms, text } => *text = ms.to_string(),
                Figure::Unknown { why } => *why = clean(why),
                Figure::Total => {}
            }
        }
    }
}

pub fn rows(audit: &Audit) -> Vec<PromiseRow> {
    let row = |cell: &Cell| PromiseRow {
        asset: clean(&cell.asset),
        scenario: clean(&cell.scenario),
        title: clean(&cell.title),
        rpo: cell.rpo,
        rto: cell.rto,
        declared_loss: Figure::of_loss(&cell.declared_loss),
        observed_loss: Figure::of_loss(&cell.observed_loss),
        declared_downtime: Figure::of_span(&cell.declared_downtime),
        drilled_downtime: Figure::of_span(&cell.drilled_downtime),
        rpo_verdict: cell.rpo_verdict,
        rto_verdict: cell.rto_verdict,
    };
    audit.cells.iter().map(row).collect()
}

/// How bad a cell's loss is: total loss first, then the longest against its objective. Larger is worse.
pub fn badness(cell: &Cell) -> (Verdict, bool, f64) {
    let known = [&cell.declared_loss, &cell.observed_loss].into_iter().filter_map(|measure| match measure {
        Measure::Known(loss) => Some(*loss),
        Measure::Unknown(_) => None,
    });
    let (mut total, mut longest) = (false, 0.0_f64);
    for loss in known {
        match loss {
            Loss::Total => total = true,
            Loss::Window(span) => longest = longest.max(span.as_hours()),
        }
    }
    let allowed = cell.rpo.map_or(1.0, |rpo| rpo.as_hours().max(1.0 / 3600.0));
    (cell.rpo_verdict, total, longest / allowed)
}

/// Whether a curve has anything to show but total loss.
fn varies(exposure: Option<&Exposure>) -> bool {
    exposure.is_some_and(|e| e.segments.iter().any(|piece| piece.start != Loss::Total))
}

/// The curve of the worst cell that has one. A cell in which everything is always lost has no curve: the table says it.
pub fn sawtooth(audit: &Audit) -> Option<Sawtooth> {
    let drawn = |cell: &&Cell| cell.declared_exposure.is_some() || cell.observed_exposure.is_some();
    let rank = |cell: &Cell| {
        let curve = varies(cell.declared_exposure.as_ref()) || varies(cell.observed_exposure.as_ref());
        (curve, badness(cell))
    };
    let later = |a: &&Cell, b: &&Cell| rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal);
    // Of equals the first: the order of the policy.
    let cell = audit.cells.iter().rev().filter(drawn).max_by(later)?;
    let panel = |name: &str, exposure: &Option<Exposure>, why: Option<String>| Panel {
        name: name.to_string(),
        exposure: exposure.clone().ok_or_else(|| why.unwrap_or_else(|| "no evidence was given".to_string())),
    };
    let why = |measure: &Measure<Loss>| match measure {
        Measure::Known(_) => None,
        Measure::Unknown(why) => Some(clean(why)),
    };
    Some(Sawtooth {
        asset: clean(&cell.asset),
        title: clean_option(Some(&cell.title)).filter(|t| !t.is_empty()).unwrap_or_else(|| clean(&cell.scenario)),
        rpo: cell.rpo,
        panels: vec![
            panel("As declared", &cell.declared_exposure, why(&cell.declared_loss)),
            panel("As observed", &cell.observed_exposure, why(&cell.observed_loss)),
        ],
    })
}

/// Every asset in every failure that strikes it.
pub fn heat(audit: &Audit) -> Option<HeatMap> {
    let known = |measure: &Measure<Loss>| match measure {
        Measure::Known(loss) => Some(*loss),
        Measure::Unknown(_) => None,
    };
    let took = |measure: &Measure<Span>| match measure {
        Measure::Known(span) => Some(*span),
        Measure::Unknown(_) => None,
    };
    let cell = |cell: &Cell| heat::Cell {
        asset: clean(&cell.asset),
        scenario: clean(&cell.scenario),
        title: clean_option(Some(&cell.title))
            .filter(|title| !title.is_empty())
            .unwrap_or_else(|| clean(&cell.scenario)),
        rpo: cell.rpo,
        lost: known(&cell.declared_loss).max(known(&cell.observed_loss)),
        rpo_verdict: cell.rpo_verdict,
        rto: cell.rto,
        down: took(&cell.declared_downtime).max(took(&cell.drilled_downtime)),
        rto_verdict: cell.rto_verdict,
    };
    HeatMap::of(audit.cells.iter().map(cell).collect())
}
