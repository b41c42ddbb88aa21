//! The schema of `runner.yaml`, and what its keys mean. Defaults are those that the reading has.

use serde_json::{Value, json};

use super::{closed, declared_schema, name};
use crate::{
    project::RunnerSettings,
    runner_settings::{NOTIFICATIONS, RETENTION, RUNNER},
};

/// Returns the schema of `runner.yaml`.
pub fn runner_schema() -> Value {
    let mut schema = closed(RUNNER, &[]);
    name(&mut schema, "The settings of a project of recipe-runner");
    schema["$defs"] = json!({
        "declared": declared_schema(),
        "retention": closed(RETENTION, &[]),
        "notifications": closed(NOTIFICATIONS, &[]),
    });
    schema
}

/// Returns what stands at a key of a map of `runner.yaml`.
pub(super) fn key(what: &str, name: &str) -> Option<Value> {
    let default = RunnerSettings::default();
    let (mut schema, means) = match (what, name) {
        ("`runner.yaml`", "listen") => (
            json!({ "type": "string", "default": default.listen, "examples": ["0.0.0.0:7117"] }),
            "Where the pages, the API and the hooks are: `host:port`.",
        ),
        ("`runner.yaml`", "listen_hooks") => (
            json!({ "type": "string", "examples": ["127.0.0.1:7118"] }),
            "A listener for the hooks alone, so that nothing else can be reached from outside; with `listen` unless given.",
        ),
        ("`runner.yaml`", "public_url") => (
            json!({ "type": "string", "pattern": "^https?://", "examples": ["https://hooks.acme.example"] }),
            "The address that vendors reach the hooks at.",
        ),
        ("`runner.yaml`", "behind_proxy") => (
            json!({ "type": "boolean", "default": default.behind_proxy }),
            "Whether a proxy that speaks TLS stands in front, so that others may reach the address that is listened at.",
        ),
        ("`runner.yaml`", "data_dir") => (
            json!({ "type": "string", "default": default.data_dir, "examples": ["/var/lib/recipe-runner"] }),
            "Where jobs and events are stored, seen from the project folder.",
        ),
        ("`runner.yaml`", "time_zone") => (
            json!({ "type": "string", "default": default.time_zone, "examples": ["Europe/Vienna"] }),
            "The zone of dates without one.",
        ),
        ("`runner.yaml`", "retention") => (
            json!({ "$ref": "#/$defs/retention" }),
            "How long finished jobs are kept, and how much of them.",
        ),
        ("`runner.yaml`", "notifications") => {
            (json!({ "$ref": "#/$defs/notifications" }), "Who is told of jobs that need a person.")
        }
        ("`runner.yaml`", "properties") => (
            json!({ "type": ["object", "null"], "additionalProperties": { "$ref": "#/$defs/declared" } }),
            "What recipes read as `properties.NAME`, each with a type and a value: `success_note: { type: boolean, default: false }`.",
        ),
        ("`retention`", "days") => (
            json!({ "type": "integer", "minimum": 1, "default": default.keep_days }),
            "How many days finished jobs are kept.",
        ),
        ("`retention`", "payload_days") => (
            json!({ "type": "integer", "minimum": 1, "examples": [90] }),
            "After how many days what finished jobs held is cut to sizes and hashes; as long as the jobs unless given.",
        ),
        ("`retention`", "megabytes") => (
            json!({ "type": "integer", "minimum": 1, "default": default.keep_megabytes }),
            "How many megabytes finished jobs may take; the oldest go first.",
        ),
        ("`notifications`", "webhook") => (
            json!({ "type": "string", "pattern": "^(https?://|env:|file:)", "examples": ["env:ATTENTION_WEBHOOK"] }),
            "A URL that is told of every job that needs a person, or where it is kept: `env:NAME`, `file:PATH`.",
        ),
        _ => return None,
    };
    schema["description"] = means.into();
    Some(schema)
}
