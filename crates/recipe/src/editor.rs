//! The JSON Schemas that editors complete and explain the files of a project with: `schemas/*.schema.json`.
//!
//! They are made from the same lists of keys that the files are read with and from the connectors' own schemas. They
//! help while typing; the checker is the judge.

mod cases;
mod connections;
mod keys;
mod runner;

use serde_json::{Map, Value, json};

use crate::{
    catalogue::{ActionSpec, Catalogue},
    document::{RECIPE, declared, settings, steps, trigger},
    fields::Known,
    schema::{Format, Object, Shape, Type},
};

pub use cases::test_schema;
pub use connections::connections_schema;
pub use runner::runner_schema;

/// Returns the schema of a recipe file for these connectors.
pub fn recipe_schema(catalogue: &Catalogue) -> Value {
    let mut schema = closed(RECIPE, &["steps"]);
    schema["oneOf"] = json!([{ "required": ["trigger"] }, { "required": ["input"] }]);
    name(&mut schema, "A recipe of recipe-runner");
    schema["$defs"] = json!({
        "block": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/step" } },
        "step": { "anyOf": steps(catalogue) },
        "settings": closed(settings::SETTINGS, &[]),
        "retry": closed(settings::RETRY, &[]),
        "trigger": trigger_schema(catalogue),
        "order_key": closed(trigger::ORDER_KEY, &["value"]),
        "declared": declared_schema(),
    });
    schema
}

/// Returns the steps: one branch for each action, so that its inputs are known, and one for each other kind.
fn steps(catalogue: &Catalogue) -> Vec<Value> {
    let mut branches = Vec::new();
    for (connector, spec) in &catalogue.connectors {
        for (action, spec) in &spec.actions {
            branches.push(action_step(&format!("{connector}.{action}"), spec));
        }
    }
    branches.push(closed(steps::IF, &["if", "then"]));
    branches.push(closed(steps::FOR_EACH, &["for_each", "steps"]));
    branches.push(closed(steps::REPEAT_WHILE, &["repeat_while", "steps", "max"]));
    branches.push(closed(steps::CALL, &["call"]));
    branches.push(closed(steps::WAIT, &["wait"]));
    branches.push(closed(steps::WAIT_FOR, &["wait_for", "id"]));
    branches.push(closed(steps::TRY, &["try", "catch"]));
    branches.push(closed(steps::SET, &["set"]));
    branches.push(closed(steps::STOP, &["stop"]));
    branches
}

fn action_step(name: &str, spec: &ActionSpec) -> Value {
    let mut with = inputs(&spec.input);
    with["title"] = format!("inputs of {name}").into();
    with["description"] = format!("The inputs of `{name}`.").into();
    // `with` is not asked for here, even of an action with required inputs: while the name is still being typed, editors
    // offer only the branches that what stands there satisfies. What is missing is for the check to say.
    let mut step = closed(steps::ACTION, &["action"]);
    step["title"] = format!("action: {name}").into();
    step["properties"]["action"] = json!({ "const": name, "description": spec.summary });
    step["properties"]["with"] = with;
    step
}

fn trigger_schema(catalogue: &Catalogue) -> Value {
    let mut names = Vec::new();
    for (connector, spec) in &catalogue.connectors {
        for (trigger, spec) in &spec.triggers {
            names.push(
                json!({ "const": format!("{connector}.{trigger}"), "description": spec.summary }),
            );
        }
    }
    let mut map = closed(trigger::TRIGGER, &["on"]);
    map["properties"]["on"] =
        json!({ "anyOf": names.clone(), "description": "The trigger: `connector.name`." });
    names.push(map);
    json!({ "anyOf": names })
}

/// Returns the schema of a declared shape: a word, a list of one, a map of them, or the long form.
fn declared_schema() -> Value {
    let mut words: Vec<String> = declared::WORDS.iter().map(|word| (*word).to_owned()).collect();
    words.extend(declared::WORDS.iter().map(|word| format!("{word}?")));
    let item = json!({ "$ref": "#/$defs/declared" });
    let mut long = closed(declared::LONG, &["type"]);
    long["properties"]["type"] =
        json!({ "$ref": "#/$defs/declared", "description": "What it is, such as `boolean`." });
    json!({ "anyOf": [
        { "enum": words, "description": "A `?` behind the type: the value may be left out." },
        { "type": "array", "items": item, "minItems": 1, "maxItems": 1 },
        long,
        { "type": "object", "additionalProperties": item },
    ] })
}

/// Returns the inputs of an action. Any of them may be an expression instead of its own type.
fn inputs(object: &Object) -> Value {
    let mut properties = Map::new();
    for field in &object.fields {
        let mut schema = if field.declares {
            json!({ "$ref": "#/$defs/declared" })
        } else {
            value(&field.shape)
        };
        if !matches!(field.shape.of, Type::Any | Type::Text(_)) {
            schema = json!({ "anyOf": [schema, { "type": "string", "pattern": "\\{\\{" }] });
        }
        schema["description"] = field.summary.clone().into();
        if !field.examples.is_empty() {
            schema["examples"] = field.examples.clone().into();
        }
        if let Some(default) = &field.default {
            schema["default"] = default.clone();
        }
        properties.insert(field.name.clone(), schema);
    }
    let required: Vec<_> =
        object.fields.iter().filter(|field| field.required).map(|field| &*field.name).collect();
    let mut schema =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if object.others.is_some() {
        schema["additionalProperties"] = true.into();
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn value(shape: &Shape) -> Value {
    match &shape.of {
        Type::Any => json!({}),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Integer => json!({ "type": "integer" }),
        Type::Number => json!({ "type": "number" }),
        Type::Text(text) if !text.choices.is_empty() => {
            json!({ "anyOf": [{ "enum": text.choices }, { "type": "string", "pattern": "\\{\\{" }] })
        }
        Type::Text(text) => match text.format {
            Format::Date => such_as("2027-01-04"),
            Format::DateTime => such_as("2027-01-04T09:00:00Z"),
            Format::Url => such_as("https://acme.example/offer.pdf"),
            Format::Email => such_as("ada@acme.example"),
            Format::Plain | Format::Secret => json!({ "type": "string" }),
        },
        Type::List(_) => json!({ "type": "array" }),
        Type::Object(_) => json!({ "type": "object" }),
    }
}

/// Returns a map that has these keys and no others. Its title is what editors call it that offer to write all of it.
fn closed(known: Known, required: &[&str]) -> Value {
    let properties: Map<_, _> =
        known.keys.iter().map(|name| ((*name).to_string(), meaning(known.what, name))).collect();
    json!({
        "title": known.what.replace('`', ""),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Returns what stands at a key of a map: what it means there, or what it means everywhere.
fn meaning(what: &str, name: &str) -> Value {
    let own = cases::key(what, name).or_else(|| runner::key(what, name));
    own.or_else(|| keys::own_key(what, name)).unwrap_or_else(|| keys::key(name))
}

/// Says what a schema is the schema of.
fn name(schema: &mut Value, title: &str) {
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = title.into();
}

fn such_as(example: &str) -> Value {
    json!({ "type": "string", "examples": [example] })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 1, "examples": [10] })
}

fn duration() -> Value {
    json!({ "type": "string", "examples": ["30s", "5m", "2h", "1d"] })
}

fn expression(such_as: &str) -> Value {
    json!({ "type": ["string", "boolean"], "examples": [such_as] })
}

fn block() -> Value {
    json!({ "$ref": "#/$defs/block" })
}
