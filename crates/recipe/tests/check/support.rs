//! A small fixed catalogue in the manner of the real connectors, and projects read from folders.

#![expect(clippy::needless_pass_by_value, reason = "schemas are written in place")]

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use super::api::{
    self, ActionSpec, Catalogue, ConnectorSpec, EffectSpec, Object, ProjectFiles, Shape, Source,
    TriggerSpec, Type, from_json_schema,
};
use serde_json::{Value, json};

/// Returns a catalogue with connectors in the manner of Greenhouse and GoCo, one more of each kind, and `log`.
pub(crate) fn catalogue() -> Catalogue {
    let looked_up = EffectSpec::Write { looks_up: true, settle: Duration::from_mins(1) };
    let blind = EffectSpec::Write { looks_up: false, settle: Duration::ZERO };
    let mut greenhouse = connector(
        Some(json!({
            "required": ["webhook_secret"],
            "properties": {
                "webhook_secret": { "type": "string", "format": "secret", "description": "The key of the web hook." },
                "api_key": { "type": ["string", "null"], "format": "secret" },
                "user": { "type": ["string", "null"], "format": "email" },
                "region": { "enum": ["us", "eu", null] },
                "base_url": { "type": ["string", "null"], "format": "uri" },
                "page_size": { "type": ["integer", "null"] },
                "custom_fields": object(json!({ "properties": {
                    "offer": words(&["currency", "short_text"]),
                    "candidate": words(&["currency", "short_text"]),
                } })),
            },
        })),
        [
            action(
                "add_note",
                looked_up,
                json!({
                    "required": ["candidate_id", "body"],
                    "properties": { "candidate_id": text(), "body": text() },
                }),
                object(json!({ "properties": { "id": text() }, "required": ["id"] })),
            ),
            action(
                "get_current_offer",
                EffectSpec::Read,
                json!({ "required": ["application_id"], "properties": { "application_id": text() } }),
                object(json!({ "properties": { "offer": offer() } })),
            ),
        ],
        [trigger(
            "hired",
            json!({ "properties": { "department": { "type": ["string", "null"] } } }),
            hired(),
        )],
    );
    greenhouse.field_types = [
        ("short_text", json!({ "type": ["string", "null"] })),
        ("currency", json!({ "anyOf": [
            object(json!({ "required": ["amount"], "properties": { "amount": { "type": "number" } } })),
            { "type": "null" },
        ] })),
    ]
    .map(|(word, value)| {
        let field = json!({ "required": ["value"], "properties": { "value": value } });
        (word.to_owned(), shape(&object(field)))
    })
    .into();
    let goco = connector(
        Some(json!({
            "required": ["api_key", "company"],
            "properties": {
                "api_key": { "type": "string", "format": "secret", "description": "The API key of the company." },
                "company": { "type": "string", "description": "The company's slug." },
            },
        })),
        [
            action(
                "find_employees",
                EffectSpec::Read,
                json!({
                    "required": ["first_name", "last_name"],
                    "properties": { "first_name": text(), "last_name": text() },
                }),
                object(json!({
                    "required": ["employees"],
                    "properties": { "employees": { "type": "array", "items": {
                        "type": "object",
                        "required": ["id", "full_name", "terminated"],
                        "properties": { "id": text(), "full_name": text(), "terminated": { "type": "boolean" } },
                    } } },
                })),
            ),
            action(
                "match_department",
                EffectSpec::Read,
                json!({
                    "required": ["names"],
                    "properties": {
                        "names": { "type": "array", "items": text() },
                        "if_missing": { "enum": ["warn", "fail", null] },
                    },
                }),
                object(
                    json!({ "properties": { "id": { "type": ["string", "null"] }, "name": { "type": ["string", "null"] } } }),
                ),
            ),
            action(
                "create_employee",
                looked_up,
                employee(),
                object(json!({
                    "required": ["id"], "properties": { "id": text() },
                })),
            ),
            action(
                "upload_document",
                blind,
                json!({
                    "required": ["employee_id", "name", "url"],
                    "properties": { "employee_id": text(), "name": text(), "url": { "type": "string", "format": "uri" } },
                }),
                object(json!({ "required": ["id"], "properties": { "id": text() } })),
            ),
            action(
                "set_manager",
                EffectSpec::Idempotent,
                json!({
                    "required": ["employee_id", "manager_id"],
                    "properties": { "employee_id": text(), "manager_id": text() },
                }),
                object(json!({})),
            ),
        ],
        [],
    );
    let log = connector(
        None,
        [action(
            "write",
            EffectSpec::Read,
            json!({ "required": ["message"], "properties": { "message": text(), "data": true } }),
            object(json!({})),
        )],
        [],
    );
    let webhook = connector(
        None,
        [],
        [trigger(
            "received",
            json!({ "properties": { "body": { "x-declares": true } } }),
            object(json!({
                "required": ["body"],
                "properties": { "body": { "x-declared-in": "with.body" } },
                "additionalProperties": true,
            })),
        )],
    );
    Catalogue {
        connectors: [
            ("greenhouse", greenhouse),
            ("goco", goco),
            ("log", log),
            ("webhook", webhook),
        ]
        .map(|(name, spec)| (name.to_owned(), spec))
        .into(),
    }
}

