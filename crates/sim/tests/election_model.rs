//! Elections in `quorum` durability, exhaustively on a small group: three nodes, k = 1, the real arithmetic of
//! `core::syncset` and the real transitions of the record. A released write is in the data of every later
//! primary, whatever crashes, restarts blank or goes on alone, also while an epoch is not stable.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::too_many_lines)]

use holdfast_core::names::{Address, Incarnation, Node, Sentinel};
use holdfast_core::record::{Durability, Member, Phase, Record};
use holdfast_core::syncset::{Heard, SyncRule, may_elect};
use stateright::{Checker, Model, Property};

const NODES: usize = 3;
const WRITES: u8 = 2;
const EPOCHS: u64 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Server {
    run: u8,
    /// Values in the order in which they were applied, with the epoch whose stream brought them.
    log: Vec<u8>,
    /// Epoch of its history.
    epoch: u64,
    /// Nothing of an older epoch is followed or acknowledged.
    sealed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    record: Record,
    servers: Vec<Server>,
    written: u8,
    released: Vec<u8>,
    restarts: u8,
    lost: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    Write(usize),
    /// The first copies from the second, whose epoch it obeys.
    Follow(usize, usize),
    Release(usize),
    Electing,
    Seal(usize),
    Appoint(usize),
    Settle,
    Restart(usize),
}

struct Election {
    /// The planted bug: forgets the rule of the epoch before.
    skip_previous: bool,
    /// The planted bug: a restarted server counts as the one before.
    ignore_run: bool,
}

fn name(index: usize) -> Node {
    Node(format!("n{index}"))
}

fn member(index: usize, run: u8) -> Member {
    Member {
        node: name(index),
        incarnation: Incarnation(run.to_string()),
        address: Address::new("h", 1),
    }
}

impl Election {
    fn primary(state: &State) -> Option<usize> {
        let primary = state
            .record
            .primary
            .as_ref()
            .filter(|_| state.record.phase != Phase::Electing)?;
        (0..NODES).find(|index| {
            name(*index) == primary.node && Self::run(state, *index) == primary.incarnation
        })
    }

    fn run(state: &State, index: usize) -> Incarnation {
        Incarnation(state.servers[index].run.to_string())
    }

    fn heard(&self, state: &State, by: impl Fn(&Server) -> bool) -> Heard {
        let servers = state
            .servers
            .iter()
            .enumerate()
            .filter(|(_, server)| by(server));
        let run = |index: usize| {
            if self.ignore_run {
                Incarnation("0".into())
            } else {
                Self::run(state, index)
            }
        };
        servers
            .map(|(index, _)| (name(index), run(index)))
            .collect()
    }

    /// Who may be chosen: the furthest of those sealed, once enough are.
    fn choice(&self, state: &State) -> Option<usize> {
        let record = &state.record;
        let heard = self.heard(state, |server| server.sealed == record.epoch);
        let previous = record
            .previous_sync
            .as_ref()
            .filter(|_| !self.skip_previous);
        if record.phase != Phase::Electing || !may_elect(&record.sync, previous, &heard) {
            return None;
        }
        let sealed = (0..NODES).filter(|index| state.servers[*index].sealed == record.epoch);
        sealed.max_by_key(|index| {
            let server = &state.servers[*index];
            (server.epoch, server.log.len(), std::cmp::Reverse(*index))
        })
    }

    fn may_release(&self, state: &State, value: u8) -> bool {
        let has = |server: &Server| server.log.contains(&value);
        let rule = &state.record.sync;
        rule.k > 0
            && rule.may_commit(&self.heard(state, |server| {
                has(server) && server.sealed <= state.record.epoch
            }))
    }
}

