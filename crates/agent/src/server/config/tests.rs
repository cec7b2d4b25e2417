use super::*;
use crate::server::Flavour;
use holdfast_core::names::{Address, Cluster, Group, Node};
use holdfast_core::record::Durability;

fn options() -> Options {
    Options {
        name: Node::from("redis-0"),
        group: Group::from("mymaster"),
        cluster: Cluster::from("c"),
        secret_file: "/s".into(),
        dir: "/a".into(),
        data_dir: "/d a".into(),
        server: "redis-server".into(),
        listen: Address::new("127.0.0.1", 7000),
        durability: Durability::Async,
        announce: None,
        sentinels: Vec::new(),
        redis_conf: Some("my.conf".into()),
        client_password_file: None,
        acl_file: None,
        tls_cert_file: None,
        tls_key_file: None,
        tls_ca_file: None,
        tls_client_auth: false,
        memory_limit_bytes: 0,
        adopt: false,
        priority: 90,
        restart: true,
        stop_seconds: 1,
        script_limit_seconds: 10,
        http: None,
    }
}

fn version(major: u32, minor: u32) -> Version {
    Version {
        executable: "redis-server".into(),
        flavour: Flavour::Redis,
        major,
        minor,
        patch: 0,
        mark: None,
    }
}

struct Case {
    options: Options,
    version: Version,
    limit: Option<u64>,
    acl: Option<&'static str>,
    client_password: Option<&'static str>,
}

fn case() -> Case {
    Case {
        options: options(),
        version: version(7, 0),
        limit: None,
        acl: None,
        client_password: None,
    }
}

impl Case {
    fn render(&self, conf: &str) -> Result<Rendered, ConfigError> {
        render(&Inputs {
            data: DataUse::Configured,
            options: &self.options,
            version: &self.version,
            password: "p w",
            socket: Path::new("/a/redis.sock"),
            log: Path::new("/a/server.log"),
            memory_limit: self.limit,
            redis_conf: Some(conf),
            acl: self.acl,
            client_password: self.client_password,
        })
    }

    fn text(&self, conf: &str) -> String {
        self.render(conf).expect("a configuration").text
    }
}

/// The last line of a key, which is the one that counts.
fn last<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .rev()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
}

#[test]
fn born_sealed_whatever_the_operator_writes() {
    let text = case().text("maxclients 50\nAPPENDONLY no");
    for (key, value) in [
        ("replicaof", "127.0.0.1 1"),
        ("min-replicas-to-write", "2147483647"),
        ("min-replicas-max-lag", "10"),
        ("replica-read-only", "yes"),
        ("repl-backlog-ttl", "0"),
        ("repl-backlog-size", "268435456"),
        ("dir", "\"/d a\""),
        ("masterauth", "\"p w\""),
        ("masteruser", "holdfast"),
        ("propagation-error-behavior", "panic-on-replicas"),
        ("replica-priority", "90"),
        ("maxclients", "50"),
        ("appendonly", "no"),
    ] {
        assert_eq!(last(&text, key), Some(value), "{key}");
    }
    assert_eq!(last(&text, "maxmemory"), None);
    assert!(
        !text.contains("> p w") && text.contains("user holdfast on "),
        "the password stands only in masterauth"
    );
    assert_eq!(text.matches("p w").count(), 1);
}

#[test]
fn owned_keys_are_refused_by_name_line_and_reason() {
    let keys = "PORT bind unixsocket replicaof slaveof dir masterauth masteruser min-replicas-to-write min-slaves-max-lag \
        replica-read-only replica-announce-ip replica-announce-port daemonize pidfile supervised aclfile requirepass \
        cluster-enabled include tls-port logfile dbfilename protected-mode repl-backlog-ttl";
    for key in keys.split_whitespace() {
        let refusal = case()
            .render(&format!("# mine\nmaxclients 50\n{key} x\n"))
            .expect_err(key)
            .to_string();
        assert!(
            refusal.starts_with(&format!(
                "my.conf:3: `{}` is not yours to set: ",
                key.to_lowercase()
            )),
            "{refusal}"
        );
        assert!(!refusal.contains('\n'));
    }
    assert!(
        case().render("\"p\\x6frt\" 5").is_err(),
        "quotes hide nothing"
    );
}

#[test]
fn needed_commands_keep_their_names() {
    let refusal = case()
        .render("rename-command CONFIG \"\"")
        .expect_err("needed")
        .to_string();
    assert!(refusal.contains("sends CONFIG"), "{refusal}");
    assert!(
        case()
            .text("rename-command FLUSHALL \"\"")
            .contains("rename-command FLUSHALL \"\"")
    );
}

