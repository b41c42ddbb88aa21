//! `schema`: the JSON Schemas that editors complete and explain the files of a project with.

use std::{fs, path::Path};

use clap::{Args, ValueEnum};

use crate::{
    connectors,
    exit::{Exit, Trouble},
    terminal::{self, FAINT, paint},
};

/// `schema`.
#[derive(Debug, Args)]
pub struct Asked {
    /// The files that it is for
    #[arg(value_name = "FILES", default_value = "recipe")]
    pub kind: Kind,
    /// Write all of them into `schemas/` of the project folder
    #[arg(long, conflicts_with = "kind")]
    pub write: bool,
}

/// The files that there are schemas of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// `recipes/NAME.yaml`
    Recipe,
    /// `recipes/NAME.test.yaml`
    Test,
    /// `connections.yaml`
    Connections,
    /// `runner.yaml`
    Runner,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Recipe, Self::Test, Self::Connections, Self::Runner];

    /// Returns where the schema lies in a project folder.
    pub fn file(self) -> &'static str {
        match self {
            Self::Recipe => "schemas/recipe.schema.json",
            Self::Test => "schemas/test.schema.json",
            Self::Connections => "schemas/connections.schema.json",
            Self::Runner => "schemas/runner.schema.json",
        }
    }

    /// Returns the schema as its file holds it.
    pub fn text(self) -> String {
        let catalogue = || connector::catalogue(&connectors::all());
        let schema = match self {
            Self::Recipe => recipe::recipe_schema(&catalogue()),
            Self::Test => recipe::test_schema(),
            Self::Connections => recipe::connections_schema(&catalogue()),
            Self::Runner => recipe::runner_schema(),
        };
        format!("{schema:#}\n")
    }
}

/// Runs the command.
pub fn run(project: &Path, asked: &Asked) -> Result<Exit, Trouble> {
    if asked.write {
        write(project)?;
        for kind in Kind::ALL {
            terminal::talk(format!("wrote {}", paint(FAINT, kind.file())));
        }
    } else {
        terminal::data(asked.kind.text().trim_end());
    }
    Ok(Exit::Good)
}

/// Writes all schemas into a project folder.
pub fn write(project: &Path) -> Result<(), Trouble> {
    for kind in Kind::ALL {
        let path = project.join(kind.file());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Trouble::file("make", folder, &error))?;
        }
        fs::write(&path, kind.text()).map_err(|error| Trouble::file("write", &path, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    #![expect(clippy::disallowed_methods, reason = "`UPDATE=1` writes the files anew")]

    use serde_json::{Value, json};

    use super::*;

    fn schema(kind: Kind) -> Value {
        serde_json::from_str(&kind.text()).unwrap()
    }

    #[test]
    fn the_files_in_schemas_are_what_the_program_says() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE").is_some() {
            write(root).unwrap();
        }
        for kind in Kind::ALL {
            let stored = fs::read_to_string(root.join(kind.file())).unwrap_or_default();
            assert!(stored == kind.text(), "{} is old: run this test with UPDATE=1", kind.file());
        }
    }

    #[test]
    fn every_action_is_there_with_its_inputs() {
        let schema = schema(Kind::Recipe);
        let steps = schema["$defs"]["step"]["anyOf"].as_array().unwrap();
        let create = steps
            .iter()
            .find(|step| step["properties"]["action"]["const"] == "goco.create_employee")
            .unwrap();
        let with = &create["properties"]["with"];
        assert!(with["properties"]["start_date"]["description"].is_string());
        assert_eq!(with["required"], json!(["first_name", "last_name"]));
        assert_eq!(with["additionalProperties"], false);
    }

    #[test]
    fn every_connector_with_settings_is_there_as_it_declares_them() {
        let schema = schema(Kind::Connections);
        for (name, spec) in connector::catalogue(&connectors::all()).connectors {
            let named = &schema["properties"][&name];
            let Some(settings) = spec.connection else {
                assert!(named.is_null(), "`{name}` needs no connection");
                continue;
            };
            let others = schema["$defs"]["named"]["anyOf"].as_array().unwrap();
            assert!(others.iter().any(|one| one["properties"]["connector"]["const"] == *name));
            for field in &settings.fields {
                let told = &named["properties"][&field.name];
                assert_eq!(told["description"], *field.summary, "{name}.{}", field.name);
            }
        }
        let secret = &schema["properties"]["goco"]["properties"]["api_key"];
        assert_eq!(secret["pattern"], "^(env|file):.", "a secret never stands in the file");
    }

    /// Every key that somebody can write is explained, and says what can stand there: its choices, an example, a
    /// default, or what is inside.
    #[test]
    fn every_key_has_words_and_says_what_can_stand_there() {
        for kind in Kind::ALL {
            let mut bare = Vec::new();
            properties(&schema(kind), "", &mut |path, property| {
                if property["description"].as_str().is_none_or(str::is_empty) {
                    bare.push(format!("{path}: no words"));
                }
                let own = !path.contains("/with/") && kind != Kind::Connections;
                if own && property["type"] == "string" && property["examples"].is_null() {
                    bare.push(format!("{path}: no example"));
                }
            });
            assert!(bare.is_empty(), "{}: {bare:#?}", kind.file());
        }
    }

    fn properties(schema: &Value, path: &str, look: &mut impl FnMut(&str, &Value)) {
        match schema {
            Value::Object(map) => {
                for (key, inner) in map {
                    let inside = format!("{path}/{key}");
                    // A map with `type` describes a value; `properties` of it are keys that can be written.
                    if key == "properties" && map.contains_key("type") {
                        for (name, property) in inner.as_object().unwrap() {
                            let at = format!("{path}/{name}");
                            look(&at, property);
                            properties(property, &at, look);
                        }
                    } else {
                        properties(inner, &inside, look);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| properties(item, path, look)),
            _ => {}
        }
    }
}
