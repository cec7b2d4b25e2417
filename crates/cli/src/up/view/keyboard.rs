//! Reads the keyboard on a thread of its own; it ends with the view.

use crossterm::event::{Event, KeyEvent, poll, read};
use std::time::Duration;
use tokio::sync::mpsc;

/// Keys waiting to be handled; more are dropped, as nobody types that fast on purpose.
const WAITING: usize = 32;

pub(super) fn keys() -> std::io::Result<mpsc::Receiver<KeyEvent>> {
    let (tell, keys) = mpsc::channel(WAITING);
    let thread = std::thread::Builder::new().name("keyboard".to_owned());
    thread.spawn(move || {
        while !tell.is_closed() {
            match poll(Duration::from_millis(100))
                .and_then(|there| if there { read().map(Some) } else { Ok(None) })
            {
                Ok(Some(Event::Key(key))) => {
                    let _ = tell.try_send(key);
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    })?;
    Ok(keys)
}
