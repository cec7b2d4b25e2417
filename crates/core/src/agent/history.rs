//! Whose history the data is, and how far it reaches in that.

use super::{Agent, Standing};
use crate::mutant::Mutant;
use crate::names::{Address, Epoch};
use crate::position::Position;
use crate::record::{Phase, Record};
use crate::wire::FollowAhead;

/// A replication id and what it stands for, as this incarnation has seen.
#[derive(Clone, Debug)]
pub(super) struct History {
    replid: String,
    epoch: Epoch,
    /// Where the data of that epoch end: this node was promoted there, and its own reign is not on record.
    end: Option<u64>,
}

impl History {
    /// The same data under another name: of this epoch still, and no further than to where they end, or to `here`.
    fn up_to(&self, here: u64) -> (Epoch, Option<u64>) {
        (self.epoch, self.end.or(Some(here)))
    }
}

impl Agent {
    /// Whose history the replication id is. It may change under a primary (when its first replica
    /// attaches, redis-server draws a new one), so it is learned here and not from the record alone.
    pub(super) fn notice_history(&mut self) {
        let noticed = match &self.standing {
            Standing::Following(epoch, from) if self.is_in_step() => {
                Some(self.followed(*epoch, from))
            }
            Standing::Promoted(epoch) | Standing::Open(epoch) if self.info.is_master => {
                Some(self.reign(*epoch))
            }
            Standing::Sealed(_) | Standing::Fresh => self.promoted_unheard(),
            _ => None,
        };
        let Some((epoch, end)) = noticed else { return };
        self.history = Some(History {
            replid: self.info.replid.clone(),
            epoch,
            end,
        });
    }

    /// The epoch whose history a replica takes, and where that ends. Whoever it followed ahead of the register may never
    /// rule: until the register says so, its data are those of the reign before, as far as that reached.
    fn followed(&self, epoch: Epoch, from: &Address) -> (Epoch, Option<u64>) {
        let word = self.follow_ahead.as_ref();
        let word = word.filter(|w| w.epoch == epoch && w.address == *from);
        match (&self.history, word) {
            (Some(before), Some(word)) if before.epoch < epoch && !self.is_settled(word) => {
                before.up_to(word.offset)
            }
            _ => (epoch, None),
        }
    }

    /// Whether the register says that the one whom this word names rules its epoch.
    fn is_settled(&self, word: &FollowAhead) -> bool {
        let names = |record: &Record| {
            let named = record.primary.as_ref().map(|primary| &primary.address);
            record.epoch == word.epoch
                && record.phase == Phase::Stable
                && named == Some(&word.address)
        };
        self.record.as_deref().is_some_and(names)
    }

    /// The epoch whose history a master writes, and where it ends. Until the register says that this node rules, its data
    /// are those of the reign before, up to where it was promoted: another may be chosen for the same epoch, and nothing
    /// that a master writes which nobody may write to (keys that expire) goes before what others acknowledged.
    fn reign(&self, epoch: Epoch) -> (Epoch, Option<u64>) {
        match &self.history {
            Some(before)
                if before.epoch < epoch
                    && !self.ruled(epoch)
                    && self.settings.mutant != Mutant::ClaimAReignEarly =>
            {
                before.up_to(self.info.offset)
            }
            _ => (epoch, None),
        }
    }

    /// A promotion that was not answered may have been carried out all the same, and with it the data got another name. They
    /// are what they were.
    fn promoted_unheard(&self) -> Option<(Epoch, Option<u64>)> {
        let (before, end) = (self.history.as_ref()?, self.promoting?);
        let renamed = before.replid != self.info.replid;
        renamed.then(|| before.up_to(end))
    }

    /// Whether the register says that this run rules `epoch`, or that it did. Only then it was ever opened.
    fn ruled(&self, epoch: Epoch) -> bool {
        let rules = |record: &Record| {
            let me = self.incarnation.as_ref();
            let mine = me.is_some_and(|run| record.is_primary(&self.settings.node, run));
            record.epoch == epoch && record.phase == Phase::Stable && mine
        };
        let did = |record: &Record| record.epoch_of(&self.info.replid) == Some(epoch);
        let recorded = self.record.as_ref().is_some_and(|r| rules(r) || did(r));
        self.standing.is_open() || recorded
    }

    /// How far the data reaches, if it is known whose it is.
    pub(super) fn reach(&self) -> Option<Position> {
        let told = self.told()?;
        let record = self.record.as_deref();
        Some(record.map_or(told, |record| record.place(told)))
    }

    /// The history that it has, and how far it is in it.
    fn told(&self) -> Option<Position> {
        let replid = &self.info.replid;
        self.under(replid, self.info.offset)
            .or_else(|| self.under_its_former_name())
    }

    /// Whose history this name stands for, if that is known. A node that goes on following the same address may take a later
    /// reign's data for those of the one that it knew: the register knows better.
    fn under(&self, replid: &str, offset: u64) -> Option<Position> {
        let seen = self.history.as_ref().filter(|seen| seen.replid == replid);
        let whole = seen.filter(|seen| seen.end.is_none());
        let recorded = self.record.as_ref().and_then(|r| r.epoch_of(replid));
        let known = whole.map(|seen| seen.epoch).max(recorded);
        let partly = |seen: &History| Position {
            epoch: seen.epoch,
            offset: seen.end.map_or(offset, |end| end.min(offset)),
        };
        let known = known.map(|epoch| Position { epoch, offset });
        known.or_else(|| seen.map(partly))
    }

    /// A replica whose primary was promoted and ended before its reign came on record has data under a name that nobody
    /// knows. Up to where they got that name they are what they were.
    fn under_its_former_name(&self) -> Option<Position> {
        let copied = !self.info.is_master;
        let (name, end) = self.info.before.as_ref().filter(|_| copied)?;
        self.under(name, self.info.offset.min(*end))
    }

    /// How far this node's data reaches, as far as it can be compared; else what was stored last. None in doubt.
    pub(super) fn position(&self) -> Option<Position> {
        if self.doubt().is_some() {
            return None;
        }
        let reach = if self.caught_up {
            self.reach()
        } else {
            self.own_word()
        };
        reach.or(self.remembered())
    }
}

#[cfg(test)]
mod tests;
