//! What a round, or the whole body, sees of itself: its path, the outputs of its steps, the names inside it.

use std::{collections::HashMap, sync::Arc};

use connector::Warning;
use recipe::{Scope, Step, Steps};
use serde_json::{Value, json};

use crate::journal::StepPath;

/// What a round (or the whole body) sees of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// What stands before a step's name in its path: empty, or `documents[2].`.
    pub(super) prefix: String,
    steps: Arc<Steps>,
    locals: Arc<Vec<(String, Arc<Value>)>>,
    error: Option<Arc<Value>>,
    cause: String,
    /// What this round, and those inside it, warned of.
    pub(super) warned: Vec<Warning>,
}

impl Frame {
    /// Returns what a round of the loop at `path` sees; `item` is the variable and what it holds.
    pub(super) fn round(
        &self,
        path: &StepPath,
        index: usize,
        item: Option<(&str, &Arc<Value>)>,
    ) -> Self {
        let mut locals = (*self.locals).clone();
        locals.extend(item.map(|(variable, item)| (variable.into(), item.clone())));
        locals.push(("loop".into(), Arc::new(json!({ "index": index + 1 }))));
        Self {
            prefix: format!("{path}[{index}]."),
            steps: Arc::new(Steps { outer: Some(self.steps.clone()), outputs: HashMap::new() }),
            locals: Arc::new(locals),
            error: self.error.clone(),
            cause: self.cause.clone(),
            warned: Vec::new(),
        }
    }

    /// Goes into a `catch`; gives back what [`leave`](Self::leave) needs.
    pub(super) fn catch(
        &mut self,
        error: &Arc<Value>,
        cause: &str,
    ) -> (Option<Arc<Value>>, String) {
        (self.error.replace(error.clone()), std::mem::replace(&mut self.cause, cause.into()))
    }

    /// Leaves a `catch`.
    pub(super) fn leave(&mut self, outer: (Option<Arc<Value>>, String)) {
        (self.error, self.cause) = outer;
    }

    pub(super) fn path(&self, step: &Step) -> StepPath {
        if self.prefix.is_empty() {
            return StepPath(step.name.clone());
        }
        StepPath(format!("{}{}", self.prefix, step.name).into())
    }

    /// Returns what expressions see here.
    pub(super) fn scope(&self, scope: &Scope) -> Scope {
        Scope {
            steps: self.steps.clone(),
            locals: self.locals.clone(),
            error: self.error.clone(),
            ..scope.clone()
        }
    }

    /// Returns the error or outcome in scope, as once keys name it.
    pub(super) fn cause(&self, scope: &Scope) -> String {
        match &scope.outcome {
            _ if !self.cause.is_empty() => self.cause.clone(),
            None => String::new(),
            Some(outcome) => match &outcome["error"] {
                Value::Null => outcome["status"].as_str().unwrap_or_default().into(),
                error => {
                    let part = |name: &str| error[name].as_str().unwrap_or_default().to_string();
                    format!("{}@{}", part("code"), part("step"))
                }
            },
        }
    }

    pub(super) fn bind(&mut self, step: &Step, output: Arc<Value>) {
        if let Some(id) = &step.id {
            Arc::make_mut(&mut self.steps).outputs.insert(id.clone(), output);
        }
    }
}
