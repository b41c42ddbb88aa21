//! Files fetched into temporary files, without credentials.

use std::time::Duration;

use tempfile::NamedTempFile;

/// What a download may take.
#[derive(Debug, Clone, Copy)]
pub struct DownloadLimits {
    /// The most bytes: 25 MiB.
    pub max_bytes: u64,
    /// How long it may take in all: 5 min.
    pub timeout: Duration,
}

impl Default for DownloadLimits {
    fn default() -> Self {
        Self { max_bytes: 25 << 20, timeout: Duration::from_mins(5) }
    }
}

/// A file that was downloaded; it is removed when this is dropped.
#[derive(Debug)]
pub struct Downloaded {
    /// Where it lies.
    pub file: NamedTempFile,
    /// Its length.
    pub len: u64,
    /// The SHA-256 of its content, in lower-case hex.
    pub sha256_hex: String,
    /// What the host says it is.
    pub content_type: Option<String>,
}
