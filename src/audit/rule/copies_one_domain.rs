//! One domain whose loss takes the live data and every copy.

use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::policy::{DomainKind, Protection};

pub fn check(context: &Context, report: &mut Report) {
    for asset in &context.policy.assets {
        let copies: Vec<&Protection> = context.copies_of(asset).collect();
        if context.objective(asset).copies.is_none() || copies.is_empty() || asset.lives_in.is_empty() {
            continue;
        }
        // A provider is a domain too, but one that many plans accept; scenarios say whether it may fail.
        let smaller = context.policy.domains.iter().filter(|d| d.kind != DomainKind::Provider);
        let all_in = smaller.filter_map(|domain| {
            let lost = context.policy.domain_closure([domain.name.as_str()]);
            let takes = |names: &[crate::policy::Placed<String>]| names.iter().any(|d| lost.contains(d.value.as_str()));
            let everything = takes(&asset.lives_in) && copies.iter().all(|p| takes(&p.stored_in));
            everything.then_some((lost.len(), domain))
        });
        let subject = Subject::asset(&asset.name);
        let Some((_, domain)) = all_in.min_by_key(|(size, _)| *size) else {
            let why = "no single domain below a provider holds the live data and every copy";
            report.pass(Code::CopiesOneDomain, subject, why);
            continue;
        };
        let names: Vec<&str> = copies.iter().map(|p| p.name.as_str()).collect();
        let message = format!(
            "`{}` and all its copies ({}) are lost together with `{}`",
            asset.name,
            quoted(&names),
            domain.name
        );
        let apart =
            copies.iter().flat_map(|p| &p.stored_in).find(|d| asset.lives_in.iter().all(|l| l.value != d.value));
        let at = apart.map_or(asset.at, |d| d.at);
        let finding = Finding::breached(Code::CopiesOneDomain, message).about(subject).at(at);
        report.find(finding.remedy("put one copy in another account, or at another provider"));
    }
}
