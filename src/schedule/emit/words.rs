//! A cron expression's fields as numbers: what every scheduler understands.

/// The values of one field; none if it means all of them.
pub fn values(word: &str, low: u32, high: u32, names: &[&str]) -> Option<Vec<u32>> {
    let number = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        named.and_then(|at| u32::try_from(at).ok()).map(|at| at + low).or_else(|| text.parse().ok())
    };
    let mut all = Vec::new();
    for item in word.split(',') {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, step.parse().ok()));
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first), number(last)),
            None if range == "*" => (Some(low), Some(high)),
            None if step.is_some() => (number(range), Some(high)),
            None => (number(range), number(range)),
        };
        let (first, last, step) = (first.unwrap_or(low), last.unwrap_or(high), step.unwrap_or(1_usize).max(1));
        match first <= last {
            true => all.extend((first..=last).step_by(step)),
            // As `FRI-MON`: over the end.
            false => all.extend((first..=high).chain(low..=last).step_by(step)),
        }
    }
    all.sort_unstable();
    all.dedup();
    ((low..=high).count() > all.len()).then_some(all)
}

/// Days of the week as they are listed, Sunday first.
pub const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
pub const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// The weekdays of a field, 0 to 6 from Sunday, which is 7 too; none if it means all.
pub fn weekdays(word: &str) -> Option<Vec<u32>> {
    let listed = values(word, 0, 7, &DAYS)?;
    let mut days: Vec<u32> = listed.into_iter().map(|day| day % 7).collect();
    days.sort_unstable();
    days.dedup();
    (days.len() < 7).then_some(days)
}
