//! The tokio runtime: one thread is plenty for every role.

use crate::exit::Failure;
use std::future::Future;

/// Runs `future` on this thread, which therefore lives as long as the children started from it.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                crate::exit::Exit::Failed,
                format!("cannot start the runtime: {error}"),
            )
        })?;
    Ok(runtime.block_on(future))
}
