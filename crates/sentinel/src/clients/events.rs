//! What happened, in the words of the Sentinel protocol.

use super::Clients;
use holdfast_core::names::{Address, Group, Node};
use holdfast_core::sentinel::{GroupState, Happening, SentinelCore};
use holdfast_protocol::{Event, Subject};

/// The protocol's address for one of the core.
pub(super) fn wire(address: &Address) -> holdfast_protocol::Address {
    holdfast_protocol::Address::new(address.host.clone(), address.port)
}

fn address_of(state: &GroupState, node: &Node) -> Option<holdfast_protocol::Address> {
    let reported = state
        .nodes()
        .get(node)
        .and_then(|n| n.report.as_ref()?.address.as_ref());
    let recorded = state
        .record()
        .and_then(|r| r.primary.as_ref())
        .filter(|p| p.node == *node)
        .map(|p| &p.address);
    reported.or(recorded).map(wire)
}

impl Clients {
    /// The events that tell of it, in the order in which upstream would publish them.
    pub(super) fn events_for(
        &self,
        core: &SentinelCore,
        group: &Group,
        happening: &Happening,
    ) -> Vec<Event> {
        if group.as_str().is_empty() {
            let peer = |peer, down| {
                core.groups()
                    .filter_map(move |(name, state)| self.peer_event(core, name, state, peer, down))
            };
            return match happening {
                Happening::PeerDown(name) => peer(name, true).collect(),
                Happening::PeerUp(name) => peer(name, false).collect(),
                _ => Vec::new(),
            };
        }
        core.group(group)
            .map(|state| group_events(group.as_str(), state, happening))
            .unwrap_or_default()
    }

    fn peer_event(
        &self,
        core: &SentinelCore,
        group: &Group,
        state: &GroupState,
        peer: &holdfast_core::names::Sentinel,
        down: bool,
    ) -> Option<Event> {
        let primary = wire(&state.announced()?.2);
        let id = core.voters().members.get(peer)?;
        let subject = Subject::sentinel(
            id,
            &wire(self.addresses.get(peer)?),
            group.as_str(),
            &primary,
        );
        Some(if down {
            Event::sdown(&subject)
        } else {
            Event::sdown_over(&subject)
        })
    }
}

fn group_events(name: &str, state: &GroupState, happening: &Happening) -> Vec<Event> {
    let Some((_, _, address)) = state.announced() else {
        return Vec::new();
    };
    let current = wire(address);
    let primary = Subject::primary(name, &current);
    let replica =
        |node: &Node| address_of(state, node).map(|at| Subject::replica(&at, name, &current));
    let about = |node: &Node, make: fn(&Subject) -> Event| {
        replica(node).iter().map(make).collect::<Vec<_>>()
    };
    match happening {
        Happening::Suspected(_) => vec![Event::sdown(&primary)],
        Happening::Cleared(_) => vec![Event::sdown_over(&primary)],
        Happening::Deposed(_, have, needed) => {
            vec![Event::odown(&primary, *have as u32, *needed as u32)]
        }
        Happening::Electing(epoch) => vec![
            Event::new_epoch(*epoch),
            Event::try_failover(&primary),
            Event::elected_leader(&primary),
            Event::select_slave(&primary),
        ],
        Happening::Appointed(node) => {
            let mut events = about(node, Event::selected_slave);
            events.extend(about(node, Event::promoted_slave));
            events.push(Event::reconf_slaves(&primary));
            events
        }
        Happening::Switched {
            from: Some(from),
            to,
        } => {
            vec![
                Event::failover_end(&primary),
                Event::switch_master(name, &wire(from), &wire(to)),
            ]
        }
        Happening::Replica(node) => about(node, Event::slave),
        Happening::ReplicaDown(node) => about(node, Event::sdown),
        Happening::ReplicaUp(node) => about(node, Event::sdown_over),
        Happening::Rebooted(node) => about(node, Event::reboot),
        Happening::Switched { from: None, .. }
        | Happening::PeerDown(_)
        | Happening::PeerUp(_)
        | Happening::VotersChanged => Vec::new(),
    }
}
