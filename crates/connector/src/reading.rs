//! Events that nobody sends: pages read from a vendor, and moments of a timetable.

use std::{any::Any, future::Future, pin::Pin, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{call::Call, connector::Connection, failure::Failure, typed::decode_input};

/// Where reading begins.
#[derive(Debug, Clone)]
pub struct From {
    /// What the last page gave; `None` for the first page ever.
    pub cursor: Option<Value>,
    /// Without a cursor: what happened from this moment on is wanted.
    pub since: Timestamp,
}

/// What one call of a reader gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// What was found, in order of happening as far as the vendor tells. What was given before may be among it.
    pub found: Vec<Found>,
    /// Where the next call goes on. It is stored in one commit with what was found.
    pub cursor: Value,
    /// Whether there is more to read at once.
    pub more: bool,
}

/// One thing that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What is stored as its delivery; the trigger's `decode` reads the events out of it, now and whenever the job is
    /// loaded.
    pub body: Vec<u8>,
    /// What says that an event which came another way was the same, although their dedupe keys differ.
    pub same_as: Option<SameAs>,
}

/// An event whose once key is `subject`, or begins with it and a `/`, and that was accepted at `since` or later, is the
/// same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameAs {
    /// The beginning of the once key, such as an application's id.
    pub subject: String,
    /// From when on.
    pub since: Timestamp,
}

impl Found {
    /// Returns a thing whose body is `value` as JSON.
    pub fn json(value: &Value) -> Self {
        Self { body: value.to_string().into_bytes(), same_as: None }
    }
}

type Later = Pin<Box<dyn Future<Output = Result<Page, Failure>> + Send>>;
type Read = dyn Fn(Connection, Call, Value, From) -> Later + Send + Sync;

/// An async function that reads pages.
#[derive(Clone)]
pub(crate) struct Reader(Arc<Read>);

impl Reader {
    pub(crate) fn new<C, W, F>(read: fn(Arc<C>, Call, W, From) -> F) -> Self
    where
        C: Any + Send + Sync,
        W: DeserializeOwned + Send + 'static,
        F: Future<Output = Result<Page, Failure>> + Send + 'static,
    {
        Self(Arc::new(move |connection, call, with, from| {
            Box::pin(
                async move { read(connection.inner(), call, decode_input(&with)?, from).await },
            )
        }))
    }

    pub(crate) fn read(
        &self,
        connection: Connection,
        call: Call,
        with: Value,
        from: From,
    ) -> Later {
        (self.0)(connection, call, with, from)
    }
}

/// What becomes of moments that passed while the program was off.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// The last one fires, late; the others do not.
    #[default]
    Once,
    /// Each fires, late.
    All,
    /// None fires.
    Skip,
}

type Next =
    dyn Fn(&Value, Timestamp, &TimeZone) -> Result<Option<Timestamp>, Failure> + Send + Sync;

/// Which moments are due. Pure: the same settings and zone give the same moments for ever.
#[derive(Clone)]
pub struct Timetable {
    next: Arc<Next>,
    missed: Arc<dyn Fn(&Value) -> Missed + Send + Sync>,
}

impl Timetable {
    /// Returns a timetable. `next` gives the first moment after another, by settings of type `W` and the project's
    /// zone; `None` when there is none ever. `missed` reads the recipe's choice.
    pub fn new<W: DeserializeOwned + 'static>(
        next: fn(&W, Timestamp, &TimeZone) -> Result<Option<Timestamp>, Failure>,
        missed: fn(&W) -> Missed,
    ) -> Self {
        Self {
            next: Arc::new(move |with, after, zone| next(&decode_input(with)?, after, zone)),
            missed: Arc::new(move |with| {
                W::deserialize(with).map_or_else(|_| Missed::default(), |with| missed(&with))
            }),
        }
    }

    /// Returns the first moment after `after`.
    pub fn next(
        &self,
        with: &Value,
        after: Timestamp,
        zone: &TimeZone,
    ) -> Result<Option<Timestamp>, Failure> {
        (self.next)(with, after, zone)
    }

    /// Returns what becomes of moments that were missed.
    pub fn missed(&self, with: &Value) -> Missed {
        (self.missed)(with)
    }

    /// Returns the body that is stored for a moment.
    pub fn body(moment: Timestamp) -> Vec<u8> {
        serde_json::json!({ "scheduled_for": moment }).to_string().into_bytes()
    }

    /// Returns the moment of such a body.
    pub fn moment(body: &[u8]) -> Result<Timestamp, Failure> {
        let read: Option<Value> = serde_json::from_slice(body).ok();
        let text = read.as_ref().and_then(|read| read.get("scheduled_for")?.as_str());
        text.and_then(|text| text.parse().ok()).ok_or_else(|| {
            Failure::permanent("invalid_payload", "expected a map with `scheduled_for`, a moment")
                .hint("Write it like `{\"scheduled_for\": \"2027-01-04T02:00:00Z\"}`.")
        })
    }
}
