//! Runs recipes durably: the pure machine, its journal, the store, the worker that performs, and the intake.

mod answer;
mod called;
mod catch_up;
mod command;
mod crash;
mod cut;
mod deployment;
mod dispatch;
mod drive;
mod effect;
mod flight;
mod forget;
mod fresh;
mod gather;
mod held;
mod intake;
mod journal;
mod machine;
mod made;
mod pins;
pub mod plan;
mod poll;
mod question;
mod refused;
mod resting;
mod retry;
mod room;
mod sample;
mod schedule;
mod service;
pub mod simulate;
mod sources;
mod stand_ins;
mod standing;
mod store;
mod stuck;
mod take_up;
mod tally;
mod upkeep;
mod view;
mod worker;

pub use answer::Reply;
pub use catch_up::CaughtUp;
pub use command::{Command, CommandError, Given, Settlement};
pub use crash::CRASH_POINTS;
pub use deployment::Deployment;
pub use held::HeldWrite;
pub use intake::Answer;
pub use journal::{
    Choice, Entry, FORMAT, JobError, JobId, Kind, Outcome, Status, StepPath, StepWarning, Verdict,
};
pub use machine::{
    Ask, Attention, Child, ChildStage, Decision, Due, JobFacts, Machine, Misfit, What,
};
pub use question::Question;
pub use refused::Refusal;
pub use service::{Engine, FileState, Notice, Settings};
pub use sources::{SourceKind, SourceStatus};
pub use standing::RecipeStatus;
pub use store::{
    Accepted, Append, Audit, Backup, Claim, Claimed, Count, DayCount, DeliveryId, DeliveryRow,
    Effect, EffectRow, Holding, InPlace, Intake, JobQuery, JobRow, Keep, Loaded, NewJob, Parent,
    Pin, Purged, Reading, RecipeState, Refused, Restoring, Size, Source, Standing, Stats, Store,
    StoreError, StoredDelivery, Taken, VersionRow, content_hash,
};
pub use tally::{StepTally, Tally};
pub use view::{ConnectionHealth, JobView};
