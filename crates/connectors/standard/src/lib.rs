//! Connectors that belong to no vendor: `log`, `http` and `webhook`.

mod every;
mod http;
mod log;
mod webhook;

pub use every::connectors;
