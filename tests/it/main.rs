//! Tests of the whole: the walls between the crates, the tidiness of the tree, and the real binary against the
//! sandbox.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod promises;
mod reference;
mod shipped;
mod shown;
mod tidy;
mod walls;
