//! The JSON Schema that editors complete and explain recipes with: `schemas/recipe.schema.json`.
//!
//! It is made from the same lists of keys that recipes are read with and from the connectors' own schemas. It helps
//! while typing; the checker is the judge.

use serde_json::{Map, Value, json};

use crate::{
    catalogue::{ActionSpec, Catalogue},
    document::{RECIPE, declared, settings, steps, trigger},
    failure_codes,
    fields::Known,
    schema::{Format, Object, Shape, Type},
};

/// Returns the schema of a recipe file for these connectors.
pub fn recipe_schema(catalogue: &Catalogue) -> Value {
    let mut schema = closed(RECIPE, &["steps"]);
    schema["oneOf"] = json!([{ "required": ["trigger"] }, { "required": ["input"] }]);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "A recipe of recipe-runner".into();
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
    let with = inputs(&spec.input);
    // `with` is not asked for here, even of an action with required inputs: while the name is still being typed, editors
    // offer only the branches that what stands there satisfies. What is missing is for the check to say.
    let mut step = closed(steps::ACTION, &["action"]);
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

/// Returns the schema of a declared shape: a word, a list of one, a map of them, or the long form.
fn declared_schema() -> Value {
    let mut words: Vec<String> = declared::WORDS.iter().map(|word| (*word).to_owned()).collect();
    words.extend(declared::WORDS.iter().map(|word| format!("{word}?")));
    let item = json!({ "$ref": "#/$defs/declared" });
    let mut long = closed(declared::LONG, &["type"]);
    long["properties"]["type"] = item.clone();
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
    let properties: Map<_, _> = known
        .keys
        .iter()
        .map(|name| ((*name).to_string(), own_key(known.what, name).unwrap_or_else(|| key(name))))
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Returns what stands at a key of one map, where that differs from the same key elsewhere.
fn own_key(what: &str, name: &str) -> Option<Value> {
    let (mut schema, means) = match (what, name) {
        ("a `wait` step", "wait") => (
            json!({ "type": "string", "examples": ["2h", "1d", "{{ … }}"] }),
            "A duration, or a moment in `{{ }}`; nothing is held up meanwhile.",
        ),
        ("a `wait_for` step", "timeout") => (duration(), "How long an answer is waited for."),
        ("a `wait_for` step", "default") => {
            (json!({ "type": "object" }), "The answer when nobody gave one in time.")
        }
        ("`retry`", "on") => {
            let codes: Vec<_> = failure_codes::THAT_MAY_PASS
                .iter()
                .map(|(code, means)| json!({ "const": code, "description": means }))
                .collect();
            (
                json!({ "type": "array", "minItems": 1, "items": { "anyOf": codes } }),
                "The codes of failures that are tried again; all that may pass unless given.",
            )
        }
        _ => return None,
    };
    schema["description"] = means.into();
    Some(schema)
}

/// Returns what stands at a key, whichever map has it: a key means the same nearly everywhere.
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
        "key" => (
            json!({ "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/order_key" }] }),
            "Jobs with the same key run one after the other.",
        ),
        "group" => (text(), "Recipes that name the same group share their keys."),
        "value" => (expression(), "The key."),
        "catch_up" => (
            json!({ "anyOf": [duration(), { "const": "never" }] }),
            "How often events that were missed are read back, or `never`.",
        ),
        "answer_within" => (
            duration(),
            "The sender waits so long for the recipe's `output`; after it, it gets 202 and the job's address.",
        ),
        "input" => (
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/declared" } }),
            "What a recipe that others `call` takes: names to types, such as `{ name: text, tags: [text] }`.",
        ),
        "output" => (
            json!({ "type": "object" }),
            "What a caller gets, or a sender that waits for an answer: names to values, worked out when the steps are over.",
        ),
        "batch" => (count(), "How many items a round gets at most, as a list."),
        "at_once" => {
            (count(), "How many rounds may be in progress at the same time; 1 unless given.")
        }
        "collect" => {
            (expression(), "What each round gives; those that are not null are `steps.ID.results`.")
        }
        "repeat_while" => {
            (expression(), "The steps run, and again as long as this holds after them.")
        }
        "max" => (count(), "The greatest number of rounds; one more fails."),
        "call" => (text(), "The recipe to call; it has an `input`."),
        "background" => (
            json!({ "type": "boolean" }),
            "Do not wait for the called job; the output is then `{ job: ID }`.",
        ),
        "wait_for" => (
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/declared" } }),
            "Waits for a person's answer: names to types, such as `{ approved: boolean }`.",
        ),
        "ask" => (text(), "The question, for people."),
        "type" => (text(), "The type."),
        "default" => (json!({}), "The value when none is given."),
        "choices" => (
            json!({ "type": "array", "minItems": 1, "items": { "type": "string" } }),
            "The only texts allowed.",
        ),
        "required" => (json!({ "type": "boolean" }), "`false` when the value may be left out."),
        "keep" => (duration(), "How long finished jobs are kept."),
        "writes" => (json!({ "const": "hold" }), "Every write is shown and waits for a person."),
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
