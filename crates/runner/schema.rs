//! `schema`: the JSON Schema that editors complete and explain recipes with.

use crate::{connectors, exit::Exit, terminal};

/// Prints the schema.
pub fn run() -> Exit {
    terminal::data(text().trim_end());
    Exit::Good
}

/// Returns the schema as its file in `schemas/` holds it.
pub fn text() -> String {
    let schema = recipe::recipe_schema(&connector::catalogue(&connectors::all()));
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    #![expect(clippy::disallowed_methods, reason = "`UPDATE=1` writes the file anew")]

    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn the_file_in_schemas_is_what_the_program_says() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/recipe.schema.json");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, text()).unwrap();
        }
        let stored = fs::read_to_string(&file).unwrap_or_default();
        assert!(stored == text(), "schemas/recipe.schema.json is old: run this test with UPDATE=1");
    }

    #[test]
    fn every_action_is_there_with_its_inputs() {
        let schema: serde_json::Value = serde_json::from_str(&text()).unwrap();
        let steps = schema["$defs"]["step"]["anyOf"].as_array().unwrap();
        let create = steps
            .iter()
            .find(|step| step["properties"]["action"]["const"] == "goco.create_employee")
            .unwrap();
        let with = &create["properties"]["with"];
        assert!(with["properties"]["start_date"]["description"].is_string());
        assert_eq!(with["required"], serde_json::json!(["first_name", "last_name"]));
        assert_eq!(with["additionalProperties"], false);
    }
}
