//! The one HTTP client: time-outs, size limits, limits owned by the connection and learnt from answers, no
//! credentials across hosts, private addresses refused unless allowed, redacted exchanges kept for the history.
//!
//! A connection holds one [`Client`] for each host it talks to. A [`Request`] says what it is doing and whether it
//! reads or writes; what a failure means for another attempt follows from that in one place.

mod address;
mod answer;
mod circuit;
mod client;
mod download;
mod fault;
mod limits;
mod paging;
mod recording;
mod redact;
mod request;
mod retry_after;
mod settings;
mod stand_ins;
mod statuses;
mod told;
mod wire;

pub use answer::Answer;
pub use circuit::{CircuitState, Health, Trouble};
pub use client::Client;
pub use download::{DownloadLimits, Downloaded};
pub use paging::{each_linked_page, each_numbered_page};
pub use recording::{Recorded, RecordedRequest, RecordedResponse};
pub use redact::redact;
pub use request::{Multipart, Request, segment};
pub use reqwest::{Method, header::HeaderMap};
pub use settings::ClientSettings;
pub use stand_ins::{Found, StandIns};
pub use statuses::{StatusClass, StatusClasses};
pub use url::Url;
pub use wire::{PLANNED, Planned, Wire};
