//! Greenhouse and GoCo on loopback, as faithful as the public material allows.
//!
//! Tenants for the demo, for the end-to-end tests and for newcomers: each starts a server on a free port of
//! 127.0.0.1, refuses what the real thing refuses, and has switches for the ways in which the real thing fails.

pub mod goco;
pub mod greenhouse;
mod line;
mod sender;

pub use sender::{Sender, Sent, escaped};
