//! The schema of test files, `recipes/NAME.test.yaml`, and what their keys mean.

use serde_json::{Value, json};

use super::{closed, duration, name, such_as};
use crate::cases::known::{
    CASE, ERROR, EVENT, EXPECT, FAIL, FILE, GIVEN, KINDS, MATCHER, RANGE, STATUSES, STEP, WARNED,
    WARNING,
};

/// Returns the schema of a test file. Which steps there are, and what they give, is in the recipe beside it, where no
/// schema can look: the checker does.
pub fn test_schema() -> Value {
    let mut schema = closed(FILE, &["cases"]);
    name(&mut schema, "The tests of a recipe of recipe-runner");
    let mut matcher = closed(MATCHER, &[]);
    matcher["minProperties"] = 1.into();
    let mut answer = closed(WARNED, &[]);
    answer["type"] = json!(["object", "string", "null"]);
    // What an action gives has names of its own.
    answer["additionalProperties"] = true.into();
    for (key, what) in [
        ("fail", closed(FAIL, &[])),
        ("http", such_as("../recordings/find.json")),
        ("look_up", json!({ "anyOf": [{ "const": "absent" }, { "type": "object" }] })),
    ] {
        let means = match key {
            "fail" => "The call fails: `{ fail: { code: not_found, message: no such title } }`.",
            "http" => "A file with a recorded exchange, worked on by the real connector.",
            _ => {
                "What the look-up of an unknown outcome finds: `absent`, `{ found: … }` or `{ inconclusive: why }`."
            }
        };
        answer["properties"][key] = described(what, means);
    }
    let mut step = closed(STEP, &[]);
    step["type"] = json!(["object", "string"]);
    step["pattern"] = "^not_run$".into();
    step["description"] = "What the step does; `not_run`: it does not run.".into();
    // A value to compare with, or a matcher, at any depth.
    let expected = json!({
        "properties": matcher["properties"],
        "additionalProperties": { "$ref": "#/$defs/expected" },
    });
    schema["$defs"] = json!({
        "given": closed(GIVEN, &[]),
        "case": closed(CASE, &["name", "expect"]),
        "event": closed(EVENT, &[]),
        "expect": closed(EXPECT, &[]),
        "error": closed(ERROR, &[]),
        "warning": { "anyOf": [
            { "type": "string", "description": "The code of the warning." },
            closed(WARNING, &[]),
        ] },
        "step": step,
        "answer": answer,
        "reply": { "anyOf": [
            { "$ref": "#/$defs/answer" },
            { "type": "array", "items": { "$ref": "#/$defs/answer" }, "description": "Answers call after call." },
        ] },
        "matcher": matcher,
        "expected": expected,
        "words": { "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/matcher" }] },
    });
    schema
}

/// Returns what stands at a key of a map of a test file.
pub(super) fn key(what: &str, name: &str) -> Option<Value> {
    Some(match what {
        _ if what == FILE.what => match name {
            "given" => of("given", "What all cases have in common; a case says only what differs."),
            _ => described(
                json!({ "type": "array", "items": { "$ref": "#/$defs/case" } }),
                "The cases. Each plays the recipe with scripted replies; nothing is ever sent.",
            ),
        },
        _ if what == GIVEN.what || what == CASE.what => case(name),
        _ if what == EVENT.what => event(name),
        _ if what == EXPECT.what => expect(name),
        _ if what == ERROR.what || what == WARNING.what => match name {
            "code" => words("The stable word.", "not_found"),
            "message" => words("What happened.", "no title Wizard"),
            "hint" => words("What a person should do.", "Add the title in GoCo."),
            _ => described(such_as("upload[1]"), "The step it comes from."),
        },
        _ if what == STEP.what => step(name),
        _ if what == FAIL.what => fail(name),
        _ if what == WARNED.what => match name {
            "output" => described(json!({}), "What the call gives, where it has warnings too."),
            _ => described(
                json!({ "type": "array", "items": { "type": "object" } }),
                "The warnings of the call: `[{ code: …, message: … }]`.",
            ),
        },
        _ if what == MATCHER.what => matcher(name),
        _ => return None,
    })
}

fn case(name: &str) -> Value {
    match name {
        "name" => described(such_as("creates the employee"), "What the case shows, as a sentence."),
        "event" => of("event", "What the job begins with."),
        "input" => described(
            json!({ "type": "object", "examples": [{ "first_name": "Ada" }] }),
            "What a recipe that others call is given; a case replaces name by name.",
        ),
        "now" => described(
            such_as("2026-03-02T08:00:00Z"),
            "What time it is when the job begins; 2026-01-05T09:00:00Z unless given.",
        ),
        "replies" => described(
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/reply" } }),
            "What the steps answer, by their id: `employee: { id: \"9001\" }`. `upload[1]` names a round of the loop around \
             the step; a list answers call after call.",
        ),
        "properties" => described(
            json!({ "type": "object", "examples": [{ "success_note": true }] }),
            "Properties in the place of the project's.",
        ),
        "tables" => described(
            json!({ "type": "object", "additionalProperties": {
                "type": "array",
                "items": { "type": "object", "additionalProperties": { "type": "string" } },
            } }),
            "Tables in the place of the project's, as lists of rows.",
        ),
        _ => of("expect", "What must come of it. What is not named is not looked at."),
    }
}

