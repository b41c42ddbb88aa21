//! How a body ended, in words fit for a note.

use std::time::Duration;

use connector::Failure;
use serde_json::{Value, json};

use super::walk::Flow;
use crate::journal::{Choice, JobError, Outcome, Status, StepPath, StepWarning};

/// Returns the outcome of a body that ended with `flow`; `None` means that the job's time ran out.
pub(super) fn outcome(
    flow: Option<Flow>,
    timeout: Option<Duration>,
    warnings: &[StepWarning],
) -> Outcome {
    let (status, text, error) = match flow {
        Some(Flow::Done | Flow::Pending) => {
            (Status::Succeeded, "all steps are done".to_string(), None)
        }
        Some(Flow::Stopped(Choice::Stop { status: Status::Failed, reason, hint })) => {
            let message = reason.unwrap_or_else(|| "the recipe stopped it".into());
            let failure = Failure::permanent("stopped", &*message);
            let failure = Failure { hint, ..failure };
            let error = error_of(&failure, &StepPath::root());
            (Status::Failed, sentences([message.as_str(), &error.hint]), Some(error))
        }
        Some(Flow::Stopped(Choice::Stop { status, reason, hint })) => {
            let reason =
                reason.unwrap_or_else(|| format!("the recipe ended it as {}", status.word()));
            (status, sentences([reason.as_str(), &hint.unwrap_or_default()]), None)
        }
        Some(Flow::Stopped(_)) => unreachable!("only `stop` stops"),
        Some(Flow::Failed(failures)) => {
            let error = failures.into_error();
            let mut parts = vec![error.message.clone(), error.hint.clone()];
            match error.others.len() {
                0 => {}
                1 => parts.push(format!("`{}` failed too", error.others[0].step)),
                more => parts.push(format!("{more} others failed too")),
            }
            (Status::Failed, sentences(parts.iter().map(String::as_str)), Some(error))
        }
        None => {
            let limit =
                timeout.map(|limit| format!(" of {} s", limit.as_secs())).unwrap_or_default();
            let message = format!("the job took longer than its time-out{limit}");
            let failure = Failure::permanent("job_timeout", message)
                .hint("Retry it, or raise `settings.timeout` in the recipe.");
            let error = error_of(&failure, &StepPath::root());
            (Status::Failed, sentences([error.message.as_str(), &error.hint]), Some(error))
        }
    };
    let message = with_warnings(&text, warnings);
    Outcome { status, message, error, warnings: warnings.to_vec(), output: None }
}

/// Returns the outcome of a job that a person ended.
pub(super) fn cancelled(by: &str, warnings: &[StepWarning]) -> Outcome {
    let message = format!("Cancelled by {by}.");
    Outcome {
        status: Status::Cancelled,
        message,
        error: None,
        warnings: warnings.to_vec(),
        output: None,
    }
}

/// Returns the error of a step that failed and is not an action.
pub(super) fn error_of(failure: &Failure, step: &StepPath) -> JobError {
    JobError {
        code: failure.code.clone(),
        message: failure.message.clone(),
        hint: failure.hint.clone().unwrap_or_default(),
        step: step.clone(),
        action: None,
        attempts: 1,
        others: Vec::new(),
        exchange: failure.exchange.clone(),
    }
}

/// Returns the outcome as expressions in `finally` see it: every field is there.
pub(super) fn outcome_value(outcome: &Outcome) -> Value {
    json!({
        "status": outcome.status.word(),
        "message": outcome.message,
        "error": outcome.error.as_ref().map(error_value),
        "warnings": outcome.warnings,
    })
}

/// Returns an error as expressions in `catch` see it: `message` and `hint` are always text.
pub(super) fn error_value(error: &JobError) -> Value {
    json!({
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "step": error.step.to_string(),
        "action": error.action,
        "attempts": error.attempts,
        "others": error.others.iter().map(error_value).collect::<Vec<_>>(),
    })
}

/// Returns the parts as sentences: each begins with a capital and ends with a full stop, empty ones left out.
pub(super) fn sentences<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let sentence = |part: &str| {
        let part = part.trim();
        let mut letters = part.chars();
        let first = letters.next()?;
        // A name in backticks or a code keeps its case.
        let start: String =
            if first.is_lowercase() { first.to_uppercase().collect() } else { first.to_string() };
        let end = if part.ends_with(['.', '!', '?']) { "" } else { "." };
        Some(format!("{start}{}{end}", letters.as_str()))
    };
    parts.into_iter().filter_map(sentence).collect::<Vec<_>>().join(" ")
}

fn with_warnings(text: &str, warnings: &[StepWarning]) -> String {
    let mut all = vec![text];
    all.extend(warnings.iter().map(|warning| warning.message.as_str()));
    sentences(all)
}
