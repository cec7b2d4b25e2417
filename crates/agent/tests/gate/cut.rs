//! A network between a replica and its primary that can be cut.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Relays from a port of its own to another one, until it is cut: then what comes is dropped, and nobody is told.
pub struct Cut {
    pub port: u16,
    cut: Arc<AtomicBool>,
}

impl Cut {
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let flag = cut.clone();
        std::thread::spawn(move || {
            for inner in listener.incoming().flatten() {
                let Ok(outer) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                inner.set_nodelay(true).unwrap();
                outer.set_nodelay(true).unwrap();
                let back = (outer.try_clone().unwrap(), inner.try_clone().unwrap());
                for (from, to) in [(inner, outer), back] {
                    let flag = flag.clone();
                    std::thread::spawn(move || relay(from, to, &flag));
                }
            }
        });
        Self { port: own, cut }
    }

    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }
}

fn relay(mut from: TcpStream, mut to: TcpStream, cut: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read) = from.read(&mut buffer) {
        let on = !cut.load(Ordering::SeqCst);
        if read == 0 || (on && to.write_all(&buffer[..read]).is_err()) {
            let _ = to.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}
