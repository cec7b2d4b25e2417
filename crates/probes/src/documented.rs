//! What is written of metrics, to be compared with what there is: for tests of the roles.

use std::collections::BTreeMap;

/// Name, kind and help of each metric of a text in the `OpenMetrics` format.
pub fn described(text: &str) -> BTreeMap<String, (String, String)> {
    let mut all: BTreeMap<String, (String, String)> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ').skip(1);
        let (Some(what), Some(name), Some(rest)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let entry = match what {
            "TYPE" | "HELP" => all.entry(name.to_owned()).or_default(),
            _ => continue,
        };
        match what {
            "TYPE" => rest.clone_into(&mut entry.0),
            // The library ends every help with a full stop.
            _ => rest.trim_end_matches('.').clone_into(&mut entry.1),
        }
    }
    all
}

/// The same from the tables `| name | kind | help |` of a page: those under the heading that begins so, and those of
/// every process.
pub fn documented(page: &str, heading: &str) -> BTreeMap<String, (String, String)> {
    let sections = page.split("\n## ");
    let wanted =
        sections.filter(|text| text.starts_with(heading) || text.starts_with("Every process"));
    wanted
        .flat_map(str::lines)
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let name = cells.get(1)?.strip_prefix('`')?.split(['`', '{']).next()?;
            Some((
                name.to_owned(),
                (cells.get(2)?.to_string(), cells.get(3)?.to_string()),
            ))
        })
        .collect()
}
