//! Bytes on their way to one socket.

use super::spare::Spare;
use super::wire::Wire;
use holdfast_core::gate::Micros;
use rustix::buffer::spare_capacity;
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::collections::VecDeque;

/// A piece smaller than this is grown, a larger one is followed by another.
const PIECE: usize = 16 << 10;

/// A queue of bytes. Empty, it owns no memory.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    pieces: VecDeque<Vec<u8>>,
    /// Bytes of the first piece that are gone already.
    gone: usize,
    length: usize,
}

impl Bytes {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Adds these at the end.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        match self.pieces.back_mut() {
            Some(last) if last.len() + bytes.len() <= PIECE => last.extend_from_slice(bytes),
            _ => self.pieces.push_back(bytes.to_vec()),
        }
    }

    /// Reads a large piece from a socket, to the end of the queue. Returns how much, and whether the socket may have more.
    /// A last piece with room is filled up first, so that a stream in small portions costs no piece each.
    pub(super) fn read(
        &mut self,
        socket: impl AsFd,
        spare: &mut Spare,
        now: Micros,
    ) -> Result<(usize, bool), Errno> {
        let room = |piece: &Vec<u8>| piece.capacity() - piece.len() >= PIECE;
        if !self.pieces.back().is_some_and(room) {
            self.pieces.push_back(spare.take(now));
        }
        let Some(piece) = self.pieces.back_mut() else {
            return Err(Errno::NOMEM);
        };
        let asked = piece.capacity() - piece.len();
        let read = recv(socket, spare_capacity(piece), RecvFlags::empty());
        if piece.is_empty() {
            spare.put(self.pieces.pop_back());
        }
        let (read, _) = read?;
        self.length += read;
        Ok((read, read == asked))
    }

    /// The newest bytes of the last piece, so many of them.
    pub(super) fn newest(&self, bytes: usize) -> &[u8] {
        let piece = self.pieces.back().map_or(&[][..], Vec::as_slice);
        &piece[piece.len().saturating_sub(bytes)..]
    }

    /// Sends at most so many. Returns how many were taken; fewer than asked for means that there is no room.
    pub(super) fn write(
        &mut self,
        wire: &mut Wire,
        most: usize,
        spare: &mut Spare,
    ) -> Result<usize, Errno> {
        let mut written = 0;
        while written < most
            && let Some(first) = self.pieces.front()
        {
            let rest = &first[self.gone..];
            let piece = &rest[..rest.len().min(most - written)];
            let taken = wire.send(piece)?;
            let full = taken < piece.len();
            self.forget(taken, spare);
            written += taken;
            if full {
                break;
            }
        }
        Ok(written)
    }

    /// Takes all of it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self, bytes: usize, spare: &mut Spare) {
        self.length -= bytes;
        self.gone += bytes;
        if self
            .pieces
            .front()
            .is_some_and(|first| first.len() == self.gone)
        {
            spare.put(self.pieces.pop_front());
            self.gone = 0;
        }
        if self.length == 0 {
            self.clear();
        }
    }
}
