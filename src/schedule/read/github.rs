//! GitHub Actions: the `schedule` of a workflow. Its zone is UTC unless the entry names one; when a run really begins,
//! nobody promises.

use chrono_tz::Tz;

use super::yaml::{Node, Value};
use super::{Entry, Refused, cron_entry};

pub fn read(name: &str, workflow: &Node) -> Result<Vec<Entry>, Refused> {
    let mut says = vec![name.to_string()];
    says.extend(workflow.get("name").and_then(Node::text).map(str::to_string));
    for (job, body) in workflow.get("jobs").map(Node::fields).unwrap_or_default() {
        says.push(job.clone());
        let steps = body.get("steps").map(Node::items).unwrap_or_default();
        says.extend(steps.iter().filter_map(|step| step.get("run")).filter_map(Node::text).map(str::to_string));
    }
    let mut entries = vec![];
    for item in workflow.get("on").and_then(|on| on.get("schedule")).map(Node::items).unwrap_or_default() {
        let Some(cron) = item.get("cron") else { continue };
        let Value::Text(text) = &cron.value else { continue };
        let mut entry = cron_entry(cron.at, text)?;
        entry.zone = Some(match item.get("timezone") {
            None => Tz::UTC,
            Some(zone) => {
                let text = zone.text().unwrap_or_default();
                text.parse().map_err(|_| (zone.at, format!("`{text}` is not a time zone")))?
            }
        });
        entry.says = says.clone();
        entries.push(entry);
    }
    Ok(entries)
}
