//! Runs recipes durably: the pure machine, its journal, the store, the worker that performs, and the intake.

mod journal;
mod machine;
mod retry;
mod store;

pub use journal::{
    Choice, Entry, FORMAT, JobError, JobId, Kind, Outcome, Status, StepPath, StepWarning, Verdict,
};
pub use machine::{Attention, Decision, Due, JobFacts, Machine, Misfit, What};
pub use store::{Accepted, Append, Claim, Claimed, Effect, Intake, NewJob, Standing};
