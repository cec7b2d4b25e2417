//! Connections to the server for barriers: opened, listened to, and what their answers release.

use super::{AGAIN, Turns};
use crate::gate::Word;
use crate::gate::link::Link;
use std::sync::mpsc::Receiver;

impl Turns {
    /// Whether a barrier could be sent if one more link stood.
    pub(super) fn wants_link(&self) -> bool {
        let wanted = self.hall.core.links_wanted();
        self.hall.holding
            && self.behind.is_some()
            && self.links[..wanted].iter().any(Option::is_none)
    }

    /// Opens what is missing, not too often.
    pub(super) fn keep_links(&mut self) {
        if !self.wants_link() || self.hall.now < self.next_try {
            return;
        }
        let Some(behind) = &self.behind else { return };
        self.next_try = self.hall.now + AGAIN;
        for (index, link) in self.links[..self.hall.core.links_wanted()]
            .iter_mut()
            .enumerate()
        {
            if link.is_none() {
                *link = Link::open(behind, index, &self.hall.poller);
            }
        }
    }

    /// Answers to barriers have come.
    pub(super) fn on_link(&mut self, index: usize, heard: &Receiver<Word>) {
        let Some(link) = &mut self.links[index] else {
            return;
        };
        let mut answers = std::mem::take(&mut self.answers);
        let read = link.read(|answer| answers.push(answer));
        // An order that was given before the server said this is known before it is believed.
        self.hear(heard);
        let (core, now) = (&mut self.hall.core, self.hall.now);
        for answer in answers.drain(..) {
            if self.links[index].is_some() {
                core.answer(now, index, answer);
            }
        }
        self.answers = answers;
        match read {
            _ if self.links[index].is_none() => {}
            Ok(true) => core.link_ready(index),
            Ok(false) => {}
            Err(_) => {
                core.link_lost(index);
                self.links[index] = None;
            }
        }
        self.release();
    }

    /// Lets go what the core releases.
    pub(super) fn release(&mut self) {
        let mut released = std::mem::take(&mut self.hall.released);
        released.extend(self.hall.core.released());
        for (connection, up_to) in released.drain(..) {
            self.with(connection.slot as usize, |relay, hall| {
                if relay.held_as() == Some(connection) {
                    relay.release(up_to, hall)
                } else {
                    Ok(())
                }
            });
        }
        self.hall.released = released;
    }

    /// Sends the barriers that are due.
    pub(super) fn issue(&mut self) {
        while let Some(issue) = self.hall.core.next(self.hall.now) {
            let sent = self.links[issue.link].as_ref();
            if !sent.is_some_and(|link| link.barrier(issue.replicas, issue.stamp)) {
                self.hall.core.link_lost(issue.link);
                self.links[issue.link] = None;
            }
        }
        // What was acknowledged by those who went on where they stopped.
        self.release();
    }
}
