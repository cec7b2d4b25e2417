//! Starting a child that cannot outlive its agent. The only unsafe code of this crate.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// Starts `command` in its own process group (a terminal's Ctrl-C is for the agent, which stops in order) and asks
/// the kernel to SIGKILL it when its parent dies.
///
/// The kernel takes "parent" to be the *thread* that forks: call it on a thread that lives as long as the agent.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    let parent = nix::unistd::getpid();
    command.process_group(0);
    let tie = move || tie_to(parent);
    // SAFETY: the closure runs in the forked child before exec, where only async-signal-safe calls are allowed. It
    // makes two system calls (prctl, getppid), allocates nothing, takes no lock and reads one captured integer.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(tie);
    }
    command.spawn()
}

/// In the child: die with `parent`, and at once if it died before it could be asked for.
fn tie_to(parent: nix::unistd::Pid) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    if nix::unistd::getppid() == parent {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(nix::libc::ESRCH))
    }
}
