//! What the connectors offer, as the checker sees it: names, schemas, effects and pure checks, no code.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde_json::Value;

use crate::schema::{Object, Shape};

/// All connectors, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// The connectors.
    pub connectors: BTreeMap<String, ConnectorSpec>,
}

/// One connector.
#[derive(Debug, Clone)]
pub struct ConnectorSpec {
    /// What it talks to, in one sentence.
    pub summary: String,
    /// The settings of a connection, or `None` when the connector needs no connection.
    pub connection: Option<Arc<Object>>,
    /// Its actions, by name.
    pub actions: BTreeMap<String, ActionSpec>,
    /// Its triggers, by name.
    pub triggers: BTreeMap<String, TriggerSpec>,
    /// Its words for the types of fields that an account has made itself, with what such a field is. A connection's
    /// settings say the words, at the places that its shapes name ([`Place::Connection`](crate::Place::Connection)).
    pub field_types: BTreeMap<String, Shape>,
}

/// One action.
#[derive(Debug, Clone)]
pub struct ActionSpec {
    /// What it does, in one sentence.
    pub summary: String,
    /// What it takes.
    pub input: Arc<Object>,
    /// What it gives.
    pub output: Shape,
    /// What a second call would do.
    pub effect: EffectSpec,
}

/// What a second call of an action would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectSpec {
    /// It only reads.
    Read,
    /// A second call with the same key is harmless, by the vendor's word.
    Idempotent,
    /// It writes.
    Write {
        /// Whether an unknown outcome can be looked up.
        looks_up: bool,
        /// How long the vendor may take to show a write; absence counts only after it.
        settle: Duration,
    },
}

/// One trigger.
#[derive(Debug, Clone)]
pub struct TriggerSpec {
    /// When it fires, in one sentence.
    pub summary: String,
    /// Its settings under `trigger.with`.
    pub with: Arc<Object>,
    /// The payload an expression sees as `event`.
    pub event: Shape,
    /// What to paste where in the vendor's product, with `{url}` for the webhook's address.
    pub set_up: String,
    /// Who begins: the vendor, or this program.
    pub kind: TriggerKind,
    /// How often events that were missed are read back when the recipe does not say; `None` when they cannot be.
    pub catch_up: Option<Duration>,
    /// Whether its sender reads an answer, so that a recipe may answer with its output.
    pub answers: bool,
    /// What is wrong with settings that have the right types.
    pub examine: Examine,
}

/// Who begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TriggerKind {
    /// The vendor sends each event.
    #[default]
    Webhook,
    /// The vendor is asked for what is new.
    Poll {
        /// How often, when the recipe's settings do not say.
        every: Duration,
    },
    /// The clock.
    Schedule,
}

/// One thing that is wrong with a setting of a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The setting's name.
    pub setting: String,
    /// What is wrong, in the words of a diagnostic.
    pub message: String,
    /// How to write it.
    pub help: String,
}

/// Looks for what a type cannot say, such as a cron expression that names a 61st minute. Pure.
#[derive(Clone, Default)]
pub struct Examine(Option<Arc<Look>>);

type Look = dyn Fn(&Value) -> Vec<Flaw> + Send + Sync;

impl Examine {
    /// Returns an examination of a trigger's `with`.
    pub fn new(look: impl Fn(&Value) -> Vec<Flaw> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(look)))
    }

    /// Returns what is wrong with these settings.
    pub fn look(&self, with: &Value) -> Vec<Flaw> {
        self.0.as_ref().map_or_else(Vec::new, |look| look(with))
    }
}

impl fmt::Debug for Examine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Examine(..)" } else { "Examine" })
    }
}
