//! What an expression can see. Cheap to clone: everything large is shared.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use crate::{payload::Payload, table::Tables};

/// The names an expression can use, with their values.
#[derive(Debug, Clone)]
pub struct Scope {
    /// `event`; null in a recipe that others call.
    pub event: Arc<Payload>,
    /// `input`, in a recipe that others call.
    pub input: Option<Arc<Value>>,
    /// `job`: an object with `id`, `url`, `label`, `started_at`, `warnings`.
    pub job: Arc<Value>,
    /// `properties`: an object.
    pub properties: Arc<Value>,
    /// `vars`: an object.
    pub vars: Arc<Value>,
    /// `steps`: outputs by step id; a step that did not run is null.
    pub steps: Arc<Steps>,
    /// `as` names and `loop`, innermost last.
    pub locals: Arc<Vec<(String, Arc<Value>)>>,
    /// `error`, inside `catch`.
    pub error: Option<Arc<Value>>,
    /// `outcome`, inside `finally`.
    pub outcome: Option<Arc<Value>>,
    /// `now()`: the time of the last entry of the journal.
    pub now: Timestamp,
    /// The tables of `lookup` and `find_row`.
    pub tables: Arc<Tables>,
}

/// Outputs by step id, in rounds within rounds: a round sees its own steps and those outside.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    /// The steps outside this round.
    pub outer: Option<Arc<Steps>>,
    /// The steps of this round.
    pub outputs: HashMap<String, Arc<Value>>,
}

impl Steps {
    /// Returns the output of the step with that id, if it has run and is visible from here.
    pub fn get(&self, id: &str) -> Option<&Arc<Value>> {
        self.outputs.get(id).or_else(|| self.outer.as_ref()?.get(id))
    }
}
