//! How urgent the gate's thread is.

use holdfast_agent::gate::Gate;
use holdfast_core::mutant::Mutant;
use holdfast_core::names::Address;

/// The niceness of this process's thread of this name, as `/proc` tells it.
fn niceness(of: &str) -> Option<i32> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let stats =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    stats.into_iter().find_map(|stat| {
        let (name, rest) = stat.rsplit_once(") ")?;
        let named = name.split_once('(')?.1 == of;
        named.then(|| rest.split(' ').nth(16)?.parse().ok())?
    })
}

#[test]
fn the_gate_shares_cores_with_the_server_though_the_agent_is_urgent() {
    if rustix::process::setpriority_process(None, -10).is_err() {
        eprintln!("not tried: this process may not raise its niceness");
        return;
    }
    let listen = Address::new("127.0.0.1", 0);
    let _gate = Gate::start(&listen, None, 1, Mutant::None, |_| true).unwrap();
    let mut seen = None;
    for _ in 0..200 {
        seen = niceness("gate");
        if seen == Some(0) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("niceness of the gate: {seen:?}");
}
