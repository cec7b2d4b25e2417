//! Elections and changes of the sync set in `quorum` durability, exhaustively on a small group: three nodes, k = 1, the
//! real arithmetic of `core::syncset` and the real transitions of the record. A released write is in the data of every
//! later primary, whatever crashes, restarts blank or goes on alone, also while a rule is new.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::too_many_lines)]

use holdfast_core::decided::Decided;
use holdfast_core::names::{Address, Incarnation, Node, Sentinel};
use holdfast_core::record::{Durability, Member, Phase, Record, Reign, Terms};
use holdfast_core::syncset::{Heard, SyncRule, may_elect};
use stateright::{Checker, Model, Property};

const NODES: usize = 3;
const WRITES: u8 = 2;
const EPOCHS: u64 = 3;
/// Changes of the sync set inside a reign.
const CHANGES: u8 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Server {
    run: u8,
    /// Values in the order in which they were applied, with the epoch whose stream brought them.
    log: Vec<u8>,
    /// Epoch of its history.
    epoch: u64,
    /// Nothing of an older epoch is followed or acknowledged. It is on disk: a restart does not forget it.
    sealed: u64,
    /// What its gate goes by, once it rules: an epoch and the members whose acknowledgement suffices.
    gate: Option<(u64, SyncRule)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    record: Record,
    servers: Vec<Server>,
    written: u8,
    released: Vec<u8>,
    restarts: u8,
    changes: u8,
    lost: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    Write(usize),
    /// The first copies from the second, whose epoch it obeys.
    Follow(usize, usize),
    /// A gate learns the rule of the record.
    Learn(usize),
    Release(usize),
    Confirm(usize),
    /// The sync set becomes the one without this node, or with it.
    Change(usize),
    Electing,
    Seal(usize),
    Appoint(usize),
    Settle,
    Restart(usize),
}

#[derive(Default)]
struct Election {
    /// The planted bug: forgets the rules before.
    skip_former: bool,
    /// The planted bug: a restarted server counts as the one before.
    ignore_run: bool,
    /// The planted bug: a former rule is dropped without the gate's word.
    forget_former: bool,
}

fn name(index: usize) -> Node {
    Node::from(format!("n{index}"))
}

fn member(index: usize, run: u8) -> Member {
    Member {
        node: name(index),
        incarnation: Incarnation::from(run.to_string()),
        address: Address::new("h", 1),
        server: None,
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
        Incarnation::from(state.servers[index].run.to_string())
    }

    fn heard(&self, state: &State, by: impl Fn(&Server) -> bool) -> Heard {
        let servers = state
            .servers
            .iter()
            .enumerate()
            .filter(|(_, server)| by(server));
        let run = |index: usize| {
            if self.ignore_run {
                Incarnation::from("0")
            } else {
                Self::run(state, index)
            }
        };
        servers
            .map(|(index, _)| (name(index), run(index)))
            .collect()
    }

    /// Sealed with data: a restarted one has no vote.
    fn votes(&self, server: &Server, epoch: u64) -> bool {
        server.sealed == epoch && (server.epoch > 0 || self.ignore_run)
    }

    /// Who may be chosen: the furthest of those sealed, once enough are.
    fn choice(&self, state: &State) -> Option<usize> {
        let record = &state.record;
        let votes = |server: &Server| self.votes(server, record.epoch);
        let heard = self.heard(state, votes);
        let sealed = || (0..NODES).filter(|index| votes(&state.servers[*index]));
        let reach = sealed().map(|i| state.servers[i].epoch).max()?;
        let former = if self.skip_former {
            &[][..]
        } else {
            &record.former
        };
        let ruler = record.primary.as_ref();
        let whole = ruler.is_some_and(|r| {
            sealed().any(|i| name(i) == r.node && Self::run(state, i) == r.incarnation)
        });
        if record.phase != Phase::Electing
            || !(whole || may_elect(&record.sync, former, &heard, reach))
        {
            return None;
        }
        sealed().max_by_key(|index| {
            let server = &state.servers[*index];
            (server.epoch, server.log.len(), std::cmp::Reverse(*index))
        })
    }

    /// How many of the members follow `of` and have all of `values`. The gate knows them by name alone.
    fn acked(state: &State, of: usize, rule: &SyncRule, values: &[u8]) -> bool {
        let epoch = state.servers[of].epoch;
        let has = |index: &usize| {
            let server = &state.servers[*index];
            server.epoch == epoch
                && server.sealed <= epoch
                && values.iter().all(|value| server.log.contains(value))
        };
        let members = (0..NODES).filter(|index| rule.members.contains_key(&name(*index)));
        members.filter(has).count() >= rule.k
    }

    fn rule(state: &State, without: usize, only: impl Fn(&Server) -> bool) -> SyncRule {
        let others = (0..NODES).filter(|index| *index != without && only(&state.servers[*index]));
        let members: Vec<Member> = others
            .map(|index| member(index, state.servers[index].run))
            .collect();
        SyncRule::of(members, 1)
    }
}

