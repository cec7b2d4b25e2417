//! The register, exhaustively: three acceptors and two proposers of the real core, messages lost, doubled
//! and reordered in every way, a proposer that is restarted at any moment, acceptors that are put back to an older state.
//!
//! A request may arrive never, once or often, at any time. Its answer arrives at once or never: an answer
//! that arrives later only lets the proposer act later, and what it then sends may arrive later anyway.
//!
//! Acceptors are put back while nothing is being tried and what is told is all that anybody holds: agents are witnesses of
//! what was told, and of nothing else. A proposer that knows less than the witnesses only reads, as the core does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use holdfast_core::names::Sentinel;
use holdfast_core::register::{Ballot, Outcome, Progress, Proposal, Slot, Versioned, Voters};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Value {
    version: u64,
    /// Who wanted it, and at which attempt: no two are alike.
    by: (usize, u64),
}

impl Versioned for Value {
    fn version(&self) -> u64 {
        self.version
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Request {
    Prepare {
        ballot: Ballot,
    },
    Accept {
        ballot: Ballot,
        value: Value,
        next: Ballot,
    },
}

enum Answer {
    Promise(Option<(Ballot, Value)>),
    Accepted,
}

/// A sentinel's proposing side, as `sentinel::proposing` does it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Proposer {
    run: u64,
    attempts: u64,
    highest: Option<Ballot>,
    known: u64,
    reserved: Option<(Ballot, u64)>,
    running: Option<Proposal<Value>>,
    /// Newest version that anybody knew to be committed when the running attempt began.
    floor: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    slots: Vec<Slot<Value>>,
    proposers: Vec<Proposer>,
    /// Everything ever sent: each may arrive never, once or often, in any order.
    sent: BTreeSet<Request>,
    /// Truth: who accepted what.
    accepted: BTreeMap<(Ballot, Value), BTreeSet<usize>>,
    /// Truth: what some proposer was told to be committed.
    told: BTreeSet<Value>,
    stale_read: bool,
    crashes: u64,
    /// How many acceptors were put back.
    put_back: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
    /// The first acceptors, that many, come back with nothing of what they have promised and accepted.
    PutBack(usize),
    Begin(usize),
    /// A request reaches an acceptor; its answer arrives or is lost.
    Arrive(usize, Request, bool),
    Crash(usize),
}

struct Register {
    attempts: u64,
    crashes: u64,
    /// Whether a restarted proposer takes a new run number, as the core does.
    runs: bool,
    /// Whether acceptors are put back, once.
    puts_back: bool,
    /// Whether proposers ask the witnesses, as the core does.
    witnessed: bool,
}

fn name(index: usize) -> Sentinel {
    Sentinel::from(format!("s{index}"))
}

fn voters() -> Voters {
    Voters::first((0..3).map(|index| (name(index), "id".to_owned())).collect())
}

impl Register {
    fn begin(&self, state: &mut State, index: usize) {
        let floor = state
            .told
            .iter()
            .map(|value| value.version)
            .max()
            .unwrap_or(0);
        let proposer = &mut state.proposers[index];
        proposer.attempts += 1;
        proposer.floor = floor;
        let desired = Value {
            version: proposer.known + 1,
            by: (index, proposer.attempts),
        };
        let reads = self.puts_back && self.witnessed && proposer.known < floor;
        let expected = if reads { u64::MAX } else { proposer.known };
        let desired = (!reads).then_some(desired);
        let reserved = proposer
            .reserved
            .take()
            .filter(|(_, version)| *version == expected);
        let own = state.slots[index].promised.clone();
        let kept = state.slots[index].accepted.clone();
        let proposal = if let (Some((ballot, _)), Some(desired)) = (reserved, desired.clone()) {
            Proposal::accept(ballot, voters(), expected, desired)
        } else {
            let highest = proposer
                .highest
                .clone()
                .into_iter()
                .chain([own])
                .max()
                .unwrap();
            let run = if self.runs { proposer.run } else { 0 };
            let ballot = highest.next_of(&name(index), run);
            Proposal::prepare(ballot, voters(), expected, desired).knowing(kept)
        };
        proposer.highest = proposer
            .highest
            .clone()
            .max(Some(proposal.ballot().clone()));
        proposer.running = Some(proposal);
        self.send(state, index);
    }

