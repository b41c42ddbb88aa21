//! What the checker says about expressions, as tables; and that what it accepts does not fail.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::HashMap, sync::Arc};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Environment, Facts, StepSight, condition_may_fail, infer, infer_condition, infer_template,
    may_fail, narrow, template_may_fail,
};
use crate::{
    Diagnostic, Expression, Scope, Severity, Shape, Source, Span, Steps, Table, Tables, Template,
    Type, from_json_schema, functions,
};

fn text() -> Value {
    json!({ "type": "string" })
}

fn maybe(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn event_schema() -> Value {
    let email = json!({
        "type": "object",
        "properties": { "type": text(), "value": maybe(&text()), "rank": { "type": "integer" } },
        "required": ["type", "value", "rank"],
    });
    json!({
        "type": "object",
        "properties": {
            "first_name": text(),
            "nickname": maybe(&text()),
            "count": { "type": "integer" },
            "price": { "type": "number" },
            "active": { "type": "boolean" },
            "maybe_active": maybe(&json!({ "type": "boolean" })),
            "tags": { "type": "array", "items": text() },
            "maybe_tags": maybe(&json!({ "type": "array", "items": text() })),
            "holes": { "type": "array", "items": maybe(&json!({ "type": "integer" })) },
            "emails": { "type": "array", "items": email.clone() },
            "offer": maybe(&json!({ "type": "object", "properties": { "starts_on": text() }, "required": ["starts_on"] })),
            "custom": { "type": "object", "additionalProperties": { "type": "object", "properties": { "value": text() }, "required": ["value"] } },
            "status": { "enum": ["succeeded", "failed", "skipped"] },
            "anything": true,
        },
        "required": ["first_name", "nickname", "count", "price", "active", "maybe_active", "tags", "maybe_tags", "holes", "emails", "offer", "custom", "status"],
    })
}

fn tables() -> Arc<Tables> {
    let table = Table {
        path: "tables/types.csv".into(),
        columns: vec!["greenhouse".into(), "goco".into()],
        rows: vec![vec!["Full-time".into(), "full_time".into()]],
    };
    Arc::new(Tables { tables: [("types".to_owned(), Arc::new(table))].into(), ..Tables::default() })
}

fn environment() -> Environment {
    let shape = |schema: Value| from_json_schema(&schema).unwrap();
    let output =
        shape(json!({ "type": "object", "properties": { "id": text() }, "required": ["id"] }));
    Environment {
        unsaid: super::Unsaid::default(),
        names: [
            ("event".to_owned(), shape(event_schema())),
            ("vars".to_owned(), shape(json!({ "type": "object", "properties": { "note": maybe(&text()) }, "required": ["note"] }))),
        ]
        .into(),
        steps: [
            ("employee".to_owned(), StepSight::Visible(output.clone())),
            ("skipped".to_owned(), StepSight::Visible(output.or_null())),
            ("later".to_owned(), StepSight::Later),
            ("upload".to_owned(), StepSight::OtherRound),
        ]
        .into(),
        tables: tables(),
        facts: Facts::default(),
        unknown: std::collections::BTreeSet::new(),
    }
}

fn parse(text: &str) -> (Expression, Arc<Source>) {
    let source = Source::new("recipes/a.yaml", text);
    let expression = Expression::parse(text, Span::new(0, text.len()), &source);
    (expression.unwrap_or_else(|wrong| panic!("{text}: {wrong:#?}")), source)
}

fn check_in(text: &str, env: &Environment) -> (Shape, Vec<Diagnostic>) {
    let (expression, source) = parse(text);
    let mut out = Vec::new();
    let shape = infer(&expression, env, &source, &mut out);
    (shape, out)
}

fn check(text: &str) -> (Shape, Vec<Diagnostic>) {
    check_in(text, &environment())
}

/// Writes a shape the short way: `text?`, `[integer]`, `{id, name}`.
fn short(shape: &Shape) -> String {
    let of = match &shape.of {
        Type::Any => "any".into(),
        Type::Boolean => "boolean".into(),
        Type::Integer => "integer".into(),
        Type::Number => "number".into(),
        Type::Text(text) if text.choices.is_empty() => "text".into(),
        Type::Text(text) => text.choices.join("|"),
        Type::List(item) => format!("[{}]", short(item)),
        Type::Object(object) => {
            let fields: Vec<_> = object.fields.iter().map(|field| field.name.as_str()).collect();
            format!("{{{}}}", fields.join(", "))
        }
    };
    if shape.nullable { format!("{of}?") } else { of }
}

#[test]
fn right_expressions_have_a_shape_and_no_diagnostics() {
    let table = [
        ("event.first_name", "text"),
        ("event.nickname", "text?"),
        ("event['nickname']", "text?"),
        ("event.offer.starts_on", "text?"),
        ("event.custom.job_title.value", "text?"),
        ("event.anything", "any?"),
        ("event.anything.deep[0].deeper ~ 'x' ~ event.anything", "text"),
        ("event.nickname | default('x')", "text"),
        ("event.status | default('none') == 'none'", "boolean"),
        ("event.nickname | default(none)", "text?"),
        ("event.nickname | trim | upper", "text?"),
        ("event.tags | first", "text?"),
        ("event.tags[0]", "text?"),
        ("event.tags | first | default('x')", "text"),
        ("event.maybe_tags | length", "integer"),
        ("event.emails | where(type='work') | pluck('value') | first", "text?"),
        ("event.emails | pluck('value') | compact | join(', ')", "text"),
        ("event.emails | pluck('rank') | sum", "integer"),
        ("event.emails | sort('rank') | pluck('type') | unique", "[text]"),
        ("event.holes | compact | max", "integer?"),
        ("steps.employee.id", "text"),
        ("steps.skipped.id", "text?"),
        ("steps.skipped", "{id}?"),
        ("lookup('types', greenhouse=event.first_name).goco", "text"),
        ("lookup('types', greenhouse=event.nickname).goco", "text?"),
        ("find_row('types', greenhouse=event.first_name).goco", "text?"),
        ("find_row('types', greenhouse=event.first_name)", "{greenhouse, goco}?"),
        ("event.count + 1", "integer"),
        ("event.count / 2", "number"),
        ("event.price * event.count", "number"),
        ("-event.count", "integer"),
        ("event.first_name + 'x'", "text"),
        ("event.tags + ['x']", "[text]"),
        ("event.count ~ event.active ~ event.price", "text"),
        ("'a' if event.active else 'b'", "a|b"),
        ("'a' if event.active", "a?"),
        ("none if event.active else event.count", "integer?"),
        ("event.first_name if event.active else event.nickname", "text?"),
        ("[1, 2.5]", "[number]"),
        ("{'a': 1, 'b': event.tags}", "{a, b}"),
        ("now() | date(zone='UTC') | add_days(1)", "text"),
        ("event.first_name[:3]", "text"),
        ("event | json", "text"),
        ("event | jsonpath('$.first_name')", "[text]"),
        ("event | jsonpath('$.emails[*].value')", "[text?]"),
        ("event | jsonpath(\"$.emails[?@.type=='work'].value\")", "[text?]"),
        ("event | jsonpath('$.emails[-1:]')", "[{type, value, rank}]"),
        ("event | jsonpath('$..value')", "[any?]"),
        ("event | jsonpath(\"$['first_name','count']\")", "[any?]"),
        ("event | jsonpath_one('$.count')", "integer"),
        ("event | jsonpath_one('$.nickname')", "text?"),
        ("event | jsonpath_one('$.offer.starts_on')", "text"),
        ("event | jsonpath_one('$.emails[0].rank')", "integer"),
        ("event | jsonpath_one('$.custom.level')", "{value}?"),
        ("event | jsonpath_one('$.custom.level.value')", "text"),
        ("event.nickname | jsonpath_one('$')", "text?"),
        ("event.nickname is none or event.nickname == 'x'", "boolean"),
        // Guards inside one expression.
        ("event.nickname is not none and event.nickname ~ 'x' == 'yx'", "boolean"),
        ("event.nickname is none or event.nickname ~ 'x' == 'yx'", "boolean"),
        ("event.nickname if event.nickname is not none else 'x'", "text|x"),
        ("event.tags[0] if event.tags | length > 0 else 'x'", "text|x"),
        ("event.tags | first if event.tags is not empty else 'x'", "text|x"),
        ("event.tags | last if not (event.tags | length == 0) else 'x'", "text|x"),
        ("event.offer.starts_on if event.offer != null else 'x'", "text|x"),
        (
            "event.emails | where(type='work') | first if event.emails | where(type='work') | length > 0 else none",
            "{type, value, rank}?",
        ),
    ];
    for (text, expected) in table {
        let (shape, out) = check(text);
        assert_eq!(out, [], "{text}");
        // A union with a plain text is a plain text.
        let expected = expected.replace("text|x", "text");
        assert_eq!(short(&shape), expected, "{text}");
    }
}

#[test]
fn mistakes_have_a_place_a_message_and_a_cure() {
    // Text, code, the place, message, label or first help.
    let table: &[(&str, &str, &str, &str, &str)] = &[
        (
            "evnt.first_name",
            "unknown-name",
            "evnt",
            "`evnt` is not known here",
            "did you mean `event`?",
        ),
        (
            "employee.id",
            "unknown-name",
            "employee",
            "`employee` is not known here",
            "for the output of the step write `steps.employee`",
        ),
        (
            "error.message",
            "unknown-name",
            "error",
            "`error` is not known here",
            "`error` is known inside `catch` only; in `finally` it is `outcome.error`",
        ),
        (
            "steps",
            "unknown-name",
            "steps",
            "`steps` is not a value of its own",
            "name one step: `steps.ID`",
        ),
        (
            "event.frist_name",
            "unknown-field",
            "frist_name",
            "`event` has no field `frist_name`",
            "did you mean `first_name`?",
        ),
        (
            "event.frist_name | default('x')",
            "unknown-field",
            "frist_name",
            "`event` has no field `frist_name`",
            "did you mean `first_name`?",
        ),
        (
            "event['frist_name']",
            "unknown-field",
            "'frist_name'",
            "`event` has no field `frist_name`",
            "did you mean `first_name`?",
        ),
        (
            "event.offer.zzz",
            "unknown-field",
            "zzz",
            "`event.offer` has no field `zzz`",
            "fields: starts_on",
        ),
        (
            "event.emails | pluck('vale')",
            "unknown-field",
            "'vale'",
            "an item of `event.emails` has no field `vale`",
            "did you mean `value`?",
        ),
        (
            "event.emails | where(tpe='x')",
            "unknown-field",
            "'x'",
            "an item of `event.emails` has no field `tpe`",
            "did you mean `type`?",
        ),
        (
            "event.emails.value",
            "wrong-type",
            "value",
            "`event.emails` is a list, which has no field `value`",
            "choose an item with `first`, or read the field of each with `pluck('value')`",
        ),
        (
            "event.first_name.x",
            "wrong-type",
            "x",
            "`event.first_name` is text, which has no field `x`",
            "",
        ),
        (
            "steps.employe.id",
            "unknown-step",
            "employe",
            "there is no step `employe`",
            "did you mean `employee`?",
        ),
        (
            "steps.later.id",
            "step-later",
            "later",
            "step `later` comes later, so it has no output here",
            "move this below that step",
        ),
        (
            "steps.upload.id",
            "step-other-round",
            "upload",
            "step `upload` is inside a loop, and visible in its own round only",
            "give the `for_each` an `id` and `collect: steps.upload`, and read the `results` of that; or keep it in a variable with `set`",
        ),
        (
            "'a' ~ event.nickname",
            "maybe-null",
            "event.nickname",
            "`event.nickname` may be null, where text is needed",
            "give another value with `| default(…)`, or guard it with `when: event.nickname is not none`",
        ),
        (
            "'a' ~ (event.nickname | trim)",
            "maybe-null",
            "event.nickname | trim",
            "`event.nickname | trim` may be null, where text is needed",
            "give another value with `| default(…)`, or guard it with `when: event.nickname is not none`",
        ),
        (
            "'a' ~ steps.skipped.id",
            "maybe-null",
            "steps.skipped.id",
            "`steps.skipped.id` may be null, where text is needed",
            "step `skipped` may not have run, or may not have given it",
        ),
        (
            "(event.tags | first) ~ 'x'",
            "maybe-null",
            "event.tags | first",
            "`event.tags | first` may be null, where text is needed",
            "give another value with `| default(…)`, or guard it with `when: event.tags | first is not none`",
        ),
        (
            "(event.holes | first) + 1",
            "maybe-null",
            "event.holes | first",
            "`event.holes | first` may be null, where a number is needed",
            "give another value with `| default(…)`, or guard it with `when: event.holes | first is not none`",
        ),
        (
            "event.nickname > 'a'",
            "maybe-null",
            "event.nickname",
            "`event.nickname` may be null, where something to compare is needed",
            "give another value with `| default(…)`, or guard it with `when: event.nickname is not none`",
        ),
        (
            "not event.maybe_active",
            "maybe-null",
            "event.maybe_active",
            "`event.maybe_active` may be null, where true or false is needed",
            "give another value with `| default(…)`, or guard it with `when: event.maybe_active is not none`",
        ),
        ("none ~ 'a'", "maybe-null", "none", "null stands where text is needed", ""),
        (
            "event.emails | pluck('value') | join",
            "maybe-null",
            "event.emails | pluck('value')",
            "items of `event.emails | pluck('value')` may be null and cannot be joined",
            "leave them out with `| compact` before it",
        ),
        (
            "event.holes | sum",
            "maybe-null",
            "event.holes",
            "items of `event.holes` may be null and cannot be added",
            "leave them out with `| compact` before it",
        ),
        (
            "event.first_name | replace('a', event.nickname)",
            "maybe-null",
            "event.nickname",
            "`event.nickname` may be null, where text is needed",
            "give another value with `| default(…)`, or guard it with `when: event.nickname is not none`",
        ),
        (
            "'a' ~ event.tags",
            "wrong-type",
            "event.tags",
            "`event.tags` is a list, where text is needed",
            "choose one with `first`, write them all with `join(', ')`, or as JSON with `json`",
        ),
        (
            "event.tags | upper",
            "wrong-type",
            "event.tags",
            "`event.tags` is a list, where `upper` needs text",
            "choose one item with `first`, or join them with `join(', ')`",
        ),
        (
            "event.first_name | first",
            "wrong-type",
            "event.first_name",
            "`event.first_name` is text, where `first` needs a list",
            "make a list of it: `[…]`, or cut it with `split(', ')`",
        ),
        (
            "event.count | upper",
            "wrong-type",
            "event.count",
            "`event.count` is a whole number, where `upper` needs text",
            "make text of it with `| text`",
        ),
        (
            "event.first_name | round",
            "wrong-type",
            "event.first_name",
            "`event.first_name` is text, where `round` needs a number",
            "make a number of it with `| number`",
        ),
        (
            "event.emails | join",
            "wrong-type",
            "event.emails",
            "the items of `event.emails` are maps and cannot be joined",
            "choose a field of each with `pluck('…')`",
        ),
        (
            "event.tags | pluck('x')",
            "wrong-type",
            "event.tags",
            "the items of `event.tags` are texts, where `pluck` needs maps",
            "",
        ),
        (
            "1 + event.first_name",
            "wrong-type",
            "event.first_name",
            "`event.first_name` is text, where a number is needed",
            "make a number of it with `| number`",
        ),
        (
            "event.count < event.first_name",
            "wrong-type",
            "event.first_name",
            "`event.count` is a whole number and `event.first_name` is text: `<` compares two numbers or two texts",
            "make a number of the text with `| number`",
        ),
        (
            "event.tags and true",
            "wrong-type",
            "event.tags",
            "`event.tags` is a list, where true or false is needed",
            "ask whether it has items: `… | length > 0`",
        ),
        (
            "lookup('typs', greenhouse='x')",
            "unknown-table",
            "'typs'",
            "there is no table `typs`",
            "did you mean `types`?",
        ),
        (
            "lookup('types', grenhouse='x')",
            "unknown-column",
            "'x'",
            "`tables/types.csv` has no column `grenhouse`",
            "did you mean `greenhouse`?",
        ),
        (
            "lookup('types', greenhouse=event.count)",
            "wrong-type",
            "event.count",
            "`event.count` is a whole number, but tables hold text",
            "make text of it with `| text`",
        ),
        (
            "lookup('types', greenhouse='x').gco",
            "unknown-field",
            "gco",
            "`lookup('types', greenhouse='x')` has no field `gco`",
            "did you mean `goco`?",
        ),
    ];
    for (text, code, place, message, cure) in table {
        let (_, out) = check(text);
        assert_eq!(out.len(), 1, "{text}: {out:#?}");
        let found = &out[0];
        assert_eq!((found.code, found.severity), (*code, Severity::Error), "{text}");
        if message.is_empty() {
            continue;
        }
        assert_eq!(found.message, *message, "{text}");
        assert_eq!(&text[found.span.start..found.span.end], *place, "{text}");
        let said: Vec<&String> = found.label.iter().chain(found.help.first()).collect();
        let right = said.iter().any(|one| one == cure) || (said.is_empty() && cure.is_empty());
        assert!(right, "{text}: {said:?}");
    }
}

#[test]
fn comparisons_that_never_hold_are_warnings() {
    let table = [
        (
            "event.count == '3'",
            "`event.count` is a whole number and `'3'` is text: they are never equal",
        ),
        ("event.status == 'suceeded'", "`event.status` is never `suceeded`"),
        ("'done' != event.status", "`event.status` is never `done`"),
        ("event.tags == 'x'", "`event.tags` is a list and `'x'` is text: they are never equal"),
        (
            "3 in event.tags",
            "`3` is a whole number and the items of `event.tags` are not: it is never among them",
        ),
        (
            "event.emails | where(rank='1')",
            "`rank` is a whole number and `'1'` is text: they are never equal",
        ),
    ];
    for (text, message) in table {
        let (_, out) = check(text);
        assert_eq!(out.len(), 1, "{text}: {out:#?}");
        assert_eq!(
            (out[0].severity, out[0].message.as_str()),
            (Severity::Warning, message),
            "{text}"
        );
    }
}

#[test]
fn all_mistakes_of_an_expression_are_reported() {
    let (_, out) = check("evnt.a ~ event.frist_name ~ event.nickname ~ event.tags");
    let codes: Vec<_> = out.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, ["unknown-name", "unknown-field", "maybe-null", "wrong-type"]);
}

