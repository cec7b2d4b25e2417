//! Who outside is told what becomes of this node. Told, never asked: nothing here hangs on the answer.

use holdfast_core::agent::Standing;
use holdfast_core::names::Epoch;
use holdfast_core::wire::{Report, ServerState};

/// What a node is to those outside who choose where to connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Accepts writes.
    Primary,
    /// Follows the primary.
    Replica,
    /// Neither: not started, cut off, or without an order.
    #[default]
    Sealed,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Primary, Self::Replica, Self::Sealed];

    /// As shown outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
            Self::Sealed => "sealed",
        }
    }

    /// What a standing means outside, with its epoch. Nothing while a primary is held for a moment or not open
    /// yet: it stays what it was.
    pub(crate) fn of(standing: &Standing) -> Option<(Self, Epoch)> {
        match standing {
            Standing::Open(epoch) => Some((Self::Primary, *epoch)),
            Standing::Following(epoch, _) => Some((Self::Replica, *epoch)),
            Standing::Sealed(epoch) => Some((Self::Sealed, *epoch)),
            Standing::Fresh => Some((Self::Sealed, 0)),
            Standing::Paused(_) | Standing::Promoted(_) => None,
        }
    }
}

/// Something that a person wants to know of this node alone. What the group decides is told by its sentinels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// redis-server ended by itself.
    Ended,
    /// redis-server lives and does not answer.
    Hung,
    /// No majority of sentinels lets it serve any more.
    Closed,
    /// Its data is not known to the group.
    Quarantined,
    /// It cannot write to its disk.
    Ailing,
}

impl Incident {
    /// All that happened between two reports.
    pub(crate) fn between(before: &Report, after: &Report) -> Vec<Self> {
        let became = |state| after.state == state && before.state != state;
        let reigns = after.promoted > 0 && after.promoted == before.promoted;
        let all = [
            (Self::Ended, became(ServerState::Down)),
            (Self::Hung, became(ServerState::Hung)),
            (Self::Closed, reigns && before.open && !after.open),
            (Self::Quarantined, after.foreign && !before.foreign),
            (Self::Ailing, after.ailing && !before.ailing),
        ];
        let happened = all.into_iter().filter(|(_, happened)| *happened);
        happened.map(|(incident, _)| incident).collect()
    }
}

/// Somebody outside who is told. Must return at once: the agent's loop does not wait.
pub trait Audience {
    /// This node is that from now on.
    fn role(&self, role: Role, epoch: Epoch);

    /// That happened here; `text` says why, and may be empty.
    fn incident(&self, incident: Incident, text: &str);
}

/// Nobody is told.
impl Audience for () {
    fn role(&self, _: Role, _: Epoch) {}
    fn incident(&self, _: Incident, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up() -> Report {
        Report {
            state: ServerState::Up,
            ..Report::default()
        }
    }

    #[test]
    fn a_death_is_told_once() {
        let down = Report {
            state: ServerState::Down,
            ..Report::default()
        };
        assert_eq!(Incident::between(&up(), &down), [Incident::Ended]);
        assert_eq!(Incident::between(&down, &down), []);
    }

    #[test]
    fn only_a_primary_of_the_same_epoch_was_closed_for_want_of_a_lease() {
        let open = Report {
            open: true,
            promoted: 3,
            ..up()
        };
        let closed = Report {
            promoted: 3,
            ..up()
        };
        assert_eq!(Incident::between(&open, &closed), [Incident::Closed]);
        assert_eq!(Incident::between(&open, &up()), []);
    }

    #[test]
    fn a_primary_that_is_held_stays_what_it_was() {
        assert_eq!(Role::of(&Standing::Open(4)), Some((Role::Primary, 4)));
        assert_eq!(Role::of(&Standing::Paused(5)), None);
        assert_eq!(Role::of(&Standing::Promoted(5)), None);
        assert_eq!(Role::of(&Standing::Sealed(5)), Some((Role::Sealed, 5)));
    }
}
