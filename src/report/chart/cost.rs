//! What plans cost against what they are expected to lose: every plan a dot, the best of them a line.

use plotters::prelude::DrawingBackend;

use super::axis::{self, Amounts};
use super::canvas::{At, Canvas, Drawn, Frame, Side, Type};
use super::style::{BLUE, GREEN, GRID, INK, MUTED, PAPER, PURPLE, Paint, VERMILION};
use super::{Chart, LABEL, MARGIN, STRONG, Sheet};
use crate::base::quantity::money;
use crate::cost::{PlanPoint, Tradeoff};

#[derive(Debug, Clone)]
pub struct CostAgainstLoss {
    pub tradeoff: Tradeoff,
}

/// Said where the drawn loss is only part of the loss.
const MORE: &str = ". An arrow marks those that can also lose everything, which has no declared price";

/// Height of a line of a label, and lines that a plan's own name may take.
const LINE: f64 = 15.5;
const PLAN_LINES: usize = 3;

/// Radius of a plan on the front; the others are half as large.
const DOT: f64 = 4.0;
/// Radius of the ring around a plan that has a name.
const RING: f64 = 7.5;
/// A label farther from its dot than this is joined to it by a line.
const LED: f64 = 18.0;

/// A plan with a name of its own on the chart.
struct Named<'a> {
    role: String,
    plan: &'a PlanPoint,
    paint: Paint,
}

impl CostAgainstLoss {
    fn plan(&self, index: Option<usize>) -> Option<&PlanPoint> {
        self.tradeoff.plans.get(index?)
    }

    /// The plans worth a name; two names for one plan are one label.
    fn named(&self) -> Vec<Named<'_>> {
        let t = &self.tradeoff;
        let roles = [
            (t.today, "today", VERMILION),
            (t.cheapest_compliant, "cheapest that meets every objective", GREEN),
            (t.nearest, "nearest to the objectives", GREEN),
            (t.least_total, "least cost and loss together", PURPLE),
        ];
        let mut named: Vec<(usize, Named<'_>)> = Vec::new();
        for (index, role, paint) in roles {
            let (Some(index), Some(plan)) = (index, self.plan(index)) else { continue };
            match named.iter_mut().find(|(other, _)| *other == index) {
                Some((_, one)) => one.role = format!("{}, {role}", one.role),
                None => named.push((index, Named { role: role.to_string(), plan, paint })),
            }
        }
        named.into_iter().map(|(_, one)| one).collect()
    }

    /// Whether there are two kinds of dots to tell apart.
    fn some_meet_and_some_miss(&self) -> bool {
        let meet = self.tradeoff.plans.iter().filter(|plan| plan.meets()).count();
        meet > 0 && meet < self.tradeoff.plans.len()
    }

    fn money(&self, amount: f64) -> String {
        money(amount, &self.tradeoff.currency)
    }
}

impl CostAgainstLoss {
    /// A plan and its figures, for whoever points at it.
    fn said(&self, plan: &PlanPoint) -> String {
        let amount = |amount| money(amount, &self.tradeoff.currency);
        let (cost, loss) = (amount(plan.annual_cost), amount(plan.expected_annual_loss));
        format!("{}: {cost} a year, expected loss {loss} a year", plan.label)
    }
}

impl Chart for CostAgainstLoss {
    fn title(&self) -> String {
        let t = &self.tradeoff;
        let Some(today) = self.plan(t.today) else {
            return format!("{} plans, by what they cost and what they lose in a year", t.plans.len());
        };
        let more = if today.unpriced_totals > 0.0 { "at least " } else { "" };
        let now = format!(
            "Today's plan costs {} a year and is expected to lose {more}{}",
            self.money(today.annual_cost),
            self.money(today.expected_annual_loss)
        );
        let cheaper = self.plan(t.least_total).is_some_and(|least| least.total() < today.total());
        match self.plan(t.recommended) {
            Some(plan) if t.recommended != t.today => {
                let (cost, loss) = (self.money(plan.annual_cost), self.money(plan.expected_annual_loss));
                format!("{now}; another costs {cost} and loses {loss}")
            }
            Some(_) if cheaper => format!("{now}; less of both in sum gives up what is kept today"),
            Some(_) => format!("{now}; no plan tried does better in sum"),
            None => now,
        }
    }

