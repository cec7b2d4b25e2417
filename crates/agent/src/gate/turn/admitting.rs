//! Who is let in, and where to.

use super::{AGAIN, Standing, Turns};
use crate::gate::bounds::ACCEPTS_PER_TURN;
use crate::gate::relay::{Ended, Relay};
use crate::gate::wire::Wire;
use crate::server::probe::connect;
use rustix::io::Errno;

/// What one gets who comes when all places are taken; as redis-server says it.
const FULL: &[u8] = b"-ERR max number of clients reached\r\n";

impl Turns {
    /// Lets in those who wait outside.
    pub(super) fn admit(&mut self) {
        for _ in 0..ACCEPTS_PER_TURN {
            if (!self.somebody_outside && self.let_in.is_none()) || self.is_closed_for_now() {
                return;
            }
            let client = match self.let_in.take().map_or_else(|| self.doors.accept(), Ok) {
                Ok(client) => client,
                Err(Errno::CONNABORTED | Errno::INTR) => continue,
                // No file is left, for example: those outside wait until somebody leaves.
                Err(_) => {
                    self.somebody_outside = false;
                    return;
                }
            };
            if !self.welcome(client) {
                return;
            }
        }
    }

    /// Connects one to the server. `false`: not now.
    fn welcome(&mut self, mut client: Wire) -> bool {
        let Some(behind) = &self.behind else {
            return true;
        };
        if self.clients >= self.clients_max {
            client.refuse(FULL);
            return true;
        }
        match connect(&behind.socket, behind.id.pid) {
            Ok(server) => self.begin(client, Wire::Plain(server.into())),
            Err(nix::errno::Errno::EAGAIN) => {
                self.let_in = Some(client);
                self.next_try = self.hall.now + AGAIN;
                return false;
            }
            Err(_) => {}
        }
        true
    }

    fn begin(&mut self, client: Wire, server: Wire) {
        let slot = self.vacant();
        let mut relay = Relay::new(slot, client, server, self.mutant);
        if self.standing == Standing::Carrying {
            relay.visits();
        }
        let watched = relay.watch(&self.hall.poller);
        self.seat(slot, relay, watched);
    }

    fn vacant(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.relays.push(None);
            self.relays.len() - 1
        })
    }

    fn seat(&mut self, slot: usize, relay: Relay, begun: Result<(), Ended>) {
        if begun.is_err() {
            self.free.push(slot);
            return;
        }
        self.relays[slot] = Some(Box::new(relay));
        self.clients += 1;
        self.note_deadline(slot);
    }
}
