//! From one configuration to the next while the server runs.

use super::lines::{self, Line};
use std::collections::{BTreeMap, BTreeSet};

/// Keys of which every line counts; `CONFIG SET` takes them all at once.
const CUMULATIVE: &[&str] = &["save", "client-output-buffer-limit"];

/// One command to a running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it changes, to be shown: never a secret.
    pub what: String,
    /// The command.
    pub command: Vec<String>,
}

/// What brings a server that was started with `before` to `after`; both are texts made by [`super::render`]. Users that
/// are gone come last. A key that is gone stays as it was until the next start: nobody here knows its default.
pub fn changes(before: &str, after: &str) -> Vec<Change> {
    let (old, new) = (settings(before), settings(after));
    let changed = new
        .iter()
        .filter(|(key, value)| old.get(*key) != Some(value));
    let mut all: Vec<Change> = changed.map(|(key, value)| set(key, value)).collect();
    let (old, new) = (users(before), users(after));
    let changed = new
        .iter()
        .filter(|(name, rules)| old.get(*name) != Some(rules));
    all.extend(changed.map(|(name, rules)| set_user(name, rules)));
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    all.extend(gone.map(|name| delete_user(name)));
    all
}

fn set(key: &str, value: &str) -> Change {
    Change {
        what: key.to_owned(),
        command: ["CONFIG", "SET", key, value].map(str::to_owned).to_vec(),
    }
}

/// Rules are applied to the user as if it were new. Its clients stay: a password counts for those who log in.
fn set_user(name: &str, rules: &[String]) -> Change {
    let head = ["ACL", "SETUSER", name, "reset"].map(str::to_owned);
    Change {
        what: format!("user {name}"),
        command: head.into_iter().chain(rules.iter().cloned()).collect(),
    }
}

fn delete_user(name: &str) -> Change {
    Change {
        what: format!("no user {name} any more"),
        command: ["ACL", "DELUSER", name].map(str::to_owned).to_vec(),
    }
}

/// What such a text sets a key to, if it does.
pub(in crate::server) fn setting(text: &str, key: &str) -> Option<String> {
    settings(text).remove(key)
}

/// A text made by `render` can always be read.
fn read(text: &str) -> Vec<Line> {
    lines::parse(text).unwrap_or_default()
}

fn settings(text: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let mut begun = BTreeSet::new();
    for line in read(text).into_iter().filter(|line| line.key != "user") {
        let value = line.args.join(" ");
        let first = begun.insert(line.key.clone());
        match all.get_mut(&line.key) {
            Some(sum) if !first && CUMULATIVE.contains(&line.key.as_str()) => {
                *sum = format!("{sum} {value}");
            }
            _ => drop(all.insert(line.key, value)),
        }
    }
    all
}

fn users(text: &str) -> BTreeMap<String, Vec<String>> {
    let lines = read(text).into_iter().filter(|line| line.key == "user");
    lines
        .filter_map(|line| {
            let (name, rules) = line.args.split_first()?;
            Some((name.clone(), rules.to_vec()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(before: &str, after: &str) -> Vec<String> {
        let all = changes(before, after);
        all.iter().map(|change| change.command.join(" ")).collect()
    }

    #[test]
    fn only_what_differs_is_said() {
        let same = "port 1\nsave 900 1\nuser default on nopass ~* &* +@all\n";
        assert_eq!(commands(same, same), Vec::<String>::new());
    }

    #[test]
    fn the_last_line_of_a_key_counts_and_save_points_add_up() {
        let after =
            "maxmemory 1\nmaxmemory 2\nsave 900 1\nsave 300 10\nmaxmemory-policy noeviction\n";
        let said = commands(
            "maxmemory 1\nmaxmemory-policy noeviction\nsave 900 1\n",
            after,
        );
        assert_eq!(
            said,
            ["CONFIG SET maxmemory 2", "CONFIG SET save 900 1 300 10"]
        );
    }

    #[test]
    fn users_are_made_anew_and_removed() {
        let before = "user a on nopass\nuser b on nopass\nuser default on nopass\n";
        let after = "user a on \"#ab\" (~x +get)\nuser c off\nuser default on nopass\n";
        assert_eq!(
            commands(before, after),
            [
                "ACL SETUSER a reset on #ab (~x +get)",
                "ACL SETUSER c reset off",
                "ACL DELUSER b"
            ]
        );
    }
}
