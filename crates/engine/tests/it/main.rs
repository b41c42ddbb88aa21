//! The engine over a real store, with a small vendor whose answers are scripted and whose writes are counted.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod bench;
mod budget;
mod children;
mod clocks;
mod cut;
mod durability;
mod endings;
mod intake;
mod jobs;
mod kept;
mod machine;
mod order;
mod pauses;
mod plans;
mod play;
mod reopened;
mod rounds;
mod rounds_at_once;
mod slots;
mod sources;
mod vendor;
mod versions;
mod waits;
mod wakes;
