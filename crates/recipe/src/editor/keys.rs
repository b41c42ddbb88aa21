//! What the keys of a recipe mean, in the words that an editor shows.

use serde_json::{Value, json};

use super::{block, count, duration, expression, such_as};
use crate::failure_codes;

/// Returns what stands at a key of one map, where that differs from the same key elsewhere.
pub(super) fn own_key(what: &str, name: &str) -> Option<Value> {
    let (mut schema, means) = match (what, name) {
        ("a `wait` step", "wait") => (
            json!({ "type": "string", "examples": ["2h", "1d", "{{ … }}"] }),
            "A duration, or a moment in `{{ }}`; nothing is held up meanwhile.",
        ),
        ("a `wait_for` step", "timeout") => (duration(), "How long an answer is waited for."),
        ("a `wait_for` step", "default") => (
            json!({ "type": "object", "examples": [{ "approved": false }] }),
            "The answer when nobody gave one in time.",
        ),
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
pub(super) fn key(name: &str) -> Value {
    let (mut schema, means) = match name {
        "title" => (such_as("Create the employee"), "For people."),
        "description" => (
            such_as("Hires in Greenhouse become employees in GoCo."),
            "What the recipe is for, for people.",
        ),
        "label" => (
            such_as("{{ event.candidate.last_name }}"),
            "Names a job in lists and search; may hold `{{ expressions }}`.",
        ),
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
            json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "examples": ["employee"] }),
            "The name other steps refer to.",
        ),
        "when" => (
            expression("steps.existing.employees | length == 0"),
            "The step is left out when this is false (for a trigger: no job is made).",
        ),
        "action" => (such_as("goco.create_employee"), "The action to call: `connector.name`."),
        "with" => (
            json!({ "type": "object", "examples": [{ "candidate_id": "{{ event.candidate.id }}" }] }),
            "The inputs.",
        ),
        "connection" => (such_as("goco_us"), "The connection, where there are several."),
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
        "if" => (expression("steps.approval.approved"), "Chooses `then` or `else`."),
        "then" => (block(), "Runs when the condition is true."),
        "else" => (
            json!({ "anyOf": [block(), { "$ref": "#/$defs/step" }] }),
            "Runs when the condition is false.",
        ),
        "for_each" => {
            (expression("event.candidate.attachments"), "A list; the steps run once for each item.")
        }
        "as" => (such_as("document"), "The name of the item inside."),
        "try" => (block(), "What may fail."),
        "catch" => (block(), "Runs when it failed; sees `error`."),
        "set" => (
            json!({ "type": "object", "examples": [{ "employees": [] }] }),
            "Sets variables, read as `vars.name`.",
        ),
        "stop" => (
            json!({ "enum": ["succeeded", "failed", "skipped"] }),
            "Ends the job; `finally` still runs.",
        ),
        "reason" => (such_as("There are no documents."), "Why, for people."),
        "hint" => (such_as("Upload the documents by hand."), "What a person should do."),
        "on" => (such_as("greenhouse.hired"), "The trigger: `connector.name`."),
        "key" => (
            json!({ "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/order_key" }], "examples": ["event.candidate.id"] }),
            "Jobs with the same key run one after the other.",
        ),
        "group" => (such_as("people"), "Recipes that name the same group share their keys."),
        "value" => (expression("event.candidate.id"), "The key."),
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
            json!({ "type": "object", "examples": [{ "id": "{{ steps.employee.id }}" }] }),
            "What a caller gets, or a sender that waits for an answer: names to values, worked out when the steps are over.",
        ),
        "batch" => (count(), "How many items a round gets at most, as a list."),
        "at_once" => (
            json!({ "type": "integer", "minimum": 1, "default": 1 }),
            "How many rounds may be in progress at the same time; 1 unless given.",
        ),
        "collect" => (
            expression("steps.upload.name"),
            "What each round gives; those that are not null are `steps.ID.results`.",
        ),
        "repeat_while" => (
            expression("vars.employees | length == 0"),
            "The steps run, and again as long as this holds after them.",
        ),
        "max" => (count(), "The greatest number of rounds; one more fails."),
        "call" => (such_as("make-employee"), "The recipe to call; it has an `input`."),
        "background" => (
            json!({ "type": "boolean", "default": false }),
            "Do not wait for the called job; the output is then `{ job: ID }`.",
        ),
        "wait_for" => (
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/declared" } }),
            "Waits for a person's answer: names to types, such as `{ approved: boolean }`.",
        ),
        "ask" => (
            such_as("Shall {{ event.candidate.last_name }} become an employee?"),
            "The question, for people.",
        ),
        "type" => (
            such_as("text"),
            "The type: `text`, `integer`, `number`, `boolean`, `date`, `datetime`, `[text]` for a list, a map of names to types.",
        ),
        "default" => (json!({}), "The value when none is given."),
        "choices" => (
            json!({ "type": "array", "minItems": 1, "items": { "type": "string" }, "examples": [["full", "part"]] }),
            "The only texts allowed.",
        ),
        "required" => (
            json!({ "type": "boolean", "default": true }),
            "`false` when the value may be left out.",
        ),
        "keep" => (duration(), "How long finished jobs are kept."),
        "writes" => (json!({ "const": "hold" }), "Every write is shown and waits for a person."),
        "dedupe" => (expression("event.body.id"), "Events with the same key are one job."),
        "concurrency" => (
            json!({ "type": "integer", "minimum": 1, "default": 16 }),
            "How many jobs may have a call open at the same time; 16 unless given.",
        ),
        "mask" => (
            json!({ "type": "array", "items": { "type": "string" }, "examples": [["event.candidate.phone_numbers"]] }),
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
