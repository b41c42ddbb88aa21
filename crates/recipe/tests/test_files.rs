//! Test files: what they mean, and every mistake in them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use recipe::{
    ActionSpec, Case, Catalogue, ConnectorSpec, Diagnostic, EffectSpec, EventFrom, Fail, FailKind,
    LookedUp, Project, ProjectFiles, Reply, Source, TriggerSpec, Type, check, from_json_schema,
    read_cases,
};
use serde_json::{Value, json};

const RECIPE: &str = "
title: Greets whoever is hired
trigger: hr.hired
steps:
  - id: person
    action: hr.create
    with: { name: '{{ event.name }}', starts_on: '{{ event.starts_on }}' }
  - id: files
    for_each: event.files
    as: file
    steps:
      - id: upload
        action: hr.upload
        with: { person: '{{ steps.person.id }}', name: '{{ file.name }}' }
  - id: greeting
    set: { word: Hello }
";

const RUNNER: &str = "
properties:
  loud: { type: boolean, default: false, description: Whether it is loud. }
";

fn object(schema: &Value) -> Arc<recipe::Object> {
    match from_json_schema(schema).unwrap().of {
        Type::Object(object) => object,
        other => panic!("not an object: {other:?}"),
    }
}

fn catalogue() -> Catalogue {
    let text = json!({ "type": "string" });
    let action = |input: Value, output: Value| ActionSpec {
        summary: String::new(),
        input: object(&input),
        output: from_json_schema(&output).unwrap(),
        effect: EffectSpec::Write { looks_up: true, settle: Duration::from_mins(1) },
    };
    let actions = BTreeMap::from([
        (
            "create".to_owned(),
            action(
                json!({ "type": "object", "required": ["name"], "properties": {
                    "name": text, "starts_on": { "type": ["string", "null"], "format": "date" } } }),
                json!({ "type": "object", "required": ["id", "state"], "properties": {
                    "id": text, "state": { "enum": ["new", "old"] },
                    "tags": { "type": "array", "items": text } } }),
            ),
        ),
        (
            "upload".to_owned(),
            action(
                json!({ "type": "object", "required": ["person", "name"],
                    "properties": { "person": text, "name": text } }),
                json!({ "type": "object", "required": ["bytes"],
                    "properties": { "bytes": { "type": "integer" } } }),
            ),
        ),
    ]);
    let named = json!({ "type": "object", "required": ["name"], "properties": { "name": text } });
    let event = json!({ "type": "object", "required": ["name", "files", "more"], "properties": {
        "name": text,
        "starts_on": { "type": ["string", "null"], "format": "date" },
        "boss": { "anyOf": [named, { "type": "null" }] },
        "files": { "type": "array", "items": named },
        "more": { "type": "object", "additionalProperties": true },
    } });
    let hired = TriggerSpec {
        summary: String::new(),
        with: Arc::default(),
        event: from_json_schema(&event).unwrap(),
        set_up: String::new(),
        kind: recipe::TriggerKind::Webhook,
        catch_up: None,
        answers: false,
        examine: recipe::Examine::default(),
    };
    let hr = ConnectorSpec {
        summary: String::new(),
        connection: None,
        actions,
        triggers: BTreeMap::from([("hired".to_owned(), hired)]),
        field_types: BTreeMap::new(),
    };
    Catalogue { connectors: BTreeMap::from([("hr".to_owned(), hr)]) }
}

fn project() -> Project {
    let files = ProjectFiles {
        runner: Some(Source::new("runner.yaml", RUNNER)),
        connections: None,
        recipes: vec![Source::new("recipes/greet.yaml", RECIPE)],
        tables: vec![Source::new("tables/words.csv", "en,de\nHello,Hallo\n")],
    };
    let (project, diagnostics) = check(&files, &catalogue());
    assert!(diagnostics.is_empty(), "{}", recipe::render(&diagnostics, false));
    project
}

