//! The JSON Schema that editors complete and explain recipes with: `schemas/recipe.schema.json`.
//!
//! It is made from the same lists of keys that recipes are read with and from the connectors' own schemas. It helps
//! while typing; the checker is the judge.

use serde_json::{Map, Value, json};

use crate::{
    catalogue::{ActionSpec, Catalogue},
    document::{RECIPE, settings, steps, trigger},
    fields::Known,
    schema::{Format, Object, Shape, Type},
};

/// Returns the schema of a recipe file for these connectors.
pub fn recipe_schema(catalogue: &Catalogue) -> Value {
    let mut schema = closed(RECIPE, &["trigger", "steps"]);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "A recipe of recipe-runner".into();
    schema["$defs"] = json!({
        "block": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/step" } },
        "step": { "anyOf": steps(catalogue) },
        "settings": closed(settings::SETTINGS, &[]),
        "retry": closed(settings::RETRY, &[]),
        "trigger": trigger_schema(catalogue),
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
    branches.push(closed(steps::TRY, &["try", "catch"]));
    branches.push(closed(steps::SET, &["set"]));
    branches.push(closed(steps::STOP, &["stop"]));
    branches
}

fn action_step(name: &str, spec: &ActionSpec) -> Value {
    let with = inputs(&spec.input);
    let required: &[&str] =
        if with.get("required").is_some() { &["action", "with"] } else { &["action"] };
    let mut step = closed(steps::ACTION, required);
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
    map["properties"]["on"] = json!({ "anyOf": names.clone() });
    names.push(map);
    json!({ "anyOf": names })
}

/// Returns the inputs of an action. Any of them may be an expression instead of its own type.
fn inputs(object: &Object) -> Value {
    let mut properties = Map::new();
    for field in &object.fields {
        let mut schema = value(&field.shape);
        if !matches!(field.shape.of, Type::Any | Type::Text(_)) {
            schema = json!({ "anyOf": [schema, { "type": "string", "pattern": "\\{\\{" }] });
        }
        schema["description"] = field.summary.clone().into();
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
            Format::Date => json!({ "type": "string", "examples": ["2027-01-04"] }),
            _ => json!({ "type": "string" }),
        },
        Type::List(_) => json!({ "type": "array" }),
        Type::Object(_) => json!({ "type": "object" }),
    }
}

/// Returns a map that has these keys and no others.
fn closed(known: Known, required: &[&str]) -> Value {
    let properties: Map<_, _> =
        known.keys.iter().map(|name| ((*name).to_string(), key(name))).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Returns what stands at a key, whichever map has it: a key means the same everywhere.
fn key(name: &str) -> Value {
    let (mut schema, means) = match name {
        "title" => (text(), "For people."),
        "description" => (text(), "What the recipe is for, for people."),
        "label" => (text(), "Names a job in lists and search; may hold `{{ expressions }}`."),
        "connections" => {
            let names = json!({ "type": "object", "additionalProperties": { "type": "string" } });
            (
                names,
                "Which connection a connector's steps use, where there are several: `{ goco: goco_us }`.",
            )
        }
        "trigger" => (json!({ "$ref": "#/$defs/trigger" }), "What starts a job."),
        "settings" => (json!({ "$ref": "#/$defs/settings" }), "How jobs of this recipe run."),
        "steps" => (block(), "What is done, one step after the other."),
        "finally" => (block(), "Runs once the steps are over, however they ended; sees `outcome`."),
        "id" => (
            json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }),
            "The name other steps refer to.",
        ),
        "when" => (
            expression(),
            "The step is left out when this is false (for a trigger: no job is made).",
        ),
        "action" => (text(), "The action to call: `connector.name`."),
        "with" => (json!({ "type": "object" }), "The inputs."),
        "connection" => (text(), "The connection, where there are several."),
        "retry" => (
            json!({ "$ref": "#/$defs/retry" }),
            "How often and how long a failure that may pass is tried again.",
        ),
        "timeout" => (
            duration(),
            "How long one attempt (in `settings`: the whole job) may take, such as `30s`.",
        ),
        "if_fails" => {
            (json!({ "const": "warn" }), "A failure becomes a warning, and the output null.")
        }
        "on_unknown" => (
            json!({ "enum": ["attention", "retry", "fail", "assume_done"] }),
            "What happens when nobody can say whether a write happened.",
        ),
        "if" => (expression(), "Chooses `then` or `else`."),
        "then" => (block(), "Runs when the condition is true."),
        "else" => (
            json!({ "anyOf": [block(), { "$ref": "#/$defs/step" }] }),
            "Runs when the condition is false.",
        ),
        "for_each" => (expression(), "A list; the steps run once for each item."),
        "as" => (text(), "The name of the item inside."),
        "try" => (block(), "What may fail."),
        "catch" => (block(), "Runs when it failed; sees `error`."),
        "set" => (json!({ "type": "object" }), "Sets variables, read as `vars.name`."),
        "stop" => (
            json!({ "enum": ["succeeded", "failed", "skipped"] }),
            "Ends the job; `finally` still runs.",
        ),
        "reason" => (text(), "Why, for people."),
        "hint" => (text(), "What a person should do."),
        "on" => (text(), "The trigger: `connector.name`."),
        "key" => (expression(), "Jobs with the same key run one after the other."),
        "dedupe" => (expression(), "Events with the same key are one job."),
        "concurrency" => {
            (count(), "How many jobs may have a call open at the same time; 16 unless given.")
        }
        "mask" => (
            json!({ "type": "array", "items": { "type": "string" } }),
            "Paths hidden wherever history is read.",
        ),
        "attempts" => (count(), "How many attempts there are at most, the first included."),
        "wait" => (duration(), "The wait before the second attempt."),
        "factor" => (
            json!({ "type": "number", "minimum": 1 }),
            "What each wait is multiplied by to get the next.",
        ),
        "max_wait" => (duration(), "The longest wait."),
        "for" => (duration(), "How long after the first attempt a new one may start."),
        other => unreachable!("`{other}` is a key of recipes that editors are not told about"),
    };
    schema["description"] = means.into();
    schema
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 1 })
}

fn duration() -> Value {
    json!({ "type": "string", "examples": ["30s", "5m", "2h", "1d"] })
}

fn expression() -> Value {
    json!({ "type": ["string", "boolean"] })
}

fn block() -> Value {
    json!({ "$ref": "#/$defs/block" })
}
