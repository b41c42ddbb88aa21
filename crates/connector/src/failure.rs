//! Why a call failed: what happened, what it means for another attempt, and what a person should do.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A failed call.
///
/// `message` says what we were doing, the status and the vendor's words, trimmed; `hint` says what a person should do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What it means for another attempt.
    pub kind: FailureKind,
    /// A stable word for conditions and once keys: `not_found`, `unauthorized`, `rate_limited` …
    pub code: String,
    /// What happened, in a sentence without a full stop.
    pub message: String,
    /// What a person should do, as a sentence; `None` when there is nothing better than trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The redacted HTTP exchange it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Box<Exchange>>,
}

/// What a failure means for another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nothing was done; trying again later may help, not before `after` has passed.
    Transient {
        /// The least wait, when the vendor named one.
        after: Option<Duration>,
    },
    /// Trying again will not help.
    Permanent,
    /// A write may or may not have happened: look it up.
    Unknown,
}

/// A redacted HTTP exchange, kept for the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// `POST`.
    pub method: String,
    /// The URL without credentials or signed query values.
    pub url: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The vendor's request id, if it sent one.
    pub request_id: Option<String>,
    /// The beginning of the answer's body, redacted.
    pub answer: Option<String>,
}

impl Failure {
    /// Returns a failure that trying again will not cure.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Permanent,
            code: code.into(),
            message: message.into(),
            hint: None,
            exchange: None,
        }
    }

    /// Returns a failure that may pass by itself.
    pub fn transient(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Transient { after: None }, ..Self::permanent(code, message) }
    }

    /// Returns the failure of a write that may have happened.
    pub fn unknown(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Unknown, ..Self::permanent(code, message) }
    }

    /// Says what a person should do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
