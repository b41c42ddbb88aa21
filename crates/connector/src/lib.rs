//! What a connector author sees.
//!
//! A connector is a value: a name, the type of its connection, triggers and actions. An action is an async function
//! from a typed input to a typed output; its schema, checks and documentation follow from the types and their doc
//! comments. [`http`] is the only place in the whole program that opens outgoing connections.
//!
//! ```
//! use std::sync::Arc;
//!
//! use connector::{Action, Call, Connector, Failure, Finding, Opening, Secret, http, schemars::JsonSchema};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Settings {
//!     /// The API key.
//!     key: Secret,
//! }
//!
//! struct Account {
//!     client: http::Client,
//!     key: Secret,
//! }
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Which {
//!     /// The person's id.
//!     id: String,
//! }
//!
//! #[derive(Deserialize, Serialize, JsonSchema)]
//! struct Person {
//!     /// The full name.
//!     name: String,
//! }
//!
//! async fn get_person(account: Arc<Account>, call: Call, which: Which) -> Result<Person, Failure> {
//!     let request = account.client.get(&format!("people/{}", http::segment(&which.id))).bearer(&account.key);
//!     request.doing("reading the person").send(&call).await?.json()
//! }
//!
//! fn open(settings: Settings, opening: &Opening) -> Result<Account, Failure> {
//!     let client = http::Client::new(http::ClientSettings::new("https://api.example.com/v1")?, opening)?;
//!     Ok(Account { client, key: settings.key })
//! }
//!
//! async fn check(account: Arc<Account>, call: Call) -> Vec<Finding> {
//!     vec![match account.client.get("me").bearer(&account.key).send(&call).await {
//!         Ok(_) => Finding::good("the API key", "it is accepted"),
//!         Err(failure) => Finding::bad("the API key", failure.message, "Make a new one in the product's settings."),
//!     }]
//! }
//! let example = Connector::new("example", "An example.", open, check)
//!     .action(Action::read("get_person", "Reads a person.", get_person));
//! assert_eq!(example.spec().actions["get_person"].input.fields[0].summary, "The person's id.");
//! ```

mod action;
mod call;
mod clock;
mod connector;
mod failure;
pub mod hmac;
pub mod http;
mod reading;
mod secret;
mod trigger;
mod typed;

pub use action::{Action, LookUp, Prepared};
pub use call::{Call, Identity, Warning};
pub use clock::{Clock, ManualClock, SystemClock};
pub use connector::{Connection, Connector, Finding, Opening, catalogue};
pub use failure::{Exchange, Failure, FailureKind};
pub use reading::{Found, From, Missed, Page, SameAs, Timetable};
pub use recipe::{EffectSpec, Flaw, TriggerKind, normalize_name, read_duration};
pub use recipe::{Items, Payload, View};
pub use secret::Secret;
pub use trigger::{Delivery, Event, Refusal, Trigger, Verdict};
pub use typed::Declared;
pub use {jiff, schemars};
