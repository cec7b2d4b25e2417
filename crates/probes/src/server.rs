//! The listener and its thread.

use crate::Facts;
use crate::answer::answer;
use crate::questions::{Asking, Questions, channel};
use crate::seats::{Answering, Seats};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::{TcpListener as StdListener, ToSocketAddrs};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// A request must be here within this time, on a new connection as on one that is kept.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);

/// A connection may last this long. Whoever reads no answer must not hold a place for ever.
const CONNECTION_MAX: Duration = Duration::from_secs(120);

/// Bytes of a request; ours have a line and a few headers.
const REQUEST_MAX: usize = 16 << 10;

/// Pause after a failed accept: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens at `address` and answers on a thread of its own for the rest of the process. The loop must take the
/// questions that are returned.
///
/// # Errors
/// When the address cannot be listened on, or the thread not be started.
pub fn start<F: Facts>(address: impl ToSocketAddrs) -> io::Result<Questions<F>> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let (asking, questions) = channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("probes".into())
        .spawn(move || runtime.block_on(serve(listener, asking)))?;
    Ok(questions)
}

async fn serve<F: Facts>(listener: StdListener, asking: Asking<F>) {
    // Threads inherit their maker's share of the cores; scrapes need none of it. Lowering it is always allowed.
    let _ = rustix::process::setpriority_process(None, 0);
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("serve probes and metrics: {error}"),
    };
    let mut seats = Seats::default();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let from = from.ip().to_canonical();
                // Where every connection is being answered, this one is closed: the next comes soon.
                if seats.make_room(from) {
                    let answering = Answering::default();
                    let conversing = converse(stream, asking.clone(), answering.clone());
                    let task = tokio::spawn(tokio::time::timeout(CONNECTION_MAX, conversing));
                    seats.take(from, answering, task.abort_handle());
                }
                // What came with it is read before it may have to give way to others.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tracing::debug!("accept a connection for probes: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn converse<F: Facts>(stream: TcpStream, asking: Asking<F>, answering: Answering) {
    let service = service_fn(move |request| {
        let (asking, answering) = (asking.clone(), answering.clone());
        async move {
            answering.set(true);
            let answered = answer(request, asking).await;
            answering.set(false);
            answered
        }
    });
    let ended = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_WITHIN)
        .max_buf_size(REQUEST_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = ended {
        tracing::debug!("answer a probe: {error}");
    }
}
