//! What a connector author sees.
//!
//! A connector is a value: a name, the type of its connection, triggers and actions. An action is an async function
//! from a typed input to a typed output; its schema, checks and documentation follow from the types and their doc
//! comments. [`http`] is the only place in the whole program that opens outgoing connections.

mod action;
mod call;
mod clock;
mod connector;
mod failure;
pub mod hmac;
pub mod http;
mod secret;
mod trigger;
mod typed;

pub use action::{Action, LookUp, Prepared};
pub use call::{Call, Identity, Warning};
pub use clock::{Clock, ManualClock, SystemClock};
pub use connector::{Connection, Connector, Finding, Opening, catalogue};
pub use failure::{Exchange, Failure, FailureKind};
pub use secret::Secret;
pub use trigger::{Delivery, Event, Refusal, Trigger, Verdict};

pub use jiff;
pub use recipe::EffectSpec;
pub use schemars;
