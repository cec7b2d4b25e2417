//! Tables of requests and replies, against the pure handler, in both versions of the protocol.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use arc_swap::ArcSwap;
use bytes::BytesMut;
use common::{NOW, group, shown, view_of};
use holdfast_protocol::{
    Acl, ActionKind, ClientLine, ClientTable, Environment, Facts, FailoverState, Origin, Outcome,
    ReplyForm, Request, Session, Setting, View, handle,
};
use holdfast_resp::{Limits, RequestParser, Value, decode, encode_command};

struct NoClients;

impl ClientTable for NoClients {
    fn facts(&self) -> Facts {
        Facts {
            run_id: "r".repeat(40).into(),
            ..Facts::default()
        }
    }

    fn clients(&self) -> Vec<ClientLine> {
        Vec::new()
    }

    fn kill(&self, _: u64) {}
}

/// A session with the handler, without sockets.
struct Talk {
    session: Session,
    view: View,
    acl: ArcSwap<Acl>,
}

impl Talk {
    fn new(view: View) -> Self {
        Self::with_acl(view, Acl::default())
    }

    fn with_acl(view: View, acl: Acl) -> Self {
        Self {
            session: Session::new(7, &acl, Origin::Here),
            view,
            acl: ArcSwap::from_pointee(acl),
        }
    }

    /// From another machine.
    fn stranger(acl: Acl) -> Self {
        let mut talk = Self::with_acl(view_of(group()), acl);
        talk.session = Session::new(7, &talk.acl.load(), Origin::Elsewhere);
        talk
    }

    fn resp3(view: View) -> Self {
        let mut talk = Self::new(view);
        talk.ask("HELLO 3");
        talk
    }

    fn run(&mut self, line: &str) -> (Outcome, Option<Value>) {
        let mut request = Vec::new();
        encode_command(&line.split(' ').collect::<Vec<_>>(), &mut request);
        let mut parser = RequestParser::default();
        assert_eq!(
            parser.advance(&request, &Limits::REQUEST).unwrap(),
            Some(request.len())
        );
        let env = Environment {
            view: &self.view,
            now: NOW,
            acl: &self.acl,
            clients: &NoClients,
        };
        let mut out = Vec::new();
        let outcome = handle(
            &mut self.session,
            Request::new(parser.args(), &request),
            &env,
            &mut out,
        );
        let mut out = BytesMut::from(&out[..]);
        let value = decode(&mut out, &Limits::REPLY).unwrap();
        (outcome, value)
    }

    fn ask(&mut self, line: &str) -> String {
        let (outcome, value) = self.run(line);
        match (outcome, value) {
            (Outcome::Action(kind, form), None) => format!("{kind:?} {form:?}"),
            (_, value) => value.as_ref().map_or_else(|| "nothing".to_owned(), shown),
        }
    }
}

fn table(talk: &mut Talk, cases: &[(&str, &str)]) {
    for (line, reply) in cases {
        assert_eq!(talk.ask(line), *reply, "{line}");
    }
}

const MASTER: &str = "name mymaster ip 10.0.0.1 port 6379 runid 00000000000000000000000000000000000018eb flags master \
    link-pending-commands 0 link-refcount 1 last-ping-sent 0 last-ok-ping-reply 50 last-ping-reply 40 \
    down-after-milliseconds 5000 info-refresh 300 role-reported master role-reported-time 7000 config-epoch 3 num-slaves 2 \
    num-other-sentinels 2 quorum 2 failover-timeout 180000 parallel-syncs 1";
const REPLICA: &str = "name 10.0.0.1:6380 ip 10.0.0.1 port 6380 runid 00000000000000000000000000000000000018ec flags slave \
    link-pending-commands 0 link-refcount 1 last-ping-sent 0 last-ok-ping-reply 50 last-ping-reply 40 \
    down-after-milliseconds 5000 info-refresh 300 role-reported slave role-reported-time 7000 master-link-down-time 0 \
    master-link-status ok master-host 10.0.0.1 master-port 6379 slave-priority 100 slave-repl-offset 4242 replica-announced 1";
const SENTINEL: &str = "name 0000000000000000000000000000000000000001 ip 10.0.0.9 port 26380 \
    runid 0000000000000000000000000000000000000001 flags sentinel link-pending-commands 0 link-refcount 1 last-ping-sent 0 \
    last-ok-ping-reply 100000 last-ping-reply 100000 down-after-milliseconds 5000 last-hello-message 500 voted-leader ? \
    voted-leader-epoch 0";

