//! Which sockets a process has, by the numbers of its files.

use std::collections::HashMap;
use std::io;

/// Files looked at; redis-server has one per client, and some.
const FILES_MAX: usize = 1 << 17;

/// The inode of each socket among the files of a process.
pub(super) fn sockets(pid: u32) -> io::Result<HashMap<u32, u64>> {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"))?;
    // Files come and go meanwhile.
    let files = files.flatten().take(FILES_MAX).filter_map(|file| {
        let target = std::fs::read_link(file.path()).ok()?;
        let inode = target.to_str()?.strip_prefix("socket:[")?;
        let inode = inode.strip_suffix(']')?.parse().ok()?;
        Some((file.file_name().to_str()?.parse().ok()?, inode))
    });
    Ok(files.collect())
}
