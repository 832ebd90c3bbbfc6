//! Encrypted protections whose key no drill has shown to be there.

use crate::audit::context::Item;
use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Report, Stock, Subject, Verdict};
use crate::base::{Instant, Span};
use crate::evidence::{Drill, KeyProof};
use crate::policy::Protection;
use crate::seal::Recipient;

pub fn check(context: &Context, stock: &Stock, report: &mut Report) {
    let Some(evidence) = context.evidence else { return };
    let asset = stock.asset;
    let sealed: Vec<&Protection> = context.copies_of(asset).filter(|p| is_sealed(stock, p)).collect();
    let drills: Vec<&Drill> =
        evidence.drills_of(&asset.name).iter().copied().filter(|drill| drill.ended_at <= context.as_of).collect();
    let every = context.objective(asset).drill_every;
    let (span, mut items) = (every.as_ref().map_or(Span::days(366), |every| every.value), Vec::new());
    for protection in sealed {
        let proof = newest(&drills, |drill| proves(drill, protection, stock));
        // Whose identity was refused may have been found again, if only for what was made before.
        let any = newest(&drills, |drill| matches!(drill.key, Some(KeyProof::Opened { .. })));
        let opened = proof.into_iter().chain(any).map(|drill| drill.ended_at).max();
        let refused = newest(&drills, |drill| matches!(drill.key, Some(KeyProof::Refused { .. })));
        let name = quoted(&[protection.name.as_str()]);
        let of = format!("{name} of `{}`", asset.name);
        let (verdict, drill, says) = match (proof, refused) {
            (_, Some(refused)) if opened.is_none_or(|opened| opened <= refused.ended_at) => {
                (Verdict::Breached, Some(refused), format!("drill {} could not open what {of} is", refused.id))
            }
            (Some(opened), _) if context.as_of - opened.ended_at <= span => {
                let why = format!("drill {} opened {of}", opened.id);
                report.pass(Code::KeyUnproven, Subject::asset(&asset.name), why);
                continue;
            }
            (Some(opened), _) => {
                let age = context.as_of - opened.ended_at;
                (Verdict::Unproven, Some(opened), format!("the last drill that opened {of} is {age} old"))
            }
            (None, _) => (Verdict::Unproven, None, format!("no drill has opened what {of} makes now")),
        };
        items.push(Item {
            asset: asset.name.clone(),
            at: Some(protection.encrypted.as_ref().map_or(protection.at, |encrypted| encrypted.at)),
            verdict,
            says,
            evidence: drill.map(|drill| format!("drill {}", drill.id)).into_iter().collect(),
        });
    }
    let remedy = "drill with the identity as it would be fetched on the day, and put such drills on a schedule";
    report.find_all(context, Code::KeyUnproven, "the key may be gone", remedy, items);
}

/// Declared so, or seen to be.
fn is_sealed(stock: &Stock, protection: &Protection) -> bool {
    protection.encrypted.as_ref().is_some_and(|encrypted| encrypted.value)
        || stock.points_by(&protection.name).any(|point| point.encrypted == Some(true))
}

fn newest<'d>(drills: &[&'d Drill], is: impl Fn(&Drill) -> bool) -> Option<&'d Drill> {
    drills.iter().copied().filter(|drill| is(drill)).max_by_key(|drill| drill.ended_at)
}

/// Whether a drill shows that what the protection makes now can be opened. Of another tool's drill, which does not tell of
/// keys, one that passed shows it for the protection that it restored.
fn proves(drill: &Drill, protection: &Protection, stock: &Stock) -> bool {
    match &drill.key {
        Some(KeyProof::Opened { recipients }) => {
            let now = recipients_now(stock, protection);
            let is_of_it = drill.protection.as_ref().is_none_or(|name| *name == protection.name);
            now.map_or(is_of_it, |now| now.iter().any(|recipient| recipients.contains(recipient)))
        }
        Some(KeyProof::Refused { .. }) => false,
        None => {
            let by_itself = drill.origin.tool != "plimsoll" && drill.passed();
            by_itself && drill.protection.as_ref() == Some(&protection.name)
        }
    }
}

/// Who can open the newest point of the protection; none where that is not known.
fn recipients_now<'s>(stock: &'s Stock, protection: &Protection) -> Option<&'s [Recipient]> {
    let sealed = stock.points_by(&protection.name).filter(|point| !point.recipients.is_empty());
    let newest = sealed.max_by_key(|point: &&crate::evidence::RecoveryPoint| -> Instant { point.available_at })?;
    Some(&newest.recipients)
}