    fn subtitle(&self) -> String {
        let t = &self.tradeoff;
        format!(
            "Expected loss a year against cost a year, {}; {} plans{}, the line joins those that no other beats on both{}",
            t.currency,
            t.plans.len(),
            match (t.plans.iter().any(|plan| plan.meets()), self.some_meet_and_some_miss()) {
                (_, true) => "",
                (true, _) => ", all of which meet every objective",
                (false, _) => ", none of which meets every objective",
            },
            if t.plans.iter().any(|plan| plan.unpriced_totals > 0.0) { MORE } else { "" }
        )
    }

    fn description(&self) -> String {
        let named = self.named().into_iter().map(|one| {
            format!(
                "{}: {}, costs {}, expected to lose {} a year.",
                one.role,
                one.plan.label,
                self.money(one.plan.annual_cost),
                self.money(one.plan.expected_annual_loss)
            )
        });
        format!("{}. {}. {}", self.title(), self.subtitle(), named.collect::<Vec<_>>().join(" "))
    }

    fn height(&self, sheet: Sheet) -> f64 {
        match sheet {
            Sheet::Wide => 400.0,
            Sheet::Narrow => 356.0,
        }
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, sheet: Sheet, top: f64) -> Drawn<DB> {
        let t = &self.tradeoff;
        let ticks = if sheet == Sheet::Wide { 8 } else { 4 };
        let across = Amounts::over(t.plans.iter().map(|p| p.annual_cost), ticks);
        let up = Amounts::over(t.plans.iter().map(|p| p.expected_annual_loss), 7);
        let widest = up.ticks().iter().map(|v| canvas.width_of(&axis::amount_label(*v), LABEL)).fold(0.0, f64::max);
        let plot = Frame {
            left: MARGIN + widest + 10.0,
            top: top + 26.0,
            right: sheet.width() - MARGIN,
            bottom: top + self.height(sheet) - if sheet == Sheet::Wide { 44.0 } else { 62.0 },
        };
        self.grid(canvas, plot, &across, &up)?;
        let place = |plan: &PlanPoint| -> At {
            (
                plot.left + plot.width() * across.share(plan.annual_cost),
                plot.bottom - plot.height() * up.share(plan.expected_annual_loss),
            )
        };
        self.dots(canvas, &place)?;
        self.names(canvas, plot, &place)?;
        self.legend(canvas, plot, sheet)
    }

    fn numbers(&self) -> Vec<Vec<String>> {
        let t = &self.tradeoff;
        let header = [
            "plan",
            "annual_cost",
            "expected_annual_loss",
            "currency",
            "unpriced_totals_a_year",
            "complexity",
            "misses",
            "on_front",
            "role",
        ];
        let mut rows = vec![header.map(String::from).to_vec()];
        for (index, plan) in t.plans.iter().enumerate() {
            let role = |of: Option<usize>, name: &'static str| (of == Some(index)).then_some(name);
            let roles = [
                role(t.today, "today"),
                role(t.cheapest_compliant, "cheapest-compliant"),
                role(t.nearest, "nearest"),
                role(t.least_total, "least-total"),
            ];
            rows.push(vec![
                plan.label.clone(),
                format!("{:.2}", plan.annual_cost),
                format!("{:.2}", plan.expected_annual_loss),
                t.currency.clone(),
                plan.unpriced_totals.to_string(),
                plan.complexity.total().to_string(),
                plan.misses.join(" and "),
                t.front.contains(&index).to_string(),
                roles.into_iter().flatten().collect::<Vec<_>>().join(" "),
            ]);
        }
        rows
    }
}

