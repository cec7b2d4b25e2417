//! A documented file, made of the very flags that it stands for.

use crate::settings::{Settings, variable_of};
use clap::{Arg, Command};

/// What each key could be; keys of the file that are lists or maps cannot be shown by their flag's form.
const VALUES: [(&str, &str); 33] = [
    ("name", "redis-0"),
    ("group", "mymaster"),
    ("cluster", "0123456789abcdef0123456789abcdef"),
    ("secret_file", "/etc/holdfast/secret"),
    ("dir", "/var/lib/holdfast"),
    ("data_dir", "/var/lib/holdfast/data"),
    ("server", "redis-server"),
    ("listen", "10.0.0.1:6379"),
    ("announce", "redis-0.example.org:6379"),
    ("control", "10.0.0.1:27379"),
    ("redis_conf", "/etc/holdfast/redis.conf"),
    ("client_password_file", "/etc/holdfast/password"),
    ("memory_limit_bytes", "0"),
    ("adopt", "false"),
    ("priority", "100"),
    ("restart", "true"),
    ("durability", "async"),
    ("stop_seconds", "25"),
    ("script_limit_seconds", "10"),
    ("acl_file", "/etc/holdfast/users.acl"),
    ("tls_cert_file", "/etc/holdfast/tls.crt"),
    ("tls_key_file", "/etc/holdfast/tls.key"),
    ("tls_client_ca_file", "/etc/holdfast/ca.crt"),
    ("tls_ca_file", "/etc/holdfast/ca.crt"),
    ("tls_client_auth", "false"),
    ("announce_hostnames", "false"),
    ("max_clients", "10500"),
    ("handoff_pace_ms", "2000"),
    ("open_administration", "false"),
    ("http", "0.0.0.0:8080"),
    ("groups", "\n- name: mymaster\n  nodes: 4"),
    (
        "agent sentinels",
        "\n- 10.0.0.1:27379\n- 10.0.0.2:27379\n- 10.0.0.3:27379",
    ),
    (
        "sentinel sentinels",
        "\n- {name: sentinel-0, control: \"10.0.0.1:27379\", clients: \"10.0.0.1:26379\"}\
         \n- {name: sentinel-1, control: \"10.0.0.2:27379\", clients: \"10.0.0.2:26379\"}\
         \n- {name: sentinel-2, control: \"10.0.0.3:27379\", clients: \"10.0.0.3:26379\"}",
    ),
];

/// Keys without which a role does not start; the others stand as comments.
const REQUIRED: [&str; 10] = [
    "name",
    "group",
    "groups",
    "cluster",
    "secret_file",
    "dir",
    "data_dir",
    "listen",
    "control",
    "sentinels",
];

pub(super) fn text<S: Settings>() -> String {
    let command = S::augment_args(Command::new(S::ROLE));
    let role = S::ROLE;
    let head = format!(
        "# Configuration of `holdfast {role}`: holdfast {role} --config THIS-FILE\n\
         # A flag counts more than an environment variable, and that more than this file.\n"
    );
    command
        .get_arguments()
        .fold(head, |text, arg| text + "\n" + &entry(role, arg))
}

fn entry(role: &str, arg: &Arg) -> String {
    let key = arg.get_id().as_str();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let value = value(role, key);
    let space = if value.starts_with('\n') { "" } else { " " };
    let setting = format!("{key}:{space}{value}");
    let mark = if REQUIRED.contains(&key) { "" } else { "#" };
    let setting: Vec<String> = setting
        .lines()
        .map(|line| format!("{mark}{line}"))
        .collect();
    let setting = setting.join(
        "
",
    );
    format!(
        "# {help}\n# Flag --{}, variable {}.\n{setting}\n",
        key.replace('_', "-"),
        variable_of(key)
    )
}

fn value(role: &str, key: &str) -> &'static str {
    let of_role = format!("{role} {key}");
    let found = VALUES
        .iter()
        .find(|(name, _)| *name == of_role)
        .or_else(|| VALUES.iter().find(|(name, _)| *name == key));
    match found {
        Some((_, "redis-0")) if role == "sentinel" => "sentinel-0",
        Some((_, "10.0.0.1:6379")) if role == "sentinel" => "10.0.0.1:26379",
        Some((_, value)) => value,
        None => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::settings::{AgentSettings, SentinelSettings};

    /// Every key of the options is a setting, and the example can be read as it stands.
    fn covers<S: Settings>() {
        let example = text::<S>();
        let options: S::Options = serde_saphyr::from_str(&example).unwrap();
        let uncommented: String = example
            .lines()
            .map(|line| {
                line.strip_prefix('#')
                    .filter(|rest| !rest.starts_with(' '))
                    .unwrap_or(line)
                    .to_owned()
                    + "\n"
            })
            .collect();
        let everything: S::Options = serde_saphyr::from_str(&uncommented).unwrap();
        let settings: S = serde_saphyr::from_str(&uncommented).unwrap();
        assert_eq!(
            serde_json::to_value(&everything).unwrap(),
            serde_json::to_value(&settings).unwrap()
        );
        let keys = |value: serde_json::Value| value.as_object().unwrap().len();
        assert!(
            keys(serde_json::to_value(&options).unwrap())
                <= keys(serde_json::to_value(&settings).unwrap())
        );
    }

    #[test]
    fn of_a_sentinel() {
        covers::<SentinelSettings>();
    }

    #[test]
    fn of_an_agent() {
        covers::<AgentSettings>();
    }
}
