//! How much room the disk of the data folder has left: said before the store says it by refusing.

use std::path::Path;

/// With less it is said. The store's log takes some 20 MB before it is written back, and a copy of it as much again while
/// it is; what is left then is for people to notice.
const LITTLE: u64 = 64 << 20;

/// Returns how many bytes can still be written there; `None` where the system does not say.
pub fn free(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Returns how much is free on a disk that is nearly full.
pub fn little(dir: &Path) -> Option<String> {
    free(dir).filter(|free| *free < LITTLE).map(words)
}

/// Returns what people are told of a disk that is nearly full.
pub fn nearly_full(dir: &Path) -> Option<String> {
    little(dir).map(|free| format!("disk nearly full: {free} free at {}", dir.display()))
}

/// Returns a size in words.
pub fn words(free: u64) -> String {
    match free {
        0..1_000_000 => format!("{} kB", free / 1000),
        1_000_000_000.. => format!("{} GB", free / 1_000_000_000),
        _ => format!("{} MB", free / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_said_in_words_of_its_size() {
        assert_eq!(
            [0, 999_999, 41_900_000, 7_000_000_000].map(words),
            ["0 kB", "999 kB", "41 MB", "7 GB"]
        );
    }
}
