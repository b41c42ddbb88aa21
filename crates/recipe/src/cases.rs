//! The tests of a recipe: `recipes/NAME.test.yaml` as a document, checked against the recipe it tests.
//!
//! [`read_cases`] reports every mistake in one go. What it gives back is as meant, not as written: each [`Case`]
//! already holds what it takes from `given`, step names are resolved, and replies and expectations fit the connectors'
//! schemas. `engine::simulate` plays the cases.

mod called;
mod change;
mod conform;
mod diff;
mod expect;
mod expectations;
mod keys;
pub(crate) mod known;
mod matcher;
mod range;
mod read;
mod reply;
mod selector;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    diagnostic::{Source, Span},
    schema::Shape,
    table::Table,
};

pub use change::Change;
pub use conform::example;
pub(crate) use conform::{misread, wanted};
pub use expect::{Expect, ExpectedError, ExpectedStep, ExpectedWarning};
pub use matcher::{Expected, Matcher, Mismatch, Pattern};
pub use range::Range;
pub use read::read_cases;
pub use reply::{Fail, FailKind, LookedUp, Recording, Reply, Script};
pub use selector::Selector;

/// A test file.
#[derive(Debug)]
pub struct Cases {
    /// The text it was read from.
    pub source: Arc<Source>,
    /// The recipe it tests.
    pub recipe: String,
    /// Its cases, in the order of the text.
    pub cases: Vec<Case>,
}

/// One case, with what it takes from `given`.
#[derive(Debug)]
pub struct Case {
    /// What it shows, as a sentence; unique in the file.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// The event.
    pub event: CaseEvent,
    /// The moment the job begins.
    pub now: Timestamp,
    /// What the steps answer; the most specific selector that covers a call wins.
    pub replies: Vec<(Selector, Script)>,
    /// Properties that differ from the project's.
    pub properties: BTreeMap<String, Value>,
    /// Tables that replace the project's.
    pub tables: BTreeMap<String, Arc<Table>>,
    /// What must come of it.
    pub expect: Expect,
}

/// The event of a case.
#[derive(Debug, Clone)]
pub struct CaseEvent {
    /// Where it comes from.
    pub from: EventFrom,
    /// When the delivery came.
    pub received_at: Timestamp,
    /// What is changed in the decoded event, in order.
    pub changes: Vec<Change>,
    /// What the trigger's events hold.
    shape: Shape,
}

/// Where the event of a case comes from.
#[derive(Debug, Clone)]
pub enum EventFrom {
    /// A file with the vendor's raw body, which the real trigger decodes.
    File {
        /// Its path, relative to the project folder.
        path: String,
        /// Where the test file names it.
        span: Span,
    },
    /// The decoded event itself.
    Payload(Value),
}

impl Case {
    /// Returns a case that plays one decoded event, says nothing else and expects nothing.
    pub fn of_event(name: &str, payload: Value, now: Timestamp) -> Self {
        let from = EventFrom::Payload(payload);
        Self {
            name: name.into(),
            span: Span::default(),
            event: CaseEvent { from, received_at: now, changes: Vec::new(), shape: Shape::any() },
            now,
            replies: Vec::new(),
            properties: BTreeMap::new(),
            tables: BTreeMap::new(),
            expect: Expect::default(),
        }
    }
}

impl CaseEvent {
    /// Returns the decoded event with the changes made. What a change leaves out of a map it makes is filled in.
    pub fn changed(&self, mut event: Value) -> Result<Value, (Span, String)> {
        for change in &self.changes {
            change.apply(&mut event).map_err(|reason| (change.span, reason))?;
        }
        Ok(conform::fill(event, &self.shape))
    }
}
