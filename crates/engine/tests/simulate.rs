//! Cases played on the real machine: what happens, what differs, and how it is told.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{sync::Arc, time::Duration};

use connector::{
    Action, Call, Connector, Delivery, Event, Failure, LookUp, Refusal, Trigger, Verdict,
    schemars::{self, JsonSchema},
};
use engine::{
    Kind,
    simulate::{Bench, Tested, junit, lines, summary, test},
};
use recipe::{Project, ProjectFiles, Source};
use serde::{Deserialize, Serialize};

const RECIPE: &str = "
title: Makes a person of a hire
label: \"{{ event.name }}\"
trigger: { on: hr.hired, when: event.kind == 'hire' }
steps:
  - id: known
    action: hr.find
    with: { name: \"{{ event.name }}\" }
  - stop: skipped
    when: steps.known.count > 0
    reason: \"{{ event.name }} is there already\"
  - id: person
    action: hr.create
    with:
      name: \"{{ event.name }}\"
      word: \"{{ lookup('words', en=event.word).de }}\"
      nickname: \"{{ event.nickname }}\"
  - id: files
    for_each: event.files
    as: file
    steps:
      - id: upload
        action: hr.upload
        with: { name: \"{{ file }}\" }
        if_fails: warn
finally:
  - id: note
    when: outcome.status != 'succeeded' or properties.loud
    action: hr.upload
    with: { name: \"{{ outcome.status }}: {{ outcome.message }}\" }
";

const GIVEN: &str = "
given:
  event: { payload: { kind: hire, name: Ada, word: Hello, files: [a.txt, b.txt] } }
  replies:
    known: { count: 0 }
    person: { id: '7' }
    upload: {}
    note: {}
cases:
";

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the type exists for its schema")]
struct Who {
    name: String,
    word: Option<String>,
    nickname: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Count {
    count: i64,
}

#[derive(Serialize, JsonSchema)]
struct Made {
    id: String,
}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Hire {
    kind: String,
    name: String,
    word: Option<String>,
    nickname: Option<String>,
    files: Vec<String>,
}

/// Every function refuses to be called: a case that reaches one is seen at once.
fn connectors() -> Vec<Connector> {
    async fn find(_: Arc<()>, _: Call, _: Who) -> Result<Count, Failure> {
        Err(Failure::permanent("called", "a test called a real system"))
    }
    async fn make(_: Arc<()>, _: Call, _: Who) -> Result<Made, Failure> {
        Err(Failure::permanent("called", "a test called a real system"))
    }
    async fn look(_: Arc<()>, _: Call, _: Who) -> Result<LookUp<Made>, Failure> {
        Err(Failure::permanent("called", "a test called a real system"))
    }
    fn verify(_: &connector::Connection, _: &Nothing, _: &Delivery) -> Result<Verdict, Refusal> {
        Err(Refusal::unauthorized("a test verifies nothing"))
    }
    fn decode(_: &Nothing, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
        let hires: Vec<Hire> = serde_json::from_slice(&delivery.body).map_err(|problem| {
            Failure::permanent("invalid_payload", format!("the body is no list: {problem}"))
                .hint("Send a list.")
        })?;
        hires.iter().map(|hire| Event::new("key", "once", hire)).collect()
    }
    let trigger = Trigger::new::<Nothing, Hire>("hired", "A hire", "Paste {url}.", verify, decode);
    let hr = Connector::without_connection("hr", "People")
        .trigger(trigger)
        .action(Action::read("find", "Counts people", find))
        .action(
            Action::write("create", "Makes a person", make).look_up(Duration::from_mins(1), look),
        )
        .action(Action::write("upload", "Keeps a file", make));
    vec![hr]
}

fn project(connectors: &[Connector]) -> Project {
    let files = ProjectFiles {
        runner: Some(Source::new(
            "runner.yaml",
            "properties:\n  loud: { type: boolean, default: false, description: Whether all is told. }\n",
        )),
        connections: None,
        recipes: vec![Source::new("recipes/greet.yaml", RECIPE)],
        tables: vec![Source::new("tables/words.csv", "en,de\nHello,Hallo\n")],
    };
    let (project, diagnostics) = recipe::check(&files, &connector::catalogue(connectors));
    assert!(diagnostics.is_empty(), "{}", recipe::render(&diagnostics, false));
    project
}

/// Plays the cases in `text`; every file is `body`.
fn play_with(text: &str, body: &str) -> Tested {
    let connectors = connectors();
    let project = project(&connectors);
    let recipe = &project.recipes["greet"];
    let (cases, diagnostics) = recipe::read_cases(
        &Source::new("recipes/greet.test.yaml", text),
        recipe,
        &connector::catalogue(&connectors),
        &project,
    );
    assert!(diagnostics.is_empty(), "{}", recipe::render(&diagnostics, false));
    let files = |path: &str| match path {
        "recipes/missing.json" => Err("there is no such file".to_owned()),
        _ => Ok(body.as_bytes().to_vec()),
    };
    let bench = Bench::new(&project, &connectors, &files);
    test(&cases.unwrap(), recipe, &bench, None)
}

fn play(cases: &str) -> Tested {
    play_with(&format!("{GIVEN}{cases}"), "")
}

/// Returns what is told about the only case, without the places.
fn told(cases: &str) -> Vec<String> {
    let told = lines(&play(cases));
    let details = told.lines().skip(2).map(str::trim).filter(|line| !line.starts_with("at "));
    details.map(str::to_owned).collect()
}

#[test]
fn a_case_that_is_as_expected_says_ok() {
    let tested = play(
        "
  - name: makes a person
    expect:
      status: succeeded
      label: Ada
      warnings: []
      steps:
        known: { count: 1, attempts: 1, with: { name: Ada } }
        person: { with: { name: Ada, word: Hallo, nickname: absent }, output: { id: '7' } }
        files: { count: 1 }
        upload: { count: 2 }
        upload[1]: { with: { name: b.txt } }
        note: not_run
",
    );
    assert_eq!(lines(&tested), "recipes/greet.test.yaml\n  ok   makes a person\n");
    assert_eq!(summary(&[tested]), "1 case: all ok; nothing was sent\n");
}

#[test]
fn every_wrong_expectation_is_caught() {
    for (expect, difference) in [
        ("status: failed", "status: expected failed, got succeeded: All steps are done."),
        ("label: Grace", r#"label: expected "Grace", got "Ada""#),
        ("reason: { matches: there }", "reason: expected text that matches `there`, got nothing"),
        (
            "message: { matches: All is lost }",
            r#"message: expected text that matches `All is lost`, got "All steps are done.""#,
        ),
        ("error: { code: x }", "error: expected an error, got none"),
        ("warnings: [odd]", "warnings: expected 1 warning, got none"),
        (
            "steps: { person: not_run }",
            r#"steps.person: expected that it does not run, got that it runs once, called with {"name":"Ada","word":"Hallo"}"#,
        ),
        (
            "steps: { note: { count: 1 } }",
            "steps.note: expected that it runs once, got that it does not run",
        ),
        (
            "steps: { note: { with: { name: x } } }",
            "steps.note: expected that it runs, got that it does not run",
        ),
        (
            "steps: { upload: { count: 3 } }",
            r#"steps.upload: expected that it runs 3 times, got that it runs 2 times, called with {"name":"a.txt"}"#,
        ),
        ("steps: { known: { attempts: 2 } }", "steps.known.attempts: expected 2, got 1"),
        (
            "steps: { person: { with: { name: Grace } } }",
            r#"steps.person.with.name: expected "Grace", got "Ada""#,
        ),
        (
            "steps: { person: { with: { word: absent } } }",
            r#"steps.person.with.word: expected absent, got "Hallo""#,
        ),
        (
            "steps: { person: { with: { nickname: Addie } } }",
            r#"steps.person.with.nickname: expected "Addie", got nothing"#,
        ),
        (
            "steps: { person: { with: { word: { matches: ^Hola } } } }",
            r#"steps.person.with.word: expected text that matches `^Hola`, got "Hallo""#,
        ),
        (
            "steps: { person: { output: { id: '8' } } }",
            r#"steps.person.output.id: expected "8", got "7""#,
        ),
        (
            "steps: { 'upload[0]': { with: { name: b.txt } } }",
            r#"steps.upload[0].with.name: expected "b.txt", got "a.txt""#,
        ),
        (
            "steps: { upload: { with: { name: a.txt } } }",
            r#"steps.files[1].upload.with.name: expected "a.txt", got "b.txt""#,
        ),
    ] {
        assert_eq!(
            told(&format!("  - {{ name: x, expect: {{ {expect} }} }}")),
            [difference],
            "{expect}"
        );
    }
}

#[test]
fn errors_and_warnings_are_held_against_what_is_expected() {
    let failed = "
  - name: x
    replies: { person: { fail: { code: refused, message: no, hint: Ask. } } }
    expect: ";
    assert_eq!(
        told(&format!(
            "{failed}{{ status: failed, error: {{ code: refused, message: 'no', hint: Ask., step: person }}, steps: {{ note: {{ with: {{ name: 'failed: No. Ask.' }} }} }} }}"
        )),
        [""; 0]
    );
    for (expect, difference) in [
        ("error: { code: lost }", r#"error.code: expected "lost", got "refused""#),
        ("error: { message: 'yes' }", r#"error.message: expected "yes", got "no""#),
        (
            "error: { hint: { matches: Tell } }",
            r#"error.hint: expected text that matches `Tell`, got "Ask.""#,
        ),
        ("error: { step: known }", "error.step: expected `known`, got `person`"),
    ] {
        assert_eq!(told(&format!("{failed}{{ {expect} }}")), [difference]);
    }
    let warned = "
  - name: x
    replies:
      known: { output: { count: 0 }, warnings: [{ code: odd, message: It is odd. }] }
      upload[1]: { fail: { code: lost, message: it is lost } }
    expect: ";
    assert_eq!(
        told(&format!(
            "{warned}{{ status: succeeded, warnings: [odd, {{ code: lost, step: 'upload[1]', message: {{ matches: lost }} }}] }}"
        )),
        [""; 0]
    );
    for (expect, difference) in [
        (
            "warnings: []",
            "warnings: expected 0 warnings, got `odd` of `known`, `lost` of `files[1].upload`",
        ),
        ("warnings: [odd, old]", r#"warnings[1].code: expected "old", got "lost""#),
        (
            "warnings: [{ message: x }, lost]",
            r#"warnings[0].message: expected "x", got "It is odd.""#,
        ),
        (
            "warnings: [odd, { step: 'upload[0]' }]",
            "warnings[1].step: expected `upload[0]`, got `files[1].upload`",
        ),
    ] {
        assert_eq!(told(&format!("{warned}{{ {expect} }}")), [difference]);
    }
}

#[test]
fn a_step_without_a_reply_says_which_one_to_add() {
    let text = GIVEN.replace("    person: { id: '7' }\n", "");
    let tested =
        play_with(&format!("{text}  - {{ name: x, expect: {{ status: succeeded }} }}"), "");
    assert_eq!(
        lines(&tested),
        "recipes/greet.test.yaml
  FAIL x
         step `person` (`hr.create`) has no reply
           it was called with {\"name\":\"Ada\",\"word\":\"Hallo\"}
           add under `replies`: `person: { id: \"<id>\" }`
           at recipes/greet.test.yaml:9:13
"
    );
    let told = |replies: &str| {
        told(&format!("  - name: x\n    replies: {replies}\n    expect: {{ status: succeeded }}"))
            .remove(0)
    };
    assert_eq!(
        told("{ upload: [{}] }"),
        "step `files[1].upload` (`hr.upload`) is called again after its last reply"
    );
    assert_eq!(
        told("{ person: { look_up: absent } }"),
        "step `person` (`hr.create`) is called, and its next reply is that of a look-up"
    );
    assert_eq!(
        told("{ person: [{ fail: { kind: unknown } }, { id: '7' }] }"),
        "step `person` (`hr.create`) is looked up after an unknown outcome, and its next reply is that of a call"
    );
}

#[test]
fn retries_happen_by_the_policy_and_time_jumps() {
    let tested = play(
        "
  - name: x
    now: 2026-01-05T09:00:00Z
    replies:
      known:
        - fail: { kind: transient }
        - fail: { kind: transient, after: 10m }
        - { count: 0 }
    expect: { status: succeeded, steps: { known: { count: 1, attempts: 3 } } }
",
    );
    assert!(tested.cases[0].is_ok(), "{}", lines(&tested));
    let journal = &tested.cases[0].played.as_ref().unwrap().journal;
    let started: Vec<_> = journal
        .iter()
        .filter(|entry| &*entry.path.0 == "known" && matches!(entry.kind, Kind::Started { .. }))
        .map(|entry| entry.at)
        .collect();
    let waits: Vec<i64> =
        started.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs()).collect();
    assert!((1..=10).contains(&waits[0]), "{waits:?}");
    assert!(waits[1] >= 600, "the vendor named ten minutes: {waits:?}");
    let numbers: Vec<u32> = journal.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..=u32::try_from(journal.len()).unwrap()).collect::<Vec<_>>());
}

#[test]
fn a_failure_that_never_passes_uses_up_its_retries_in_no_time() {
    let tested = play(
        "
  - name: x
    replies: { known: { fail: { code: down, message: it is down, kind: transient } } }
    expect: { status: failed, error: { code: down } }
",
    );
    assert!(tested.cases[0].is_ok(), "{}", lines(&tested));
    let steps = &tested.cases[0].played.as_ref().unwrap().steps;
    assert!(steps[0].attempts > 20, "a day of patience: {}", steps[0].attempts);
}

#[test]
fn an_unknown_outcome_is_looked_up() {
    let replies = |replies: &str, expect: &str| {
        told(&format!(
            "  - name: x\n    replies: {{ person: [{{ fail: {{ kind: unknown }} }}, {replies}] }}\n    expect: {{ {expect} }}"
        ))
    };
    let found = "status: succeeded, steps: { person: { attempts: 1, output: { id: '9' } } }";
    assert_eq!(replies("{ look_up: { found: { id: '9' } } }", found), [""; 0]);
    let again = "status: succeeded, steps: { person: { attempts: 2, output: { id: '8' } } }";
    assert_eq!(replies("{ look_up: absent }, { id: '8' }", again), [""; 0]);
    assert_eq!(
        replies("{ fail: { kind: transient } }, { look_up: { found: { id: '9' } } }", found),
        [""; 0],
        "a look-up that fails is made again"
    );
    let person = "status: needs_attention, steps: { upload: not_run, note: not_run }";
    assert_eq!(replies("{ look_up: { inconclusive: two of them } }", person), [""; 0]);
    let told = replies("{ look_up: { inconclusive: two of them } }", "status: succeeded");
    assert!(
        told[0].contains("got needs_attention: ") && told[0].contains("two of them"),
        "{told:?}"
    );
}

#[test]
fn an_event_that_the_trigger_filters_makes_no_job() {
    let case = "  - name: x
    event: { change: { kind: fire } }
    expect: ";
    assert_eq!(
        told(&format!("{case}{{ status: filtered, steps: {{ known: not_run }} }}")),
        [""; 0]
    );
    assert_eq!(
        told(&format!("{case}{{ status: succeeded }}")),
        ["status: expected succeeded, got filtered"]
    );
}

#[test]
fn a_file_is_decoded_by_the_real_trigger() {
    let case = "
cases:
  - name: x
    event: { file: hires.json, change: { nickname: Addie } }
    replies: { known: { count: 0 }, person: {}, upload: {} }
    expect: { status: succeeded, steps: { person: { with: { name: Grace, nickname: Addie } } } }
";
    let hire = r#"{ "kind": "hire", "name": "Grace", "files": [] }"#;
    let tested = play_with(case, &format!("[{hire}]"));
    assert!(tested.cases[0].is_ok(), "{}", lines(&tested));
    let problem = |case: &str, body: &str| {
        let tested = play_with(case, body);
        let problem = tested.cases[0].problem.clone().unwrap();
        let (line, column) = tested.source.line_col(problem.span.start);
        (problem.message, problem.help, (line, column))
    };
    let place = (4, 20);
    assert_eq!(
        problem(case, &format!("[{hire}, {hire}]")),
        ("`recipes/hires.json` holds 2 events, expected one".into(), vec![], place)
    );
    assert_eq!(
        problem(case, "[]"),
        ("`recipes/hires.json` holds no event for `hr.hired`".into(), vec![], place)
    );
    let (message, help, _) = problem(case, "{}");
    assert!(
        message.starts_with("`recipes/hires.json` does not decode: the body is no list"),
        "{message}"
    );
    assert_eq!(help, ["Send a list."]);
    assert_eq!(
        problem(&case.replace("hires.json", "missing.json"), "").0,
        "`recipes/missing.json` cannot be read: there is no such file"
    );
    assert_eq!(
        problem(&case.replacen("nickname: Addie }", "\"files[3]\": x }", 1), &format!("[{hire}]")),
        ("`event.files` has 0 items in this event, so there is no [3]".into(), vec![], (4, 43))
    );
}

#[test]
fn properties_and_tables_of_a_case_replace_those_of_the_project() {
    assert_eq!(
        told(
            "
  - name: x
    properties: { loud: true }
    tables: { words: [{ en: Hello, de: Servus }] }
    expect:
      status: succeeded
      steps: { person: { with: { word: Servus } }, note: { count: 1 } }
"
        ),
        [""; 0]
    );
    let told = told(
        "
  - name: x
    tables: { words: [] }
    expect: { status: succeeded }
",
    );
    assert!(
        told[0].contains("status: expected succeeded, got failed") && told[0].contains("Hello"),
        "{told:?}"
    );
}

#[test]
fn texts_of_several_lines_are_shown_as_a_diff() {
    assert_eq!(
        told(
            "
  - name: x
    event: { change: { name: \"Ada\\nKing\\nLovelace\" } }
    expect: { label: \"Ada\\nByron\\nLovelace\" }
"
        ),
        [
            "label: expected the lines marked -, got those marked +",
            "Ada",
            "- Byron",
            "+ King",
            "Lovelace",
        ]
    );
}

#[test]
fn results_are_told_to_people_and_to_build_servers() {
    let tested = play(
        "
  - { name: right, expect: { status: succeeded } }
  - { name: 'wrong & \"odd\"', expect: { label: Grace } }
",
    );
    assert_eq!(
        lines(&tested),
        "recipes/greet.test.yaml
  ok   right
  FAIL wrong & \"odd\"
         label: expected \"Grace\", got \"Ada\"
           at recipes/greet.test.yaml:12:47
"
    );
    assert_eq!(
        junit(std::slice::from_ref(&tested)),
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="greet" tests="2" failures="1" errors="0">
    <testcase classname="greet" name="right" file="recipes/greet.test.yaml" line="11"/>
    <testcase classname="greet" name="wrong &amp; &quot;odd&quot;" file="recipes/greet.test.yaml" line="12">
      <failure message="label: expected &quot;Grace&quot;, got &quot;Ada&quot;">label: expected &quot;Grace&quot;, got &quot;Ada&quot;&#10;  at recipes/greet.test.yaml:12:47</failure>
    </testcase>
  </testsuite>
</testsuites>
"#
    );
    assert_eq!(summary(&[tested]), "2 cases: 1 ok, 1 failed; nothing was sent\n");
    assert_eq!(summary(&[]), "0 cases: nothing tested; nothing was sent\n");
}
