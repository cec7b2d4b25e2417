//! Who cannot reach whom.

use super::{Fault, Undo, Way};
use crate::model::{CopyFault, Micros};
use crate::world::World;
use crate::world::channel::{Channel, End};
use crate::world::event::Event;
use crate::world::network::Place;

impl World {
    pub(super) fn cut(&mut self, fault: &Fault, until: Micros) {
        let places = self.places();
        let pairs: Vec<(Place, Place)> = match fault {
            Fault::Isolate(place, way) => {
                let place = match place {
                    Place::Node(node) => Place::Node(self.aim(*node)),
                    other => *other,
                };
                places
                    .iter()
                    .filter(|other| **other != place)
                    .flat_map(|o| directions(place, *o, *way))
                    .collect()
            }
            Fault::CutPair(a, b, way) if a != b => directions(*a, *b, *way),
            Fault::HidePrimary(sentinel, _) => {
                let primary = self.serving().map(Place::Node);
                let hidden = |primary| directions(primary, Place::Sentinel(*sentinel), Way::Both);
                primary.map(hidden).unwrap_or_default()
            }
            Fault::LeaveBehind(sentinel, _) => (0..self.sentinels.len())
                .filter(|other| other != sentinel)
                .flat_map(|o| directions(Place::Sentinel(*sentinel), Place::Sentinel(o), Way::Both))
                .collect(),
            Fault::Corner(node, sentinel) => {
                let inside = [Place::Node(*node), Place::Sentinel(*sentinel)];
                let outside = || places.iter().filter(|other| !inside.contains(other));
                inside
                    .iter()
                    .flat_map(|a| outside().flat_map(|b| directions(*a, *b, Way::Both)))
                    .collect()
            }
            Fault::StrandPrimary(_) | Fault::StrandWithReader(_) => {
                let primary = self.serving().map(Place::Node);
                let alone = matches!(fault, Fault::StrandWithReader(_));
                let far = |other: &&Place| match other {
                    Place::Client(client) => alone && *client > 0,
                    _ => true,
                };
                let all = || places.iter().filter(far);
                primary
                    .into_iter()
                    .flat_map(|p| all().filter(move |o| **o != p).map(move |o| (p, *o)))
                    .flat_map(|(p, o)| directions(p, o, Way::Both))
                    .collect()
            }
            Fault::Split(bits) => split(&places, *bits),
            Fault::CutReplication => {
                let nodes = || (0..self.nodes.len()).map(Place::Node);
                nodes()
                    .flat_map(|a| nodes().filter(move |b| a != *b).map(move |b| (a, b)))
                    .collect()
            }
            Fault::SlowPair(a, b) if a != b => {
                let by = self.rng.between(5, 400) * 1_000;
                self.network.slow_down(*a, *b, by);
                self.queue.push(until, Event::Undo(Undo::Quicken(*a, *b)));
                return;
            }
            _ => return,
        };
        self.cut_pairs(pairs, until);
        if matches!(fault, Fault::StrandWithReader(_)) {
            self.others_notice();
        }
    }

    /// The clients that a stranded primary has lost find out at once, and go on with its successor as soon as there is one:
    /// what the first client reads meanwhile may be old.
    fn others_notice(&mut self) {
        let Some(primary) = self.serving().map(Place::Node) else {
            return;
        };
        let theirs = |channel: &Channel| {
            let other = |end: &End| matches!(end.place, Place::Client(client) if client > 0);
            let side = channel.ends.iter().position(other)?;
            (channel.ends[1 - side].place == primary).then_some(side)
        };
        let all = self.channels.iter_mut();
        let lost: Vec<_> = all
            .filter_map(|(id, channel)| Some((id, theirs(channel)?)))
            .collect();
        for (channel, side) in lost {
            let at = self.now + self.rng.between(1_000, 50_000);
            self.queue.push(at, Event::Abort { channel, side });
        }
    }

    fn cut_pairs(&mut self, pairs: Vec<(Place, Place)>, until: Micros) {
        if self.quiet {
            return;
        }
        for (from, to) in &pairs {
            self.network.cut(*from, *to);
        }
        self.queue.push(until, Event::Undo(Undo::Heal(pairs)));
    }

    /// Two sides, and a node that changes from one to the other, having lost its volume. Clients reach all.
    pub(super) fn desert(&mut self, sentinel: usize, node: usize, stays: Micros, long: Micros) {
        let Some(primary) = self.serving() else {
            return;
        };
        let node = if node == primary {
            (node + 1) % self.nodes.len()
        } else {
            node
        };
        let inside = [Place::Node(primary), Place::Sentinel(sentinel)];
        let mover = Place::Node(node);
        let group = |place: &Place| !matches!(place, Place::Client(_));
        let outside: Vec<Place> = self
            .places()
            .into_iter()
            .filter(|place| group(place) && !inside.contains(place) && *place != mover)
            .collect();
        let apart = |a: &[Place], b: &[Place]| -> Vec<(Place, Place)> {
            a.iter()
                .flat_map(|a| b.iter().flat_map(|b| directions(*a, *b, Way::Both)))
                .collect()
        };
        let until = self.now + long;
        self.cut_pairs(apart(&inside, &outside), until);
        let (healed, cut) = (apart(&inside, &[mover]), apart(&outside, &[mover]));
        for (from, to) in &healed {
            self.network.cut(*from, *to);
        }
        let changes_sides = self.now + stays;
        self.queue
            .push(changes_sides, Event::Fault(Fault::Strip(node)));
        let swap = Undo::Swap { healed, cut, until };
        self.queue.push(changes_sides, Event::Undo(swap));
    }

    pub(in crate::world) fn on_undo(&mut self, undo: &Undo) {
        match undo {
            Undo::Heal(pairs) => {
                if !self.quiet {
                    for (from, to) in pairs {
                        self.network.heal(*from, *to);
                    }
                    self.flush_all();
                }
            }
            Undo::MendCopies(node) => self.copies_fail(*node, CopyFault::None),
            Undo::Quicken(from, to) => self.network.slow_down(*from, *to, 0),
            Undo::Swap { healed, cut, until } => {
                self.on_undo(&Undo::Heal(healed.clone()));
                self.cut_pairs(cut.clone(), *until);
            }
        }
    }

    fn places(&self) -> Vec<Place> {
        let nodes = (0..self.nodes.len()).map(Place::Node);
        let sentinels = (0..self.sentinels.len()).map(Place::Sentinel);
        nodes
            .chain(sentinels)
            .chain((0..self.clients.len()).map(Place::Client))
            .collect()
    }
}

fn directions(place: Place, other: Place, way: Way) -> Vec<(Place, Place)> {
    match way {
        Way::Both => vec![(place, other), (other, place)],
        Way::Out => vec![(place, other)],
        Way::In => vec![(other, place)],
    }
}

fn split(places: &[Place], bits: u64) -> Vec<(Place, Place)> {
    let side = |index: usize| bits >> (index % 64) & 1;
    let all = || places.iter().enumerate();
    all()
        .flat_map(|(i, a)| {
            all()
                .filter(move |(j, _)| side(i) != side(*j))
                .map(move |(_, b)| (*a, *b))
        })
        .collect()
}