    fn send(&self, state: &mut State, index: usize) {
        let proposer = &mut state.proposers[index];
        let proposal = proposer.running.as_ref().unwrap();
        let ballot = proposal.ballot().clone();
        let message = match proposal.value().cloned() {
            Some(value) => {
                let next = ballot.next_of(&name(index), if self.runs { proposer.run } else { 0 });
                proposer.highest = proposer.highest.clone().max(Some(next.clone()));
                Request::Accept {
                    ballot,
                    value,
                    next,
                }
            }
            None => Request::Prepare { ballot },
        };
        state.sent.insert(message);
    }

    fn arrive(&self, state: &mut State, index: usize, request: &Request, answered: bool) {
        let slot = &mut state.slots[index];
        let (ballot, answer) = match request {
            Request::Prepare { ballot } => (ballot, slot.prepare(ballot).map(Answer::Promise)),
            Request::Accept {
                ballot,
                value,
                next,
            } => {
                let answer = slot
                    .accept(ballot, value.clone(), next)
                    .map(|()| Answer::Accepted);
                if answer.is_ok() {
                    state
                        .accepted
                        .entry((ballot.clone(), value.clone()))
                        .or_default()
                        .insert(index);
                }
                (ballot, answer)
            }
        };
        let to = usize::from(ballot.by != name(0));
        if let Ok(answer) = answer
            && answered
        {
            self.answer(state, to, index, ballot, answer);
        }
    }

    fn answer(
        &self,
        state: &mut State,
        index: usize,
        from: usize,
        ballot: &Ballot,
        answer: Answer,
    ) {
        let Some(proposal) = state.proposers[index].running.as_mut() else {
            return;
        };
        let progress = match answer {
            Answer::Promise(accepted) => proposal.on_promise(&name(from), "id", ballot, accepted),
            Answer::Accepted => proposal.on_accepted(&name(from), "id", ballot, 0),
        };
        match progress {
            Progress::Accept { .. } => self.send(state, index),
            Progress::Done(outcome) => self.finish(state, index, outcome),
            Progress::Pending | Progress::Beaten(_) => {}
        }
    }

    /// Acceptors are put back when nothing is under way, and nothing is half-written.
    fn may_put_back(&self, state: &State) -> bool {
        let idle = state.proposers.iter().all(|p| p.running.is_none());
        let values = state.slots.iter().filter_map(|slot| slot.accepted.as_ref());
        let whole = values
            .map(|(_, value)| value)
            .all(|v| state.told.contains(v));
        self.puts_back && state.put_back == 0 && !state.told.is_empty() && idle && whole
    }

    fn put_back(state: &mut State, many: usize) {
        state.put_back = many;
        state.sent.clear();
        state
            .slots
            .iter_mut()
            .take(many)
            .for_each(|slot| *slot = Slot::default());
    }

