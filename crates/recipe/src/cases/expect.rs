//! What a case expects: of the job, of its steps, of their order.

use jiff::{SignedDuration, Timestamp};

use super::{matcher::Expected, range::Range, selector::Selector};
use crate::diagnostic::Span;

/// What must come of a case. What it does not name is not looked at.
#[derive(Debug, Default)]
pub struct Expect {
    /// How the job ends, or `needs_attention`, or `filtered` when the trigger's `when` keeps the event from becoming
    /// a job.
    pub status: Option<(String, Span)>,
    /// The reason of the `stop` that ended it.
    pub reason: Option<Expected>,
    /// The outcome's message: reason or error, hint, warnings.
    pub message: Option<Expected>,
    /// The job's label.
    pub label: Option<Expected>,
    /// The key that orders the job among others; absent when it waits for none.
    pub key: Option<Expected>,
    /// The group of recipes that share the key; absent when it is the recipe's own.
    pub key_group: Option<Expected>,
    /// The key by which a repeat of its delivery is known.
    pub dedupe: Option<Expected>,
    /// The error it failed with.
    pub error: Option<ExpectedError>,
    /// What a called recipe gives.
    pub output: Option<Expected>,
    /// What steps do.
    pub steps: Vec<ExpectedStep>,
    /// Steps that begin one after the other.
    pub order: Vec<(Selector, Span)>,
    /// All warnings, in order.
    pub warnings: Option<(Span, Vec<ExpectedWarning>)>,
}

/// The error a job fails with.
#[derive(Debug, Default)]
pub struct ExpectedError {
    /// Where it stands.
    pub span: Span,
    /// The stable word.
    pub code: Option<Expected>,
    /// What happened.
    pub message: Option<Expected>,
    /// What a person should do.
    pub hint: Option<Expected>,
    /// The step that failed.
    pub step: Option<(Selector, Span)>,
}

/// What a step does.
#[derive(Debug)]
pub struct ExpectedStep {
    /// Which, and in which round.
    pub step: Selector,
    /// The name as it is written.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// How often it runs (rounds, not attempts); 0 for `not_run`.
    pub count: Option<Range<u32>>,
    /// How often it is called in all, retries included.
    pub attempts: Option<Range<u32>>,
    /// When it begins.
    pub at: Option<Range<Timestamp>>,
    /// How long it takes from its begin to its end: waits, answers and retries.
    pub waited: Option<Range<SignedDuration>>,
    /// What it asks a person.
    pub ask: Option<Expected>,
    /// Inputs by name; every run of the step must have them.
    pub with: Vec<(String, Expected)>,
    /// Its output; every run of the step must give it.
    pub output: Option<Expected>,
}

/// A warning.
#[derive(Debug)]
pub struct ExpectedWarning {
    /// Where it stands.
    pub span: Span,
    /// The stable word.
    pub code: Option<Expected>,
    /// What it is.
    pub message: Option<Expected>,
    /// The step it comes from.
    pub step: Option<(Selector, Span)>,
}
