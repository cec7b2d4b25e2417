#![allow(clippy::unwrap_used)]
use super::*;
use std::sync::atomic::{AtomicU16, Ordering};

/// Tests run side by side: each process id and each call looks for ports of its own.
fn own_base() -> u16 {
    static CALLS: AtomicU16 = AtomicU16::new(0);
    8_000 + (std::process::id() % 20) as u16 * 100 + CALLS.fetch_add(1, Ordering::Relaxed) * 10
}

fn spec(dir: &Path) -> Spec {
    Spec {
        base_port: Some(own_base()),
        ..Spec::new(dir, "/nowhere/holdfast")
    }
}

fn fit(spec: &Spec, previous: Option<Plan>) -> Result<Plan, StartError> {
    Plan::fit(spec, previous, &mut Ports::default())
}

#[test]
fn a_new_group_has_one_primary_three_replicas_and_three_sentinels() {
    let dir = tempfile::tempdir().unwrap();
    let spec = spec(dir.path());
    let plan = fit(&spec, None).unwrap();
    assert_eq!((plan.nodes.len(), plan.sentinels.len()), (4, 3));
    assert_eq!(plan.group.as_str(), "mymaster");
    assert_eq!(plan.cluster.as_str().len(), 32);
    assert!(plan.sentinels[0].clients.port >= spec.base_port.unwrap() + 20_000);
}

#[test]
fn a_resume_keeps_names_ports_and_identity() {
    let dir = tempfile::tempdir().unwrap();
    let first = fit(&spec(dir.path()), None).unwrap();
    first.save(dir.path()).unwrap();
    let loaded = Plan::load(dir.path()).unwrap();
    let again = fit(
        &Spec {
            base_port: None,
            ..spec(dir.path())
        },
        loaded,
    )
    .unwrap();
    assert_eq!(again, first);
}

#[test]
fn a_resume_moves_off_a_port_that_was_taken_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let spec = spec(dir.path());
    let first = fit(&spec, None).unwrap();
    let port = first.nodes[1].listen.port;
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let again = fit(&spec, Some(first.clone())).unwrap();
    assert_ne!(again.nodes[1].listen.port, port);
    assert_eq!(again.nodes[0], first.nodes[0]);
}

#[test]
fn a_group_grows_but_is_never_cut_or_renamed() {
    let dir = tempfile::tempdir().unwrap();
    let first = fit(&spec(dir.path()), None).unwrap();
    let grown = fit(
        &Spec {
            replicas: Some(4),
            ..spec(dir.path())
        },
        Some(first.clone()),
    )
    .unwrap();
    assert_eq!(grown.nodes.len(), 5);
    for wrong in [
        Spec {
            replicas: Some(1),
            ..spec(dir.path())
        },
        Spec {
            sentinels: Some(5),
            ..spec(dir.path())
        },
        Spec {
            group: Some("other".into()),
            ..spec(dir.path())
        },
    ] {
        assert!(
            matches!(
                fit(&wrong, Some(first.clone())),
                Err(StartError::BadInput(_))
            ),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_resume_waits_for_no_more_replicas_than_the_folder_has() {
    let dir = tempfile::tempdir().unwrap();
    let quorum = |replicas, sync_replicas| Spec {
        durability: holdfast_core::record::Durability::Quorum,
        replicas,
        sync_replicas,
        ..spec(dir.path())
    };
    let five = fit(&quorum(Some(5), 4), None).unwrap();
    assert!(fit(&quorum(None, 5), Some(five.clone())).is_ok());
    assert!(fit(&quorum(None, 6), Some(five)).is_err());
    let one = fit(&quorum(Some(1), 1), None).unwrap();
    assert!(fit(&quorum(None, 2), Some(one)).is_err());
}

#[test]
fn a_damaged_plan_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(PLAN_FILE);
    for text in ["", "{", "[]", r#"{"version":1}"#] {
        std::fs::write(&path, text).unwrap();
        let said = Plan::load(dir.path()).unwrap_err().to_string();
        assert!(said.contains("plan.json is damaged"), "{said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_folder_with_something_else_in_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("holiday.jpg"), "x").unwrap();
    let said = Plan::load(dir.path()).unwrap_err().to_string();
    assert!(said.contains("holiday.jpg"), "{said}");
}
