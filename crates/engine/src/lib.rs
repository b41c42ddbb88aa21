//! Runs recipes durably: the pure machine, its journal, the store, the worker that performs, and the intake.

mod journal;
mod store;

pub use journal::{
    Choice, Entry, FORMAT, JobError, JobId, Kind, Outcome, Status, StepPath, StepWarning, Verdict,
};
pub use store::{Accepted, Append, Claim, Claimed, Effect, Intake, NewJob, Standing};