fn event(name: &str) -> Value {
    match name {
        "file" => described(
            such_as("../examples/events/hire_candidate.json"),
            "A file with the body as the vendor sends it, which the real trigger decodes.",
        ),
        "payload" => described(json!({ "type": "object" }), "The event as the recipe sees it."),
        "change" => described(
            json!({ "type": "object", "examples": [{ "offer.starts_on": null }] }),
            "Values by path that differ: `offer.starts_on: null`, `candidate.phone_numbers[0].type: home`.",
        ),
        _ => described(
            such_as("2026-03-02T08:00:00Z"),
            "When the delivery came; the case's `now` unless given.",
        ),
    }
}

fn expect(name: &str) -> Value {
    match name {
        "status" => described(
            json!({ "enum": STATUSES }),
            "How the job ends; `filtered` when the trigger's `when` makes no job of the event.",
        ),
        "reason" => words("The reason of the `stop` that ended it.", "There are no documents."),
        "message" => words("What the outcome says: reason or error, hint, warnings.", "not found"),
        "label" => words("The job's label.", "Ada Lovelace"),
        "key" => words(
            "The key that orders the job among others; `absent`: it waits for none.",
            "46194062",
        ),
        "key_group" => words(
            "The group of recipes that the key is shared with; `absent`: it is the recipe's own.",
            "people",
        ),
        "dedupe" => words("The key by which a repeat of its delivery is known.", "46194062"),
        "error" => of("error", "The error it fails with."),
        "output" => of("expected", "What a called recipe gives."),
        "steps" => described(
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/step" } }),
            "What steps do, by their id: `employee: { count: 1, with: { … } }`, `note: not_run`.",
        ),
        "order" => described(
            json!({ "type": "array", "items": { "type": "string" }, "examples": [["existing", "employee"]] }),
            "Steps that begin one after the other; others may come between them.",
        ),
        _ => described(
            json!({ "type": "array", "items": { "$ref": "#/$defs/warning" } }),
            "All warnings, in order.",
        ),
    }
}

fn step(name: &str) -> Value {
    match name {
        "count" => range(&whole(1), "How often it runs; rounds count, attempts do not."),
        "attempts" => range(&whole(3), "How often it is called in all, retries included."),
        "at" => range(&such_as("2026-03-02T08:00:00Z"), "When it begins."),
        "waited" => range(&duration(), "How long it takes from begin to end, retries included."),
        "with" => described(
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/expected" } }),
            "Its inputs by name, in every run of it. `absent`: the input is not sent.",
        ),
        "ask" => words("What it asks a person.", "Shall Ada become an employee?"),
        _ => of("expected", "What it gives, in every run of it."),
    }
}

fn fail(name: &str) -> Value {
    match name {
        "code" => described(
            json!({ "type": "string", "default": "failed", "examples": ["not_found"] }),
            "A stable word.",
        ),
        "message" => described(such_as("no title Wizard"), "What happened."),
        "hint" => described(such_as("Add the title in GoCo."), "What a person should do."),
        "kind" => described(
            json!({ "enum": KINDS, "default": "permanent" }),
            "What it means for another attempt: it will not help, it may help, or nobody knows whether the write happened.",
        ),
        _ => described(
            duration(),
            "How long the vendor wants to be left alone; of a failure of `kind: transient`.",
        ),
    }
}

fn matcher(name: &str) -> Value {
    match name {
        "matches" => described(
            such_as("GoCo sync .* succeeded"),
            "Text in which this is found, literally or as a regular expression.",
        ),
        "equals" => described(json!({}), "Exactly this, every key of it."),
        "contains" => {
            described(json!({}), "Text with this in it, or a list with an item that fits this.")
        }
        "one_of" => described(
            json!({ "type": "array", "minItems": 1, "examples": [["active", "hired"]] }),
            "Any of these.",
        ),
        "not" => described(json!({}), "Anything but this."),
        bound => described(
            json!({ "type": ["number", "string"], "examples": [10, "2026-01-05"] }),
            of_bound(bound),
        ),
    }
}

fn of_bound(bound: &str) -> &'static str {
    match bound {
        "greater" => "A greater number, or a later date or moment.",
        "less" => "A lesser number, or an earlier date or moment.",
        "at_least" => "This number or a greater one, this date or moment or a later one.",
        _ => "This number or a lesser one, this date or moment or an earlier one.",
    }
}

fn described(mut schema: Value, means: &str) -> Value {
    schema["description"] = means.into();
    schema
}

fn of(definition: &str, means: &str) -> Value {
    described(json!({ "$ref": format!("#/$defs/{definition}") }), means)
}

/// A text to compare with, or a matcher.
fn words(means: &str, example: &str) -> Value {
    described(json!({ "$ref": "#/$defs/words", "examples": [example] }), means)
}

/// A value, or a map with its bounds.
fn range(one: &Value, means: &str) -> Value {
    let bound = |key: &str| (key.to_owned(), described(one.clone(), of_bound(key)));
    let bounds = RANGE.keys.iter().map(|key| bound(key));
    let bounds = json!({
        "type": "object",
        "properties": bounds.collect::<serde_json::Map<_, _>>(),
        "additionalProperties": false,
        "minProperties": 1,
    });
    let means = format!("{means} A map with bounds is a range: `{{ at_least: …, at_most: … }}`.");
    described(json!({ "anyOf": [one, bounds] }), &means)
}

fn whole(example: u32) -> Value {
    json!({ "type": "integer", "minimum": 0, "examples": [example] })
}
