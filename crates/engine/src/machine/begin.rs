//! How a step begins: from the memo if it says how, else by evaluating what the step decides.

use std::sync::Arc;

use connector::Failure;
use recipe::{EvalError, Expression, Scope, Step, StepKind, Template};
use serde_json::Value;

use super::{
    action::ActionState,
    block::{Run, State},
    call::CallState,
    ending,
    frame::Frame,
    repeat::Repeat,
    rounds::Rounds,
    wait::{self, Question, Waiting},
    walk::{Flow, Walk},
};
use crate::{
    journal::{Choice, Kind, Status, StepPath},
    retry,
};

/// How a step began.
pub(super) enum Begun {
    /// The memo does not say, and nothing may be evaluated now.
    Waits,
    Over,
    As(State),
    Ends(Flow),
}

/// Begins a step: from the memo if it says how, else by evaluating.
pub(super) fn begin(step: &Step, path: &StepPath, walk: &mut Walk, frame: &Frame) -> Begun {
    if let Some(kind) = walk.memo.remove(path) {
        return resume(step, path, &kind, walk);
    }
    if step.when.is_none() {
        // These begin without a decision, so a replay can go in.
        match &step.kind {
            StepKind::Action(_) => return Begun::As(State::Action(Box::default())),
            StepKind::Call(_) => return Begun::As(State::Call(Box::default())),
            StepKind::Try { steps, .. } => return Begun::As(State::Try(Box::new(Run::new(steps)))),
            _ => {}
        }
    }
    if !walk.evaluate {
        return Begun::Waits;
    }
    let decided = decide(step, frame, walk);
    let kind = match decided {
        Ok(Some(kind)) => kind,
        Ok(None) if matches!(step.kind, StepKind::Call(_)) => {
            return Begun::As(State::Call(Box::default()));
        }
        Ok(None) => return Begun::As(State::Action(Box::default())),
        Err(error) => {
            Kind::Failed { failure: failure_of(error), retry_at: None, looking_up: false }
        }
    };
    walk.make(path, kind.clone());
    resume(step, path, &kind, walk)
}

/// Evaluates what a step decides as it begins; `None` for an action or a recipe, which goes on to its call.
fn decide(step: &Step, frame: &Frame, walk: &Walk) -> Result<Option<Kind>, EvalError> {
    let scope = frame.scope(&walk.scope);
    if let Some(when) = &step.when
        && !when.is_true(&scope)?
    {
        return Ok(Some(Kind::Chose { choice: Choice::LeftOut }));
    }
    let choice = match &step.kind {
        StepKind::Action(_) | StepKind::Call(_) => return Ok(None),
        StepKind::If { condition, .. } => {
            if condition.is_true(&scope)? {
                Choice::Then
            } else {
                Choice::Else
            }
        }
        StepKind::ForEach { items, batch, .. } => {
            let items = list(items, &scope)?;
            let rounds = match batch {
                None => items.into_iter().map(Arc::new).collect(),
                Some(size) => batches(items, *size),
            };
            Choice::Items(Arc::new(rounds))
        }
        StepKind::RepeatWhile { .. } => Choice::Repeats,
        StepKind::Wait(wait) => Choice::Until(wait::until(wait, step.span, &scope)?),
        StepKind::WaitFor(wait) => Choice::Asked {
            ask: match &wait.ask {
                Some(ask) => text(ask, &scope)?,
                None => step.title.clone().unwrap_or_else(|| format!("{}?", step.name)),
            },
            until: wait.timeout.map(|timeout| retry::later(scope.now, timeout)),
        },
        StepKind::Try { .. } => Choice::Then,
        StepKind::Set(variables) => {
            let mut set = serde_json::Map::new();
            for (name, template) in variables {
                set.insert(name.clone(), template.evaluate(&scope)?);
            }
            let output = Arc::new(Value::Object(set));
            return Ok(Some(Kind::Succeeded { output, recovered: false, warnings: Vec::new() }));
        }
        StepKind::Stop { status, reason, hint } => Choice::Stop {
            status: Status::from_word(status.word()).expect("the words of `stop` are statuses"),
            reason: reason.as_ref().map(|reason| text(reason, &scope)).transpose()?,
            hint: hint.as_ref().map(|hint| text(hint, &scope)).transpose()?,
        },
    };
    Ok(Some(Kind::Chose { choice }))
}

