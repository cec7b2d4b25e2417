//! Memory that only the start needed.
//!
//! The whole binary knows far more than a role needs: arguments and help of every command, YAML, filters of logs. The kernel
//! maps 64 KiB and more around every page of it that is touched, so the start of a role leaves some six MiB mapped that are
//! never used again. They are clean pages of the page cache: giving them up costs a soft fault for each that is needed
//! after all.

use nix::sys::mman::{MmapAdvise, madvise};
use std::ffi::c_void;
use std::fs;
use std::ptr::NonNull;

/// Unmaps this program's own code and constants, to be mapped again as they are used. Call it when the start is done and
/// before the work begins, so that nothing of the work is cold later. Where it cannot be done nothing happens.
pub(crate) fn give_back_start() {
    let (Ok(maps), Ok(program)) = (
        fs::read_to_string("/proc/self/maps"),
        fs::read_link("/proc/self/exe"),
    ) else {
        return;
    };
    for (start, length) in clean(&maps, &program.to_string_lossy()) {
        let Some(start) = NonNull::new(start as *mut c_void) else {
            continue;
        };
        // SAFETY: the range is one whole private mapping of the program's file that this process cannot write to and never
        // could: pages that go come back from the file, with the same bytes.
        #[allow(unsafe_code)]
        let _ = unsafe { madvise(start, length, MmapAdvise::MADV_DONTNEED) };
    }
}

/// Start and length of the mappings of `program` that are the same as its file: code, and the constants before it. What
/// follows the code was written to when addresses were filled in, even where it is read-only now.
fn clean(maps: &str, program: &str) -> Vec<(usize, usize)> {
    maps.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (range, rights, offset) = (words.next()?, words.next()?, words.next()?);
            let first = offset.bytes().all(|digit| digit == b'0');
            let (_, path) = line.split_once('/')?;
            let own = program.strip_prefix('/') == Some(path);
            let (start, end) = range.split_once('-')?;
            let start = usize::from_str_radix(start, 16).ok()?;
            let end = usize::from_str_radix(end, 16).ok()?;
            (own && (rights == "r-xp" || (rights == "r--p" && first)))
                .then(|| (start, end.saturating_sub(start)))
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0a0000000-55d0a0004000 r--p 00000000 fe:00 7 /usr/bin/hold fast
55d0a0004000-55d0a0009000 r-xp 00004000 fe:00 7 /usr/bin/hold fast
55d0a0009000-55d0a000a000 r--p 00009000 fe:00 7 /usr/bin/hold fast
55d0a000a000-55d0a000b000 rw-p 0000a000 fe:00 7 /usr/bin/hold fast
55d0a1000000-55d0a1021000 rw-p 00000000 00:00 0 [heap]
7f0000000000-7f0000100000 r-xp 00026000 fe:00 9 /usr/lib/libc.so.6
";

    #[test]
    fn only_what_equals_the_file_is_given_back() {
        assert_eq!(
            clean(MAPS, "/usr/bin/hold fast"),
            [(0x55d0_a000_0000, 0x4000), (0x55d0_a000_4000, 0x5000)]
        );
        assert!(clean(MAPS, "/usr/bin/other").is_empty());
    }

    #[test]
    fn everything_works_afterwards_and_is_smaller() {
        let resident = || -> usize {
            let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
            let mut own = false;
            let mut sum = 0;
            for line in smaps.lines() {
                if line.contains(" r-xp ") {
                    own = line.contains("holdfast");
                } else if own && line.starts_with("Rss:") {
                    sum += line
                        .split_whitespace()
                        .nth(1)
                        .unwrap()
                        .parse::<usize>()
                        .unwrap();
                    own = false;
                }
            }
            sum
        };
        let help = || crate::cli::command().render_long_help().to_string();
        let told = help();
        let before = resident();
        give_back_start();
        let after = resident();
        assert!(after < before / 2, "{before} KiB before, {after} KiB after");
        assert_eq!(help(), told);
    }
}
