//! Tests of the whole: the walls between the crates, the tidiness of the tree, and the real binary against the
//! sandbox.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    unreachable_pub,
    reason = "tests export nothing: `pub` here means that another file uses it"
)]

mod access;
mod acme;
mod answering;
mod api;
mod backups;
mod browser;
mod checking;
mod command_line;
mod custom_fields;
mod deaths;
mod deliveries;
mod disk;
mod editors;
mod examples;
mod forgotten;
mod hires;
mod hostile;
mod inputs;
mod kills;
mod lists;
mod metrics;
mod missed;
mod mistakes;
mod mounts;
mod mutants;
mod notes;
mod order;
mod outcomes;
mod overload;
mod pages;
mod plans;
mod power;
mod promises;
mod recording;
mod reference;
mod secrets;
mod shadow;
mod shipped;
mod shown;
mod stories;
mod testing;
mod tidy;
mod town;
mod vendors;
mod walls;
