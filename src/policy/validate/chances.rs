//! Times, rates, shared resources and trouble: what is uncertain must still make sense.

use super::text;
use crate::base::Span;
use crate::policy::chance::QUANTILES;
use crate::policy::document::chances::{PerYear, RateTable, ResourceTable, TimeQuantilesTable, TroubleTable};
use crate::policy::document::reader::Reader;
use crate::policy::document::words::{Kind, MeasuredTable, PertTable, Takes};
use crate::policy::{Duration, Lognormal, Place, Placed, Resource, Trouble, Uncertain};

/// More incidents in a year than this are none: there is one an hour.
const MOST_A_YEAR: f64 = 8760.0;

pub fn duration(takes: Takes, reader: &mut Reader) -> Option<Duration> {
    match takes {
        Takes::Constant(span) => Some(Duration::Constant(span)),
        Takes::Pert(table) => pert(table, reader),
        Takes::Quantiles(table) => time_quantiles(table, reader).map(Duration::Lognormal),
        Takes::Measured(MeasuredTable { measured, declared, .. }) => {
            Some(Duration::Measured { phase: text(measured)?, declared: declared.map(|span| span.value) })
        }
    }
}

fn pert(table: PertTable, reader: &mut Reader) -> Option<Duration> {
    let (low, mode, high): (Placed<Span>, Placed<Span>, Placed<Span>) = (table.low?, table.mode?, table.high?);
    for (less, more, name) in [(&low, &mode, "mode"), (&mode, &high, "high")] {
        if more.value < less.value {
            let message = format!("`{name}` is {}, less than the {} before it", more.value, less.value);
            reader.wrong::<()>(more.at, message, "`low`, `mode` and `high` must rise");
        }
    }
    Some(Duration::Pert { low: low.value, mode: mode.value, high: high.value })
}

fn time_quantiles(table: TimeQuantilesTable, reader: &mut Reader) -> Option<Lognormal> {
    let TimeQuantilesTable { at, p5, p10, p50, p90, p95, p99 } = table;
    let given = [p5, p10, p50, p90, p95, p99].map(|value| value.map(|value| value.map(|span| span.0 as f64)));
    quantiles(at, given, reader)
}

/// The lognormal distribution through the two quantiles that are given.
fn quantiles(at: Place, given: [Option<Placed<f64>>; 6], reader: &mut Reader) -> Option<Lognormal> {
    let named = QUANTILES.iter().zip(given).filter_map(|(quantile, value)| Some((quantile, value?)));
    let named: Vec<_> = named.collect();
    let [(lower, least), (upper, most)] = named.as_slice() else {
        let names: Vec<&str> = QUANTILES.iter().map(|(name, _)| *name).collect();
        let help = format!("two of {} say all of it, such as p50 and p95", names.join(", "));
        return reader.wrong(at, format!("{} quantiles are given; it takes two", named.len()), help);
    };
    if least.value <= 0.0 {
        let message = format!("`{}` cannot be zero", lower.0);
        return reader.wrong(least.at, message, "a quantile of a lognormal distribution is above zero");
    }
    if most.value <= least.value {
        let message = format!("`{}` is no more than `{}`", upper.0, lower.0);
        return reader.wrong(most.at, message, "quantiles must rise");
    }
    Some(Lognormal::through((lower.1, least.value), (upper.1, most.value)))
}

/// The mean rate, and how uncertain it is.
pub fn per_year(rate: Placed<PerYear>, reader: &mut Reader) -> Option<(Placed<f64>, Option<Uncertain>)> {
    let at = rate.at;
    let (mean, uncertain) = match rate.value {
        PerYear::Known(rate) => return Some((Placed::new(rate.0, at), None)),
        PerYear::Uncertain(table) if table.seen.is_some() || table.years.is_some() => seen(*table, at, reader)?,
        PerYear::Uncertain(table) => {
            let RateTable { p5, p10, p50, p90, p95, p99, .. } = *table;
            let given = [p5, p10, p50, p90, p95, p99].map(|value| value.map(|value| value.map(|rate| rate.0)));
            let lognormal = quantiles(at, given, reader)?;
            (lognormal.mean(), Uncertain::Lognormal { sigma: lognormal.sigma })
        }
    };
    if mean > MOST_A_YEAR {
        let message = format!("the mean of this rate is {mean:.0} incidents a year");
        return reader.wrong(at, message, format!("at most {MOST_A_YEAR} are allowed: name quantiles closer together"));
    }
    Some((Placed::new(mean, at), Some(uncertain)))
}

