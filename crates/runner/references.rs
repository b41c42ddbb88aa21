//! References in settings, `env:NAME` and `file:PATH`, replaced by what is there. The only reader of secrets.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    sync::Arc,
};

use connector::{Clock, Connection, Connector, Failure, Opening};
use recipe::Project;
use serde_json::Value;

use crate::exit::Trouble;

/// Where references are looked up.
pub struct Lookup<'a> {
    /// The project folder; paths are relative to it.
    pub dir: &'a Path,
    /// The environment.
    pub variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

/// A connection that could not be opened, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Its name.
    pub connection: String,
    /// Why, one line for each setting.
    pub reasons: Vec<String>,
    /// What to do, one line each.
    pub cures: Vec<String>,
}

impl Closed {
    /// Returns the failure of every step that needs the connection; it passes once the secret is there.
    fn failure(&self) -> Failure {
        let message =
            format!("the connection `{}` is closed: {}", self.connection, self.reasons.join("; "));
        let failure = Failure::transient("connection_closed", message);
        if self.cures.is_empty() { failure } else { failure.hint(self.cures.join("; ")) }
    }
}

/// Reads the process's environment.
#[expect(clippy::disallowed_methods, reason = "the runner is where the environment enters")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Opens every connection of a project, or says what keeps it closed.
pub fn open_connections(
    project: &Project,
    connectors: &[Connector],
    clock: &Arc<dyn Clock>,
    lookup: &Lookup<'_>,
) -> (HashMap<String, Result<Connection, Failure>>, Vec<Closed>) {
    let mut open = HashMap::new();
    let mut closed = Vec::new();
    for (name, connection) in &project.connections {
        let Some(connector) = connectors.iter().find(|one| one.name == connection.connector) else {
            continue; // The checker reports it, with its place.
        };
        match lookup.settings(&connection.settings) {
            Err(missing) => {
                let one = Closed {
                    connection: name.clone(),
                    reasons: missing.iter().map(Missing::reason).collect(),
                    cures: missing.iter().map(Missing::cure).collect(),
                };
                open.insert(name.clone(), Err(one.failure()));
                closed.push(one);
            }
            Ok(settings) => {
                let opening = Opening::new(name.clone(), clock.clone());
                let opened = connector.open(settings, &opening);
                if let Err(failure) = &opened {
                    closed.push(Closed {
                        connection: name.clone(),
                        reasons: vec![failure.message.clone()],
                        cures: failure.hint.clone().into_iter().collect(),
                    });
                }
                open.insert(name.clone(), opened);
            }
        }
    }
    (open, closed)
}

/// Returns one trouble that names everything that is missing, in all connections.
pub fn trouble(closed: &[Closed]) -> Trouble {
    let mut lines = vec![match closed {
        [one] => format!("the connection `{}` cannot be opened", one.connection),
        several => format!("{} connections cannot be opened", several.len()),
    }];
    let mut cures = BTreeMap::new();
    for one in closed {
        for reason in &one.reasons {
            lines.push(format!("  `{}`: {reason}", one.connection));
        }
        for cure in &one.cures {
            let place = cures.len();
            cures.entry(cure.clone()).or_insert(place);
        }
    }
    let mut cures: Vec<_> = cures.into_iter().collect();
    cures.sort_by_key(|(_, place)| *place);
    let trouble = Trouble::cannot(lines.join("\n"));
    cures.into_iter().fold(trouble, |trouble, (cure, _)| trouble.cure(cure))
}

/// A reference to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The setting, such as `api_key`.
    pub setting: String,
    /// The reference, such as `env:GOCO_API_KEY`.
    pub reference: String,
    /// Why there is nothing.
    pub why: String,
}

impl Missing {
    fn reason(&self) -> String {
        format!("`{}` is `{}`, but {}", self.setting, self.reference, self.why)
    }

    fn cure(&self) -> String {
        match self.reference.split_once(':') {
            Some(("env", name)) => format!(
                "set the variable: `export {name}=…`; a service that runs has it when it is started anew"
            ),
            Some((_, path)) => format!("put the secret into the file `{path}`"),
            None => String::new(),
        }
    }
}