#[test]
fn guards_narrow_what_follows() {
    // A guard, whether it holds, and what can then be used as text.
    let table = [
        ("event.nickname is not none", true, "event.nickname", true),
        ("event.nickname is not none", false, "event.nickname", false),
        ("event.nickname is none", false, "event['nickname']", true),
        ("event.nickname != null", true, "event.nickname", true),
        ("event.nickname == null", false, "event.nickname", true),
        ("event.nickname == 'x'", true, "event.nickname", true),
        ("event.nickname in ['x', 'y']", true, "event.nickname", true),
        ("event.nickname in ['x', none]", true, "event.nickname", false),
        ("event.nickname is text", true, "event.nickname", true),
        ("event.offer is not none", true, "event.offer.starts_on", true),
        ("event.offer.starts_on is not none", true, "event.offer.starts_on", true),
        ("not (event.nickname is none)", true, "event.nickname", true),
        ("event.active and event.nickname is not none", true, "event.nickname", true),
        ("event.active or event.nickname is not none", true, "event.nickname", false),
        ("event.nickname is none or event.active", false, "event.nickname", true),
        ("event.nickname is not none or event.nickname == 'x'", true, "event.nickname", true),
        ("event.tags | length > 0", true, "event.tags | first", true),
        ("event.tags | length > 0", false, "event.tags | first", false),
        ("event.tags | length == 0", false, "event.tags[0]", true),
        ("event.tags | length >= 1", true, "event.tags | last", true),
        ("0 < event.maybe_tags | length", true, "event.maybe_tags | first", true),
        ("event.tags | length >= 0", true, "event.tags | first", false),
        ("event.tags is not empty", true, "event.tags | first", true),
        ("(event.tags | first) is not none", true, "event.tags | first", true),
        (
            "event.emails | where(type='work') | length > 0",
            true,
            "(event.emails | where(type='work') | first).type",
            true,
        ),
        (
            "event.emails | where(type='work') | length > 0",
            true,
            "(event.emails | where(type='home') | first).type",
            false,
        ),
        ("steps.skipped is not none", true, "steps.skipped.id", true),
        ("event.nickname | trim == 'x'", true, "event.nickname", true),
        ("vars.note is not none", true, "vars.note", true),
    ];
    for (guard, truth, used, fine) in table {
        let (condition, _) = parse(guard);
        let mut env = environment();
        env.facts = narrow(&condition, truth, &env.facts);
        let (_, out) = check_in(&format!("({used}) ~ 'x'"), &env);
        assert_eq!(out.is_empty(), fine, "{guard} is {truth}, then {used}: {out:#?}");
    }
}