    fn finish(&self, state: &mut State, index: usize, outcome: Outcome<Value>) {
        let proposer = &mut state.proposers[index];
        let proposal = proposer.running.take().unwrap();
        let value = match outcome {
            Outcome::Written(value) => Some(value),
            Outcome::Found(value) => value,
        };
        let version = value.as_ref().map_or(0, |value| value.version);
        let older = version < proposer.floor;
        state.stale_read |= older && state.put_back == 0;
        // What is older than what is known is not taken over.
        proposer.known = proposer.known.max(version);
        if let Some(value) = value {
            let next = proposal
                .ballot()
                .next_of(&name(index), if self.runs { proposer.run } else { 0 });
            proposer.reserved = Some((next, version));
            state.told.insert(value);
        }
    }
}

impl Model for Register {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let proposer = Proposer {
            run: 0,
            attempts: 0,
            highest: None,
            known: 0,
            reserved: None,
            running: None,
            floor: 0,
        };
        vec![State {
            slots: vec![Slot::default(); 3],
            proposers: vec![proposer; 2],
            sent: BTreeSet::new(),
            accepted: BTreeMap::new(),
            told: BTreeSet::new(),
            stale_read: false,
            crashes: 0,
            put_back: 0,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (index, proposer) in state.proposers.iter().enumerate() {
            if proposer.attempts < self.attempts {
                actions.push(Action::Begin(index));
            }
            if state.crashes < self.crashes && proposer.running.is_some() {
                actions.push(Action::Crash(index));
            }
        }
        if self.may_put_back(state) {
            actions.extend((1..=3).map(Action::PutBack));
        }
        for request in &state.sent {
            for index in 0..3 {
                actions.push(Action::Arrive(index, request.clone(), true));
                actions.push(Action::Arrive(index, request.clone(), false));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Begin(index) => self.begin(&mut state, index),
            Action::Arrive(index, request, answered) => {
                self.arrive(&mut state, index, &request, answered);
            }
            Action::PutBack(many) => Self::put_back(&mut state, many),
            Action::Crash(index) => {
                let before = &state.proposers[index];
                let (run, attempts) = (before.run + 1, before.attempts);
                state.proposers[index] = Proposer {
                    run,
                    attempts,
                    highest: None,
                    known: 0,
                    reserved: None,
                    running: None,
                    floor: 0,
                };
                state.crashes += 1;
            }
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a version is chosen once", |_, state: &State| {
                let mut chosen: BTreeMap<u64, BTreeSet<&Value>> = BTreeMap::new();
                for ((_, value), by) in &state.accepted {
                    if by.len() >= 2 {
                        chosen.entry(value.version).or_default().insert(value);
                    }
                }
                chosen.values().all(|values| values.len() == 1)
            }),
            Property::always("a version is told once", |_, state: &State| {
                let versions: BTreeSet<u64> = state.told.iter().map(|told| told.version).collect();
                versions.len() == state.told.len()
            }),
            Property::always("what is told is chosen", |_, state: &State| {
                state.told.iter().all(|told| {
                    state
                        .accepted
                        .iter()
                        .any(|((_, value), by)| value == told && by.len() >= 2)
                })
            }),
            Property::always(
                "nothing older than what was known before is found",
                |_, state: &State| !state.stale_read,
            ),
            Property::sometimes("somebody writes the second version", |_, state: &State| {
                state.told.iter().any(|value| value.version == 2)
            }),
        ]
    }
}

/// Steps explored in full. 11 take seconds; `REGISTER_DEPTH=30` is everything there is, and takes long.
fn depth() -> usize {
    std::env::var("REGISTER_DEPTH").map_or(11, |text| text.parse().unwrap())
}

#[test]
fn two_proposers_with_two_attempts() {
    let model = Register {
        attempts: 2,
        crashes: 0,
        runs: true,
        puts_back: false,
        witnessed: true,
    };
    let checker = model
        .checker()
        .threads(2)
        .target_max_depth(depth())
        .spawn_bfs()
        .join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn a_proposer_that_is_restarted() {
    let model = Register {
        attempts: 2,
        crashes: 1,
        runs: true,
        puts_back: false,
        witnessed: true,
    };
    let checker = model
        .checker()
        .threads(2)
        .target_max_depth(depth())
        .spawn_bfs()
        .join();
    println!("{} states", checker.unique_state_count());
    checker.assert_no_discovery("a version is chosen once");
    checker.assert_no_discovery("what is told is chosen");
    checker.assert_no_discovery("nothing older than what was known before is found");
}

/// The planted bug: ballots that a restarted proposer may use again. The model must find what follows.
#[test]
fn a_repeated_ballot_is_found() {
    let model = Register {
        attempts: 2,
        crashes: 1,
        runs: false,
        puts_back: false,
        witnessed: true,
    };
    let checker = model
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    println!("{} states", checker.unique_state_count());
    assert!(
        checker.discovery("a version is chosen once").is_some()
            || checker.discovery("what is told is chosen").is_some()
    );
}

/// Two proposers, and acceptors that are put back once, any number of them.
fn with_acceptors_put_back(attempts: u64, witnessed: bool) -> Register {
    Register {
        attempts,
        crashes: 0,
        runs: true,
        puts_back: true,
        witnessed,
    }
}

#[test]
fn acceptors_that_are_put_back() {
    let model = with_acceptors_put_back(2, true);
    let checker = model
        .checker()
        .threads(2)
        .target_max_depth(depth())
        .spawn_bfs()
        .join();
    println!("{} states", checker.unique_state_count());
    checker.assert_no_discovery("a version is told once");
    checker.assert_no_discovery("what is told is chosen");
}

/// The planted bug: nobody asks the witnesses. The model must find that a version is written twice.
#[test]
fn a_register_put_back_that_is_trusted_is_found() {
    let model = with_acceptors_put_back(1, false);
    let checker = model
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    println!("{} states", checker.unique_state_count());
    assert!(checker.discovery("a version is told once").is_some());
}
