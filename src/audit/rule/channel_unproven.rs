//! Where failed backups are told, and whether anything ever arrived there.

use crate::audit::recovery::quoted;
use crate::audit::{Code, Context, Finding, Report, Subject};
use crate::base::Span;
use crate::policy::Contact;

/// How long a test alert speaks for its channel, whatever the plan says.
const GOOD_FOR: Span = Span::days(366);

pub fn check(context: &Context, report: &mut Report) {
    let asked = &context.policy.objective.alert_test_every;
    let channels: Vec<&Contact> = context.policy.contacts.iter().filter(|contact| contact.alerts).collect();
    let good_for = asked.as_ref().map_or(GOOD_FOR, |every| every.value.min(GOOD_FOR));
    let age = |contact: &&&Contact| contact.proven.as_ref().map(|day| context.as_of - day.value);
    let proven = |contact: &&&Contact| age(contact).is_some_and(|age| age >= Span::ZERO && age <= good_for);
    if let Some(contact) = channels.iter().find(proven) {
        let why = format!("a test alert arrived at {}, {good_for} before is early enough", contact.reach);
        report.pass(Code::ChannelUnproven, Subject::default(), why);
        return;
    }
    let Some(first) = channels.first() else {
        let Some(asked) = asked else { return };
        let message = "the policy names nobody who is told of failed and missing backups";
        let finding = Finding::unproven(Code::ChannelUnproven, message).at(asked.at);
        report.find(finding.remedy("set `alerts = true` at the contact who is told, and send a test alert there"));
        return;
    };
    let names: Vec<&str> = channels.iter().map(|contact| contact.name.as_str()).collect();
    let message = match channels.iter().filter_map(|contact| age(&contact)).min() {
        Some(age) => {
            format!("the last test alert arrived at {} {age} ago, one every {good_for} is asked", quoted(&names))
        }
        None => format!("failed backups are told to {}, and no test alert is known to have arrived", quoted(&names)),
    };
    let finding = Finding::unproven(Code::ChannelUnproven, message).at(first.at);
    report.find(finding.remedy("let a backup fail on purpose, see the alert arrive, and note the day (`proven`)"));
}