#[test]
fn facts_about_a_variable_are_forgotten_when_it_is_set() {
    let (condition, _) = parse("vars.note is not none and event.nickname is not none");
    let mut env = environment();
    env.facts = narrow(&condition, true, &env.facts);
    env.facts.forget_variable("note");
    assert_eq!(check_in("'x' ~ event.nickname", &env).1, []);
    assert_eq!(check_in("'x' ~ vars.note", &env).1.len(), 1);
    env.facts.forget_name("event");
    assert_eq!(check_in("'x' ~ event.nickname", &env).1.len(), 1);
}

#[test]
fn templates_are_text_or_keep_the_type() {
    let read = |text: &str| {
        let source = Source::new("recipes/a.yaml", text);
        let template = Template::parse(text, Span::new(0, text.len()), &source).unwrap();
        let mut out = Vec::new();
        let shape = infer_template(&template, &environment(), &source, &mut out);
        (short(&shape), out.len(), template_may_fail(&template, &environment()))
    };
    assert_eq!(read("plain"), ("plain".into(), 0, None));
    assert_eq!(read("{{ event.count }}"), ("integer".into(), 0, None));
    assert_eq!(read("{{ event.nickname }}"), ("text?".into(), 0, None));
    assert_eq!(read("n: {{ event.count }}"), ("text".into(), 0, None));
    let (shape, mistakes, risk) = read("n: {{ event.nickname }}{{ event.tags }}");
    assert_eq!((shape.as_str(), mistakes, risk.is_some()), ("text", 2, true));
    assert_eq!(
        read("n: {{ event.anything }}").2.as_deref(),
        Some("`event.anything` may not be text")
    );
}

