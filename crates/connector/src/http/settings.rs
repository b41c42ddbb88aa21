//! What a client is made with.

use std::time::Duration;

use url::Url;

use super::statuses::StatusClasses;
use crate::failure::Failure;

/// What a client is made with. [`new`](Self::new) gives cautious defaults; every field may be set.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Where paths begin; https, or http to a loopback address when private addresses are allowed.
    pub base_url: Url,
    /// Whether loopback and private addresses may be reached (a sandbox, a service in the same network).
    pub allow_private_addresses: bool,
    /// How long a connection may take to stand: 10 s.
    pub connect_timeout: Duration,
    /// How long a whole exchange may take: 30 s.
    pub timeout: Duration,
    /// The most bytes an answer may have, after decompression: 10 MiB.
    pub max_body: usize,
    /// How many requests may be under way at once: 4.
    pub max_in_flight: usize,
    /// The least time between the starts of two requests: none.
    pub min_interval: Duration,
    /// What each status means for another attempt.
    pub statuses: StatusClasses,
    /// Where the vendor's words are in the JSON of an error, first match wins.
    pub error_pointers: Vec<String>,
}

impl ClientSettings {
    /// Returns the defaults for a vendor at `base_url`.
    pub fn new(base_url: &str) -> Result<Self, Failure> {
        let base_url = Url::parse(base_url).map_err(|problem| {
            Failure::permanent("invalid_setting", format!("the base URL cannot be read: {problem}"))
                .hint("Write an absolute URL such as `https://api.example.com/v1`.")
        })?;
        Ok(Self {
            base_url,
            allow_private_addresses: false,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            max_body: 10 << 20,
            max_in_flight: 4,
            min_interval: Duration::ZERO,
            statuses: StatusClasses::default(),
            error_pointers: [
                "/message",
                "/error/message",
                "/error_description",
                "/error",
                "/errors",
                "/detail",
                "/title",
            ]
            .map(String::from)
            .to_vec(),
        })
    }
}