impl Model for Election {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut record = Record::first(
            (0..NODES).map(name).collect(),
            member(0, 0),
            Durability::Quorum,
            &Sentinel::from("s"),
            String::new(),
        );
        record.phase = Phase::Stable;
        let others = (1..NODES)
            .map(|index| (name(index), Incarnation("0".into())))
            .collect();
        record.sync = SyncRule {
            members: others,
            k: 1,
            ..SyncRule::default()
        };
        let server = Server {
            run: 0,
            log: Vec::new(),
            epoch: 1,
            sealed: 1,
        };
        let servers = vec![server; NODES];
        vec![State {
            record,
            servers,
            written: 0,
            released: Vec::new(),
            restarts: 0,
            lost: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for index in 0..NODES {
            actions.extend([
                Action::Write(index),
                Action::Release(index),
                Action::Seal(index),
                Action::Restart(index),
            ]);
            actions.extend((0..NODES).map(|other| Action::Follow(index, other)));
        }
        actions.extend([Action::Electing, Action::Settle]);
        actions.extend(self.choice(state).map(Action::Appoint));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        let by = Sentinel::from("s");
        match action {
            // An old primary that was not sealed goes on writing to itself.
            Action::Write(index) => {
                let newest = last.record.history.len() as u64 + 1 >= state.servers[index].epoch;
                let rules = Self::primary(last) == Some(index)
                    || (index == 0 && state.servers[0].sealed == 1);
                if !rules
                    || !newest
                    || state.written == WRITES
                    || state.servers[index].sealed > state.servers[index].epoch
                {
                    return None;
                }
                state.written += 1;
                state.servers[index].log.push(state.written);
            }
            Action::Follow(index, from) => {
                let epoch = state.servers[from].epoch;
                let streams = Self::primary(last) == Some(from)
                    || (from == 0 && epoch == 1 && state.servers[0].sealed == 1);
                if index == from || !streams || state.servers[index].sealed > epoch {
                    return None;
                }
                let log = state.servers[from].log.clone();
                state.servers[index] = Server {
                    log,
                    epoch,
                    sealed: epoch,
                    ..state.servers[index].clone()
                };
            }
            // The gate of the epoch's own primary: it goes by the rule of that epoch.
            Action::Release(index) => {
                let value = *state.servers[index].log.last()?;
                let rules = Self::primary(last) == Some(index)
                    && state.servers[index].epoch == last.record.epoch;
                let stable = last.record.phase == Phase::Stable;
                if !rules
                    || !stable
                    || state.released.contains(&value)
                    || !self.may_release(last, value)
                {
                    return None;
                }
                state.released.push(value);
            }
            Action::Electing => {
                if last.record.epoch == EPOCHS {
                    return None;
                }
                state.record = last.record.electing(None, &by, String::new());
            }
            Action::Seal(index) => {
                if last.record.phase != Phase::Electing
                    || state.servers[index].sealed >= last.record.epoch
                {
                    return None;
                }
                state.servers[index].sealed = last.record.epoch;
            }
            Action::Appoint(index) => {
                let others = (0..NODES).filter(|other| {
                    *other != index && last.servers[*other].sealed == last.record.epoch
                });
                let members: std::collections::BTreeMap<_, _> = others
                    .map(|other| (name(other), Self::run(last, other)))
                    .collect();
                let k = usize::from(!members.is_empty());
                let sync = SyncRule {
                    members,
                    k,
                    ..SyncRule::default()
                };
                state.record = last.record.appointed(
                    member(index, last.servers[index].run),
                    sync,
                    &by,
                    String::new(),
                );
                state.servers[index].epoch = last.record.epoch;
                state.lost |= last
                    .released
                    .iter()
                    .any(|value| !last.servers[index].log.contains(value));
            }
            // Stable when k of the new sync set hold what the new primary holds.
            Action::Settle => {
                let primary =
                    Self::primary(last).filter(|_| last.record.phase == Phase::Appointed)?;
                let epoch = last.record.epoch;
                let behind = self.heard(last, |server| {
                    server.epoch == epoch && server.log.len() >= last.servers[primary].log.len()
                });
                if !last.record.sync.may_commit(&behind) {
                    return None;
                }
                state.record = last
                    .record
                    .settled(epoch.to_string(), 0, &by, String::new());
            }
            Action::Restart(index) => {
                if last.restarts == 1 {
                    return None;
                }
                state.restarts += 1;
                let run = state.servers[index].run + 1;
                state.servers[index] = Server {
                    run,
                    log: Vec::new(),
                    epoch: 0,
                    sealed: 0,
                };
            }
        }
        // The version and the reason tell nothing apart.
        state.record.version = 1;
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing released is lost", |_, state: &State| !state.lost),
            Property::sometimes(
                "a write is released in a second epoch",
                |_, state: &State| state.record.epoch == 2 && state.released.len() == 2,
            ),
            Property::sometimes("a third epoch is stable", |_, state: &State| {
                state.record.epoch == 3 && state.record.phase == Phase::Stable
            }),
        ]
    }
}

fn depth(default: usize) -> usize {
    std::env::var("ELECTION_DEPTH").map_or(default, |text| text.parse().unwrap())
}

#[test]
fn nothing_released_is_lost() {
    let model = Election {
        skip_previous: false,
        ignore_run: false,
    };
    let checker = model
        .checker()
        .threads(2)
        .target_max_depth(depth(60))
        .spawn_bfs()
        .join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn planted_bugs_are_found() {
    for model in [
        Election {
            skip_previous: true,
            ignore_run: false,
        },
        Election {
            skip_previous: false,
            ignore_run: true,
        },
    ] {
        let checker = model
            .checker()
            .threads(2)
            .target_max_depth(depth(60))
            .spawn_bfs()
            .join();
        println!("{} states", checker.unique_state_count());
        checker.assert_any_discovery("nothing released is lost");
    }
}
