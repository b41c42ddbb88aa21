//! A connector as a value, and a connection as something open.

use std::{any::Any, future::Future, pin::Pin, sync::Arc};

use recipe::{Catalogue, ConnectorSpec, Object};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{action::Action, call::Call, clock::Clock, failure::Failure, trigger::Trigger};

/// An open connection: the connector's own value behind it, shared by every recipe and trigger that uses it.
#[derive(Clone)]
pub struct Connection {
    /// Its name in `connections.yaml`.
    pub name: Arc<str>,
    pub(crate) inner: Arc<dyn Any + Send + Sync>,
}

impl Connection {
    /// Returns a connection around a connector's own value.
    pub fn new(name: &str, inner: impl Any + Send + Sync) -> Self {
        Self { name: name.into(), inner: Arc::new(inner) }
    }

    /// Returns the connector's own value.
    ///
    /// # Panics
    /// When the connection belongs to another connector, which the checker rules out.
    pub fn inner<C: Any + Send + Sync>(&self) -> Arc<C> {
        self.inner
            .clone()
            .downcast()
            .expect("the checker binds steps to connections of their own connector")
    }
}

/// What a connection is opened with.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its name in `connections.yaml`.
    pub name: String,
    /// The clock of its tokens and limits.
    pub clock: Arc<dyn Clock>,
}

/// One line of a connection's check-up: green when `cure` is `None`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// What was looked at, such as "the API key is accepted".
    pub what: String,
    /// What was seen, such as "3 departments, 2 locations".
    pub seen: String,
    /// What to do about it, when it is not as it should be.
    pub cure: Option<String>,
}

impl Finding {
    /// Returns a green line.
    pub fn good(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), seen: seen.into(), cure: None }
    }

    /// Returns a red line with its cure.
    pub fn bad(what: impl Into<String>, seen: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { what: what.into(), seen: seen.into(), cure: Some(cure.into()) }
    }
}

type Open = dyn Fn(Value, &Opening) -> Result<Connection, Failure> + Send + Sync;
type Findings = Pin<Box<dyn Future<Output = Vec<Finding>> + Send>>;
type Lint = dyn Fn(&Value) -> Vec<Finding> + Send + Sync;
type Check = dyn Fn(Connection, Call) -> Findings + Send + Sync;

/// A connector: a name, the type of its connection, its triggers and actions.
#[derive(Clone)]
pub struct Connector {
    /// Its name in recipes.
    pub name: &'static str,
    /// What it talks to, in one sentence.
    pub summary: &'static str,
    /// Its actions.
    pub actions: Vec<Action>,
    /// Its triggers.
    pub triggers: Vec<Trigger>,
    connection: Option<Arc<Object>>,
    open: Arc<Open>,
    check: Arc<Check>,
    lint: Arc<Lint>,
}

impl Connector {
    /// Returns a connector that needs no connection.
    pub fn without_connection(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            actions: Vec::new(),
            triggers: Vec::new(),
            connection: None,
            open: Arc::new(|_, opening| Ok(Connection::new(&opening.name, ()))),
            check: Arc::new(|_, _| Box::pin(async { Vec::new() })),
            lint: Arc::new(|_| Vec::new()),
        }
    }

    /// Returns a connector whose connections have settings of type `S` and are opened as `C`.
    ///
    /// `open` must not do I/O; what needs the network happens at the first call. `check` looks whether the
    /// connection works and is permitted, line by line.
    pub fn new<S, C, F>(
        name: &'static str,
        summary: &'static str,
        open: fn(S, &Opening) -> Result<C, Failure>,
        check: fn(Arc<C>, Call) -> F,
    ) -> Self
    where
        S: DeserializeOwned + JsonSchema + 'static,
        C: Any + Send + Sync,
        F: Future<Output = Vec<Finding>> + Send + 'static,
    {
        let _ = (open, check);
        let _ = (name, summary);
        unimplemented!()
    }

    /// Says what is unwise in a connection's settings, such as a webhook without a secret. `S` is the type that
    /// [`new`](Self::new) was given.
    #[must_use]
    pub fn lints<S: DeserializeOwned + 'static>(mut self, lints: fn(&S) -> Vec<Finding>) -> Self {
        self.lint = Arc::new(move |settings| {
            S::deserialize(settings).map_or_else(|_| Vec::new(), |read| lints(&read))
        });
        self
    }

    /// Adds an action.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Adds a trigger.
    #[must_use]
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.triggers.push(trigger);
        self
    }

    /// Opens a connection. `settings` has every `env:` and `file:` reference replaced by what is there.
    pub fn open(&self, settings: Value, opening: &Opening) -> Result<Connection, Failure> {
        (self.open)(settings, opening)
    }

    /// Looks for what is unwise in a connection's settings, without opening it. Settings that cannot be read have no
    /// lints: [`open`](Self::open) says what is wrong with them.
    pub fn lint(&self, settings: &Value) -> Vec<Finding> {
        (self.lint)(settings)
    }

    /// Looks whether a connection works, line by line, with a cure for each red one.
    pub async fn check(&self, connection: &Connection, call: Call) -> Vec<Finding> {
        (self.check)(connection.clone(), call).await
    }

    /// Returns what the checker sees of it.
    pub fn spec(&self) -> ConnectorSpec {
        ConnectorSpec {
            summary: self.summary.into(),
            connection: self.connection.clone(),
            actions: self
                .actions
                .iter()
                .map(|action| (action.name.into(), action.spec.clone()))
                .collect(),
            triggers: self
                .triggers
                .iter()
                .map(|trigger| (trigger.name.into(), trigger.spec.clone()))
                .collect(),
        }
    }
}

/// Returns what the checker sees of all connectors.
pub fn catalogue(connectors: &[Connector]) -> Catalogue {
    Catalogue { connectors: connectors.iter().map(|one| (one.name.into(), one.spec())).collect() }
}