#[test]
fn every_user_is_denied_what_the_register_decides() {
    let denied = "-replicaof -slaveof -failover -shutdown";
    let text = case().text("user app on nopass +@all (+@all ~a*) (+get)");
    assert!(
        text.contains(&format!(
            "user app on nopass +@all (+@all ~a* {denied}) (+get {denied}) {denied}\n"
        )),
        "{text}"
    );
    assert!(text.contains(&format!("user default on nopass ~* &* +@all {denied}")));
    let own_default = case().text("user default off");
    assert!(own_default.contains(&format!("user default off {denied}")));
    assert_eq!(own_default.matches("user default").count(), 1);
    assert!(case().render("user holdfast off").is_err());
}

#[test]
fn a_client_password_is_written_as_its_hash() {
    let case = Case {
        client_password: Some("geheim"),
        ..case()
    };
    let text = case.text("");
    assert!(
        !text.contains("geheim") && text.contains("user default on #") && !text.contains("nopass")
    );
    assert!(case.render("user default off").is_err());
}

#[test]
fn memory_is_derived_unless_the_operator_says_otherwise() {
    let case = Case {
        limit: Some(1 << 30),
        ..case()
    };
    let text = case.text("");
    assert_eq!(last(&text, "maxmemory"), Some("603979776"));
    assert_eq!(last(&text, "repl-backlog-size"), Some("134217728"));
    let rendered = case.render("maxmemory 2gb").expect("allowed");
    assert_eq!(last(&rendered.text, "maxmemory"), Some("2gb"));
    assert_eq!(rendered.warnings.len(), 1);
    assert!(
        case.render("maxmemory 500mb")
            .expect("allowed")
            .warnings
            .is_empty()
    );
}

#[test]
fn a_backlog_leaves_the_operators_maxmemory_to_the_data() {
    let text = case().text("maxmemory 100mb");
    assert_eq!(last(&text, "repl-backlog-size"), Some("13107200"));
    let text = case().text("maxmemory 4gb");
    assert_eq!(last(&text, "repl-backlog-size"), Some("268435456"));
    let text = case().text("maxmemory 0");
    assert_eq!(last(&text, "repl-backlog-size"), Some("268435456"));
    let chosen = "maxmemory 100mb\nrepl-backlog-size 60mb";
    let rendered = case().render(chosen).expect("allowed");
    assert_eq!(last(&rendered.text, "repl-backlog-size"), Some("60mb"));
    assert!(
        rendered
            .warnings
            .iter()
            .any(|w| w.contains("repl-backlog-size 62914560 counts in maxmemory"))
    );
}

#[test]
fn what_would_have_no_effect_is_refused() {
    for line in [
        "repl-rdb-channel yes",
        "dual-channel-replication-enabled yes",
    ] {
        let error = case().render(line).expect_err("refused").to_string();
        assert!(error.contains("it would have no effect"), "{error}");
    }
}

#[test]
fn older_servers_get_only_what_they_know() {
    let case = Case {
        version: version(6, 2),
        ..case()
    };
    let text = case.text("");
    assert!(!text.contains("appenddirname") && !text.contains("propagation-error-behavior"));
}

#[test]
fn an_open_server_is_worth_a_warning_and_its_own_address_is_not_announced() {
    let mut case = case();
    case.options.listen = Address::new("0.0.0.0", 7000);
    let rendered = case.render("").expect("allowed");
    assert_eq!(rendered.warnings.len(), 1);
    assert_eq!(last(&rendered.text, "replica-announce-ip"), None);
    case.options.announce = Some(Address::new("redis-0.redis", 7001));
    let text = case.text("");
    assert_eq!(last(&text, "replica-announce-ip"), Some("redis-0.redis"));
    assert_eq!(last(&text, "replica-announce-port"), Some("7001"));
}

#[test]
fn users_of_the_acl_file_get_the_same_denials() {
    let mut it = case();
    it.acl = Some("# people\nuser ann on >secret ~a* +@all\n");
    let text = it.text("");
    assert!(text.contains("user ann on >secret ~a* +@all -replicaof -slaveof -failover -shutdown"));
    it.acl = Some("user holdfast off\n");
    assert!(it.render("").is_err());
    it.acl = Some("\nappendonly no\n");
    let error = it.render("").expect_err("no user").to_string();
    assert!(
        error.contains(":2: `appendonly` is no `user …` line"),
        "{error}"
    );
}

