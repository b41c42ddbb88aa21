//! A connector as a value, and a connection as something open.

use std::{
    any::Any,
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
};

use recipe::{Catalogue, ConnectorSpec, Object, Shape};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    action::Action,
    call::Call,
    clock::Clock,
    failure::Failure,
    http::{Client, Health},
    trigger::Trigger,
    typed::{decode, input_object, output_shape},
};

/// An open connection: the connector's own value behind it, shared by every recipe and trigger that uses it.
#[derive(Clone)]
pub struct Connection {
    /// Its name in `connections.yaml`.
    pub name: Arc<str>,
    pub(crate) inner: Arc<dyn Any + Send + Sync>,
    clients: Arc<Mutex<Vec<Client>>>,
}

impl Connection {
    /// Returns a connection around a connector's own value.
    pub fn new(name: &str, inner: impl Any + Send + Sync) -> Self {
        Self { name: name.into(), inner: Arc::new(inner), clients: Arc::default() }
    }

    /// Returns how each host that it talks to does, as seen by its requests since it was opened.
    pub fn health(&self) -> Vec<Health> {
        let clients = self.clients.lock().expect("no panic while the lock is held");
        clients.iter().map(Client::health).collect()
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
    /// The HTTP clients that were made for it.
    clients: Arc<Mutex<Vec<Client>>>,
}

impl Opening {
    /// Returns what a connection of that name is opened with.
    pub fn new(name: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { name: name.into(), clock, clients: Arc::default() }
    }

    pub(crate) fn clients(&self) -> MutexGuard<'_, Vec<Client>> {
        self.clients.lock().expect("no panic while the lock is held")
    }
}

/// One line of a connection's check-up: green when `cure` is `None`.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
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
    field_types: BTreeMap<String, Shape>,
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
            field_types: BTreeMap::new(),
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
        let open = move |settings: Value, opening: &Opening| {
            let settings = decode(&settings, "setting").map_err(|problem| {
                Failure::permanent(
                    "invalid_setting",
                    format!("connection `{}`: {problem}", opening.name),
                )
                .hint("Correct the connection in `connections.yaml`.")
            })?;
            // Its own list: an opening may serve for more than one connection.
            let own = Opening::new(&opening.name, opening.clock.clone());
            let inner = Arc::new(open(settings, &own)?);
            Ok(Connection { name: own.name.as_str().into(), inner, clients: own.clients })
        };
        Self {
            connection: Some(input_object::<S>(&format!("the settings of a `{name}` connection"))),
            open: Arc::new(open),
            check: Arc::new(move |connection, call| Box::pin(check(connection.inner(), call))),
            ..Self::without_connection(name, summary)
        }
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

    /// Adds a word for the type of a field that an account has made itself; such a field is an `F`.
    ///
    /// The settings say the words: a map from fields to words, at the path that the schema of an open map names
    /// (`x-declared-in: connection.PATH`).
    #[must_use]
    pub fn field_type<F: Serialize + JsonSchema>(mut self, word: &str) -> Self {
        let shape = output_shape::<F>(&format!("a field of the type `{word}`"));
        self.field_types.insert(word.into(), shape);
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
                .map(|action| (action.name.into(), (*action.spec).clone()))
                .collect(),
            triggers: self
                .triggers
                .iter()
                .map(|trigger| (trigger.name.into(), trigger.spec.clone()))
                .collect(),
            field_types: self.field_types.clone(),
        }
    }
}

/// Returns what the checker sees of all connectors.
pub fn catalogue(connectors: &[Connector]) -> Catalogue {
    Catalogue { connectors: connectors.iter().map(|one| (one.name.into(), one.spec())).collect() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use recipe::{Format, Type};
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::{Identity, ManualClock, Secret};

    #[derive(Deserialize, JsonSchema)]
    struct Settings {
        /// The API key.
        key: Secret,
        #[serde(default)]
        limits: Limits,
    }

    #[derive(Deserialize, JsonSchema, Default)]
    struct Limits {
        /// Requests at once.
        in_flight: u32,
    }

    struct Tenant {
        key: Secret,
        name: String,
    }

    fn connector() -> Connector {
        async fn check(tenant: Arc<Tenant>, _: Call) -> Vec<Finding> {
            vec![Finding::good("the name", &tenant.name)]
        }
        fn open(settings: Settings, opening: &Opening) -> Result<Tenant, Failure> {
            if settings.limits.in_flight > 9 {
                return Err(Failure::permanent("invalid_setting", "too many at once"));
            }
            Ok(Tenant { key: settings.key, name: opening.name.clone() })
        }
        fn lints(settings: &Settings) -> Vec<Finding> {
            let short = settings.key.expose().len() < 8;
            short
                .then(|| Finding::bad("the API key", "it is short", "make a longer one"))
                .into_iter()
                .collect()
        }
        Connector::new("acme", "Acme.", open, check).lints(lints)
    }

    fn clock() -> Arc<dyn Clock> {
        Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH))
    }

    #[tokio::test]
    async fn a_connection_is_opened_from_its_settings_and_checked() {
        let opening = Opening::new("acme_main", clock());
        let connector = connector();
        let connection = connector.open(json!({ "key": "canary-4711" }), &opening).unwrap();
        assert_eq!(connection.inner::<Tenant>().key.expose(), "canary-4711");
        let findings = connector.check(&connection, Call::new(Identity::default(), clock())).await;
        assert_eq!(findings, [Finding::good("the name", "acme_main")]);
        assert!(connector.open(Value::Null, &opening).is_err());
        let spec = connector.spec();
        let key = spec.connection.as_ref().unwrap().field("key").unwrap();
        assert!(
            matches!(&key.shape.of, Type::Text(text) if text.format == Format::Secret),
            "{key:?}"
        );
    }

    #[test]
    fn settings_that_cannot_be_read_name_the_connection_and_the_field_and_no_secret() {
        let opening = Opening::new("acme_main", clock());
        let cases = [
            (
                json!({ "key": "canary", "limits": { "in_flight": "many" } }),
                "setting `limits.in_flight`",
            ),
            (json!({ "key": 4711 }), "setting `key`"),
            (json!({}), "missing field `key`"),
        ];
        for (settings, expected) in cases {
            let failure = connector().open(settings, &opening).err().unwrap();
            assert_eq!(failure.code, "invalid_setting");
            let text = format!("{failure:?}");
            assert!(text.contains("`acme_main`") && text.contains(expected), "{text}");
            assert!(!text.contains("canary") && !text.contains("4711"), "{text}");
        }
    }

    #[test]
    fn lints_read_the_settings_without_opening_them() {
        let connector = connector();
        assert_eq!(connector.lint(&json!({ "key": "short" })).len(), 1);
        assert_eq!(connector.lint(&json!({ "key": "long enough" })), []);
        assert_eq!(connector.lint(&json!({ "key": 1 })), []);
        assert_eq!(Connector::without_connection("log", "Logs.").lint(&Value::Null), []);
    }
}
