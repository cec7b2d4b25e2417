//! What can be wrong with the nodes.

use super::evidence::{Evidence, Server};
use super::finding::Finding;
use crate::units::bytes;
use holdfast_core::status::{GroupStatus, NodeStatus};

/// A replica this far behind would take long to catch up, or lose much in `async`.
const MUCH_LAG_BYTES: u64 = 16 * 1024 * 1024;

pub(super) fn check(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(status) = evidence.observation.best() {
        findings.extend(primary(status));
        findings.extend(replicas(status));
        findings.extend(status.nodes.iter().filter_map(state));
        findings.extend(status.nodes.iter().filter_map(lag));
        findings.extend(never_chosen(status));
        findings.extend(impostors(status, evidence));
    }
    findings
}

fn primary(status: &GroupStatus) -> Option<Finding> {
    let Some(name) = &status.primary else {
        let why = status
            .trouble
            .clone()
            .unwrap_or_else(|| "no primary has been chosen".to_owned());
        return Some(Finding::problem(
            "no-primary",
            why,
            "the nodes below say why; a majority of sentinels and one node with the newest data are needed",
        ));
    };
    let writable = status
        .nodes
        .iter()
        .any(|node| node.name == *name && node.writable);
    (!writable).then(|| {
        Finding::problem(
            "primary-closed",
            format!("{name} is primary, but takes no writes"),
            "if this lasts longer than a second, its agent does not reach a majority of sentinels: check the network between them",
        )
    })
}

fn replicas(status: &GroupStatus) -> Option<Finding> {
    let replicas: Vec<&NodeStatus> = status
        .nodes
        .iter()
        .filter(|node| Some(&node.name) != status.primary.as_ref())
        .collect();
    if status.primary.is_none() || replicas.iter().any(|node| node.state == "up") {
        return None;
    }
    Some(if replicas.is_empty() {
        Finding::warning(
            "no-replicas",
            "there are no replicas: nothing can fail over, and the loss of the disk is the loss of the data",
            "run with --replicas 2 or more",
        )
    } else {
        Finding::problem(
            "no-successor",
            "no replica is ready to take over",
            "bring one back up; the findings on each node say what it lacks",
        )
    })
}

fn state(node: &NodeStatus) -> Option<Finding> {
    let name = &node.name;
    let why = node
        .reason
        .as_deref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    let finding = |code, what: &str, advice: &str| {
        Some(Finding::problem(
            code,
            format!("{name} {what}{why}"),
            advice,
        ))
    };
    match node.state.as_str() {
        "silent" => finding(
            "node-silent",
            "is not heard of",
            "its machine or its network is gone: check both; it rejoins by itself",
        ),
        "hung" => finding(
            "node-hung",
            "hangs: its redis-server does not answer PING",
            "look for a long script (SCRIPT KILL), swapping or a stuck disk; restart it if it stays",
        ),
        "down" if node.refused => finding(
            "node-refused",
            "is down: its redis-server is not started on the files that are there",
            "nothing there is touched, and it starts by itself once they can be read: do what it says, or where another node has the data stop \
             its agent, move its data folder away and start it again, so that it copies everything; docs/recovering.md has the commands",
        ),
        "down" => finding(
            "node-down",
            "is down: its redis-server does not run",
            "its agent starts it again; if it keeps ending, the agent's log has the reason",
        ),
        "gone" => finding(
            "node-gone",
            "is gone: its agent has ended",
            "start its agent again, or remove the node if that was meant",
        ),
        "doubted" => finding(
            "node-doubted",
            "is in doubt: its data are not those for which a position is known, so it has no vote",
            "while another node has what was noted it copies that, and keeps its own files in a folder set-aside-… beside them; where none \
             has, compare the keys in `holdfast status` and decide with `holdfast force NODE --accept-loss`",
        ),
        "quarantined" => finding(
            "node-quarantined",
            "is quarantined: it holds data of unknown origin, which is neither synced from nor wiped",
            "if its data is this group's, start its agent with --adopt; if not, empty its data folder",
        ),
        "withheld" => finding(
            "node-withheld",
            "is withheld: it holds keys that the group went on without, and does not give them up by itself",
            "read them from its redis-server and write them to the primary; then stop its agent, empty its data folder and start it again",
        ),
        "stuck" => finding(
            "node-stuck",
            "cannot copy the primary's data",
            "mend what it says; copies that fail are tried again after pauses of up to a minute, one that surely cannot be read is not begun",
        ),
        "busy" => finding(
            "node-busy",
            "runs a script and answers nothing else",
            "wait for its limit, or end the script at once with SCRIPT KILL (a function: FUNCTION KILL)",
        ),
        "paused" => finding(
            "node-paused",
            "is paused",
            "find the client that says CLIENT PAUSE, and deny it that by ACL (`-client|pause`); CLIENT UNPAUSE waits as all else does",
        ),
        "crowded" => finding(
            "node-crowded",
            "has no place for another client",
            "raise maxclients, or find who opens so many connections: `holdfast clients`",
        ),
        "loading" | "syncing" | "starting" => Some(Finding::warning(
            "node-not-ready",
            format!("{name} is {}{why}", node.state),
            "wait: until it is done it cannot take over",
        )),
        _ => None,
    }
}

/// Who may never become primary, where that leaves too few.
fn never_chosen(status: &GroupStatus) -> Option<Finding> {
    let primary = |node: &&NodeStatus| Some(&node.name) == status.primary.as_ref();
    let others = || status.nodes.iter().filter(|node| !primary(node));
    let never = |node: &NodeStatus| node.priority == Some(0);
    (others().count() > 0 && others().all(never)).then(|| {
        let names: Vec<&str> = others().map(|node| node.name.as_str()).collect();
        Finding::problem(
            "never-chosen",
            format!(
                "no node could take over: {} may never become primary, for `priority` 0",
                names.join(", ")
            ),
            "give at least one of them another `priority` in its agent's configuration",
        )
    })
}

fn lag(node: &NodeStatus) -> Option<Finding> {
    let behind = node
        .lag_bytes
        .filter(|lag| *lag > MUCH_LAG_BYTES && node.role == "replica")?;
    Some(Finding::warning(
        "lag",
        format!("{} is {} behind the primary", node.name, bytes(behind)),
        "its network or its machine is slower than the writes; in async durability that much could be lost with the primary",
    ))
}

/// A node that takes itself for a primary while the register names another.
fn impostors(status: &GroupStatus, evidence: &Evidence) -> Vec<Finding> {
    let masters = evidence
        .servers
        .iter()
        .filter(|server| field(server, "role") == Some("master"));
    let wrong = masters.filter(|server| {
        status
            .primary
            .as_ref()
            .is_some_and(|primary| *primary != server.name)
    });
    wrong
        .map(|server| {
            Finding::problem(
                "second-primary",
                format!("{} at {} says that it is a master, but the register names another", server.name, server.address),
                "during a failover this lasts a moment; if it stays, that redis-server runs without its agent: stop it",
            )
        })
        .collect()
}

pub(super) fn field<'a>(server: &'a Server, key: &str) -> Option<&'a str> {
    server.info.as_ref().ok()?.get(key).map(String::as_str)
}
