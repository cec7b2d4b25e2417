//! Room for connections: the limit of open files.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Files that the rest of the process needs.
const OTHER_FILES: u64 = 128;

/// Raises the limit of open files as far as needed and allowed; how many clients fit under it.
pub(super) fn room_for(max_clients: usize) -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return max_clients;
    };
    let wanted = max_clients as u64 + OTHER_FILES;
    if soft >= wanted {
        return max_clients;
    }
    let reached = wanted.min(hard);
    let limit = if setrlimit(Resource::RLIMIT_NOFILE, reached, hard).is_ok() {
        reached
    } else {
        soft
    };
    let fits = usize::try_from(limit.saturating_sub(OTHER_FILES))
        .unwrap_or(max_clients)
        .clamp(1, max_clients);
    if fits < max_clients {
        tracing::warn!(
            wanted = max_clients,
            fits,
            "the limit of open files allows fewer clients"
        );
    }
    fits
}