impl CostAgainstLoss {
    fn grid<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        plot: Frame,
        across: &Amounts,
        up: &Amounts,
    ) -> Drawn<DB> {
        for tick in up.ticks() {
            let y = plot.bottom - plot.height() * up.share(tick);
            canvas.line(&[(plot.left, y), (plot.right, y)], GRID, 1.0)?;
            canvas.text(&axis::amount_label(tick), (plot.left - 8.0, y), Side::Right, LABEL)?;
        }
        for tick in across.ticks() {
            let x = plot.left + plot.width() * across.share(tick);
            canvas.line(&[(x, plot.bottom), (x, plot.top)], GRID, 1.0)?;
            canvas.text(&axis::amount_label(tick), (x, plot.bottom + 15.0), Side::Middle, LABEL)?;
        }
        let log = |scale: &Amounts| if scale.logarithmic { ", logarithmic" } else { "" };
        let currency = &self.tradeoff.currency;
        let over = format!("Expected loss, {currency} a year{}", log(up));
        canvas.text(&over, (MARGIN, plot.top - 14.0), Side::Left, LABEL)?;
        let under = format!("Cost of the plan, {currency} a year{}", log(across));
        canvas.text(&under, (plot.right, plot.bottom + 35.0), Side::Right, LABEL)
    }

    fn dots<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, place: &impl Fn(&PlanPoint) -> At) -> Drawn<DB> {
        let t = &self.tradeoff;
        let front: Vec<At> = t.curve.iter().filter_map(|i| t.plans.get(*i)).map(place).collect();
        if front.len() > 1 {
            canvas.line(&front, BLUE, 2.0)?;
        }
        // Those on the front last, so that no other plan covers them.
        let on_front = |index: usize| t.front.contains(&index);
        let mut order: Vec<(usize, &PlanPoint)> = t.plans.iter().enumerate().collect();
        order.sort_by_key(|(index, _)| on_front(*index));
        for (index, plan) in order {
            let at = place(plan);
            if plan.unpriced_totals > 0.0 {
                let tip = (at.0, at.1 - 15.0);
                canvas.line(&[at, tip], MUTED, 1.25)?;
                canvas.line(&[(tip.0 - 3.0, tip.1 + 4.0), tip, (tip.0 + 3.0, tip.1 + 4.0)], MUTED, 1.25)?;
            }
            let radius = if on_front(index) { DOT } else { DOT / 2.0 };
            canvas.dot(at, radius, PAPER, true)?;
            canvas.dot(at, radius, if plan.meets() { BLUE } else { MUTED }, plan.meets())?;
            if on_front(index) {
                canvas.note(Frame::around(at, DOT + 3.0), self.said(plan));
            }
        }
        Ok(())
    }

    /// A ring and a label for each named plan, where it covers neither a dot nor another label.
    fn names<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, DB>,
        plot: Frame,
        place: &impl Fn(&PlanPoint) -> At,
    ) -> Drawn<DB> {
        let around = |(x, y): At| Frame { left: x - DOT, top: y - DOT, right: x + DOT, bottom: y + DOT };
        let mut taken: Vec<Frame> = self.tradeoff.plans.iter().map(|plan| around(place(plan))).collect();
        let curve: Vec<At> =
            self.tradeoff.curve.iter().filter_map(|i| self.tradeoff.plans.get(*i)).map(place).collect();
        for (from, to) in curve.iter().zip(curve.iter().skip(1)) {
            let steps = ((to.0 - from.0).hypot(to.1 - from.1) / 6.0).ceil().max(1.0);
            let on = |n: f64| (from.0 + (to.0 - from.0) * n / steps, from.1 + (to.1 - from.1) * n / steps);
            taken.extend((0..steps as u32).map(|n| around(on(f64::from(n)))));
        }
        for one in self.named() {
            let at @ (x, y) = place(one.plan);
            canvas.dot(at, RING, one.paint, false)?;
            canvas.dot(at, 4.5, one.paint, true)?;
            taken.push(Frame { left: x - RING, top: y - RING, right: x + RING, bottom: y + RING });
        }
        for one in self.named() {
            let at = place(one.plan);
            // Narrower lines find a place where wider ones don't; the role alone where nothing else does.
            let shapes = [0.62, 0.46, 0.32].map(|share| label(canvas, &one, (plot.width() * share).max(92.0)));
            let (lines, _) = label(canvas, &one, plot.width().min(190.0));
            let role: Vec<_> = lines.into_iter().filter(|(_, set)| set.bold).collect();
            let width = role.iter().map(|(line, set)| canvas.width_of(line, *set)).fold(0.0, f64::max);
            let short = (role.clone(), (width, LINE * role.len() as f64));
            let shapes: Vec<_> = shapes.into_iter().chain([short]).collect();
            let near =
                shapes.iter().find_map(|(lines, size)| Some((lines, axis::free_place(at, *size, &taken, &plot)?)));
            let far = || {
                let mut places =
                    shapes.iter().filter_map(|(lines, size)| Some((lines, axis::any_place(at, *size, &taken, &plot)?)));
                places.next()
            };
            let Some((lines, frame)) = near.or_else(far) else { continue };
            self.lead(canvas, at, frame, one.paint)?;
            let plate = Frame { left: frame.left - 3.0, right: frame.right + 3.0, ..frame };
            canvas.rect(plate, PAPER, 0.82)?;
            for (n, (line, set)) in lines.iter().enumerate() {
                canvas.text(line, (frame.left, frame.top + LINE * (n as f64 + 0.5)), Side::Left, *set)?;
            }
            taken.push(plate);
        }
        Ok(())
    }

    /// A thin line from a dot to its label, where that stands apart.
    fn lead<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, at: At, label: Frame, paint: Paint) -> Drawn<DB> {
        let near = (at.0.clamp(label.left, label.right), at.1.clamp(label.top, label.bottom));
        let apart = (near.0 - at.0).hypot(near.1 - at.1);
        if apart < LED {
            return Ok(());
        }
        let share = RING / apart;
        let from = (at.0 + (near.0 - at.0) * share, at.1 + (near.1 - at.1) * share);
        canvas.line(&[from, near], paint, 1.0)
    }

    /// Two kinds of dots, named once beside the axis's name.
    fn legend<DB: DrawingBackend>(&self, canvas: &Canvas<'_, DB>, plot: Frame, sheet: Sheet) -> Drawn<DB> {
        if !self.some_meet_and_some_miss() {
            return Ok(());
        }
        let (met, missed) = match sheet {
            Sheet::Wide => ("meets every objective", "misses one or more"),
            Sheet::Narrow => ("meets all", "misses some"),
        };
        let y = if sheet == Sheet::Wide { plot.top - 14.0 } else { plot.bottom + 35.0 };
        let (mut x, row) = match sheet {
            Sheet::Wide => (plot.right - canvas.width_of(met, LABEL) - canvas.width_of(missed, LABEL) - 52.0, y),
            Sheet::Narrow => (MARGIN + 5.0, y + 17.0),
        };
        for (text, filled) in [(met, true), (missed, false)] {
            canvas.dot((x, row), 4.0, if filled { BLUE } else { MUTED }, filled)?;
            canvas.text(text, (x + 9.0, row), Side::Left, LABEL)?;
            x += canvas.width_of(text, LABEL) + 30.0;
        }
        Ok(())
    }
}

/// A label's lines, role first, at most `room` wide, and the size that they take.
fn label<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, one: &Named<'_>, room: f64) -> (Vec<(String, Type)>, (f64, f64)) {
    let (role, small) = (Type { paint: one.paint, ..STRONG }, Type { paint: INK, ..LABEL });
    let lines = |text: &str, set: Type| canvas.wrap(text, room, set).into_iter().map(move |line| (line, set));
    let mut plan: Vec<(String, Type)> = lines(&one.plan.label, small).collect();
    if plan.len() > PLAN_LINES {
        plan.truncate(PLAN_LINES);
        plan.iter_mut()
            .skip(PLAN_LINES - 1)
            .for_each(|(line, set)| *line = canvas.fit(&format!("{line} …"), room, *set));
    }
    let all: Vec<(String, Type)> = lines(&one.role, role).chain(plan).collect();
    let width = all.iter().map(|(line, set)| canvas.width_of(line, *set)).fold(0.0, f64::max);
    let height = LINE * all.len() as f64;
    (all, (width, height))
}
