//! Connectors that belong to no vendor: `log`, `http`, `schedule` and `webhook`.

mod every;
mod http;
mod log;
mod poll;
mod schedule;
mod webhook;

pub use every::connectors;