/// Begins a step as an entry says.
fn resume(step: &Step, path: &StepPath, kind: &Kind, walk: &mut Walk) -> Begun {
    match (&step.kind, kind) {
        (_, Kind::Chose { choice: Choice::LeftOut }) => Begun::Over,
        (StepKind::Action(action), kind) => {
            let mut state = ActionState::default();
            state.apply(action, path, kind, walk);
            Begun::As(State::Action(Box::new(state)))
        }
        (StepKind::Call(_), kind) => {
            let mut state = CallState::default();
            if state.apply(path, kind, walk) {
                return Begun::As(State::Call(Box::new(state)));
            }
            walk.memo.insert(path.clone(), kind.clone());
            Begun::Waits
        }
        (_, Kind::Failed { failure, .. }) => {
            Begun::Ends(walk.fails(ending::error_of(failure, path)))
        }
        (StepKind::If { then, .. }, Kind::Chose { choice: Choice::Then }) => {
            Begun::As(State::If(Box::new(Run::new(then))))
        }
        (StepKind::If { otherwise, .. }, Kind::Chose { choice: Choice::Else }) => {
            Begun::As(State::If(Box::new(Run::new(otherwise))))
        }
        (StepKind::ForEach { .. }, Kind::Chose { choice: Choice::Items(items) }) => {
            Begun::As(State::Rounds(Box::new(Rounds::new(items.clone()))))
        }
        (StepKind::RepeatWhile { .. }, Kind::Chose { choice: Choice::Repeats }) => {
            Begun::As(State::Repeat(Box::<Repeat>::default()))
        }
        (StepKind::Wait(_), Kind::Chose { choice: Choice::Until(until) }) => {
            Begun::As(State::Wait(Waiting::new(*until, walk)))
        }
        (StepKind::Wait(_), Kind::Fired) => Begun::As(State::Wait(Waiting::over())),
        (StepKind::WaitFor(_), Kind::Chose { choice: Choice::Asked { ask, until } }) => {
            Begun::As(State::Question(Box::new(Question::new(ask, *until, path, walk))))
        }
        (StepKind::WaitFor(_), Kind::Fired) => {
            Begun::As(State::Question(Box::new(Question::unanswered())))
        }
        (StepKind::Try { steps, .. }, Kind::Chose { choice: Choice::Then }) => {
            Begun::As(State::Try(Box::new(Run::new(steps))))
        }
        (StepKind::Set(_), Kind::Succeeded { output, .. }) => {
            if let (Value::Object(vars), Value::Object(set)) =
                (Arc::make_mut(&mut walk.scope.vars), &**output)
            {
                vars.extend(set.clone());
            }
            Begun::Over
        }
        (StepKind::Stop { .. }, Kind::Chose { choice: choice @ Choice::Stop { .. } }) => {
            Begun::Ends(Flow::Stopped(choice.clone()))
        }
        // Not an entry of this step: left in the memo, where `apply` finds it and says so.
        _ => {
            walk.memo.insert(path.clone(), kind.clone());
            Begun::Waits
        }
    }
}

/// Returns the failure that an expression's error becomes.
pub(super) fn failure_of(error: EvalError) -> Failure {
    Failure { hint: error.hint, ..Failure::permanent(error.code, error.message) }
}

fn list(items: &Expression, scope: &Scope) -> Result<Vec<Value>, EvalError> {
    match items.evaluate(scope)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items),
        _ => Err(EvalError {
            code: "wrong_type",
            message: format!("`for_each` needs a list, but `{}` is something else", items.text),
            hint: Some("Name a list here; for a single value write `[value]`.".into()),
            span: items.span,
        }),
    }
}

/// Returns the items as lists of at most `size`.
fn batches(items: Vec<Value>, size: u32) -> Vec<Arc<Value>> {
    let mut items = items.into_iter();
    let size = size.max(1) as usize;
    std::iter::from_fn(|| {
        let batch: Vec<Value> = items.by_ref().take(size).collect();
        (!batch.is_empty()).then(|| Arc::new(Value::Array(batch)))
    })
    .collect()
}

fn text(template: &Template, scope: &Scope) -> Result<String, EvalError> {
    Ok(match template.evaluate(scope)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}