#[test]
fn what_may_fail_is_known() {
    let table = [
        ("event.first_name ~ event.count", None),
        ("event.nickname | default('x')", None),
        ("event.anything", None),
        ("event.anything ~ 'x'", Some("`event.anything` may not be text")),
        ("event.anything.x", Some("nothing is known about `event.anything`")),
        ("event.first_name | int", Some("`int` may fail: the text may not be a whole number")),
        (
            "lookup('types', greenhouse='x')",
            Some("`lookup` may fail: the table may have no such row"),
        ),
        ("1 / event.count", Some("`event.count` may be zero")),
        ("event.count / 2", None),
        ("event.nickname ~ 'x'", Some("`event.nickname` may be null, where text is needed")),
    ];
    for (text, expected) in table {
        let (expression, _) = parse(text);
        assert_eq!(may_fail(&expression, &environment()).as_deref(), expected, "{text}");
    }
    let (expression, _) = parse("event.anything");
    assert_eq!(
        condition_may_fail(&expression, &environment()).as_deref(),
        Some("`event.anything` may not be true or false")
    );
}

#[test]
fn conditions_must_be_boolean() {
    let report = |text: &str| {
        let (expression, source) = parse(text);
        let mut out = Vec::new();
        infer_condition(&expression, &environment(), &source, &mut out);
        out.into_iter().map(|diagnostic| diagnostic.message).collect::<Vec<_>>()
    };
    assert_eq!(report("event.active"), [""; 0]);
    assert_eq!(
        report("event.tags | length"),
        ["`event.tags | length` is a whole number, where true or false is needed"]
    );
    assert_eq!(
        report("event.maybe_active"),
        ["`event.maybe_active` may be null, where true or false is needed"]
    );
}

