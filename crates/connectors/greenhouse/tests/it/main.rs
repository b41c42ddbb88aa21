//! The connector from outside: deliveries as bytes, and calls against the sandbox's Greenhouse over real HTTP.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bench;
mod checkup;
mod hired;
mod missed;
mod notes;
mod other_triggers;
mod reads;
mod tokens;
mod webhook;
