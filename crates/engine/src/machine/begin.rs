//! How a step begins: from the memo if it says how, else by evaluating what the step decides.

use std::sync::Arc;

use connector::Failure;
use recipe::{EvalError, Expression, Scope, Step, StepKind, Template};
use serde_json::Value;

use super::{
    action::ActionState,
    block::{Flow, Rounds, Run, State, Walk},
    frame::Frame,
};
use crate::journal::{Choice, JobError, Kind, Status, StepPath};

/// How a step began.
pub(super) enum Begun {
    /// The memo does not say, and nothing may be evaluated now.
    Waits,
    Over,
    As(State),
    Ends(Flow),
}

/// Begins a step: from the memo if it says how, else by evaluating.
pub(super) fn begin(step: &Step, path: &StepPath, frame: &mut Frame, walk: &mut Walk) -> Begun {
    if let Some(kind) = walk.memo.remove(path) {
        return resume(step, path, &kind, frame, walk);
    }
    if step.when.is_none() {
        // These begin without a decision, so a replay can go in.
        match &step.kind {
            StepKind::Action(_) => return Begun::As(State::Action(Box::default())),
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
        Ok(None) => return Begun::As(State::Action(Box::default())),
        Err(error) => {
            Kind::Failed { failure: failure_of(error), retry_at: None, looking_up: false }
        }
    };
    walk.made.push((path.clone(), kind.clone()));
    resume(step, path, &kind, frame, walk)
}

/// Evaluates what a step decides as it begins; `None` for an action, which goes on to its call.
fn decide(step: &Step, frame: &Frame, walk: &Walk) -> Result<Option<Kind>, EvalError> {
    let scope = frame.scope(&walk.scope);
    if let Some(when) = &step.when
        && !when.is_true(&scope)?
    {
        return Ok(Some(Kind::Chose { choice: Choice::LeftOut }));
    }
    let choice = match &step.kind {
        StepKind::Action(_) => return Ok(None),
        StepKind::If { condition, .. } => {
            if condition.is_true(&scope)? {
                Choice::Then
            } else {
                Choice::Else
            }
        }
        StepKind::ForEach { items, .. } => Choice::Items(Arc::new(list(items, &scope)?)),
        StepKind::Try { .. } => Choice::Then,
        StepKind::Set(variables) => {
            let mut set = serde_json::Map::new();
            for (name, template) in variables {
                set.insert(name.clone(), template.evaluate(&scope)?);
            }
            let output = Arc::new(Value::Object(set));
            return Ok(Some(Kind::Succeeded { output, recovered: false, warnings: Vec::new() }));
        }
        StepKind::RepeatWhile { .. }
        | StepKind::Call(_)
        | StepKind::Wait(_)
        | StepKind::WaitFor(_) => unreachable!("the checker refuses it in this version"),
        StepKind::Stop { status, reason, hint } => Choice::Stop {
            status: Status::from_word(status.word()).expect("the words of `stop` are statuses"),
            reason: reason.as_ref().map(|reason| text(reason, &scope)).transpose()?,
            hint: hint.as_ref().map(|hint| text(hint, &scope)).transpose()?,
        },
    };
    Ok(Some(Kind::Chose { choice }))
}

/// Begins a step as an entry says.
fn resume(step: &Step, path: &StepPath, kind: &Kind, frame: &mut Frame, walk: &mut Walk) -> Begun {
    match (&step.kind, kind) {
        (_, Kind::Chose { choice: Choice::LeftOut }) => Begun::Over,
        (StepKind::Action(action), kind) => {
            let mut state = ActionState::default();
            state.apply(action, path, kind, walk);
            Begun::As(State::Action(Box::new(state)))
        }
        (_, Kind::Failed { failure, .. }) => {
            let error = JobError {
                code: failure.code.clone(),
                message: failure.message.clone(),
                hint: failure.hint.clone().unwrap_or_default(),
                step: path.clone(),
                action: None,
                attempts: 1,
                others: Vec::new(),
                exchange: None,
            };
            Begun::Ends(Flow::Failed(Box::new(error)))
        }
        (StepKind::If { then, .. }, Kind::Chose { choice: Choice::Then }) => {
            Begun::As(State::If(Box::new(Run::new(then))))
        }
        (StepKind::If { otherwise, .. }, Kind::Chose { choice: Choice::Else }) => {
            Begun::As(State::If(Box::new(Run::new(otherwise))))
        }
        (StepKind::ForEach { .. }, Kind::Chose { choice: Choice::Items(items) }) => {
            Begun::As(State::Loop(Box::new(Rounds::new(items.clone()))))
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
            let _ = frame;
            walk.memo.insert(path.clone(), kind.clone());
            Begun::Waits
        }
    }
}

/// Returns the failure that an expression's error becomes.
pub(super) fn failure_of(error: EvalError) -> Failure {
    Failure { hint: error.hint, ..Failure::permanent(error.code, error.message) }
}

fn list(items: &Expression, scope: &Scope) -> Result<Vec<Arc<Value>>, EvalError> {
    match items.evaluate(scope)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => Ok(items.into_iter().map(Arc::new).collect()),
        _ => Err(EvalError {
            code: "wrong_type",
            message: format!("`for_each` needs a list, but `{}` is something else", items.text),
            hint: Some("Name a list here; for a single value write `[value]`.".into()),
            span: items.span,
        }),
    }
}

fn text(template: &Template, scope: &Scope) -> Result<String, EvalError> {
    Ok(match template.evaluate(scope)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}
