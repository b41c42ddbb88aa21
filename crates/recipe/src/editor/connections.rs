//! The schema of `connections.yaml`: for each connector the settings that it declares itself.

use serde_json::{Map, Value, json};

use super::{name, value};
use crate::{
    catalogue::{Catalogue, ConnectorSpec},
    schema::{Field, Format, Object, Shape, Type},
};

/// Returns the schema of `connections.yaml` for these connectors.
pub fn connections_schema(catalogue: &Catalogue) -> Value {
    let connected = || {
        let all = catalogue.connectors.iter();
        all.filter_map(|(connector, spec)| Some((connector, spec, spec.connection.as_ref()?)))
    };
    // A connection that has a connector's name is one of that connector. The checker lets it say another one; an editor
    // that had to offer the settings of all connectors for that would help nobody.
    let named: Map<String, Value> = connected()
        .map(|(connector, spec, settings)| {
            let mut schema = entry(connector, settings, false);
            schema["description"] = about(connector, spec).into();
            (connector.clone(), schema)
        })
        .collect();
    let others: Vec<Value> =
        connected().map(|(connector, _, settings)| entry(connector, settings, true)).collect();
    let mut schema = json!({
        "type": "object",
        "properties": named,
        "additionalProperties": { "$ref": "#/$defs/named" },
        "$defs": { "named": {
            "description": "A connection with a name of its own says its connector.",
            "anyOf": others,
        } },
    });
    name(&mut schema, "The connections of a project of recipe-runner");
    schema
}

fn about(connector: &str, spec: &ConnectorSpec) -> String {
    format!(
        "{} Another connection of it has a name of its own and `connector: {connector}`.",
        spec.summary
    )
}

/// Returns the settings of one connection; `says` is whether only the entry itself names the connector.
fn entry(connector: &str, settings: &Object, says: bool) -> Value {
    let mut schema = map(settings, &format!("settings of {connector}"));
    schema["properties"]["connector"] = json!({
        "const": connector,
        "description": format!("The connector, `{connector}`."),
    });
    if says {
        // The others are not asked for here: while the connector is still being typed, editors offer only the branches
        // that what stands there satisfies. What is missing is for the check to say.
        schema["required"] = json!(["connector"]);
    }
    schema
}

fn map(settings: &Object, title: &str) -> Value {
    let properties: Map<String, Value> =
        settings.fields.iter().map(|field| (field.name.clone(), setting(field))).collect();
    let required: Vec<&str> =
        settings.fields.iter().filter(|field| field.required).map(|field| &*field.name).collect();
    json!({
        "title": title,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": settings.others.as_deref().map_or(json!(false), of_any_key),
    })
}

/// Returns what stands at the keys of a map that its owner names.
fn of_any_key(shape: &Shape) -> Value {
    match &shape.of {
        Type::Text(text) if !text.choices.is_empty() => json!({ "enum": text.choices }),
        _ => json!(true),
    }
}

/// Returns a setting: its own type, or a reference to where it is kept; a secret is always one.
fn setting(field: &Field) -> Value {
    let reference = json!({
        "type": "string",
        "pattern": "^(env|file):.",
        "examples": [format!("env:{}", field.name.to_uppercase()), format!("file:secrets/{}", field.name)],
    });
    let mut schema = match &field.shape.of {
        Type::Text(text) if text.format == Format::Secret => reference,
        Type::Object(inner) => map(inner, &field.name),
        Type::Any => json!({}),
        Type::Text(text) if text.choices.is_empty() => value(&field.shape),
        Type::Text(text) => json!({ "anyOf": [{ "enum": text.choices }, reference] }),
        _ => json!({ "anyOf": [value(&Shape::of(field.shape.of.clone())), reference] }),
    };
    schema["description"] = field.summary.clone().into();
    if !field.examples.is_empty() {
        schema["examples"] = field.examples.clone().into();
    }
    if let Some(default) = &field.default {
        schema["default"] = default.clone();
    }
    schema
}
