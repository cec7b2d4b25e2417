//! What the kernel says of a process: `/proc/PID/task/PID/stat` and `/proc/PID/statm`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bit of the `flags` field that the kernel sets as the first act of a process's death.
const PF_EXITING: u64 = 0x4;

/// A process that cannot be confused with a later one under the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessId {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since the machine's start.
    pub start_time: u64,
}

impl ProcessId {
    /// The process that has this number now.
    pub fn of(pid: u32) -> io::Result<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let stat = Stat::parse(&text)
            .ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat: unknown format")))?;
        Ok(Self {
            pid,
            start_time: stat.start_time,
        })
    }

    /// Does this very process still exist (as a zombie, perhaps)?
    pub fn exists(&self) -> bool {
        Self::of(self.pid).is_ok_and(|now| now == *self)
    }

    /// SIGKILL, unless the number belongs to another process by now. Works on stopped processes too.
    pub fn kill(&self) {
        if self.exists() {
            let pid = nix::unistd::Pid::from_raw(self.pid as i32);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
    }
}

/// The fields of a `stat` line that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// State letter: `R`, `S`, `D`, `T`, `t`, `Z`, `X`, …
    pub state: char,
    /// Kernel flags; see [`Stat::dying`].
    pub flags: u64,
    /// CPU time used, user and system, in clock ticks of 10 ms.
    pub cpu_ticks: u64,
    /// Clock ticks since the machine's start.
    pub start_time: u64,
    /// Wait status (`code << 8 | signal`) once it is dying; 0 when the kernel does not tell us.
    pub exit_code: i32,
}

impl Stat {
    /// Reads a line. The command's name may hold spaces and brackets, so fields count from the last `)`.
    pub fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // Field 3 of proc(5) is fields[0].
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            state: fields.first()?.chars().next()?,
            flags: number(9)?,
            cpu_ticks: number(14)? + number(15)?,
            start_time: number(22)?,
            exit_code: number(52).unwrap_or(0) as i32,
        })
    }

    /// Dead or past the point of no return: it executes no further command, though its sockets may stay open
    /// for seconds while the kernel frees its memory.
    pub fn dying(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x') || self.flags & PF_EXITING != 0
    }
}

/// Open files on one process, so that a look costs a system call or two and no path walk.
#[derive(Debug)]
pub struct Eye {
    stat: File,
    statm: File,
}

impl Eye {
    /// Opens the files of a living process.
    pub fn open(pid: u32) -> io::Result<Self> {
        // The main thread's own line: its state and CPU time, not the sum over background threads.
        Ok(Self {
            stat: File::open(format!("/proc/{pid}/task/{pid}/stat"))?,
            statm: File::open(format!("/proc/{pid}/statm"))?,
        })
    }

    /// The whole line, about 10 µs. `None` once the process is gone.
    pub fn stat(&self) -> Option<Stat> {
        let mut buffer = [0; 1024];
        let length = self.stat.read_at(&mut buffer, 0).ok()?;
        Stat::parse(std::str::from_utf8(&buffer[..length]).ok()?)
    }

    /// A cheap look, about 1 µs: has the process given up its memory map? That is one of the first steps of its
    /// death, long before the parent or any peer is told.
    pub fn has_memory(&self) -> bool {
        let mut buffer = [0; 64];
        match self.statm.read_at(&mut buffer, 0) {
            Ok(length) => length > 0 && !buffer[..length].starts_with(b"0 "),
            Err(_) => false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    const LINE: &str = "11069 (redis )x( server) S 11065 11065 6467 0 -1 4194560 954 0 7 0 3 4 0 0 20 0 5 0 149859 62283776 3021 18446744073709551615 1 1 1 0 0 0 0 12293 17642 0 0 0 17 1 0 0 0 0 0 1 1 1 1 1 1 1 9";

    #[test]
    fn reads_a_line_whatever_the_name() {
        let stat = Stat::parse(LINE);
        let expected = Stat {
            state: 'S',
            flags: 4_194_560,
            cpu_ticks: 7,
            start_time: 149_859,
            exit_code: 9,
        };
        assert_eq!(stat, Some(expected));
        assert!(!expected.dying());
        assert!(
            Stat {
                flags: 4_194_564,
                ..expected
            }
            .dying()
        );
        assert!(
            Stat {
                state: 'Z',
                ..expected
            }
            .dying()
        );
        assert_eq!(Stat::parse("1 (x) S 2"), None);
    }

    #[test]
    fn this_process_lives_and_nothing_else_is_it() {
        let me = ProcessId::of(std::process::id()).expect("own stat");
        assert!(me.exists());
        assert!(
            !ProcessId {
                start_time: me.start_time + 1,
                ..me
            }
            .exists()
        );
        let eye = Eye::open(me.pid).expect("own files");
        assert!(eye.has_memory() && !eye.stat().expect("own line").dying());
    }
}