fn scope(full: bool) -> Scope {
    let event = if full {
        json!({
            "first_name": "Ann", "nickname": "An", "count": 3, "price": 2.5, "active": true, "maybe_active": false,
            "tags": ["a", "b"], "maybe_tags": ["c"], "holes": [1, null], "status": "failed", "anything": { "a": 1 },
            "emails": [{ "type": "work", "value": "a@x.example", "rank": 2 }, { "type": "home", "value": null, "rank": 1 }],
            "offer": { "starts_on": "2027-01-04" }, "custom": { "job_title": { "value": "Clerk" } },
        })
    } else {
        json!({
            "first_name": "", "nickname": null, "count": 0, "price": -1, "active": false, "maybe_active": null,
            "tags": [], "maybe_tags": null, "holes": [null], "status": "skipped", "emails": [], "offer": null, "custom": {},
        })
    };
    let mut outputs = HashMap::from([("employee".to_owned(), Arc::new(json!({ "id": "9001" })))]);
    if full {
        outputs.insert("skipped".to_owned(), Arc::new(json!({ "id": "1" })));
    }
    Scope {
        input: None,
        event: Arc::new(event.into()),
        job: Arc::default(),
        properties: Arc::default(),
        vars: Arc::new(json!({ "note": if full { json!("n") } else { json!(null) } })),
        steps: Arc::new(Steps { outer: None, outputs }),
        locals: Arc::default(),
        error: None,
        outcome: None,
        now: "2027-01-04T09:30:00Z".parse().unwrap(),
        tables: tables(),
    }
}

