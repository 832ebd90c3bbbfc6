//! Copies that the plan says are elsewhere, and nobody has made sure.

use super::not_offsite::{around, offsite};
use crate::audit::context::Item;
use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::base::{Instant, Span};
use crate::policy::Protection;

/// A look at a place is good for a year.
const GOOD_FOR: Span = Span::days(366);

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(asked) = context.objective(asset).offsite.filter(|asked| asked.value) else { continue };
        let copies = offsite(context, asset);
        if copies.is_empty() {
            continue;
        }
        let sure = copies.iter().find_map(|p| Some((p, checked(context, p)?)));
        if let Some((copy, at)) = sure {
            let why = format!("that `{}` stands where the plan says was made sure of on {at}", copy.name);
            report.pass(Code::IsolationUnproven, Subject::asset(&asset.name), why);
            continue;
        }
        let names: Vec<&str> = copies.iter().map(|p| p.name.as_str()).collect();
        let says = format!("that {} of `{}` is elsewhere", quoted(&names), asset.name);
        let at = copies.iter().flat_map(|p| &p.stored_in).map(|d| d.at).next().unwrap_or(asked.at);
        let (asset, verdict) = (asset.name.clone(), Verdict::Unproven);
        items.push(Item { asset, at: Some(at), verdict, says, evidence: vec![] });
    }
    let remedy = "go and look, or get it in writing, and note the day (`checked`) at the domain";
    report.find_all(context, Code::IsolationUnproven, "nobody has made sure within a year", remedy, items);
}

/// When each place of a copy was last looked at, the longest ago; None if one was not, within the time that it is good.
fn checked(context: &Context, copy: &Protection) -> Option<Instant> {
    let looked = |name: &str| {
        let around = around(context, name);
        let domains = context.policy.domains.iter().filter(|d| around.contains(d.name.as_str()));
        let days = domains.filter_map(|d| d.checked.as_ref()).map(|day| day.value);
        days.filter(|day| *day <= context.as_of && context.as_of - *day <= GOOD_FOR).max()
    };
    let all: Option<Vec<Instant>> = copy.stored_in.iter().map(|d| looked(&d.value)).collect();
    all?.into_iter().min()
}
