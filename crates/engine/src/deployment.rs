//! What the engine runs: the checked project, the connectors, the open connections; and old versions, compiled again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use connector::{Action, Connection, Connector, Delivery, Event, Failure, Trigger};
use recipe::{Catalogue, Payload, Project, ProjectFiles, Recipe, Severity, Source, Tables};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Everything the engine needs to know of a project at one moment. A changed project is a new deployment.
pub struct Deployment {
    /// The texts; old versions of a recipe are checked against these connections and this `runner.yaml`.
    pub files: ProjectFiles,
    /// What they say.
    pub project: Arc<Project>,
    /// The connectors.
    pub connectors: Arc<[Connector]>,
    /// The open connections by name, or why one cannot be opened.
    pub connections: HashMap<String, Result<Connection, Failure>>,
}

/// What a job holds on to from its first step on, by content.
#[derive(Debug, Clone)]
pub(crate) struct Pinned {
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) properties: Arc<Value>,
    pub(crate) version: String,
    pub(crate) tables_hash: String,
    pub(crate) properties_hash: String,
}

/// A text with the path people know it by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredText {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl StoredText {
    /// Returns the stored text of a recipe; its path follows from its name.
    pub(crate) fn of_recipe(name: &str, text: &[u8]) -> Self {
        Self {
            path: format!("recipes/{name}.yaml"),
            text: String::from_utf8_lossy(text).into_owned(),
        }
    }
}

/// Compiled pins, by version, tables and properties; and what a job pins that begins now, by recipe.
#[derive(Default)]
pub(crate) struct PinCache {
    pinned: Mutex<HashMap<(String, String, String), Arc<Pinned>>>,
    current: Mutex<Current>,
}

/// What jobs pin that begin now: made once for each recipe of a deployment, not for each job.
#[derive(Default)]
struct Current {
    of: Option<Arc<Deployment>>,
    pinned: HashMap<String, Arc<Pinned>>,
}

impl Deployment {
    /// Returns an action of a connector.
    pub fn action(&self, connector: &str, action: &str) -> Option<&Action> {
        self.connector(connector)?.actions.iter().find(|one| one.name == action)
    }

    /// Returns the connector of that name.
    pub fn connector(&self, name: &str) -> Option<&Connector> {
        self.connectors.iter().find(|one| one.name == name)
    }

    /// Returns the trigger of a recipe.
    pub fn trigger(&self, recipe: &Recipe) -> Option<&Trigger> {
        let trigger = recipe.trigger()?;
        self.connector(&trigger.connector)?.triggers.iter().find(|one| one.name == trigger.name)
    }

    /// Returns the events in a delivery to a recipe.
    pub fn decode(&self, recipe: &Recipe, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
        decode(&self.connectors, recipe, delivery)
    }

    /// Returns an open connection. A connector that needs none gets an empty one.
    pub(crate) fn connection(&self, name: Option<&str>) -> Result<Connection, Failure> {
        let Some(name) = name else { return Ok(Connection::new("", ())) };
        match self.connections.get(name) {
            Some(connection) => connection.clone(),
            None => {
                Err(Failure::transient("no_connection", format!("there is no connection `{name}`"))
                    .hint(format!("Add `{name}` to connections.yaml; the job goes on by itself.")))
            }
        }
    }

    /// Returns what a job of this recipe pins when it begins now.
    fn pins(&self, recipe: &Arc<Recipe>) -> Pinned {
        let properties = self.project.runner.property_values();
        Pinned {
            recipe: recipe.clone(),
            tables: self.project.tables.clone(),
            version: recipe.version.clone(),
            tables_hash: hash(self.tables_text().as_bytes()),
            properties_hash: hash(properties.to_string().as_bytes()),
            properties: Arc::new(properties),
        }
    }

    /// Returns the tables as they are stored by their hash.
    pub(crate) fn tables_text(&self) -> String {
        let stored = |source: &Arc<Source>| StoredText {
            path: source.path.clone(),
            text: source.text.clone(),
        };
        let all: Vec<_> = self.files.tables.iter().map(stored).collect();
        serde_json::to_string(&all).expect("texts are JSON")
    }

