//! The dead man's switch: a tiny process that closes the server when its agent no longer can.
//!
//! In `async` durability clients talk to the server directly, so an agent that is frozen (SIGSTOP, a stalled volume)
//! would leave it serving past its lease, beside a new primary. The watchdog holds the deadline that the agent last
//! gave it:
//!
//! ```text
//!  agent ══ pipe: header, then deadlines (8 bytes each) ══▶ watchdog
//!     a deadline passes and no newer one has come   ─▶ CONFIG SET min-replicas-to-write 2147483647
//!     that is not answered within 50 ms             ─▶ SIGKILL to the server
//!     the pipe ends: the agent is dead              ─▶ SIGKILL to the server, at once
//! ```
//!
//! One watchdog belongs to one incarnation of the server and ends with it.

mod guard;
mod pipe;

pub use guard::run;

use super::reaper;
use super::stat::ProcessId;
use crate::clock::boottime;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pipe::{Header, READY, RECORD_BYTES};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// Watchdogs that may die at once before it is given up; the server is closed then, by its owner.
const MAX_RESPAWNS: u32 = 16;

/// What a new watchdog may take until it is on guard. The agent waits for that long at most.
const READY_PATIENCE: Duration = Duration::from_secs(2);

/// How to start a watchdog: `holdfast watchdog`.
#[derive(Clone, Debug)]
pub struct WatchdogCommand {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments. They hold no secret and no address: everything else comes by the pipe.
    pub args: Vec<String>,
}

impl WatchdogCommand {
    /// This very executable with the argument `watchdog`; also when its file was replaced meanwhile.
    pub fn this_program() -> io::Result<Self> {
        Ok(Self {
            program: PathBuf::from("/proc/self/exe"),
            args: vec!["watchdog".to_owned()],
        })
    }
}

/// The agent's end. Dropping it means that the agent is done with the server: both are killed, so stop the
/// server first.
#[derive(Debug)]
pub struct Watchdog {
    command: WatchdogCommand,
    header: Header,
    deadline: u64,
    running: Running,
    respawns: u32,
}

#[derive(Debug)]
struct Running {
    child: Child,
    pipe: ChildStdin,
}

impl Watchdog {
    /// Starts a watchdog over a server, without a lease, and waits until it is on guard (a few ms, 2 s at most). Call it
    /// right after [`super::Server::start`].
    pub fn spawn(
        command: WatchdogCommand,
        server: ProcessId,
        socket: &Path,
        password: &str,
    ) -> io::Result<Self> {
        let header = Header {
            server,
            socket: socket.to_owned(),
            password: password.to_owned(),
        };
        let running = start(&command, &header, 0)?;
        Ok(Self {
            command,
            header,
            deadline: 0,
            running,
            respawns: 0,
        })
    }

    /// The process number of the watchdog.
    pub fn pid(&self) -> u32 {
        self.running.child.id()
    }

    /// The server may be open until this time (`CLOCK_BOOTTIME`, nanoseconds; see [`boottime_ns`]); `None`: it is not
    /// open. Never blocks.
    ///
    /// Call it *before* the server is opened or its lease extended. Writes are refused at the latest 50 ms after the
    /// deadline, so give one that lies 50 ms and the clocks' tolerance before the end of the lease. A watchdog that
    /// has died or reads no more is replaced; an error means that there is none, and the server must be closed.
    pub fn set_deadline(&mut self, deadline: Option<u64>) -> io::Result<()> {
        self.deadline = deadline.unwrap_or(0);
        let record = self.deadline.to_le_bytes();
        let running = &mut self.running;
        let alive = matches!(running.child.try_wait(), Ok(None));
        // Records are 8 bytes and the pipe's buffer is a multiple of that: a record is written whole or not at all.
        if alive
            && running
                .pipe
                .write(&record)
                .is_ok_and(|written| written == RECORD_BYTES)
        {
            return Ok(());
        }
        self.replace()
    }

    /// Replaces a watchdog that has died. Call it now and then (once a second) where no deadlines are set.
    pub fn check(&mut self) -> io::Result<()> {
        match self.running.child.try_wait() {
            Ok(None) => Ok(()),
            _ => self.replace(),
        }
    }

    fn replace(&mut self) -> io::Result<()> {
        self.respawns += 1;
        if self.respawns > MAX_RESPAWNS {
            return Err(io::Error::other("the watchdog process died too often"));
        }
        let fresh = start(&self.command, &self.header, self.deadline)?;
        let old = std::mem::replace(&mut self.running, fresh);
        dismiss(old);
        Ok(())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // The server's death is not left to the watchdog, so that both are gone when this returns.
        self.header.server.kill();
        let _ = self.running.child.kill();
        let _ = self.running.child.wait();
        reaper::disown(self.running.child.id());
    }
}

/// Ends a watchdog that was replaced, before it sees the end of its pipe and kills the server.
fn dismiss(mut old: Running) {
    let pid = old.child.id();
    let _ = old.child.kill();
    let _ = old.child.wait();
    reaper::disown(pid);
}

/// Starts the process, hands it the header and its first deadline, and waits until it is on guard.
fn start(command: &WatchdogCommand, header: &Header, deadline: u64) -> io::Result<Running> {
    let mut child = Command::new(&command.program)
        .args(&command.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()?;
    reaper::own(child.id());
    let pipe = child
        .stdin
        .take()
        .ok_or_else(|| io::Error::other("no pipe to the watchdog"));
    let handed = pipe
        .and_then(|pipe| hand_over(pipe, header, deadline))
        .and_then(|pipe| await_ready(&mut child).map(|()| pipe));
    match handed {
        Ok(pipe) => Ok(Running { child, pipe }),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            reaper::disown(child.id());
            Err(error)
        }
    }
}

/// Waits until the child is on guard: a deadline means nothing before. It takes 2 or 3 ms on an idle machine.
fn await_ready(child: &mut Child) -> io::Result<()> {
    let mut out = child
        .stdout
        .take()
        .ok_or_else(|| io::Error::other("no pipe from the watchdog"))?;
    let until = Instant::now() + READY_PATIENCE;
    let mut said = [0; 256];
    loop {
        let left = until.saturating_duration_since(Instant::now()).as_millis() as u16;
        let mut fds = [PollFd::new(out.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(left)) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        match out.read(&mut said)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length if said[..length].contains(&READY) => return Ok(()),
            _ => {}
        }
    }
}

/// One page: an empty pipe takes the header at once whatever the child does, and 512 unread deadlines (51 s of renewals)
/// are enough to know that a watchdog is frozen.
const PIPE_BYTES: i32 = 4096;

fn hand_over(mut pipe: ChildStdin, header: &Header, deadline: u64) -> io::Result<ChildStdin> {
    nix::fcntl::fcntl(&pipe, nix::fcntl::FcntlArg::F_SETPIPE_SZ(PIPE_BYTES))?;
    pipe.write_all(&header.encode()?)?;
    pipe.write_all(&deadline.to_le_bytes())?;
    let flags = nix::fcntl::OFlag::O_NONBLOCK;
    nix::fcntl::fcntl(&pipe, nix::fcntl::FcntlArg::F_SETFL(flags))?;
    Ok(pipe)
}

/// Nanoseconds since the machine's start, suspended time included: the clock of deadlines.
pub fn boottime_ns() -> u64 {
    boottime().map_or(0, |now| now.as_nanos() as u64)
}
