//! A copy that is encrypted before it leaves the host.

use crate::audit::context::Item;
use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Report, Subject, Verdict};
use crate::policy::Protection;

pub fn check(context: &Context, report: &mut Report) {
    let mut items = Vec::new();
    for asset in &context.policy.assets {
        let Some(asked) = context.objective(asset).encrypted.filter(|asked| asked.value) else { continue };
        let copies: Vec<&Protection> = context.copies_of(asset).collect();
        let says_yes = |p: &&&Protection| p.encrypted.as_ref().is_some_and(|encrypted| encrypted.value);
        if let Some(protection) = copies.iter().find(says_yes).filter(|p| !shown_plain(context, p, &asset.name)) {
            let why = format!("`{}` is encrypted before it leaves the host", protection.name);
            report.pass(Code::NotEncrypted, Subject::asset(&asset.name), why);
            continue;
        }
        let plain: Vec<&&Protection> = copies.iter().filter(|p| p.encrypted.is_some()).collect();
        let names: Vec<&str> = plain.iter().map(|p| p.name.as_str()).collect();
        let says = match names.is_empty() {
            true => format!("nothing of `{}` says that it is", asset.name),
            false => format!("{} of `{}`", quoted(&names), asset.name),
        };
        let at = plain.iter().find_map(|p| p.encrypted.as_ref()).map_or(asked.at, |encrypted| encrypted.at);
        items.push(Item {
            asset: asset.name.clone(),
            at: Some(at),
            verdict: Verdict::Breached,
            says,
            evidence: vec![],
        });
    }
    let remedy = "encrypt on the host, keep the key elsewhere, and drill with it";
    report.find_all(
        context,
        Code::NotEncrypted,
        "nothing encrypts the copies before they leave the host",
        remedy,
        items,
    );
}

/// Whether some point of the protection is known not to be encrypted, whatever the policy says.
fn shown_plain(context: &Context, protection: &Protection, asset: &str) -> bool {
    let points = context.evidence.iter().flat_map(|e| &e.points).filter(|p| p.asset == asset);
    let mut own = points.filter(|p| p.protection.as_deref() == Some(protection.name.as_str()));
    own.any(|p| p.encrypted == Some(false))
}
