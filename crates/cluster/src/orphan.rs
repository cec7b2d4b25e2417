//! No process outlives the `up` that started it.

use anyhow::Context as _;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::getppid;

/// Makes the kernel kill this process when its parent, which must be `parent`, dies.
///
/// The flag belongs to the *thread* that started the child: [`crate::LocalGroup`] starts processes only
/// from threads that live as long as its runtime.
///
/// # Errors
/// When the parent died before this was called: then this process should end, too.
pub fn die_with_parent(parent: i32) -> anyhow::Result<()> {
    set_pdeathsig(Signal::SIGKILL).context("cannot tie this process to its parent")?;
    // Between fork and here the parent may have gone: the kernel would never tell.
    anyhow::ensure!(
        getppid().as_raw() == parent,
        "the process that started this one (pid {parent}) is gone"
    );
    Ok(())
}
