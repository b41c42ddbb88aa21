//! What the connectors offer, as the checker sees it: names, schemas and effects, no code.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

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
}