impl Lookup<'_> {
    /// Returns the settings with every reference replaced, or everything that is missing.
    pub fn settings(&self, settings: &Value) -> Result<Value, Vec<Missing>> {
        let mut missing = Vec::new();
        let value = self.replace(settings, "", &mut missing);
        if missing.is_empty() { Ok(value) } else { Err(missing) }
    }

    fn replace(&self, value: &Value, path: &str, missing: &mut Vec<Missing>) -> Value {
        match value {
            Value::String(text) => match self.resolve(text) {
                Ok(text) => Value::String(text),
                Err(why) => {
                    let reference = text.clone();
                    missing.push(Missing { setting: path.into(), reference, why });
                    Value::Null
                }
            },
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.replace(item, &format!("{path}[{index}]"), missing))
                .collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| {
                    let path =
                        if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    (name.clone(), self.replace(field, &path, missing))
                })
                .collect(),
            other => other.clone(),
        }
    }

    /// Returns what a text stands for: itself, or what its reference names.
    pub fn resolve(&self, text: &str) -> Result<String, String> {
        if let Some(name) = text.strip_prefix("env:") {
            return match (self.variable)(name.trim()) {
                None => Err("the variable is not set".into()),
                Some(value) if value.trim().is_empty() => Err("the variable is empty".into()),
                Some(value) => Ok(value),
            };
        }
        let Some(path) = text.strip_prefix("file:") else { return Ok(text.into()) };
        match fs::read_to_string(self.dir.join(path.trim())) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err("the file does not exist".into())
            }
            Err(error) => Err(format!("the file cannot be read: {error}")),
            // An editor ends a file with a newline; a secret has none.
            Ok(content) => match content.trim_end_matches(['\r', '\n']) {
                "" => Err("the file is empty".into()),
                content => Ok(content.into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::json;

    use super::*;

    fn lookup(dir: &Path, settings: &Value) -> Result<Value, Vec<Missing>> {
        let variable = |name: &str| match name {
            "KEY" => Some("k1".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        Lookup { dir, variable: &variable }.settings(settings)
    }

    #[test]
    fn references_are_replaced_at_any_depth() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret"), "s1\n").unwrap();
        let settings = json!({
            "api_key": "env:KEY", "plain": "as it is", "list": ["file:secret", 2], "on": true,
        });
        let resolved = lookup(dir.path(), &settings).unwrap();
        assert_eq!(
            resolved,
            json!({ "api_key": "k1", "plain": "as it is", "list": ["s1", 2], "on": true })
        );
    }

    #[test]
    fn everything_missing_is_named_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let settings = json!({ "a": "env:ABSENT", "b": { "c": "file:absent" }, "d": "env:EMPTY" });
        let missing = lookup(dir.path(), &settings).unwrap_err();
        let reasons: Vec<_> = missing.iter().map(Missing::reason).collect();
        assert_eq!(
            reasons,
            [
                "`a` is `env:ABSENT`, but the variable is not set",
                "`b.c` is `file:absent`, but the file does not exist",
                "`d` is `env:EMPTY`, but the variable is empty",
            ]
        );
    }

    #[test]
    fn the_trouble_names_connections_settings_and_cures() {
        let closed = |name: &str, reason: &str, cure: &str| Closed {
            connection: name.into(),
            reasons: vec![reason.into()],
            cures: vec![cure.into()],
        };
        let trouble = trouble(&[
            closed("greenhouse", "`secret` is `env:S`, but the variable is not set", "set S"),
            closed("goco", "`api_key` is `env:K`, but the variable is not set", "set K"),
        ]);
        assert_eq!(
            trouble.message,
            "2 connections cannot be opened\n  \
             `greenhouse`: `secret` is `env:S`, but the variable is not set\n  \
             `goco`: `api_key` is `env:K`, but the variable is not set"
        );
        assert_eq!(trouble.cures, ["set S", "set K"]);
    }
}