#[test]
fn with_a_certificate_the_port_speaks_tls_only_and_replicas_do_too() {
    let mut it = case();
    it.options.tls_cert_file = Some("/t/tls.crt".into());
    assert!(it.render("").is_err(), "a certificate alone is not enough");
    it.options.tls_key_file = Some("/t/tls.key".into());
    it.options.tls_ca_file = Some("/t/ca.crt".into());
    let text = it.text("tls-protocols TLSv1.3");
    let port = it.options.listen.port.to_string();
    for (key, value) in [
        ("port", "0"),
        ("tls-port", port.as_str()),
        ("tls-cert-file", "/t/tls.crt"),
        ("tls-key-file", "/t/tls.key"),
        ("tls-ca-cert-file", "/t/ca.crt"),
        ("tls-auth-clients", "no"),
        ("tls-replication", "yes"),
        ("tls-protocols", "TLSv1.3"),
    ] {
        assert_eq!(last(&text, key), Some(value), "{key}");
    }
    it.options.tls_cert_file = None;
    assert!(it.render("").is_err(), "a key without a certificate");
}

#[test]
fn every_address_means_those_of_both_families() {
    let mut it = case();
    it.options.listen.host = "::".to_owned();
    assert_eq!(last(&it.text(""), "bind"), Some("* -::*"));
}

#[test]
fn behind_a_gate_no_port_is_open_and_clients_cannot_undo_the_promise() {
    let mut case = case();
    case.options.durability = Durability::Quorum;
    let text = case.text("user app on >x ~* +@all\n");
    for line in [
        "port 0",
        "replica-announce-port 7000",
        "replica-announce-ip \"127.0.0.1\"",
    ] {
        assert!(
            text.lines()
                .any(|one| one == line || one == line.replace('"', "")),
            "{line}"
        );
    }
    for user in ["user app", "user default"] {
        let rules = text
            .lines()
            .find(|line| line.starts_with(user))
            .expect("the user");
        for denied in [
            "-psync",
            "-sync",
            "-replconf",
            "-config|set",
            "-debug",
            "-acl|setuser",
        ] {
            assert!(rules.contains(denied), "{user}: {denied}");
        }
    }
}

#[test]
fn a_gate_needs_a_server_and_an_address_that_it_can_count_on() {
    let refused = |change: &dyn Fn(&mut Case)| {
        let mut case = case();
        case.options.durability = Durability::Quorum;
        change(&mut case);
        case.render("").expect_err("refused").to_string()
    };
    assert!(refused(&|case| case.version = version(6, 2)).contains("7.0"));
    assert!(refused(&|case| case.options.listen.host = "0.0.0.0".to_owned()).contains("announce"));
}

#[test]
fn behind_a_gate_with_tls_the_server_has_no_port_and_follows_by_tls() {
    let mut case = case();
    case.options.durability = Durability::Quorum;
    case.options.tls_cert_file = Some("/t/tls.crt".into());
    assert!(
        case.render("").is_err(),
        "a certificate alone is not enough"
    );
    case.options.tls_key_file = Some("/t/tls.key".into());
    case.options.tls_ca_file = Some("/t/ca.crt".into());
    let rendered = case.render("tls-protocols TLSv1.3").expect("a file");
    for (key, value) in [("port", "0"), ("tls-port", "0"), ("tls-replication", "yes")] {
        assert_eq!(last(&rendered.text, key), Some(value), "{key}");
    }
    let told = |rendered: &Rendered| {
        rendered
            .warnings
            .iter()
            .any(|one| one.contains("tls-protocols"))
    };
    assert!(told(&rendered), "that the gate does not hear it");
    case.options.durability = Durability::Async;
    assert!(!told(
        &case.render("tls-protocols TLSv1.3").expect("a file")
    ));
}

#[test]
fn where_acknowledgements_mean_disks_every_change_is_synced_and_nobody_may_change_that() {
    let mut case = case();
    assert_eq!(last(&case.text(""), "databases"), Some("17"));
    case.options.durability = Durability::Fsync;
    let rendered = case.render("databases 4\n").expect("a configuration");
    assert_eq!(rendered.stamps, Some(4), "behind the clients' databases");
    assert_eq!(last(&rendered.text, "databases"), Some("5"));
    assert_eq!(last(&rendered.text, "appendonly"), Some("yes"));
    assert_eq!(last(&rendered.text, "appendfsync"), Some("always"));
    assert_eq!(
        last(&rendered.text, "no-appendfsync-on-rewrite"),
        Some("no")
    );
    let rules = last(&rendered.text, "user default").unwrap_or_default();
    assert!(
        rules.contains("-swapdb") && rules.contains("-config|set"),
        "{rules}"
    );
    for line in ["appendfsync everysec", "appendonly no", "databases 20000"] {
        let said = case.render(line).expect_err("refused").to_string();
        assert!(
            said.contains("fsync") || said.contains("databases"),
            "{said}"
        );
    }
}

#[test]
fn places_that_holdfast_needs_itself_cannot_be_taken_away() {
    assert!(case().render("maxclients 24").is_ok());
    let said = case()
        .render("# few\nmaxclients 23")
        .expect_err("refused")
        .to_string();
    assert!(
        said.contains(":2:") && said.contains("24 or more"),
        "{said}"
    );
}
