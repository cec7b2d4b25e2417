//! What can be wrong with memory, disks and processes.

use super::evidence::{Disk, Evidence, Server};
use super::finding::Finding;
use super::nodes::field;
use crate::units::bytes;
use holdfast_cluster::Manifest;
use nix::sys::signal::kill;
use nix::unistd::Pid;

const LITTLE_DISK_BYTES: u64 = 256 * 1024 * 1024;

pub(super) fn check(evidence: &Evidence) -> Vec<Finding> {
    let unheard = evidence
        .servers
        .iter()
        .filter(|server| !known_away(server, evidence));
    let mut findings: Vec<Finding> = unheard.filter_map(unreadable).collect();
    findings.extend(evidence.servers.iter().filter_map(large_backlog));
    findings.extend(evidence.servers.iter().filter_map(full_memory));
    findings.extend(evidence.servers.iter().filter_map(no_room_to_fork));
    findings.extend(evidence.servers.iter().filter_map(failed_save));
    findings.extend(evidence.disks.iter().filter_map(disk));
    findings.extend(processes(evidence));
    findings
}

/// States in which a redis-server answers nobody.
const AWAY: [&str; 7] = [
    "down", "gone", "silent", "hung", "busy", "paused", "crowded",
];

/// The sentinels say so themselves: another finding tells it, with the reason.
fn known_away(server: &Server, evidence: &Evidence) -> bool {
    let status = evidence.observation.best();
    status.is_some_and(|status| {
        let mut away = status
            .nodes
            .iter()
            .filter(|node| AWAY.contains(&node.state.as_str()));
        away.any(|node| node.name == server.name)
    })
}

fn unreadable(server: &Server) -> Option<Finding> {
    let said = server.info.as_ref().err()?;
    let (name, address) = (&server.name, &server.address);
    Some(
        if said.starts_with("NOAUTH") || said.starts_with("WRONGPASS") {
            Finding::warning(
                "node-password",
                format!("{name} at {address} was not examined: {said}"),
                "give the file with its password with --node-password-file",
            )
        } else if said.starts_with("ERR max number of clients") {
            Finding::problem(
                "node-crowded",
                format!(
                    "{name} at {address} has no place for another client: maxclients is reached"
                ),
                "raise maxclients, or find who opens so many connections: `holdfast clients`",
            )
        } else {
            Finding::problem(
                "node-unreachable",
                format!("{name} at {address} does not answer from here: {said}"),
                "if the sentinels hear of it, the network between here and there is cut",
            )
        },
    )
}

fn number(server: &Server, key: &str) -> Option<u64> {
    field(server, key)?.parse().ok()
}

/// redis counts the backlog in `maxmemory`: where it takes much of that, eviction evicts data that would fit.
fn large_backlog(server: &Server) -> Option<Finding> {
    let most = number(server, "maxmemory").filter(|most| *most > 0)?;
    let size = number(server, "repl_backlog_size")?;
    (size > most / 4).then(|| {
        Finding::warning(
            "backlog-large",
            format!(
                "{} may use {}, and its replication backlog may take {} of that from the data",
                server.name,
                bytes(most),
                bytes(size)
            ),
            "take repl-backlog-size out of redis_conf (Holdfast then keeps to an eighth of maxmemory), or raise maxmemory; \
             an eviction policy would evict live data",
        )
    })
}

fn full_memory(server: &Server) -> Option<Finding> {
    let (used, most) = (number(server, "used_memory")?, number(server, "maxmemory")?);
    if large_backlog(server).is_some() {
        return None;
    }
    let refuses = field(server, "maxmemory_policy") == Some("noeviction");
    (refuses && most > 0 && used > most / 10 * 9).then(|| {
        Finding::warning(
            "memory-full",
            format!(
                "{} uses {} of the {} that it may; at the limit it refuses writes",
                server.name,
                bytes(used),
                bytes(most)
            ),
            "raise maxmemory, delete keys, or set an eviction policy",
        )
    })
}

/// BGSAVE and a full sync fork: in the worst case every page is written while the child lives.
fn no_room_to_fork(server: &Server) -> Option<Finding> {
    let (rss, total) = (
        number(server, "used_memory_rss")?,
        number(server, "total_system_memory")?,
    );
    (total > 0 && rss.saturating_mul(2) > total).then(|| {
        Finding::warning(
            "memory-headroom",
            format!(
                "{} uses {} of the machine's {}: a snapshot or a full sync may need as much again",
                server.name,
                bytes(rss),
                bytes(total)
            ),
            "give the machine more memory, or lower maxmemory to 45 % of it",
        )
    })
}

fn failed_save(server: &Server) -> Option<Finding> {
    let failed = |key| field(server, key).is_some_and(|status| status == "err");
    let what = if failed("rdb_last_bgsave_status") {
        "its last snapshot failed"
    } else if failed("aof_last_write_status") {
        "its append-only file could not be written"
    } else {
        return None;
    };
    Some(Finding::problem(
        "save-failed",
        format!("{}: {what}", server.name),
        "usually a full disk or a missing permission on its data folder: its log has the reason",
    ))
}

fn disk(disk: &Disk) -> Option<Finding> {
    let (free, total) = (disk.free_bytes, disk.total_bytes);
    let what = format!(
        "{} keeps its data in {}, where {} of {} are free",
        disk.node,
        disk.path.display(),
        bytes(free),
        bytes(total)
    );
    let advice = "free some space before writes are refused";
    if free < LITTLE_DISK_BYTES / 16 {
        Some(Finding::problem("disk-full", what, advice))
    } else if free < LITTLE_DISK_BYTES || free < total / 50 {
        Some(Finding::warning("disk-nearly-full", what, advice))
    } else {
        None
    }
}

/// The one thing that there is to say when nothing of the group runs; what does not answer follows from it.
pub(super) fn not_running(evidence: &Evidence) -> Option<Finding> {
    let all = named(evidence.manifest.as_ref()?);
    let unheard = evidence.observation.statuses().next().is_none();
    (unheard && all.iter().all(|(_, pid)| !runs(*pid))).then(|| {
        Finding::problem(
            "not-running",
            "none of the group's processes runs",
            "start it: holdfast up, with the same --dir",
        )
    })
}

fn processes(evidence: &Evidence) -> Option<Finding> {
    let all = named(evidence.manifest.as_ref()?);
    let down: Vec<&str> = all
        .iter()
        .filter(|(_, pid)| !runs(*pid))
        .map(|(name, _)| name.as_str())
        .collect();
    (!down.is_empty()).then(|| {
        Finding::problem(
            "process-down",
            format!("not running: {}", down.join(", ")),
            "`holdfast up` starts a process again within 5 s; if it stays down, its log in the group's folder has the reason",
        )
    })
}

/// All processes of the group, by what a person calls them.
fn named(manifest: &Manifest) -> Vec<(String, Option<i32>)> {
    let sentinels = manifest
        .sentinels
        .iter()
        .map(|entry| (entry.name.clone(), entry.pid));
    let agents = manifest
        .nodes
        .iter()
        .map(|entry| (format!("the agent of {}", entry.name), entry.agent_pid));
    let servers = manifest.nodes.iter().map(|entry| {
        (
            format!("the redis-server of {}", entry.name),
            entry.server_pid,
        )
    });
    sentinels.chain(agents).chain(servers).collect()
}

fn runs(pid: Option<i32>) -> bool {
    pid.is_some_and(lives)
}

fn lives(pid: i32) -> bool {
    // Another user's process lives as well.
    !matches!(
        kill(Pid::from_raw(pid), None),
        Err(nix::errno::Errno::ESRCH)
    )
}
