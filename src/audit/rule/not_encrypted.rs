//! A copy that is encrypted before it leaves the host.

use crate::audit::context::Item;
use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Report, Stock, Subject, Verdict};
use crate::policy::Protection;

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    let (asset, mut items) = (stock.asset, Vec::new());
    if let Some(asked) = context.objective(asset).encrypted.filter(|asked| asked.value) {
        let copies: Vec<&Protection> = context.copies_of(asset).collect();
        let says_yes = |p: &&&Protection| p.encrypted.as_ref().is_some_and(|encrypted| encrypted.value);
        if let Some(protection) = copies.iter().find(says_yes).filter(|p| !shown_plain(stock, p)) {
            let why = format!("`{}` is encrypted before it leaves the host", protection.name);
            report.pass(Code::NotEncrypted, Subject::asset(&asset.name), why);
            return;
        }
        let shown: Vec<&&Protection> = copies.iter().filter(|p| says_yes(p) && shown_plain(stock, p)).collect();
        let plain: Vec<&&Protection> = copies.iter().filter(|p| p.encrypted.is_some()).collect();
        let names: Vec<&str> = plain.iter().map(|p| p.name.as_str()).collect();
        let says = match names.is_empty() {
            _ if !shown.is_empty() => {
                let names: Vec<&str> = shown.iter().map(|p| p.name.as_str()).collect();
                format!("{} of `{}` is declared to be, and what is stored is not", quoted(&names), asset.name)
            }
            true => format!("nothing of `{}` says that it is", asset.name),
            false => format!("{} of `{}`", quoted(&names), asset.name),
        };
        let at =
            shown.iter().chain(&plain).find_map(|p| p.encrypted.as_ref()).map_or(asked.at, |encrypted| encrypted.at);
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

/// Whether some point or piece of log of the protection is known not to be encrypted, whatever the policy says.
fn shown_plain(stock: &Stock, protection: &Protection) -> bool {
    let of_it = |by: &Option<String>| by.as_ref() == Some(&protection.name);
    stock.points_by(&protection.name).any(|point| point.encrypted == Some(false))
        || stock.coverage.iter().any(|piece| of_it(&piece.protection) && piece.encrypted == Some(false))
}
