//! The watchdog process itself: blocking, without a runtime, a few pages of memory.

use super::pipe::{Header, READY, RECORD_BYTES};
use crate::server::probe::connect;
use crate::server::{FENCE, USER};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What a server may take to confirm that its fence is closed.
const FENCE_PATIENCE: Duration = Duration::from_millis(50);

/// How often a watchdog looks whether its server still exists.
const LOOK_EVERY_MS: u16 = 500;

/// Runs the watchdog: everything it needs comes by stdin. Returns when there is nothing left to guard.
///
/// Exit codes: 0 the server is gone, 1 the server was killed by it, 2 stdin was not what it should be.
pub fn run() -> ExitCode {
    let Ok(header) = Header::read(&mut RawStdin) else {
        return ExitCode::from(2);
    };
    let guard = Guard::new(header).and_then(|guard| {
        nix::unistd::write(io::stdout(), &[READY])?;
        Ok(guard.watch())
    });
    match guard {
        Ok(code) => code,
        Err(_) => ExitCode::from(2),
    }
}

/// stdin without the standard library's buffer: `poll` must see what is left.
struct RawStdin;

impl Read for RawStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(io::stdin(), buffer)?)
    }
}

struct Guard {
    header: Header,
    /// Rings at the deadline, also after the machine slept.
    timer: TimerFd,
    /// Kept open so that a full client table cannot lock the watchdog out.
    stream: Option<UnixStream>,
    fence: Vec<u8>,
    /// Bytes of a record that has not arrived whole.
    partial: Vec<u8>,
}

impl Guard {
    fn new(header: Header) -> io::Result<Self> {
        let timer = TimerFd::new(
            ClockId::CLOCK_BOOTTIME,
            TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK,
        )?;
        let mut fence = Vec::new();
        let value = FENCE.to_string();
        holdfast_resp::encode_command(
            &["CONFIG", "SET", "min-replicas-to-write", &value],
            &mut fence,
        );
        Ok(Self {
            header,
            timer,
            stream: None,
            fence,
            partial: Vec::new(),
        })
    }

    fn watch(mut self) -> ExitCode {
        loop {
            let Ok((news, due)) = self.wait() else {
                return self.kill();
            };
            if news {
                match self.read_deadlines() {
                    Ok(Some(deadline)) => self.set(deadline),
                    Ok(None) => {}
                    Err(_) => return self.kill(),
                }
            } else if due && self.close_server().is_err() {
                return self.kill();
            }
            if !self.header.server.exists() {
                return ExitCode::SUCCESS;
            }
        }
    }

    /// Waits for a deadline to arrive or to pass. What has arrived counts before what has passed.
    fn wait(&self) -> io::Result<(bool, bool)> {
        let stdin = io::stdin();
        let mut fds = [
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.timer.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::from(LOOK_EVERY_MS)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        Ok((ready(&fds[0]), ready(&fds[1])))
    }

    /// The newest deadline that has arrived whole; an error at the pipe's end.
    fn read_deadlines(&mut self) -> io::Result<Option<u64>> {
        let mut buffer = [0; 4096];
        let length = RawStdin.read(&mut buffer)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.partial.extend_from_slice(&buffer[..length]);
        let whole = self.partial.len() / RECORD_BYTES * RECORD_BYTES;
        let newest = self.partial[..whole]
            .last_chunk::<RECORD_BYTES>()
            .map(|bytes| u64::from_le_bytes(*bytes));
        self.partial.drain(..whole);
        Ok(newest)
    }

    /// Sets the timer; 0 stops it. A deadline in the past rings at once.
    fn set(&mut self, deadline_ns: u64) {
        let at = TimeSpec::from_duration(Duration::from_nanos(deadline_ns));
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME;
        let set = if deadline_ns == 0 {
            self.timer.unset()
        } else {
            self.timer.set(Expiration::OneShot(at), flags)
        };
        if set.is_err() {
            self.header.server.kill();
        }
        if deadline_ns != 0 && self.stream.is_none() {
            self.stream = self.connect().ok();
        }
    }

    /// Closes the write fence, or fails within 50 ms.
    fn close_server(&mut self) -> io::Result<()> {
        let until = Instant::now() + FENCE_PATIENCE;
        let kept = self.stream.take();
        let done = kept.map(|stream| self.fence_on(stream, until));
        let stream = match done {
            Some(Ok(stream)) => stream,
            // A connection that the server has closed (`timeout`, CLIENT KILL) is replaced; one that is silent is not.
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            _ => self.fence_on(self.connect()?, until)?,
        };
        self.stream = Some(stream);
        self.timer.unset()?;
        Ok(())
    }

    fn fence_on(&self, mut stream: UnixStream, until: Instant) -> io::Result<UnixStream> {
        stream.write_all(&self.fence)?;
        expect_ok(&mut stream, until)?;
        Ok(stream)
    }

    fn connect(&self) -> io::Result<UnixStream> {
        let mut stream = connect(&self.header.socket, self.header.server.pid)?;
        stream.set_nonblocking(false)?;
        let mut auth = Vec::new();
        holdfast_resp::encode_command(&["AUTH", USER, &self.header.password], &mut auth);
        stream.write_all(&auth)?;
        expect_ok(&mut stream, Instant::now() + FENCE_PATIENCE)?;
        Ok(stream)
    }

    fn kill(&self) -> ExitCode {
        self.header.server.kill();
        ExitCode::FAILURE
    }
}

/// Waits for `+OK`; anything else, or nothing in time, is an error.
fn expect_ok(stream: &mut UnixStream, until: Instant) -> io::Result<()> {
    let mut reply = [0; 5];
    let mut filled = 0;
    while filled < reply.len() {
        let left = until.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut reply[filled..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => filled += length,
        }
        if left.is_zero() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
    }
    if &reply == b"+OK\r\n" {
        Ok(())
    } else {
        Err(io::Error::other("the server refused"))
    }
}
