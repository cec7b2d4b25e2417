//! Which line of `CLIENT LIST` is which connection of the gate.

use super::Client;
use super::line::Line;
use crate::gate::{Seat, Served};
use crate::server::USER;
use std::collections::HashMap;

/// The sockets of redis-server before and after it told its list, by the numbers of its files. A file that is the same in both
/// was it in between: no inode is used twice in that time.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) before: HashMap<u32, u64>,
    pub(super) after: HashMap<u32, u64>,
}

impl Files {
    fn inode(&self, fd: u32) -> Option<u64> {
        let inode = self.before.get(&fd)?;
        (self.after.get(&fd) == Some(inode)).then_some(*inode)
    }
}

/// What the gate and the kernel say of connections to redis-server.
#[derive(Debug, Default)]
pub(super) struct Seats {
    /// By the inode of the gate's end.
    here: HashMap<u64, Seat>,
    /// Those that this server does not serve.
    elsewhere: Vec<Seat>,
}

impl Seats {
    pub(super) fn new(seats: Vec<Seat>) -> Self {
        let mut sorted = Self::default();
        for seat in seats {
            match seat.served {
                Served::Here(inode) => drop(sorted.here.insert(inode, seat)),
                Served::At(_) | Served::Nowhere => sorted.elsewhere.push(seat),
            }
        }
        sorted
    }
}

/// Everybody, by id; sessions that went on elsewhere are last.
pub(super) fn join(
    lines: Vec<Line>,
    files: &Files,
    peers: &HashMap<u64, u64>,
    seats: &Seats,
    tls: bool,
) -> Vec<Client> {
    let seat_of = |line: &Line| {
        let inode = files.inode(line.fd?)?;
        seats.here.get(peers.get(&inode)?)
    };
    let mut clients: Vec<Client> = lines
        .into_iter()
        .map(|line| match seat_of(&line) {
            Some(seat) => seated(line.client, seat),
            None => unseated(line, tls),
        })
        .collect();
    clients.sort_by_key(|client| client.id);
    let elsewhere = seats.elsewhere.iter();
    clients.extend(elsewhere.map(|seat| seated(Client::default(), seat)));
    clients
}

fn seated(client: Client, seat: &Seat) -> Client {
    let at = match seat.served {
        Served::At(gate) => Some(gate.to_string()),
        Served::Here(_) | Served::Nowhere => None,
    };
    Client {
        address: Some(seat.origin.unwrap_or(seat.peer).to_string()),
        via: seat.origin.map(|_| seat.peer.to_string()),
        at,
        tls: Some(seat.tls),
        ..client
    }
}

/// Not through the gate: by TCP, as one of the agent's own, or by somebody on this machine.
fn unseated(line: Line, tls: bool) -> Client {
    let direct = line.is_direct();
    let replica = line.client.flags.contains('S');
    Client {
        own: !direct && !replica && line.client.user == USER,
        address: direct.then_some(line.address),
        tls: direct.then_some(tls),
        ..line.client
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    fn line(id: u64, fd: u32) -> Line {
        let text = format!(
            "id={id} addr=/d/redis.sock:0 laddr=/d/redis.sock:0 fd={fd} name=n{id} age=9 idle=1 flags=N db=3 sub=0 user=alice cmd=client|list resp=2"
        );
        Line::read(&text).expect("a line")
    }

    fn seat(inode: u64, peer: &str) -> Seat {
        Seat {
            peer: peer.parse().expect("an address"),
            origin: None,
            tls: false,
            served: Served::Here(inode),
        }
    }

    fn joined(after: [(u32, u64); 3], seats: Vec<Seat>) -> Vec<(Option<u64>, Option<String>)> {
        let files = Files {
            before: HashMap::from([(8, 108), (9, 109), (10, 110)]),
            after: HashMap::from(after),
        };
        let peers = HashMap::from([(108, 208), (109, 209), (110, 210)]);
        let lines = vec![line(7, 9), line(5, 10), line(6, 8)];
        let clients = join(lines, &files, &peers, &Seats::new(seats), false);
        let clients = clients.into_iter();
        clients.map(|client| (client.id, client.address)).collect()
    }

    fn seats() -> Vec<Seat> {
        vec![
            seat(209, "10.0.0.9:1"),
            seat(208, "10.0.0.8:1"),
            seat(210, "10.0.0.10:1"),
        ]
    }

    #[test]
    fn a_line_is_read_as_it_is() {
        let line = line(7, 12);
        assert_eq!((line.fd, line.is_direct()), (Some(12), false));
        let Client { name, user, db, .. } = &line.client;
        assert_eq!((name.as_str(), user.as_str(), *db), ("n7", "alice", 3));
        assert_eq!(line.client.cmd, "client|list");
        assert_eq!((line.client.age, line.client.idle), (9, 1));
        let bare = Line::read("id=3 addr=10.0.0.1:5 fd=8 name= db=0").expect("a line");
        assert!(bare.is_direct() && bare.client.name.is_empty());
        assert_eq!(Line::read("garbage"), None);
    }

    #[test]
    fn each_id_gets_the_address_of_its_own_socket() {
        let same = [(8, 108), (9, 109), (10, 110)];
        let expected = [(5, "10.0.0.10:1"), (6, "10.0.0.8:1"), (7, "10.0.0.9:1")];
        let expected = expected.map(|(id, address)| (Some(id), Some(address.to_owned())));
        assert_eq!(joined(same, seats()), expected);
    }

    #[test]
    fn a_number_that_was_used_again_meanwhile_gets_none() {
        let changed = joined([(8, 108), (9, 333), (10, 110)], seats());
        assert_eq!(changed[2], (Some(7), None));
        assert!(changed[0].1.is_some() && changed[1].1.is_some());
    }

    #[test]
    fn a_session_that_went_on_has_no_id_here() {
        let mut gone = seat(0, "10.0.0.7:1");
        gone.served = Served::At("10.0.1.1:6379".parse().expect("an address"));
        let mut came = seat(209, "10.0.1.2:5");
        came.origin = Some("10.0.0.6:1".parse().expect("an address"));
        let files = Files {
            before: HashMap::from([(9, 109)]),
            after: HashMap::from([(9, 109)]),
        };
        let peers = HashMap::from([(109, 209)]);
        let seats = Seats::new(vec![gone, came]);
        let clients = join(vec![line(7, 9)], &files, &peers, &seats, false);
        let [here, gone] = &clients[..] else {
            panic!("{clients:?}")
        };
        assert_eq!(here.address.as_deref(), Some("10.0.0.6:1"));
        assert_eq!(here.via.as_deref(), Some("10.0.1.2:5"));
        assert_eq!((gone.id, gone.at.as_deref()), (None, Some("10.0.1.1:6379")));
        assert_eq!(gone.address.as_deref(), Some("10.0.0.7:1"));
    }
}
