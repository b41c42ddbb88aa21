//! Runs recipes durably: the pure machine, its journal, the store, the worker that performs, and the intake.

mod crash;
mod journal;
mod machine;
mod retry;
mod store;

pub use crash::{CRASH_POINTS, crash_point};
pub use journal::{
    Choice, Entry, FORMAT, JobError, JobId, Kind, Outcome, Status, StepPath, StepWarning, Verdict,
};
pub use machine::{Attention, Decision, Due, JobFacts, Machine, Misfit, What};
pub use store::{
    Accepted, Append, Claim, Claimed, Count, DeliveryId, DeliveryRow, Effect, EffectRow, Intake,
    JobQuery, JobRow, Keep, Loaded, NewJob, Pin, Purged, RecipeState, Size, Standing, Stats, Store,
    StoreError, StoredDelivery, content_hash,
};
