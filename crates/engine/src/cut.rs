//! What is left of a journal once what it held is cut: which step did what, when, how often, and how it ended; of every
//! value its size and its hash, of texts nothing.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::journal::{Choice, JobError, Kind, Outcome, Verdict};

/// What stands for a text that was cut.
pub(crate) const CUT: &str = "(cut: `retention.payload_days` is over)";

/// Returns what is left of an entry.
pub(crate) fn cut(kind: Kind) -> Kind {
    match kind {
        Kind::Chose { choice } => Kind::Chose { choice: cut_choice(choice) },
        Kind::Started { attempt, input, once } => {
            Kind::Started { attempt, input: cut_value(&input), once: once.map(|_| CUT.into()) }
        }
        Kind::Succeeded { output, recovered, mut warnings } => {
            for warning in &mut warnings {
                warning.message = CUT.into();
            }
            Kind::Succeeded { output: cut_value(&output), recovered, warnings }
        }
        Kind::Failed { mut failure, retry_at, looking_up } => {
            failure.message = CUT.into();
            failure.hint = None;
            failure.exchange = None;
            Kind::Failed { failure, retry_at, looking_up }
        }
        Kind::Signalled { by, answer } => Kind::Signalled { by, answer: cut_value(&answer) },
        Kind::Resolved { by, verdict } => Kind::Resolved { by, verdict: cut_verdict(verdict) },
        Kind::Finished { outcome } => Kind::Finished { outcome: cut_outcome(outcome) },
        Kind::Opened { .. }
        | Kind::Fired
        | Kind::Paused { .. }
        | Kind::Child { .. }
        | Kind::CancelRequested { .. }
        | Kind::Reopened { .. } => kind,
    }
}

/// Returns the hash of bytes as it is shown.
pub(crate) fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to text cannot fail");
        text
    })
}

/// What says nothing of anybody stays: nothing, and yes or no.
fn cut_value(value: &Arc<Value>) -> Arc<Value> {
    if matches!(**value, Value::Null | Value::Bool(_)) {
        return value.clone();
    }
    let text = value.to_string();
    Arc::new(json!({ "cut": { "bytes": text.len(), "sha256": hash(text.as_bytes()) } }))
}

fn cut_choice(choice: Choice) -> Choice {
    match choice {
        Choice::Items(items) => Choice::Items(Arc::new(items.iter().map(cut_value).collect())),
        Choice::Asked { until, .. } => Choice::Asked { ask: CUT.into(), until },
        Choice::Held { input } => Choice::Held { input: cut_value(&input) },
        Choice::Stop { status, reason, hint: _ } => {
            Choice::Stop { status, reason: reason.map(|_| CUT.into()), hint: None }
        }
        Choice::LeftOut | Choice::Then | Choice::Else | Choice::Repeats | Choice::Until(_) => {
            choice
        }
    }
}

fn cut_verdict(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Happened { output } => Verdict::Happened { output: cut_value(&output) },
        Verdict::Inconclusive { .. } => Verdict::Inconclusive { why: CUT.into() },
        Verdict::NotHappened { .. } | Verdict::GivenUp => verdict,
    }
}

fn cut_outcome(outcome: Outcome) -> Outcome {
    let Outcome { status, message: _, error, mut warnings, output } = outcome;
    for warning in &mut warnings {
        warning.message = CUT.into();
    }
    Outcome {
        status,
        message: CUT.into(),
        error: error.map(cut_error),
        warnings,
        output: output.as_ref().map(cut_value),
    }
}

fn cut_error(error: JobError) -> JobError {
    JobError {
        message: CUT.into(),
        hint: String::new(),
        exchange: None,
        others: error.others.into_iter().map(cut_error).collect(),
        ..error
    }
}
