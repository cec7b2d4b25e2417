//! Client connections as the gate counts them.

/// One client connection during its life. A slot is used again; a connection is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Index of its slot.
    pub slot: u32,
    /// Which of the slot's connections it is.
    pub life: u32,
}

/// What is known of the present connection of a slot.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    life: u32,
    open: bool,
    /// Bytes read from the server since it was opened.
    total: u64,
    /// The newest batch that has bytes of it, plus one.
    batch: u64,
    /// When it began to wait for an answer, as the pace counts time.
    waiting: Option<u32>,
    /// It may be told what it did not ask for.
    listens: bool,
}

/// All slots; as many as there were connections at once.
#[derive(Debug, Default)]
pub(super) struct Connections {
    slots: Vec<Slot>,
}

impl Connections {
    /// Every connection has ended.
    pub(super) fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.open = false;
        }
    }

    pub(super) fn open(&mut self, slot: usize) -> Connection {
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, Slot::default());
        }
        let life = self.slots[slot].life.wrapping_add(1);
        self.slots[slot] = Slot {
            life,
            open: true,
            ..Slot::default()
        };
        Connection {
            slot: slot as u32,
            life,
        }
    }

    /// Returns since when it waited for an answer, if it did.
    pub(super) fn close(&mut self, connection: Connection) -> Option<u32> {
        let slot = self.get_mut(connection)?;
        slot.open = false;
        slot.waiting.take()
    }

    /// Bytes of it went to the server in this moment. Returns whether it did not wait for an answer before.
    pub(super) fn asked(&mut self, connection: Connection, moment: u32) -> bool {
        let slot = self.get_mut(connection);
        slot.is_some_and(|slot| slot.waiting.is_none() && slot.waiting.replace(moment).is_none())
    }

    /// It may be told what it did not ask for from now on.
    pub(super) fn listens(&mut self, connection: Connection) {
        if let Some(slot) = self.get_mut(connection) {
            slot.listens = true;
        }
    }

    /// Whether bytes that come for it now may be nobody's answer.
    pub(super) fn may_be_unasked(&self, connection: Connection) -> bool {
        let slot = self.slots.get(connection.slot as usize);
        slot.is_some_and(|slot| slot.listens && slot.waiting.is_none())
    }

    /// Bytes were read for it. Returns whether they are its first in this batch, and since when it waited for an answer.
    pub(super) fn held(
        &mut self,
        connection: Connection,
        bytes: u64,
        batch: u64,
    ) -> Option<(bool, Option<u32>)> {
        let slot = self.get_mut(connection)?;
        slot.total += bytes;
        let before = std::mem::replace(&mut slot.batch, batch + 1);
        Some((before != batch + 1, slot.waiting.take()))
    }

    /// Bytes read from the server since it was opened; `None` once it has ended.
    pub(super) fn total(&self, connection: Connection) -> Option<u64> {
        let slot = self.slots.get(connection.slot as usize)?;
        (slot.open && slot.life == connection.life).then_some(slot.total)
    }

    fn get_mut(&mut self, connection: Connection) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(connection.slot as usize)?;
        (slot.open && slot.life == connection.life).then_some(slot)
    }
}
