//! Kubernetes: CronJob objects. Without `timeZone` the clock of the cluster's controller decides.

use super::yaml::Node;
use super::{Entry, Refused, cron_entry};

/// The objects of a document: itself, or the items of a list.
pub fn objects(document: &Node) -> Vec<&Node> {
    match document.get("items") {
        Some(items) => items.items().iter().collect(),
        None => vec![document],
    }
}

pub fn read(jobs: &[&Node]) -> Result<Vec<Entry>, Refused> {
    let mut entries = vec![];
    for job in jobs {
        let Some(spec) = job.get("spec") else {
            return Err((job.at, "a CronJob without `spec`".to_string()));
        };
        let Some(schedule) = spec.get("schedule") else {
            return Err((spec.at, "a CronJob without `schedule`".to_string()));
        };
        let mut entry = cron_entry(schedule.at, schedule.text().unwrap_or_default())?;
        if let Some(zone) = spec.get("timeZone") {
            let text = zone.text().unwrap_or_default();
            entry.zone = Some(text.parse().map_err(|_| (zone.at, format!("`{text}` is not a time zone")))?);
        }
        entry.suspended = spec.get("suspend").filter(|on| on.text() == Some("true")).map(|on| on.at);
        entry.says.extend(job.get("metadata").and_then(|m| m.get("name")).and_then(Node::text).map(str::to_string));
        let pod = ["jobTemplate", "spec", "template", "spec"].iter().try_fold(spec, |node, name| node.get(name));
        for container in pod.and_then(|pod| pod.get("containers")).map(Node::items).unwrap_or_default() {
            let words = ["command", "args"].iter().filter_map(|name| container.get(name)).flat_map(Node::items);
            let command: Vec<&str> = words.filter_map(Node::text).collect();
            let names = ["name", "image"].iter().filter_map(|name| container.get(name)).filter_map(Node::text);
            entry.says.extend(names.map(str::to_string));
            entry.says.push(command.join(" "));
        }
        entries.push(entry);
    }
    Ok(entries)
}