/// The flat form of a map in RESP3.
fn as_map(flat: &str) -> String {
    let words: Vec<_> = flat.split_ascii_whitespace().collect();
    let pairs: Vec<_> = words
        .chunks(2)
        .map(|pair| format!("{}: {}", pair[0], pair[1]))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

#[test]
fn groups_in_both_versions() {
    for name in ["MASTER", "primary", "Master"] {
        assert_eq!(
            Talk::new(view_of(group())).ask(&format!("SENTINEL {name} mymaster")),
            format!("[{MASTER}]")
        );
        assert_eq!(
            Talk::resp3(view_of(group())).ask(&format!("SENTINEL {name} mymaster")),
            as_map(MASTER)
        );
    }
    for name in ["masters", "PRIMARIES"] {
        assert_eq!(
            Talk::new(view_of(group())).ask(&format!("SENTINEL {name}")),
            format!("[[{MASTER}]]")
        );
        assert_eq!(
            Talk::resp3(view_of(group())).ask(&format!("SENTINEL {name}")),
            format!("[{}]", as_map(MASTER))
        );
    }
    for name in ["replicas", "SLAVES"] {
        let reply = Talk::new(view_of(group())).ask(&format!("SENTINEL {name} mymaster"));
        assert!(
            reply.starts_with(&format!("[[{REPLICA}] [name 10.0.0.1:6381 ")),
            "{reply}"
        );
        let reply = Talk::resp3(view_of(group())).ask(&format!("SENTINEL {name} mymaster"));
        assert!(
            reply.starts_with(&format!("[{} {{name: 10.0.0.1:6381,", as_map(REPLICA))),
            "{reply}"
        );
    }
    let reply = Talk::new(view_of(group())).ask("SENTINEL SENTINELS mymaster");
    assert!(
        reply.starts_with(&format!("[[{SENTINEL}] [name 0000")),
        "{reply}"
    );
    let reply = Talk::resp3(view_of(group())).ask("SENTINEL SENTINELS mymaster");
    assert!(
        reply.starts_with(&format!("[{} {{name: 0000", as_map(SENTINEL))),
        "{reply}"
    );
}

#[test]
fn element_33_is_the_value_of_num_other_sentinels() {
    let (_, value) = Talk::new(view_of(group())).run("SENTINEL MASTER mymaster");
    let value = value.unwrap();
    let flat = value.as_slice().unwrap();
    assert_eq!(
        (flat[32].as_str(), flat[33].as_str()),
        (Some("num-other-sentinels"), Some("2"))
    );
}

#[test]
fn flags_and_times_of_trouble() {
    let mut group = group();
    group.failover = Some(FailoverState::Reconfigure);
    group.failover_forced = true;
    let node = group.primary.as_mut().unwrap();
    (node.s_down_since, node.o_down_since, node.link.connected) =
        (Some(NOW - 9), Some(NOW - 8), false);
    node.link.ping_sent = Some(NOW - 77);
    let replica = &mut group.replicas[0];
    (
        replica.promoted,
        replica.s_down_since,
        replica.primary_link_ok,
        replica.follows,
    ) = (true, Some(NOW - 5), false, None);
    replica.primary_link_down_since = Some(NOW - 600);
    group.replicas[1].hidden = true;
    group.sentinels[0].finds_primary_down = true;
    group.sentinels[0].vote = Some(("abc".to_owned(), 9));
    let mut talk = Talk::new(view_of(group));
    let reply = talk.ask("SENTINEL MASTER mymaster");
    let flags = "flags s_down,o_down,master,disconnected,failover_in_progress,force_failover link-pending-commands 0 \
        link-refcount 1 failover-state reconf_slaves last-ping-sent 77 last-ok-ping-reply 50 last-ping-reply 40 s-down-time 9 \
        o-down-time 8 down-after-milliseconds 5000 info-refresh";
    assert!(reply.contains(flags), "{reply}");
    let reply = talk.ask("SENTINEL REPLICAS mymaster");
    assert!(
        reply.contains("flags s_down,slave,promoted link-pending"),
        "{reply}"
    );
    assert!(
        reply.contains(
            "master-link-down-time 600 master-link-status err master-host ? master-port 0 "
        ),
        "{reply}"
    );
    assert!(
        !reply.contains("6381"),
        "a hidden replica was shown: {reply}"
    );
    let reply = talk.ask("SENTINEL SENTINELS mymaster");
    assert!(
        reply.contains("flags sentinel,master_down ")
            && reply.contains("voted-leader abc voted-leader-epoch 9"),
        "{reply}"
    );
    let reply = talk.ask("INFO sentinel");
    assert!(
        reply.contains(
            "master0:name=mymaster,status=odown,address=10.0.0.1:6379,slaves=2,sentinels=3"
        ),
        "{reply}"
    );
    assert_eq!(
        talk.ask("SENTINEL FAILOVER mymaster"),
        "-INPROG Failover already in progress"
    );
}

#[test]
fn a_healthy_master_reads_exactly_master() {
    assert!(
        Talk::new(view_of(group()))
            .ask("SENTINEL MASTER mymaster")
            .contains(" flags master link-")
    );
}

/// Redis-py and redis-rs read MASTERS, most others GET-MASTER-ADDR: nobody may be sent elsewhere than the others.
#[test]
fn both_discovery_styles_agree_at_the_same_moment() {
    for port in [6379, 6380, 7000] {
        let mut group = group();
        group.primary.as_mut().unwrap().address.port = port;
        let mut talk = Talk::new(view_of(group));
        let expected = format!("[10.0.0.1 {port}]");
        assert_eq!(
            talk.ask("SENTINEL GET-MASTER-ADDR-BY-NAME mymaster"),
            expected
        );
        assert_eq!(
            talk.ask("SENTINEL get-primary-addr-by-name mymaster"),
            expected
        );
        for line in ["SENTINEL MASTERS", "SENTINEL MASTER mymaster"] {
            assert!(
                talk.ask(line)
                    .contains(&format!("ip 10.0.0.1 port {port} ")),
                "{line}"
            );
        }
        assert!(
            talk.ask("INFO sentinel")
                .contains(&format!("address=10.0.0.1:{port},"))
        );
    }
    let mut nobody = group();
    nobody.primary = None;
    table(
        &mut Talk::new(view_of(nobody)),
        &[
            ("SENTINEL GET-MASTER-ADDR-BY-NAME mymaster", "nil-array"),
            ("SENTINEL MASTERS", "[]"),
            (
                "SENTINEL MASTER mymaster",
                "-ERR No such master with that name",
            ),
        ],
    );
}

const ERRORS: &[(&str, &str)] = &[
    (
        "SENTINEL",
        "-ERR wrong number of arguments for 'sentinel' command",
    ),
    (
        "SENTINEL MASTER",
        "-ERR wrong number of arguments for 'sentinel|master' command",
    ),
    (
        "sentinel masters x",
        "-ERR wrong number of arguments for 'sentinel|masters' command",
    ),
    (
        "SENTINEL SET mymaster",
        "-ERR wrong number of arguments for 'sentinel|set' command",
    ),
    (
        "SENTINEL foo",
        "-ERR unknown subcommand 'foo'. Try SENTINEL HELP.",
    ),
    (
        "CLIENT Foo",
        "-ERR unknown subcommand 'Foo'. Try CLIENT HELP.",
    ),
    ("SENTINEL MASTER nope", "-ERR No such master with that name"),
    (
        "SENTINEL REPLICAS nope",
        "-ERR No such master with that name",
    ),
    (
        "SENTINEL SENTINELS nope",
        "-ERR No such master with that name",
    ),
    (
        "SENTINEL CKQUORUM nope",
        "-ERR No such master with that name",
    ),
    (
        "SENTINEL FAILOVER nope",
        "-ERR No such master with that name",
    ),
    ("SENTINEL FAILOVER mymaster NOW", "-ERR syntax error"),
    (
        "SENTINEL SET nope quorum 2",
        "-ERR No such master with that name",
    ),
    ("SENTINEL GET-MASTER-ADDR-BY-NAME nope", "nil-array"),
    ("SENTINEL INFO-CACHE nope", "[]"),
    (
        "SENTINEL IS-MASTER-DOWN-BY-ADDR 10.0.0.1 x 0 *",
        "-ERR value is not an integer or out of range",
    ),
    (
        "foo bar baz",
        "-ERR unknown command 'foo', with args beginning with: 'bar' 'baz' ",
    ),
    (
        "QUIT",
        "-ERR unknown command 'QUIT', with args beginning with: ",
    ),
    (
        "PUBLISH a b",
        "-ERR Only HELLO messages are accepted by Sentinel instances.",
    ),
    (
        "PING a b",
        "-ERR wrong number of arguments for 'ping' command",
    ),
    ("SHUTDOWN foo", "-ERR syntax error"),
    ("HELLO 4", "-NOPROTO unsupported protocol version"),
    (
        "HELLO abc",
        "-ERR Protocol version is not an integer or out of range",
    ),
    ("HELLO 2 AUTH x", "-ERR Syntax error in HELLO option 'AUTH'"),
    (
        "AUTH foo x",
        "-WRONGPASS invalid username-password pair or user is disabled.",
    ),
    ("AUTH a b c", "-ERR syntax error"),
    ("ACL CAT foo", "-ERR Unknown category 'foo'"),
    (
        "ACL SETUSER foo bar",
        "-ERR Error in ACL SETUSER modifier 'bar': Syntax error",
    ),
    (
        "ACL DELUSER default",
        "-ERR The 'default' user cannot be removed",
    ),
    ("ACL DRYRUN nope ping", "-ERR User 'nope' not found"),
    ("COMMAND GETKEYS get a", "-ERR Invalid command specified"),
    (
        "COMMAND GETKEYS auth a",
        "-ERR The command has no key arguments",
    ),
    ("CLIENT KILL 1.2.3.4:5", "-ERR No such client"),
    (
        "CLIENT PAUSE abc",
        "-ERR timeout is not an integer or out of range",
    ),
    ("CLIENT REPLY foo", "-ERR syntax error"),
    (
        "SENTINEL SET mymaster foo bar",
        "-ERR Unknown option or number of arguments for SENTINEL SET 'foo'",
    ),
    (
        "SENTINEL SET mymaster quorum abc",
        "-ERR Invalid argument 'abc' for SENTINEL SET 'quorum'",
    ),
    (
        "SENTINEL SET mymaster parallel-syncs 0",
        "-ERR Invalid argument '0' for SENTINEL SET 'parallel-syncs'",
    ),
    (
        "SENTINEL SET mymaster parallel-syncs 1 x",
        "-ERR Unknown option or number of arguments for SENTINEL SET 'x'",
    ),
];

#[test]
fn errors_word_for_word() {
    table(&mut Talk::new(view_of(group())), ERRORS);
    // The null array is the only one that differs.
    let resp3: Vec<_> = ERRORS
        .iter()
        .map(|(l, r)| (*l, if *r == "nil-array" { "null" } else { *r }))
        .collect();
    let resp3: Vec<_> = resp3
        .into_iter()
        .filter(|(line, _)| !line.starts_with("HELLO"))
        .collect();
    table(&mut Talk::resp3(view_of(group())), &resp3);
}

#[test]
fn what_holdfast_does_otherwise_names_the_way() {
    let mut talk = Talk::new(view_of(group()));
    for line in [
        "SENTINEL MONITOR a 1.2.3.4 1 2",
        "SENTINEL REMOVE mymaster",
        "SENTINEL DEBUG",
        "SENTINEL DEBUG info-period 10",
        "SENTINEL SIMULATE-FAILURE crash-after-election",
        "SENTINEL CONFIG SET announce-ip 1.2.3.4",
        "SENTINEL SET mymaster quorum 2",
        "SENTINEL SET mymaster auth-pass x",
        "PUBLISH __sentinel__:hello x",
        "SHUTDOWN",
        "SHUTDOWN NOSAVE",
        "CLIENT PAUSE 100",
        "ACL LOG",
    ] {
        let reply = talk.ask(line);
        assert!(
            reply.starts_with("-ERR Holdfast: ") && reply.len() > 40,
            "{line}: {reply}"
        );
    }
}

#[test]
fn small_replies() {
    let mut talk = Talk::new(view_of(group()));
    table(
        &mut talk,
        &[
            ("PING", "PONG"),
            ("ping hello", "hello"),
            ("ROLE", "[sentinel [mymaster]]"),
            ("SENTINEL MYID", "ffffffffffffffffffffffffffffffffffffffff"),
            ("SENTINEL PENDING-SCRIPTS", "[]"),
            ("SENTINEL FLUSHCONFIG", "OK"),
            (
                "SENTINEL IS-MASTER-DOWN-BY-ADDR 10.0.0.1 6379 5 abc",
                "[:0 * :0]",
            ),
            (
                "SENTINEL CONFIG GET announce-p* ANNOUNCE-PORT nope",
                "[announce-port 0]",
            ),
            ("COMMAND COUNT", ":16"),
            (
                "COMMAND LIST FILTERBY PATTERN *ubscribe",
                "[psubscribe punsubscribe subscribe unsubscribe]",
            ),
            ("COMMAND DOCS nope", "[]"),
            ("COMMAND INFO nope", "[nil]"),
            ("CLIENT ID", ":7"),
            ("CLIENT GETNAME", "nil"),
            ("CLIENT SETNAME me", "OK"),
            ("CLIENT GETNAME", "me"),
            ("CLIENT SETINFO lib-name redis-py", "OK"),
            ("CLIENT NO-EVICT on", "OK"),
            ("CLIENT KILL ID 99", ":0"),
            ("ACL WHOAMI", "default"),
            ("ACL USERS", "[default]"),
            ("ACL LIST", "[user default on nopass ~* &* +@all]"),
            ("ACL GETUSER nope", "nil"),
            (
                "ACL CAT pubsub",
                "[psubscribe publish punsubscribe subscribe unsubscribe]",
            ),
            ("ACL DRYRUN default sentinel masters", "OK"),
            ("INFO replication", ""),
            ("UNSUBSCRIBE", "[unsubscribe nil :0]"),
            (
                "HELLO",
                "[server redis version 7.2.4 proto :2 id :7 mode sentinel modules []]",
            ),
            (
                "HELLO 3",
                "{server: redis, version: 7.2.4, proto: :3, id: :7, mode: sentinel, modules: []}",
            ),
            ("SENTINEL CONFIG GET announce-port", "{announce-port: 0}"),
            (
                "ACL GETUSER default",
                "{flags: ~[on nopass], passwords: [], commands: +@all, keys: ~*, channels: &*, selectors: []}",
            ),
            (
                "CLIENT TRACKINGINFO",
                "{flags: ~[off], redirect: :-1, prefixes: []}",
            ),
            (
                "HELLO 2",
                "[server redis version 7.2.4 proto :2 id :7 mode sentinel modules []]",
            ),
        ],
    );
    assert_eq!(
        talk.ask("SENTINEL INFO-CACHE mymaster")
            .matches("[:300 # Server")
            .count(),
        3
    );
    assert!(
        talk.ask("SENTINEL HELP")
            .starts_with("[SENTINEL <subcommand>")
    );
    assert_eq!(talk.ask("ACL GENPASS").len(), 64);
    assert_eq!(talk.ask("ACL GENPASS 5").len(), 2);
    let info = talk.ask("INFO");
    let sections: Vec<_> = info.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(
        sections,
        ["# Server", "# Clients", "# Stats", "# CPU", "# Sentinel"]
    );
    assert_eq!(talk.ask("INFO everything").matches("# ").count(), 5);
    assert_eq!(talk.ask("INFO server sentinel").matches("# ").count(), 2);
}

#[test]
fn a_sentinel_tells_what_it_finds_and_never_votes() {
    let mut down = group();
    down.primary.as_mut().unwrap().s_down_since = Some(NOW - 1);
    let mut view = view_of(down);
    let line = "SENTINEL IS-MASTER-DOWN-BY-ADDR 10.0.0.1 6379 5 abc";
    assert_eq!(Talk::new(view.clone()).ask(line), "[:1 * :0]");
    assert_eq!(
        Talk::new(view.clone()).ask("SENTINEL is-primary-down-by-addr 10.0.0.1 1 5 *"),
        "[:0 * :0]"
    );
    view.tilt_since = Some(NOW - 1);
    assert_eq!(Talk::new(view).ask(line), "[:0 * :0]");
}

#[test]
fn ckquorum_counts_those_that_answer() {
    let verdict = |down: usize, known: u16, quorum: u32| {
        let mut group = group();
        group.quorum = quorum;
        group.sentinels = (1..known).map(common::peer).collect();
        group
            .sentinels
            .iter_mut()
            .take(down)
            .for_each(|peer| peer.s_down_since = Some(1));
        Talk::new(view_of(group)).ask("SENTINEL CKQUORUM mymaster")
    };
    let quorum = "Not enough available Sentinels to reach the specified quorum for this master";
    let majority = "Not enough available Sentinels to reach the majority and authorize a failover";
    assert_eq!(
        verdict(0, 3, 2),
        "OK 3 usable Sentinels. Quorum and failover authorization can be reached"
    );
    assert_eq!(
        verdict(1, 3, 2),
        "OK 2 usable Sentinels. Quorum and failover authorization can be reached"
    );
    assert_eq!(
        verdict(0, 3, 4),
        format!("-NOQUORUM 3 usable Sentinels. {quorum}")
    );
    assert_eq!(
        verdict(3, 5, 2),
        format!("-NOQUORUM 2 usable Sentinels. {majority}")
    );
    assert_eq!(
        verdict(2, 3, 2),
        format!("-NOQUORUM 1 usable Sentinels. {quorum}. {majority}")
    );
}

/// A stranger is a client of another machine that gave no password.
#[test]
fn strangers_give_no_orders() {
    let mut talk = Talk::stranger(Acl::default());
    for order in [
        "ACL SETUSER default off",
        "ACL DELUSER somebody",
        "ACL LIST",
        "ACL GETUSER default",
        "SENTINEL FAILOVER mymaster",
        "SENTINEL FAILOVER mymaster coordinated",
        "SENTINEL SET mymaster parallel-syncs 2",
        "SENTINEL RESET *",
        "SENTINEL REMOVE mymaster",
        "SENTINEL MONITOR other 127.0.0.1 6379 2",
        "SENTINEL CONFIG SET announce-ip 1.2.3.4",
        "CLIENT KILL TYPE normal",
        "CLIENT PAUSE 1000",
        "SHUTDOWN",
        "HOLDFAST FAILOVER mymaster",
        "HOLDFAST FORCE mymaster redis-0",
        "HOLDFAST FORGET mymaster redis-0",
    ] {
        let said = talk.ask(order);
        assert!(said.starts_with("-NOPERM Holdfast: "), "{order}: {said}");
        assert!(said.contains("open_administration"), "{order}: {said}");
    }
    assert_eq!(talk.ask("PING"), "PONG", "nobody is locked out");
    let told = talk.ask("SENTINEL GET-MASTER-ADDR-BY-NAME mymaster");
    assert!(told.contains("6379"), "{told}");
    assert!(talk.ask("SENTINEL MASTERS").contains("mymaster"));
    assert_eq!(talk.ask("CLIENT SETNAME app"), "OK");
    let asked = talk.run("HOLDFAST STATUS").0;
    assert!(matches!(asked, Outcome::Action(ActionKind::Holdfast(_), _)));
}

#[test]
fn a_password_makes_a_stranger_known() {
    let lines = ["user root on >secret +@all", "user open on nopass +@all"];
    let acl = || Acl::from_configuration(None, &lines).unwrap();
    let order = "HOLDFAST FAILOVER mymaster";
    let mut talk = Talk::stranger(acl());
    assert!(talk.ask(order).starts_with("-NOPERM"));
    assert_eq!(talk.ask("AUTH root secret"), "OK");
    assert!(matches!(talk.run(order).0, Outcome::Action(..)));
    assert_eq!(talk.ask("AUTH open anything"), "OK", "which proves nothing");
    assert!(talk.ask(order).starts_with("-NOPERM"));

    let mut talk = Talk::stranger(acl());
    assert!(!talk.ask("HELLO 3 AUTH root secret").starts_with('-'));
    assert!(matches!(talk.run(order).0, Outcome::Action(..)));
}

#[test]
fn changes_are_forwarded() {
    let mut talk = Talk::new(view_of(group()));
    let mut forwarded = |line: &str| match talk.run(line) {
        (Outcome::Action(kind, form), None) => (kind, form),
        other => panic!("{line}: {other:?}"),
    };
    let group = || "mymaster".to_owned();
    let failover = |coordinated| {
        (
            ActionKind::Failover {
                group: group(),
                coordinated,
            },
            ReplyForm::Ok,
        )
    };
    assert_eq!(forwarded("SENTINEL FAILOVER mymaster"), failover(false));
    assert_eq!(
        forwarded("SENTINEL FAILOVER mymaster coordinated"),
        failover(true)
    );
    assert_eq!(
        forwarded("SENTINEL RESET my*"),
        (
            ActionKind::Reset {
                pattern: "my*".to_owned()
            },
            ReplyForm::Integer
        )
    );
    let settings = vec![
        Setting::DownAfterMs(1000),
        Setting::FailoverTimeoutMs(60_000),
        Setting::ParallelSyncs(2),
    ];
    assert_eq!(
        forwarded(
            "SENTINEL SET mymaster down-after-milliseconds 1000 Failover-Timeout 60000 parallel-syncs 2"
        ),
        (
            ActionKind::Set {
                group: group(),
                settings
            },
            ReplyForm::Ok
        )
    );
    let words = vec!["STATUS".to_owned(), "mymaster".to_owned()];
    assert_eq!(
        forwarded("HOLDFAST STATUS mymaster"),
        (ActionKind::Holdfast(words), ReplyForm::Bulk)
    );
    assert_eq!(talk.ask("SENTINEL RESET other*"), ":0");
    let help = talk.ask("HOLDFAST HELP");
    for word in ["DECISIONS", "FAILOVER", "FORCE", "FORGET", "STATUS"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert_eq!(
        talk.ask("HOLDFAST"),
        "-ERR wrong number of arguments for 'holdfast' command"
    );
}

#[test]
fn answers_to_actions() {
    let cases = [
        (ReplyForm::Ok, Ok("anything"), "OK"),
        (ReplyForm::Integer, Ok("3"), ":3"),
        (ReplyForm::Bulk, Ok("{}"), "{}"),
        (
            ReplyForm::Ok,
            Err("INPROG Failover already in progress"),
            "-INPROG Failover already in progress",
        ),
        (ReplyForm::Bulk, Err("no such group"), "-ERR no such group"),
        (ReplyForm::Bulk, Err("A word"), "-ERR A word"),
    ];
    for (form, answer, reply) in cases {
        let mut out = Vec::new();
        let answer = answer.map(str::to_owned).map_err(str::to_owned);
        form.write(&answer, holdfast_resp::Proto::Resp2, &mut out);
        let value = decode(&mut BytesMut::from(&out[..]), &Limits::REPLY)
            .unwrap()
            .unwrap();
        assert_eq!(shown(&value), reply);
    }
}

#[test]
fn authentication() {
    let acl = Acl::from_configuration(
        Some("secret"),
        &["user bob on >pw -@all +ping +sentinel|myid &+switch-master +subscribe"],
    );
    let mut talk = Talk::with_acl(view_of(group()), acl.unwrap());
    let first = "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option \
        can be used to authenticate the client and select the RESP protocol version at the same time";
    let noperm = |command: &str| {
        format!("-NOPERM this user has no permissions to run the '{command}' command")
    };
    table(
        &mut talk,
        &[
            ("PING", "-NOAUTH Authentication required."),
            ("SENTINEL MASTERS", "-NOAUTH Authentication required."),
            (
                "SENTINEL FOO",
                "-ERR unknown subcommand 'FOO'. Try SENTINEL HELP.",
            ),
            ("HELLO 3", first),
            (
                "AUTH wrong",
                "-WRONGPASS invalid username-password pair or user is disabled.",
            ),
            (
                "HELLO 2 AUTH bob no",
                "-WRONGPASS invalid username-password pair or user is disabled.",
            ),
            ("PING", "-NOAUTH Authentication required."),
            ("AUTH bob pw", "OK"),
            ("PING", "PONG"),
            ("SENTINEL MYID", "ffffffffffffffffffffffffffffffffffffffff"),
            ("SENTINEL MASTERS", &noperm("sentinel|masters")),
            (
                "SUBSCRIBE +sdown",
                "-NOPERM this user has no permissions to access one of the channels used as arguments",
            ),
            ("PSUBSCRIBE *", &noperm("psubscribe")),
            ("AUTH secret", "OK"),
            ("ACL WHOAMI", "default"),
            ("AUTH default secret", "OK"),
            ("ACL DELUSER bob", ":1"),
            (
                "AUTH bob pw",
                "-WRONGPASS invalid username-password pair or user is disabled.",
            ),
        ],
    );
    talk.ask("ACL SETUSER eve on nopass +@all");
    talk.ask("AUTH eve x");
    assert_eq!(talk.ask("ACL DELUSER eve"), ":1");
    assert_eq!(
        talk.ask("PING"),
        "-NOAUTH Authentication required.",
        "a deleted user must lose its rights"
    );
}

#[test]
fn no_password_configured() {
    let text = "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration \
        is correct?";
    table(
        &mut Talk::new(view_of(group())),
        &[("AUTH x", text), ("AUTH default x", "OK")],
    );
}

#[test]
fn subscriptions() {
    let bound = "-ERR Can't execute 'sentinel|myid': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
        this context";
    table(
        &mut Talk::new(view_of(group())),
        &[
            ("SUBSCRIBE a", "[subscribe a :1]"),
            ("PSUBSCRIBE b*", "[psubscribe b* :2]"),
            ("SUBSCRIBE a", "[subscribe a :2]"),
            ("PING", "[pong ]"),
            ("PING x", "[pong x]"),
            ("SENTINEL MYID", bound),
            (
                "FOO",
                "-ERR unknown command 'FOO', with args beginning with: ",
            ),
            ("UNSUBSCRIBE", "[unsubscribe a :1]"),
            ("PUNSUBSCRIBE nope", "[punsubscribe nope :1]"),
            ("PUNSUBSCRIBE", "[punsubscribe b* :0]"),
            ("PING", "PONG"),
        ],
    );
    table(
        &mut Talk::resp3(view_of(group())),
        &[
            ("SUBSCRIBE a", ">[subscribe a :1]"),
            ("PING", "PONG"),
            ("SENTINEL PENDING-SCRIPTS", "[]"),
            ("UNSUBSCRIBE x", ">[unsubscribe x :1]"),
        ],
    );
}

#[test]
fn replies_can_be_turned_off() {
    table(
        &mut Talk::new(view_of(group())),
        &[
            ("CLIENT REPLY OFF", "nothing"),
            ("PING", "nothing"),
            ("CLIENT REPLY ON", "OK"),
            ("CLIENT REPLY SKIP", "nothing"),
            ("PING", "nothing"),
            ("PING", "PONG"),
        ],
    );
    let mut talk = Talk::new(view_of(group()));
    talk.ask("CLIENT REPLY OFF");
    assert!(matches!(
        talk.run("SENTINEL FAILOVER mymaster"),
        (Outcome::Action(_, ReplyForm::Muted), None)
    ));
}

#[test]
fn every_command_of_the_contract_exists() {
    let mut talk = Talk::new(view_of(group()));
    let all = "acl auth client command hello info ping psubscribe publish punsubscribe role sentinel shutdown subscribe unsubscribe";
    let list = talk.ask("COMMAND LIST");
    for name in all.split(' ') {
        assert!(
            format!(" {}", list.replace('[', " ")).contains(&format!(" {name} "))
                || list.contains(&format!(" {name}]")),
            "{name}"
        );
    }
    let (_, value) = talk.run("COMMAND");
    for entry in value.unwrap().as_slice().unwrap() {
        assert_eq!(entry.as_slice().unwrap().len(), 10);
    }
    assert!(talk.ask("COMMAND DOCS").contains("summary"));
}

mod anything {
    use proptest::prelude::*;

    use super::{Talk, group, view_of};

    /// Words that lead deep into the commands, and some that lead nowhere.
    fn word() -> impl Strategy<Value = String> {
        let known = "acl auth client command hello holdfast info ping psubscribe publish punsubscribe role sentinel shutdown \
            subscribe unsubscribe cat deluser dryrun genpass getuser setuser log whoami caching getname kill list reply setinfo \
            setname tracking unblock pause count docs getkeys ckquorum config failover get-master-addr-by-name info-cache \
            is-master-down-by-addr master masters replicas reset sentinels set mymaster default on off skip id type addr user \
            skipme no normal pubsub get 3 2 0 -1 99999999999999999999 * [a (x >pw +@all -@all +ping ~* &* reset filterby pattern \
            aclcat admin down-after-milliseconds quorum 127.0.0.1 6379 10.0.0.1";
        let known: Vec<_> = known.split_ascii_whitespace().map(str::to_owned).collect();
        prop_oneof![8 => prop::sample::select(known), 1 => "[^ ]{0,12}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Whatever a client sends, the handler returns, and the first thing that it writes is a well-formed reply.
        #[test]
        fn what_a_client_sends_never_panics(lines in prop::collection::vec(prop::collection::vec(word(), 1..6), 1..8)) {
            let mut talk = Talk::new(view_of(group()));
            for words in lines {
                talk.run(&words.join(" "));
            }
        }
    }
}
