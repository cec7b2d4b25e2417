//! What several targets need.

use std::path::Path;

/// Cuts `bytes` into pieces whose lengths are drawn from `cuts`, which are used over and over; one piece where there are none.
pub fn pieces<'a>(bytes: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for cut in cuts.iter().cycle().take(bytes.len()) {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(usize::from(*cut).clamp(1, rest.len()));
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// A folder in memory, where the machine has such: files that are synced thousands of times a second wear no disk.
///
/// # Panics
/// When no folder can be made.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a folder")
}
