//! The primary is killed under load while replicas are frozen: what was acknowledged is there.

use crate::client::{Client, text};
use crate::group::Group;
use holdfast_core::mutant::Mutant;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Writes keys until its connection ends; returns those that were acknowledged.
fn write(port: u16, writer: usize, pipeline: usize, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut client = Client::connect(port);
    let mut acknowledged = Vec::new();
    for round in 0.. {
        let keys: Vec<String> = (0..pipeline)
            .map(|n| format!("{writer}:{round}:{n}"))
            .collect();
        if stop.load(Ordering::Relaxed) {
            break;
        }
        for key in &keys {
            let mut bytes = Vec::new();
            holdfast_resp::encode_command(&["SET", key, "x"], &mut bytes);
            if std::io::Write::write_all(&mut client.stream, &bytes).is_err() {
                return acknowledged;
            }
        }
        for key in keys {
            match client.try_read() {
                Ok(reply) if text(&reply) == "OK" => acknowledged.push(key),
                _ => return acknowledged,
            }
        }
    }
    acknowledged
}

const MEMORY_ONLY: &str = "appendonly no\nsave \"\"";

/// One round: acknowledged writes, and how many of them the best replica does not have.
async fn round(mutant: Mutant) -> (usize, usize) {
    let group = Group::start_with(3, 1, MEMORY_ONLY, mutant).await;
    kill(group, 3, mutant).await
}

/// The same, with a replica that is no member and stays connected: nobody will ask it for anything.
async fn round_with_stranger(mutant: Mutant) -> (usize, usize) {
    let mut group = Group::start_with(3, 1, MEMORY_ONLY, mutant).await;
    let stranger = group.replicas.pop();
    let cut = group.cuts.pop();
    group.primary.gate.order(group.hold(2, 1));
    let counted = kill(group, 2, mutant).await;
    drop((stranger, cut));
    counted
}

/// Kills the primary under load, with its members cut off one after the other.
async fn kill(mut group: Group, members: usize, mutant: Mutant) -> (usize, usize) {
    let (port, stop) = (group.primary.port(), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = [1, 1, 16, 64]
        .into_iter()
        .enumerate()
        .map(|(number, pipeline)| {
            let stop = stop.clone();
            std::thread::spawn(move || write(port, number, pipeline, stop))
        })
        .collect();
    // One after the other is cut off, then the primary dies.
    for cut in &group.cuts {
        std::thread::sleep(Duration::from_millis(100));
        cut.cut();
    }
    std::thread::sleep(Duration::from_millis(250));
    group.primary.gate.serve(None);
    group.primary.node.server.kill();
    stop.store(true, Ordering::Relaxed);
    let acknowledged: Vec<String> = writers
        .into_iter()
        .flat_map(|one| one.join().unwrap())
        .collect();
    let mut offsets = Vec::new();
    for replica in &mut group.replicas {
        offsets.push(replica.node.link.seal().await.unwrap().replication.offset);
    }
    let best = (0..members).max_by_key(|number| offsets[*number]).unwrap();
    let survivor = &mut group.replicas[best].node;
    let mut found = 0;
    for keys in acknowledged.chunks(500) {
        let command: Vec<&str> = std::iter::once("EXISTS")
            .chain(keys.iter().map(String::as_str))
            .collect();
        found += survivor
            .link
            .command(&command)
            .await
            .unwrap()
            .as_integer()
            .unwrap();
    }
    let lost = acknowledged.len() - usize::try_from(found).unwrap();
    eprintln!(
        "{mutant:?}: {} acknowledged, {lost} lost, offsets {offsets:?}",
        acknowledged.len()
    );
    (acknowledged.len(), lost)
}

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    for _ in 0..3 {
        let (acknowledged, lost) = round(Mutant::None).await;
        assert!(acknowledged > 100);
        assert_eq!(lost, 0);
    }
}

#[tokio::test]
async fn a_planted_bug_loses() {
    let (acknowledged, lost) = round(Mutant::ReleaseEarly).await;
    assert!(acknowledged > 100);
    assert!(lost > 0, "the test cannot see a loss");
}

#[tokio::test]
async fn counting_what_wait_says_loses() {
    let (_, lost) = round_with_stranger(Mutant::None).await;
    assert_eq!(lost, 0);
    let (_, lost) = round_with_stranger(Mutant::TrustWait).await;
    assert!(lost > 0, "the test cannot see a loss");
}
