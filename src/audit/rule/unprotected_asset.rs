//! An asset that nothing protects.

use crate::audit::{Code, Context, Finding, Report, Subject};

pub fn check(context: &Context, report: &mut Report) {
    for asset in &context.policy.assets {
        let subject = Subject::asset(&asset.name);
        let by: Vec<&str> = context.policy.protections_of(&asset.name).map(|p| p.name.as_str()).collect();
        if !by.is_empty() {
            report.pass(Code::UnprotectedAsset, subject, format!("protected by {}", by.join(", ")));
            continue;
        }
        let finding = Finding::breached(Code::UnprotectedAsset, format!("nothing protects `{}`", asset.name));
        report.find(finding.about(subject).at(asset.at).remedy("declare what protects it as [protection.NAME]"));
    }
}