impl Model for Election {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let terms = Terms {
            durability: Durability::Quorum,
            ..Terms::default()
        };
        let mut record = Record::first(
            (0..NODES).map(name).collect(),
            member(0, 0),
            terms,
            &Sentinel::from("s"),
            Decided::default(),
        );
        record.phase = Phase::Stable;
        record.sync = SyncRule::of((1..NODES).map(|index| member(index, 0)), 1);
        let server = Server {
            run: 0,
            log: Vec::new(),
            epoch: 1,
            sealed: 1,
            gate: None,
        };
        let mut servers = vec![server; NODES];
        servers[0].gate = Some((1, record.sync.clone()));
        vec![State {
            record,
            servers,
            written: 0,
            released: Vec::new(),
            restarts: 0,
            changes: 0,
            lost: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for index in 0..NODES {
            actions.extend([
                Action::Write(index),
                Action::Learn(index),
                Action::Release(index),
                Action::Confirm(index),
                Action::Change(index),
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
        // Whoever has a gate rules as far as it knows: an old primary that was not sealed goes on for itself.
        let rules = |index: usize| {
            let server = &last.servers[index];
            let epoch = server.gate.as_ref().map(|(epoch, _)| *epoch);
            epoch == Some(server.epoch) && server.sealed <= server.epoch
        };
        match action {
            Action::Write(index) => {
                if !rules(index) || state.written == WRITES {
                    return None;
                }
                state.written += 1;
                state.servers[index].log.push(state.written);
            }
            Action::Follow(index, from) => {
                let epoch = state.servers[from].epoch;
                if index == from || !rules(from) || state.servers[index].sealed > epoch {
                    return None;
                }
                let log = state.servers[from].log.clone();
                state.servers[index] = Server {
                    log,
                    epoch,
                    sealed: epoch,
                    gate: None,
                    ..state.servers[index].clone()
                };
            }
            Action::Learn(index) => {
                if Self::primary(last) != Some(index) || last.record.phase != Phase::Stable {
                    return None;
                }
                state.servers[index].gate = Some((last.record.epoch, last.record.sync.clone()));
            }
            Action::Release(index) => {
                let value = *state.servers[index].log.last()?;
                let (_, rule) = last.servers[index].gate.as_ref()?;
                if !rules(index)
                    || state.released.contains(&value)
                    || !Self::acked(last, index, rule, &[value])
                {
                    return None;
                }
                state.released.push(value);
            }
            // Everything that it holds is acknowledged under the newest rule, which it goes by.
            Action::Confirm(index) => {
                let newest = Some((last.record.epoch, last.record.sync.clone()));
                let server = &last.servers[index];
                let told = server.gate == newest
                    && rules(index)
                    && Self::acked(last, index, &last.record.sync, &server.log);
                let early = self.forget_former && last.record.phase == Phase::Stable;
                if last.record.former.is_empty() || !(told || early) {
                    return None;
                }
                state.record = last.record.confirmed(&by, Decided::default());
            }
            Action::Change(index) => {
                let primary = Self::primary(last).filter(|_| last.record.phase == Phase::Stable)?;
                let mut rule = last.record.sync.clone();
                if index == primary || last.changes == CHANGES {
                    return None;
                }
                if rule.members.remove(&name(index)).is_none() {
                    rule.members.insert(name(index), Self::run(last, index));
                }
                if rule.members.len() < rule.k {
                    return None;
                }
                state.changes += 1;
                state.record = last.record.with_rule(rule, &by, Decided::default());
            }
            Action::Electing => {
                if last.record.epoch == EPOCHS {
                    return None;
                }
                state.record = last.record.electing(None, &by, Decided::default());
            }
            Action::Seal(index) => {
                if last.record.phase != Phase::Electing
                    || state.servers[index].sealed >= last.record.epoch
                {
                    return None;
                }
                state.servers[index].sealed = last.record.epoch;
                state.servers[index].gate = None;
            }
            Action::Appoint(index) => {
                let run = last.servers[index].run;
                state.record = last
                    .record
                    .appointed(member(index, run), &by, Decided::default());
                state.servers[index].epoch = last.record.epoch;
                state.lost |= last
                    .released
                    .iter()
                    .any(|value| !last.servers[index].log.contains(value));
            }
            Action::Settle => {
                let primary =
                    Self::primary(last).filter(|_| last.record.phase == Phase::Appointed)?;
                let epoch = last.record.epoch;
                let reign = Reign {
                    epoch,
                    replid: epoch.to_string(),
                    start: 0,
                    empty: false,
                };
                let rule = Self::rule(last, primary, |server| {
                    server.sealed == last.record.epoch && server.epoch > 0
                });
                state.record = last.record.settled(reign, rule, &by, Decided::default());
            }
            Action::Restart(index) => {
                if last.restarts == 1 {
                    return None;
                }
                state.restarts += 1;
                let server = &last.servers[index];
                state.servers[index] = Server {
                    run: server.run + 1,
                    log: Vec::new(),
                    epoch: 0,
                    sealed: server.sealed,
                    gate: None,
                };
            }
        }
        // The version and the reason tell nothing apart.
        state.record.version = 1;
        state.record.sync_at = 1;
        state.record.appointed_at = 1;
        state.record.sync.addresses.clear();
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
            Property::sometimes("a change of the set is confirmed", |_, state: &State| {
                state.changes == 1 && state.record.former.is_empty() && state.record.epoch == 2
            }),
        ]
    }
}

fn depth(default: usize) -> usize {
    std::env::var("ELECTION_DEPTH").map_or(default, |text| text.parse().unwrap())
}

#[test]
fn nothing_released_is_lost() {
    let checker = Election::default()
        .checker()
        .threads(2)
        .target_max_depth(depth(12))
        .spawn_bfs()
        .join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn planted_bugs_are_found() {
    let bugs = [
        Election {
            skip_former: true,
            ..Election::default()
        },
        Election {
            ignore_run: true,
            ..Election::default()
        },
        Election {
            forget_former: true,
            ..Election::default()
        },
    ];
    for model in bugs {
        let checker = model
            .checker()
            .threads(2)
            .target_max_depth(depth(12))
            .spawn_bfs()
            .join();
        println!("{} states", checker.unique_state_count());
        checker.assert_any_discovery("nothing released is lost");
    }
}
