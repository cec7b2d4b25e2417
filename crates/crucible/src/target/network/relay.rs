//! A relay that makes a way longer: what comes in at one end goes out at the other a moment later.

use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Pieces on their way in one direction; beyond, the sender is not read.
const ON_THE_WAY: usize = 1024;

/// Bytes of a piece.
const PIECE: usize = 64 << 10;

/// Listens at an address of its own and connects everybody to one target. Its connections go on until their ends close them.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    carried: Arc<AtomicUsize>,
}

impl Relay {
    /// Begins. Each direction takes `one_way` longer.
    ///
    /// # Errors
    /// When there is no port at `host`.
    pub fn start(host: IpAddr, target: SocketAddr, one_way: Duration) -> Result<Self> {
        let listener = TcpListener::bind((host, 0)).context("listen for the relay")?;
        let address = listener.local_addr().context("listen for the relay")?;
        let carried = Arc::new(AtomicUsize::new(0));
        let count = carried.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if join(client, target, one_way).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { address, carried })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that it has carried so far.
    pub fn carried(&self) -> usize {
        self.carried.load(Ordering::Relaxed)
    }
}

fn join(client: TcpStream, target: SocketAddr, one_way: Duration) -> std::io::Result<()> {
    let server = TcpStream::connect(target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    carry(client.try_clone()?, server.try_clone()?, one_way);
    carry(server, client, one_way);
    Ok(())
}

/// One direction: one thread reads, another writes when it is time.
fn carry(from: TcpStream, to: TcpStream, one_way: Duration) {
    let (sender, receiver) = sync_channel(ON_THE_WAY);
    thread::spawn(move || read(from, &sender));
    thread::spawn(move || write(to, &receiver, one_way));
}

fn read(mut from: TcpStream, pieces: &SyncSender<(Instant, Vec<u8>)>) {
    let mut buffer = vec![0; PIECE];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if pieces
            .send((Instant::now(), buffer[..read].to_vec()))
            .is_err()
        {
            break;
        }
    }
}

fn write(mut to: TcpStream, pieces: &Receiver<(Instant, Vec<u8>)>, one_way: Duration) {
    // Waits of some microseconds are meant as such.
    let _ = nix::sys::prctl::set_timerslack(1);
    while let Ok((came, piece)) = pieces.recv() {
        thread::sleep((came + one_way).saturating_duration_since(Instant::now()));
        if to.write_all(&piece).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_ways_take_longer_and_nothing_is_changed() {
        let echo = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = echo.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = echo.accept().unwrap();
            let mut copy = stream.try_clone().unwrap();
            std::io::copy(&mut stream, &mut copy)
        });
        let one_way = Duration::from_millis(20);
        let relay = Relay::start("127.0.0.1".parse().unwrap(), target, one_way).unwrap();
        let mut client = TcpStream::connect(relay.address()).unwrap();
        let (said, began) = (vec![7; 100_000], Instant::now());
        let mut heard = vec![0; said.len()];
        client.write_all(&said).unwrap();
        client.read_exact(&mut heard).unwrap();
        assert!(began.elapsed() >= 2 * one_way, "{:?}", began.elapsed());
        assert_eq!((heard, relay.carried()), (said, 1));
    }
}