/// Gamma(seen + ½, years): what is believed of a rate after some incidents, under Jeffreys' prior.
fn seen(table: RateTable, at: Place, reader: &mut Reader) -> Option<(f64, Uncertain)> {
    let mixed = [&table.p5, &table.p10, &table.p50, &table.p90, &table.p95, &table.p99];
    if let Some(other) = mixed.into_iter().flatten().next() {
        return reader.wrong(other.at, "a rate takes what was seen or quantiles, not both", "leave one of them out");
    }
    match (table.seen, table.years) {
        (Some(seen), Some(years)) if years.value.0 > 0.0 => {
            let shape = f64::from(seen.value) + 0.5;
            Some((shape / years.value.0, Uncertain::Gamma { shape }))
        }
        (Some(_), Some(years)) => {
            reader.wrong(years.at, "`years` cannot be zero", "nothing is seen in no time: leave `seen` and `years` out")
        }
        _ => reader.wrong(at, "`seen` and `years` go together", "such as { seen = 2, years = 10 }"),
    }
}

pub fn resources(tables: Vec<(Placed<String>, ResourceTable)>, reader: &mut Reader) -> Vec<Resource> {
    let mut resources = vec![];
    for (name, table) in tables {
        if let Some(none) = table.at_once.as_ref().filter(|at_once| at_once.value == 0) {
            reader.wrong::<()>(none.at, "`at_once` cannot be zero", "it serves at least one step at once");
        }
        let Some(kind) = table.kind else { continue };
        let at_once = table.at_once.map_or(1, |at_once| at_once.value).max(1);
        resources.push(Resource { name: name.value, at: name.at, sharing: kind.value, at_once });
    }
    resources
}

pub fn trouble(table: Placed<TroubleTable>, kind: Kind, reader: &mut Reader) -> Trouble {
    let TroubleTable { at, fails, hangs, hangs_for, late, breaks_per_year, broken_for } = table.value;
    let log = kind == Kind::Log;
    let (misfit, what) = match log {
        true => ([fails.as_ref().map(|f| f.at), hangs.as_ref().map(|h| h.at)], "a log has no runs: it breaks"),
        false => {
            let places = [breaks_per_year.as_ref().map(|b| b.at), broken_for.as_ref().map(|b| b.at)];
            (places, "runs fail, hang or are late; only a log breaks")
        }
    };
    for place in misfit.into_iter().flatten() {
        reader.wrong::<()>(place, "this trouble does not fit the kind of the protection", what);
    }
    let together = |one: bool, other: bool, names: &str, reader: &mut Reader| {
        if one != other {
            reader.wrong::<()>(at, format!("{names} go together"), "give both, or none of them");
        }
    };
    together(hangs.is_some(), hangs_for.is_some(), "`hangs` and `hangs_for`", reader);
    together(breaks_per_year.is_some(), broken_for.is_some(), "`breaks_per_year` and `broken_for`", reader);
    if let (Some(fails), Some(hangs)) = (&fails, &hangs)
        && fails.value.0 + hangs.value.0 > 1.0
    {
        reader.wrong::<()>(
            hangs.at,
            "more runs fail or hang than there are",
            "`fails` and `hangs` are parts of one whole",
        );
    }
    let late = late.and_then(|late| Some(Placed::new(duration(late.value.0, reader)?, late.at)));
    let broken_for = broken_for.and_then(|broken| duration(broken.value.0, reader));
    Trouble {
        fails: fails.map(|fails| fails.map(|share| share.0)),
        hangs: hangs.map(|hangs| hangs.map(|share| share.0)).zip(hangs_for.map(|span| span.value.0)),
        late,
        breaks: breaks_per_year.map(|breaks| breaks.map(|rate| rate.0)).zip(broken_for),
    }
}