fn read(text: &str) -> (Vec<Case>, Vec<Diagnostic>) {
    let project = project();
    let source = Source::new("recipes/greet.test.yaml", text);
    let (cases, diagnostics) =
        read_cases(&source, &project.recipes["greet"], &catalogue(), &project);
    (cases.map(|cases| cases.cases).unwrap_or_default(), diagnostics)
}

fn right(text: &str) -> Vec<Case> {
    let (cases, diagnostics) = read(text);
    assert!(diagnostics.is_empty(), "{}", recipe::render(&diagnostics, false));
    cases
}

/// Returns `line: code: message (label)` of each mistake.
fn mistakes(text: &str) -> Vec<String> {
    let said = |one: &Diagnostic| {
        let (line, _) = one.source.line_col(one.span.start);
        let label = one.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
        format!("{line}: {}: {}{label}", one.code, one.message)
    };
    read(text).1.iter().map(said).collect()
}

#[test]
fn a_case_takes_from_given_what_it_does_not_say_itself() {
    let cases = right(
        "
given:
  event: { payload: { name: Ada, files: [] }, change: { more.x: 1 } }
  now: 2026-03-02T08:00:00Z
  replies:
    person: { id: '1' }
    upload: { bytes: 1 }
  properties: { loud: true }
  tables: { words: [{ en: Bye, de: Tschüs }] }
cases:
  - name: as given
    expect: { status: succeeded }
  - name: with its own
    event: { change: { name: Grace } }
    now: 2026-04-01T08:00:00Z
    replies: { person: { id: '2' }, 'upload[1]': { bytes: 2 } }
    properties: { loud: false }
    expect: { status: failed }
",
    );
    let [given, own] = cases.as_slice() else { panic!("two cases") };
    assert_eq!(given.now.to_string(), "2026-03-02T08:00:00Z");
    assert_eq!(given.event.received_at, given.now, "a delivery comes when the job begins");
    assert_eq!(given.properties["loud"], json!(true));
    assert_eq!(given.tables["words"].rows, [["Bye", "Tschüs"]]);
    assert_eq!(given.replies.len(), 2);
    let changed = |case: &Case| {
        let EventFrom::Payload(payload) = &case.event.from else { panic!("a payload") };
        case.event.changed(payload.clone()).unwrap()
    };
    assert_eq!(changed(given)["name"], "Ada");
    assert_eq!((&changed(own)["name"], &changed(own)["more"]["x"]), (&json!("Grace"), &json!(1)));
    assert_eq!(own.now.to_string(), "2026-04-01T08:00:00Z");
    assert_eq!(own.properties["loud"], json!(false));
    let names: Vec<String> = own.replies.iter().map(|(step, _)| step.to_string()).collect();
    assert_eq!(names, ["person", "upload[1]", "upload"], "its own first, then those of `given`");
}