fn fits(value: &Value, shape: &Shape) -> bool {
    match (value, &shape.of) {
        (Value::Null, _) => shape.nullable,
        (_, Type::Any) | (Value::Bool(_), Type::Boolean) | (Value::Number(_), Type::Number) => true,
        (Value::Number(number), Type::Integer) => !number.is_f64(),
        (Value::String(word), Type::Text(text)) => {
            text.choices.is_empty() || text.choices.contains(word)
        }
        (Value::Array(items), Type::List(item)) => items.iter().all(|value| fits(value, item)),
        (Value::Object(fields), Type::Object(object)) => {
            fields.iter().all(|(name, value)| match object.field(name) {
                Some(field) => fits(value, &field.shape),
                None => object.others.as_ref().is_some_and(|others| fits(value, others)),
            })
        }
        _ => false,
    }
}

fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "event.first_name",
        "event.nickname",
        "event.count",
        "event.price",
        "event.active",
        "event.maybe_active",
        "event.tags",
        "event.maybe_tags",
        "event.holes",
        "event.emails",
        "event.offer",
        "event.offer.starts_on",
        "event.custom.job_title.value",
        "event.status",
        "event.anything",
        "event.tags[0]",
        "event.tags[1:]",
        "steps.employee.id",
        "steps.skipped.id",
        "vars.note",
        "now()",
        "1",
        "0",
        "2.5",
        "'a'",
        "none",
        "true",
        "[]",
        "lookup('types', greenhouse=event.nickname)",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let filters: Vec<_> = functions()
            .filter(|function| function.form == crate::Form::Filter)
            .map(|function| (function.name, function.parameters.len()))
            .collect();
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(filters),
                prop::sample::select(vec!["'type'", "1", "'value'", "event.nickname"])
            )
                .prop_map(|(value, (name, parameters), argument)| {
                    match (name, parameters) {
                        ("where", _) => format!("(({value}) | where(type={argument}))"),
                        (_, 1) => format!("(({value}) | {name})"),
                        (_, 2) => format!("(({value}) | {name}({argument}))"),
                        _ => format!("(({value}) | {name}({argument}, {argument}))"),
                    }
                }),
            (
                inner.clone(),
                inner.clone(),
                prop::sample::select(vec![
                    "+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", "in", "not in",
                    "and", "or",
                ])
            )
                .prop_map(|(left, right, operator)| format!("({left} {operator} {right})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(
                |(then, condition, otherwise)| format!("({then} if {condition} else {otherwise})")
            ),
            (inner.clone(), inner.clone()).prop_map(|(value, other)| format!(
                "({value} if {value} is not none else {other})"
            )),
            (inner.clone(), inner.clone()).prop_map(|(list, other)| format!(
                "(({list} | first) if ({list} | length) > 0 else {other})"
            )),
            inner.clone().prop_map(|value| format!("(not {value})")),
            (inner, prop::sample::select(vec!["none", "empty", "text", "not none"]))
                .prop_map(|(value, test)| format!("({value} is {test})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What the checker accepts as total has a value of the promised shape, whatever the event lacks.
    #[test]
    fn what_is_accepted_does_not_fail(text in expressions()) {
        let source = Source::new("recipes/a.yaml", text.clone());
        if let Ok(expression) = Expression::parse(&text, Span::new(0, text.len()), &source) {
            let env = environment();
            let mut out = Vec::new();
            let shape = infer(&expression, &env, &source, &mut out);
            let accepted = out.iter().all(|diagnostic| diagnostic.severity == Severity::Warning);
            for full in [true, false] {
                match expression.evaluate(&scope(full)) {
                    Ok(value) => prop_assert!(!accepted || fits(&value, &shape), "{} gives {}, not {}", text, value, short(&shape)),
                    Err(error) => prop_assert!(
                        !accepted || may_fail(&expression, &env).is_some(),
                        "{} was accepted and failed: {}", text, error.message
                    ),
                }
            }
        }
    }
}