fn hired() -> Value {
    object(json!({
        "required": ["application", "candidate", "job"],
        "properties": {
            "application": object(json!({ "required": ["id"], "properties": { "id": text() } })),
            "candidate": object(json!({
                "required": ["id", "first_name", "last_name", "email_addresses", "attachments", "custom_fields"],
                "properties": {
                    "id": text(),
                    "first_name": text(),
                    "last_name": text(),
                    "title": { "type": ["string", "null"] },
                    "email_addresses": { "type": "array", "items": object(json!({
                        "required": ["type", "value"], "properties": { "type": text(), "value": text() },
                    })) },
                    "attachments": { "type": "array", "items": object(json!({
                        "required": ["filename", "url"],
                        "properties": { "filename": text(), "url": { "type": "string", "format": "uri" } },
                    })) },
                    "custom_fields": custom_fields("candidate"),
                },
            })),
            "offer": offer(),
            "job": object(json!({
                "required": ["id", "departments", "openings"],
                "properties": {
                    "id": text(),
                    "openings": { "type": "integer" },
                    "departments": { "type": "array", "items": object(json!({
                        "required": ["name"], "properties": { "name": text() },
                    })) },
                },
            })),
        },
    }))
}

fn offer() -> Value {
    json!({ "anyOf": [
        object(json!({
            "required": ["id", "custom_fields"],
            "properties": {
                "id": text(),
                "starts_on": { "type": ["string", "null"], "format": "date" },
                "resolved_at": { "type": ["string", "null"], "format": "date-time" },
                "custom_fields": custom_fields("offer"),
            },
        })),
        { "type": "null" },
    ] })
}

fn custom_fields(of: &str) -> Value {
    json!({
        "type": "object",
        "additionalProperties": true,
        "x-declared-in": format!("connection.custom_fields.{of}"),
    })
}

fn words(words: &[&str]) -> Value {
    json!({ "type": ["object", "null"], "additionalProperties": { "enum": words } })
}

fn employee() -> Value {
    json!({
        "required": ["first_name", "last_name"],
        "properties": {
            "first_name": { "type": "string", "description": "The first name." },
            "last_name": { "type": "string", "description": "The last name." },
            "personal_email": { "type": ["string", "null"], "format": "email" },
            "start_date": { "type": ["string", "null"], "format": "date" },
            "employment_type": { "enum": ["full_time", "part_time", "contractor", null] },
            "department_id": { "type": ["string", "null"] },
            "salary": { "type": ["number", "null"] },
            "weekly_hours": { "type": ["integer", "null"] },
            "remote": { "type": ["boolean", "null"] },
            "tags": { "type": ["array", "null"], "items": text() },
            "address": { "anyOf": [
                object(json!({ "required": ["street"], "properties": { "street": text(), "city": text() } })),
                { "type": "null" },
            ] },
        },
    })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn object(mut schema: Value) -> Value {
    schema["type"] = json!("object");
    schema
}

fn fields(schema: Value) -> Arc<Object> {
    match shape(&object(schema)).of {
        Type::Object(object) => object,
        other => panic!("not a map: {other:?}"),
    }
}

fn shape(schema: &Value) -> Shape {
    from_json_schema(schema).unwrap_or_else(|error| panic!("{error} in {schema}"))
}

fn action(name: &str, effect: EffectSpec, input: Value, output: Value) -> (String, ActionSpec) {
    let spec =
        ActionSpec { summary: String::new(), input: fields(input), output: shape(&output), effect };
    (name.into(), spec)
}

fn trigger(name: &str, with: Value, event: Value) -> (String, TriggerSpec) {
    let spec = TriggerSpec {
        summary: String::new(),
        with: fields(with),
        event: shape(&event),
        set_up: String::new(),
        kind: api::TriggerKind::Webhook,
        catch_up: (name == "hired").then(|| Duration::from_hours(1)),
        answers: name == "received",
        examine: api::Examine::default(),
    };
    (name.into(), spec)
}

fn connector<const A: usize, const T: usize>(
    connection: Option<Value>,
    actions: [(String, ActionSpec); A],
    triggers: [(String, TriggerSpec); T],
) -> ConnectorSpec {
    ConnectorSpec {
        summary: String::new(),
        connection: connection.map(fields),
        actions: BTreeMap::from(actions),
        triggers: BTreeMap::from(triggers),
        field_types: BTreeMap::new(),
    }
}

/// Reads a case's folder. What it leaves out is the same for all cases: one connection for each connector, one table,
/// two properties.
pub(crate) fn project(folder: &Path) -> ProjectFiles {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let or =
        |name: &str, usual: &str| Source::new(name, read(name).unwrap_or_else(|| usual.to_owned()));
    let mut recipes: Vec<Arc<Source>> = read("recipe.yaml")
        .map(|text| Source::new("recipes/hire.yaml", text))
        .into_iter()
        .collect();
    let mut others: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            Path::new(name).extension().is_some_and(|extension| extension == "yaml")
                && !APART.contains(&name.as_str())
        })
        .collect();
    others.sort();
    let other = |name: String| Some(Source::new(format!("recipes/{name}"), read(&name)?));
    recipes.extend(others.into_iter().filter_map(other));
    ProjectFiles {
        runner: Some(or("runner.yaml", RUNNER)),
        connections: Some(or("connections.yaml", CONNECTIONS)),
        recipes,
        tables: vec![or("tables/employment_types.csv", TABLE)],
    }
}

/// Files of a case that are not recipes.
const APART: [&str; 5] =
    ["recipe.yaml", "recipe.test.yaml", "connections.yaml", "runner.yaml", "fixed.yaml"];

const RUNNER: &str = "\
properties:
  success_note: { type: boolean, default: false, description: Whether a note says that all went well }
  team: { type: text, default: people }
";

const CONNECTIONS: &str = "\
greenhouse:
  webhook_secret: env:GREENHOUSE_SECRET
goco:
  api_key: env:GOCO_API_KEY
  company: acme
";

const TABLE: &str = "\
greenhouse,goco
Full-time,full_time
Part-time,part_time
";
