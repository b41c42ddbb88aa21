//! Steps that wait: for a moment, and for a person's answer.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use recipe::{EvalError, Scope, Span, Step, StepKind, Template, Wait};
use serde_json::Value;

use super::{
    Ask, ending,
    frame::Frame,
    walk::{Flow, Survey, Walk},
};
use crate::{
    journal::{Kind, StepPath},
    retry,
};
use connector::Failure;

/// A `wait` in progress.
#[derive(Debug)]
pub(super) struct Waiting {
    until: Timestamp,
    over: bool,
}

/// A `wait_for` in progress.
#[derive(Debug)]
pub(super) struct Question {
    ask: String,
    until: Option<Timestamp>,
    end: Option<End>,
}

#[derive(Debug)]
enum End {
    Answered(Arc<Value>),
    /// Nobody did in time.
    Unanswered,
}

impl Waiting {
    /// Begins a wait that ends at a moment; one that has passed is no wait.
    pub(super) fn new(until: Timestamp, walk: &Walk) -> Self {
        Self { until, over: until <= walk.scope.now }
    }

    /// Returns a wait that was over before the job was reopened.
    pub(super) fn over() -> Self {
        Self { until: Timestamp::MIN, over: true }
    }

    pub(super) fn apply(&mut self, kind: &Kind, walk: &Walk) -> bool {
        // A person's plain retry fires what waits before its moment; a wait is not cut short by that.
        self.over |= walk.scope.now >= self.until;
        matches!(kind, Kind::Fired)
    }

    pub(super) fn advance(&self) -> Flow {
        if self.over { Flow::Done } else { Flow::Pending }
    }

    pub(super) fn survey(&self, path: impl FnOnce() -> StepPath, survey: &mut Survey) {
        if self.over {
            survey.active = true;
            return;
        }
        let path = path();
        survey.say(|| format!("`{path}` waits until {}", self.until));
        survey.timer(self.until, path);
    }
}

impl Question {
    /// Begins a question; its answer may be there already.
    pub(super) fn new(ask: &str, until: Option<Timestamp>, path: &StepPath, walk: &Walk) -> Self {
        let end = walk.answers.get(path).map(|answer| End::Answered(answer.clone()));
        Self { ask: ask.into(), until, end }
    }

    /// Returns a question that nobody had answered in time before the job was reopened.
    pub(super) fn unanswered() -> Self {
        Self { ask: String::new(), until: None, end: Some(End::Unanswered) }
    }

    pub(super) fn apply(&mut self, kind: &Kind, walk: &Walk) -> bool {
        match kind {
            Kind::Signalled { answer, .. } => {
                self.end.get_or_insert_with(|| End::Answered(answer.clone()));
            }
            Kind::Fired => {
                if self.until.is_some_and(|until| until <= walk.scope.now) {
                    self.end.get_or_insert(End::Unanswered);
                }
            }
            _ => return false,
        }
        true
    }

    pub(super) fn advance(
        &self,
        step: &Step,
        path: &StepPath,
        frame: &mut Frame,
        walk: &Walk,
    ) -> Flow {
        let StepKind::WaitFor(wait) = &step.kind else { return Flow::Pending };
        let output = match (&self.end, &wait.default) {
            (None, _) => return Flow::Pending,
            (Some(End::Answered(answer)), _) => answer.clone(),
            (Some(End::Unanswered), Some(default)) => Arc::new(default.clone()),
            (Some(End::Unanswered), None) => {
                let time = wait.timeout.map(in_words).unwrap_or_default();
                let failure = Failure::permanent(
                    "no_answer",
                    format!("nobody answered `{}`{time}", step.name),
                )
                .hint("Retry the job to ask again.");
                return walk.fails(ending::error_of(&failure, path));
            }
        };
        frame.bind(step, output);
        Flow::Done
    }

    pub(super) fn survey(&self, path: impl FnOnce() -> StepPath, survey: &mut Survey) {
        if self.end.is_some() {
            survey.active = true;
            return;
        }
        let path = path();
        // Not a moment of the job's own: it waits for a person until then.
        survey.timers.extend(self.until.map(|until| (until, path.clone())));
        survey.asks.push(Ask { path, ask: self.ask.clone(), until: self.until });
    }
}

/// Returns when a `wait` that begins now ends.
pub(super) fn until(wait: &Wait, span: Span, scope: &Scope) -> Result<Timestamp, EvalError> {
    let template = match wait {
        Wait::For(time) => return Ok(retry::later(scope.now, *time)),
        Wait::Until(template) => template,
    };
    let wrong = |code, message: String, hint: &str| EvalError {
        code,
        message,
        hint: Some(hint.into()),
        span: place(template, span),
    };
    let text = match template.evaluate(scope)? {
        Value::String(text) => text,
        Value::Null => {
            let message = "`wait` has no moment: its value is null".to_string();
            return Err(wrong(
                "null_value",
                message,
                "Give a `default`, or guard the step with `when`.",
            ));
        }
        other => {
            let message = format!("`wait` needs a duration or a date-time, but found `{other}`");
            return Err(wrong("wrong_type", message, FORMATS));
        }
    };
    if let Ok(moment) = text.trim().parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Ok(time) = recipe::read_duration(&text) {
        return Ok(retry::later(scope.now, time));
    }
    let date = text.trim().parse::<jiff::civil::DateTime>().is_ok();
    let message = if date {
        format!("`wait` needs a moment, but `{text}` does not say in which time zone")
    } else {
        format!("`wait` needs a duration or a date-time, but found `{text}`")
    };
    Err(wrong("invalid_value", message, FORMATS))
}

const FORMATS: &str = "Write a duration such as `2h`, or a moment such as `2027-01-04T09:00:00Z`.";

fn place(template: &Template, step: Span) -> Span {
    if let Template::Value(expression) = template { expression.span } else { step }
}

fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (number, unit) = match seconds {
        0 => return String::new(),
        _ if seconds.is_multiple_of(86_400) => (seconds / 86_400, "d"),
        _ if seconds.is_multiple_of(3600) => (seconds / 3600, "h"),
        _ if seconds.is_multiple_of(60) => (seconds / 60, "m"),
        _ => (seconds, "s"),
    };
    format!(" within {number}{unit}")
}