#[test]
fn a_reply_of_a_case_replaces_those_of_given_for_the_same_step() {
    let steps = |given: &str, own: &str| {
        let text = format!(
            "given: {{ event: {{ payload: {{}} }}, replies: {given} }}\ncases: [{{ name: x, replies: {own}, expect: {{ status: failed }} }}]"
        );
        let replies = right(&text).remove(0).replies;
        replies.iter().map(|(step, _)| step.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(steps("{ 'upload[1]': {} }", "{ upload: {} }"), ["upload"]);
    assert_eq!(steps("{ upload: {} }", "{ 'upload[1]': {} }"), ["upload[1]", "upload"]);
    assert_eq!(steps("{ 'upload[1]': {} }", "{ 'file[1].upload': {} }"), ["upload[1]"]);
}

#[test]
fn what_a_reply_or_payload_leaves_out_is_filled_in_by_its_kind() {
    let cases = right(
        "
cases:
  - name: short
    event: { payload: { starts_on: 2027-01-04, boss: {} } }
    replies: { person: {}, upload: {} }
    expect: { status: succeeded }
",
    );
    let EventFrom::Payload(payload) = &cases[0].event.from else { panic!("a payload") };
    let whole = json!({
        "starts_on": "2027-01-04", "boss": { "name": "<name>" }, "name": "<name>", "files": [], "more": {}
    });
    assert_eq!(*payload, whole);
    let Reply::Output(output, _) = &cases[0].replies[0].1.replies[0] else { panic!("an output") };
    assert_eq!(**output, json!({ "id": "<id>", "state": "new", "tags": [] }));
}

#[test]
fn replies_are_outputs_failures_look_ups_and_warnings_call_by_call() {
    let cases = right(
        "
cases:
  - name: all kinds
    event: { payload: {} }
    replies:
      person:
        - fail: { code: busy, message: it is busy, hint: Wait., kind: transient, after: 30s }
        - fail: { kind: unknown }
        - look_up: absent
        - look_up: { found: { id: '7' } }
        - look_up: { inconclusive: two of them }
        - { output: { id: '1' }, warnings: [{ code: odd, message: It is odd. }] }
      upload: { fail: {} }
    expect: { status: succeeded }
",
    );
    let [(_, person), (_, upload)] = cases[0].replies.as_slice() else { panic!("two scripts") };
    assert!(!person.every_call && upload.every_call);
    assert_eq!(person.answer(6), None, "a list ends");
    assert_eq!(upload.answer(6), upload.answer(0), "a single reply answers every call");
    let busy = Fail {
        code: "busy".into(),
        message: "it is busy".into(),
        hint: Some("Wait.".into()),
        kind: FailKind::Transient { after: Some(Duration::from_secs(30)) },
    };
    assert_eq!(person.answer(0), Some(&Reply::Fail(busy)));
    assert!(matches!(person.answer(1), Some(Reply::Fail(Fail { kind: FailKind::Unknown, .. }))));
    assert_eq!(person.answer(2), Some(&Reply::LookUp(LookedUp::Absent)));
    let Some(Reply::LookUp(LookedUp::Found(found))) = person.answer(3) else { panic!("found") };
    assert_eq!(found["id"], "7");
    assert!(matches!(person.answer(4), Some(Reply::LookUp(LookedUp::Inconclusive(_)))));
    assert!(matches!(person.answer(5), Some(Reply::Output(_, warnings)) if warnings[0].0 == "odd"));
    assert!(matches!(upload.answer(0), Some(Reply::Fail(Fail { kind: FailKind::Permanent, .. }))));
}

#[test]
fn files_are_named_as_seen_from_the_test_file() {
    for (written, path) in [
        ("../examples/hire.json", "examples/hire.json"),
        ("hire.json", "recipes/hire.json"),
        ("./a/../hire.json", "recipes/hire.json"),
        ("../../other/hire.json", "../other/hire.json"),
        ("/tmp/hire.json", "/tmp/hire.json"),
    ] {
        let cases = right(&format!(
            "cases: [{{ name: x, event: {{ file: {written} }}, expect: {{ status: failed }} }}]"
        ));
        let EventFrom::File { path: read, .. } = &cases[0].event.from else { panic!("a file") };
        assert_eq!(read, path);
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_with_their_places() {
    let found = mistakes(
        "given:
  event: { payload: { nam: Ada } }
  replies:
    persn: {}
    greeting: {}
    person: { id: 7, state: newr, colour: red }
    upload: { bytes: many }
  properties: { lout: true }
  tables: { words: [{ fr: Salut }] }
  other: 1
cases:
  - name: one
    expect: { status: success, steps: { person: { with: { nme: Ada, name: 7 }, count: few } } }
  - name: one
    event: { change: { bos.name: x, boss.name.first: x, files.name: x, name: 3, 'a..b': 1 } }
    expect: {}
  - expect: { status: failed }
",
    );
    assert_eq!(
        found,
        [
            "2: unknown-field: there is no `event.nam` (did you mean `name`?)",
            "4: unknown-step: the recipe has no step `persn` (did you mean `person`?)",
            "5: wrong-value: `greeting` calls nothing and asks nobody, so it gets no reply",
            "6: wrong-type: `person.id` is text, found a number (quote it)",
            "6: wrong-value: `person.state` is never `newr` (did you mean `new`?)",
            "6: unknown-field: there is no `person.colour`",
            "7: wrong-type: `upload.bytes` is a whole number, found text",
            "8: unknown-key: the project has no property `lout` (did you mean `loud`?)",
            "9: unknown-key: the table `words` has no column `fr`",
            "10: unknown-key: `given` has no key `other`",
            "13: wrong-value: there is no status `success`",
            "13: unknown-field: `hr.create` has no input `nme` (did you mean `name`?)",
            "13: wrong-type: `name` is text, found a number (quote it)",
            "13: wrong-type: `count` is text, expected a whole number, 0 or more",
            "14: duplicate-name: two cases are called `one`",
            "15: unknown-field: there is no `event.bos` (did you mean `boss`?)",
            "15: unknown-field: there is nothing inside `event.boss.name`",
            "15: unknown-field: `event.files` is a list, so it has no `name`",
            "15: wrong-type: `name` is text, found a number (quote it)",
            "15: wrong-value: `a..b` is not a path, expected one such as `candidate.phone_numbers[0].type`",
            "16: missing-key: `expect` expects nothing",
            "17: missing-key: a case has no `name`",
        ]
    );
}

#[test]
fn replies_that_cannot_be_are_explained() {
    let reply = |reply: &str| {
        mistakes(&format!(
            "cases:\n- name: x\n  event: {{ payload: {{}} }}\n  replies: {{ person: {reply} }}\n  expect: {{ status: failed }}"
        ))
        .join("\n")
    };
    for (written, mistake) in [
        ("{ http: 7 }", "wrong-type: `http` is a number, expected text"),
        ("{ fail: { kind: temporary } }", "wrong-value: there is no kind of failure `temporary`"),
        (
            "{ fail: { kind: permanent, after: 3s } }",
            "wrong-value: `after` is for a failure of `kind: transient` only",
        ),
        (
            "{ fail: { kind: transient, after: soon } }",
            "wrong-value: `soon` is not a length of time, expected one such as `30s`",
        ),
        ("{ fail: { cod: x } }", "unknown-key: `fail` has no key `cod` (did you mean `code`?)"),
        (
            "{ look_up: maybe }",
            "wrong-type: `look_up` is text, expected `absent`, `{ found: OUTPUT }` or `{ inconclusive: WHY }`",
        ),
        ("7", "wrong-type: `person` is a map, found a number"),
        ("{ id: null }", "wrong-type: `person.id` is never null, expected text"),
        (
            "{ output: {}, warnings: [{ code: x }] }",
            "missing-key: a warning has a `code` and a `message`",
        ),
    ] {
        assert_eq!(reply(written), format!("4: {mistake}"), "{written}");
    }
}

#[test]
fn steps_are_named_with_the_rounds_they_have() {
    let named = |step: &str| {
        mistakes(&format!(
            "cases: [{{ name: x, event: {{ payload: {{}} }}, expect: {{ steps: {{ '{step}': not_run }} }} }}]"
        ))
        .join("\n")
    };
    let right =
        ["upload", "upload[2]", "files[2].upload", "file[2].upload", "person", "greeting", "files"];
    for step in right {
        assert_eq!(named(step), "", "{step}");
    }
    for (step, mistake) in [
        ("person[1]", "`person` is in no loop, so it has no rounds"),
        ("upload[1][2]", "`upload[1][2]` names more rounds than there are loops around `upload`"),
        ("letters[1].upload", "`upload` is not inside a loop `letters`"),
        ("upload[x]", "`upload[x]` is not the name of a step, expected one such as `upload[0]`"),
    ] {
        assert_eq!(named(step), format!("1: unknown-step: {mistake}"));
    }
}

#[test]
fn text_that_is_not_yaml_has_its_place() {
    let (cases, diagnostics) = read("cases: [\n");
    assert!(cases.is_empty());
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(mistakes("given: {}\n"), ["1: missing-key: this test file has no `cases`"]);
    assert_eq!(mistakes("cases: all\n"), ["1: wrong-type: `cases` is text, expected a list"]);
}