    /// Checks a stored recipe text against today's connections, with the tables and properties it was pinned with.
    pub(crate) fn compile(
        &self,
        recipe: &StoredText,
        tables: Option<&str>,
        properties: Option<&str>,
    ) -> Result<Pinned, String> {
        let tables: Vec<StoredText> = match tables {
            Some(text) => serde_json::from_str(text).map_err(|error| error.to_string())?,
            None => serde_json::from_str(&self.tables_text()).map_err(|error| error.to_string())?,
        };
        let source = Source::new(&recipe.path, &recipe.text);
        // The other recipes are there as they are now, for those that this one calls; one that calls none needs none.
        let calls = recipe.text.contains("call");
        let others = self.files.recipes.iter().filter(|other| calls && other.path != recipe.path);
        let files = ProjectFiles {
            recipes: std::iter::once(source).chain(others.cloned()).collect(),
            tables: tables.iter().map(|table| Source::new(&table.path, &table.text)).collect(),
            ..self.files.clone()
        };
        let (project, found) = recipe::check_again(&files, &self.catalogue());
        let of_this = project.recipes.values().find(|checked| checked.source.path == recipe.path);
        let Some(checked) = of_this else {
            let why = found
                .iter()
                .filter(|one| one.severity == Severity::Error)
                .max_by_key(|one| one.source.path == recipe.path);
            return Err(why.map_or_else(|| "it no longer checks".into(), |one| one.message.clone()));
        };
        let properties = match properties {
            Some(text) => serde_json::from_str(text).map_err(|error| error.to_string())?,
            None => self.project.runner.property_values(),
        };
        Ok(Pinned {
            recipe: checked.clone(),
            tables: project.tables.clone(),
            version: checked.version.clone(),
            tables_hash: hash(serde_json::to_string(&tables).expect("texts are JSON").as_bytes()),
            properties_hash: hash(properties.to_string().as_bytes()),
            properties: Arc::new(properties),
        })
    }

    /// Returns what the checker sees of the connectors.
    pub fn catalogue(&self) -> Catalogue {
        connector::catalogue(&self.connectors)
    }
}

impl PinCache {
    /// Returns what a job of this recipe pins when it begins now.
    pub(crate) fn of(&self, deployment: &Arc<Deployment>, recipe: &Arc<Recipe>) -> Arc<Pinned> {
        let mut current = self.current.lock().expect("no panic while the lock is held");
        if !current.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, deployment)) {
            *current = Current { of: Some(deployment.clone()), pinned: HashMap::new() };
        }
        let known = current.pinned.get(&recipe.name);
        if let Some(pinned) = known.filter(|pinned| Arc::ptr_eq(&pinned.recipe, recipe)) {
            return pinned.clone();
        }
        let pinned = Arc::new(deployment.pins(recipe));
        current.pinned.insert(recipe.name.clone(), pinned.clone());
        pinned
    }

    pub(crate) fn get(&self, key: &(String, String, String)) -> Option<Arc<Pinned>> {
        self.pinned.lock().expect("no panic while the lock is held").get(key).cloned()
    }

    pub(crate) fn put(&self, pinned: Pinned) -> Arc<Pinned> {
        let key =
            (pinned.version.clone(), pinned.tables_hash.clone(), pinned.properties_hash.clone());
        let pinned = Arc::new(pinned);
        self.pinned.lock().expect("no panic while the lock is held").insert(key, pinned.clone());
        pinned
    }
}

/// Returns the first 16 hex digits of the SHA-256 of `bytes`: the name of a version.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Returns the events in a delivery to a recipe: what its trigger decodes, or what its caller gave.
pub(crate) fn decode(
    connectors: &[Connector],
    recipe: &Recipe,
    delivery: &Delivery,
) -> Result<Vec<Event>, Failure> {
    let Some(trigger) = recipe.trigger() else {
        let payload = Payload::read(&delivery.body).map_err(|error| {
            Failure::permanent("unreadable", format!("its input is not JSON: {error}"))
        })?;
        // A call has no keys of its own: whoever calls names the job.
        let (dedupe_key, once_key) = (String::new(), String::new());
        return Ok(vec![Event { dedupe_key, order_key: None, once_key, payload }]);
    };
    let connector = connectors.iter().find(|one| one.name == trigger.connector);
    let known = connector.and_then(|one| one.triggers.iter().find(|one| one.name == trigger.name));
    let known = known.ok_or_else(|| {
        let name = format!("{}.{}", trigger.connector, trigger.name);
        let message = format!("this version of recipe-runner has no trigger `{name}`");
        Failure::permanent("no_trigger", message)
    })?;
    known.decode(&trigger.with, delivery)
}
