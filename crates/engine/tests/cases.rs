//! Cases with recordings that go through the connector, in order, cut by deaths, and what they cover.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use connector::{
    Action, Call, Connection, Connector, Delivery, Event, Failure, Finding, Opening, Refusal,
    Trigger, Verdict,
    http::{Client, ClientSettings},
    schemars::{self, JsonSchema},
};
use engine::simulate::{
    Bench, Tested,
    coverage::{Coverage, of_recipe, of_tables},
    lines, test,
};
use recipe::{ProjectFiles, Source};
use serde::{Deserialize, Serialize};

const MAIN: &str = "
title: Finds and writes
trigger: hr.hired
steps:
  - id: person
    action: hr.find
    with: { name: \"{{ event.name }}\" }
  - id: known
    if: lookup('words', en=event.kind).de == 'Hallo'
    then:
      - id: files
        for_each: event.files
        as: file
        steps:
          - id: upload
            action: hr.upload
            with: { name: \"{{ file }} of {{ steps.person.full_name }}\" }
";

const ASKS: &str = "
title: Waits, asks and calls
trigger: hr.hired
steps:
  - id: pause
    wait: 2h
  - id: approval
    wait_for: { approved: boolean, comment: text? }
    ask: \"May {{ event.name }} begin?\"
    timeout: 1d
    default: { approved: false }
  - id: sorted
    call: sort
    when: steps.approval.approved
    with: { kind: \"{{ event.kind }}\" }
";

const SORT: &str = "
title: Sorts
input: { kind: text, loud: boolean? }
output: { word: \"{{ lookup('words', en=input.kind).de }}\" }
steps:
  - set: { done: true }
";

const ORDERED: &str = "
title: Goes one after the other
trigger:
  on: hr.hired
  key: { group: people, value: event.kind | lower }
  dedupe: event.name
steps:
  - set: { done: true }
";

const UNORDERED: &str = "
title: Goes at once
trigger: hr.hired
steps:
  - set: { done: true }
";

const ASKED: &str = "
given:
  event: { payload: { kind: Hello, name: Ada, files: [] } }
  now: 2026-03-02T08:00:00Z
  replies:
    approval: { approved: true }
    sorted: { word: Hallo }
cases:
";

#[derive(Deserialize, JsonSchema)]
struct Settings {
    /// The API key.
    #[expect(dead_code, reason = "a setting that is a secret")]
    key: connector::Secret,
}

#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Person {
    full_name: String,
}

#[derive(Deserialize)]
struct Vendor {
    first: String,
    last: String,
}

#[derive(Serialize, JsonSchema)]
struct Done {}

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Hire {
    kind: String,
    name: String,
    files: Vec<String>,
}

fn connectors() -> Vec<Connector> {
    fn open(_: Settings, opening: &Opening) -> Result<Client, Failure> {
        let mut settings = ClientSettings::new("https://hr.example/v1")?;
        // A limit that a test must not wait for.
        settings.min_interval = std::time::Duration::from_secs(2);
        Client::new(settings, opening)
    }
    async fn check(_: Arc<Client>, _: Call) -> Vec<Finding> {
        Vec::new()
    }
    async fn find(client: Arc<Client>, call: Call, who: Name) -> Result<Person, Failure> {
        let found: Vec<Vendor> =
            client.get("people").query("name", &who.name).send(&call).await?.json()?;
        let one = found.first().ok_or_else(|| Failure::permanent("not_found", "nobody"))?;
        let more = client.get("people/more").send(&call).await?.value()?;
        Ok(Person {
            full_name: format!("{} {}{}", one.first, one.last, more.as_str().unwrap_or("")),
        })
    }
    async fn upload(_: Arc<Client>, _: Call, _: Name) -> Result<Done, Failure> {
        Err(Failure::permanent("called", "a test called a real system"))
    }
    fn verify(_: &Connection, _: &Nothing, _: &Delivery) -> Result<Verdict, Refusal> {
        Err(Refusal::unauthorized("a test verifies nothing"))
    }
    fn decode(_: &Nothing, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
        let hire: Hire = serde_json::from_slice(&delivery.body)
            .map_err(|problem| Failure::permanent("invalid_payload", problem.to_string()))?;
        Ok(vec![Event::new("key", "once", &hire)?])
    }
    let trigger = Trigger::new::<Nothing, Hire>("hired", "A hire", "Paste {url}.", verify, decode);
    vec![
        Connector::new("hr", "People", open, check)
            .trigger(trigger)
            .action(Action::read("find", "Finds a person", find))
            .action(Action::write("upload", "Keeps a file", upload)),
    ]
}

const RECORDED: &str = r#"[
  { "request": { "method": "GET", "path": "/v1/people?name=Ada" },
    "response": { "body": [{ "first": "Ada", "last": "Lovelace" }] } },
  { "request": { "method": "GET", "path": "/v1/people/more" }, "response": { "body": "\"!\"" } }
]"#;

const GIVEN: &str = "
given:
  event: { payload: { kind: Hello, name: Ada, files: [a, b] } }
  now: 2026-03-02T08:00:00Z
  replies:
    person: { http: recorded.json }
    upload: {}
cases:
";

fn play_of(text: &str, recorded: &str, crash: bool) -> (Tested, Coverage) {
    play_recipe("main", text, recorded, crash)
}

fn play_recipe(recipe: &str, text: &str, recorded: &str, crash: bool) -> (Tested, Coverage) {
    let connectors = connectors();
    let catalogue = connector::catalogue(&connectors);
    let files = ProjectFiles {
        runner: None,
        connections: Some(Source::new("connections.yaml", "hr: { key: env:HR_KEY }\n")),
        recipes: vec![
            Source::new("recipes/main.yaml", MAIN),
            Source::new("recipes/asks.yaml", ASKS),
            Source::new("recipes/sort.yaml", SORT),
            Source::new("recipes/ordered.yaml", ORDERED),
            Source::new("recipes/unordered.yaml", UNORDERED),
        ],
        tables: vec![Source::new("tables/words.csv", "en,de\nHello,Hallo\nBye,Tschüs\n")],
    };
    let (project, diagnostics) = recipe::check(&files, &catalogue);
    assert!(diagnostics.is_empty(), "{}", recipe::render(&diagnostics, false));
    let recipe = &project.recipes[recipe];
    let source = Source::new("recipes/x.test.yaml", text);
    let (cases, diagnostics) = recipe::read_cases(&source, recipe, &catalogue, &project);
    assert!(diagnostics.is_empty(), "{}", recipe::render(&diagnostics, false));
    let read = |_: &str| Ok(recorded.as_bytes().to_vec());
    let bench = Bench { crash, ..Bench::new(&project, &connectors, &read) };
    let tested = test(&cases.unwrap(), recipe, &bench, None);
    let mut coverage = of_recipe(recipe, &tested);
    coverage.add(of_tables(&project.tables, std::slice::from_ref(&tested)));
    (tested, coverage)
}

fn told_of(recorded: &str, cases: &str) -> Vec<String> {
    let told = lines(&play_of(&format!("{GIVEN}{cases}"), recorded, true).0);
    told.lines().map(str::trim).filter(|line| !line.starts_with("at ")).map(Into::into).collect()
}

fn told(cases: &str) -> Vec<String> {
    told_of(RECORDED, cases)
}

#[test]
fn recordings_play_through_the_connector_and_cases_survive_every_death() {
    let cases = "
  - name: all
    expect:
      status: succeeded
      order: [person, 'upload[0]', 'upload[1]']
      steps:
        person: { at: 2026-03-02T08:00:00Z, waited: 0s, output: { full_name: { contains: Lovelace } } }
        'upload[1]': { with: { name: { one_of: [b of Ada Lovelace!, c] } } }
  - name: tried again
    replies: { upload: [{ fail: { kind: transient, after: 10m } }, {}, {}] }
    expect: { status: succeeded, steps: { upload: { attempts: 3 } } }
  - name: nobody
    replies: { person: { fail: { code: not_found } } }
    expect: { status: failed, error: { code: not_found, step: person }, steps: { upload: not_run } }
";
    assert_eq!(told(cases), ["recipes/x.test.yaml", "ok   all", "ok   tried again", "ok   nobody"]);
}

#[test]
fn what_is_out_of_order_or_of_time_is_told() {
    let cases = "
  - name: all
    replies: { 'upload[0]': [{ fail: { kind: transient, after: 10m } }, {}] }
    expect:
      order: [upload, person]
      steps: { 'upload[0]': { waited: 9s, at: 2026-03-02T09:00:00Z } }
";
    let told = told(cases);
    assert_eq!(told[1], "FAIL all");
    assert!(
        told[2].starts_with("order[1]: expected `person` after `upload`, got `person`"),
        "{told:?}"
    );
    assert!(
        told.iter().any(|line| line.starts_with("steps.upload[0].waited: expected 9s, got ")),
        "{told:?}"
    );
    assert!(
        told.contains(
            &"steps.upload[0].at: expected 2026-03-02T09:00:00Z, got 2026-03-02T08:00:00Z"
                .to_owned()
        ),
        "{told:?}"
    );
}

#[test]
fn a_range_holds_what_is_in_it_and_says_its_bounds() {
    let case = |expected: &str| {
        format!(
            "  - name: x
    replies: {{ upload: [{{ fail: {{ kind: transient, after: 10m }} }}, {{}}, {{}}] }}
    expect: {{ steps: {{ {expected} }} }}
"
        )
    };
    for right in [
        "'upload[0]': { waited: { at_least: 10m, at_most: 1h } }",
        "'upload[0]': { waited: { greater: 9m } }",
        "'upload[1]': { waited: { at_least: 0s, less: 1s } }",
        "upload: { count: { at_least: 2 }, attempts: { greater: 2, less: 4 } }",
        "person: { at: { at_least: 2026-03-02T08:00:00Z, less: 2026-03-02T08:00:01Z } }",
    ] {
        assert_eq!(told(&case(right)), ["recipes/x.test.yaml", "ok   x"], "{right}");
    }
    for (wrong, said) in [
        (
            "'upload[1]': { waited: { at_least: 2h, at_most: 3h } }",
            "steps.upload[1].waited: expected at least 2h and at most 3h, got 0s",
        ),
        ("upload: { attempts: { less: 3 } }", "steps.upload.attempts: expected less than 3, got 3"),
        (
            "person: { at: { greater: 2026-03-02T08:00:00Z } }",
            "steps.person.at: expected more than 2026-03-02T08:00:00Z, got 2026-03-02T08:00:00Z",
        ),
        (
            "person: { count: { greater: 1, at_most: 3 } }",
            "steps.person: expected that it runs more than 1 and at most 3 times, got that it runs once, called with \
             {\"name\":\"Ada\"}",
        ),
    ] {
        assert_eq!(told(&case(wrong))[2..], [said], "{wrong}");
    }
}

#[test]
fn the_keys_of_a_job_are_its_recipes_own_or_its_triggers() {
    let told = |recipe: &str, event: &str, expect: &str| {
        let case = format!("cases: [{{ name: x, event: {{ {event} }}, expect: {{ {expect} }} }}]");
        let body = r#"{ "kind": "Bye", "name": "Ada", "files": ["a"] }"#;
        let told = lines(&play_recipe(recipe, &case, body, false).0);
        let told = told.lines().map(str::trim).filter(|line| !line.starts_with("at "));
        told.skip(1).collect::<Vec<_>>().join("\n")
    };
    let hello = "payload: { kind: Hello, name: Ada, files: [] }";
    for (recipe, event, right) in [
        ("ordered", hello, "key: hello, key_group: people, dedupe: Ada"),
        ("ordered", "file: hire.json", "key: bye, key_group: { not: peple }, dedupe: Ada"),
        ("unordered", "file: hire.json", "key: absent, key_group: absent, dedupe: key"),
    ] {
        assert_eq!(told(recipe, event, right), "ok   x", "{right}");
    }
    let of_trigger = "that of the trigger, which is known of an `event` with a `file` only";
    for (recipe, event, wrong, said) in [
        ("ordered", hello, "key: bye", r#"key: expected "bye", got "hello""#),
        ("ordered", hello, "key_group: absent", r#"key_group: expected null, got "people""#),
        ("ordered", hello, "dedupe: Bob", r#"dedupe: expected "Bob", got "Ada""#),
        ("unordered", "file: hire.json", "key: any", "key: expected any value, got nothing"),
        ("unordered", hello, "key: absent", &format!("key: expected null, got {of_trigger}")),
        (
            "unordered",
            hello,
            "dedupe: any",
            &format!("dedupe: expected any value, got {of_trigger}"),
        ),
    ] {
        assert_eq!(told(recipe, event, wrong), format!("FAIL x\n{said}"), "{wrong}");
    }
}

#[test]
fn a_recording_that_does_not_fit_is_told_and_no_network_is_reached() {
    let case = "  - { name: x, expect: { status: succeeded } }";
    let told = |recorded: &str| told_of(recorded, case).join("\n");
    let other = RECORDED.replace("name=Ada", "name=Bob");
    assert!(
        told(&other)
            .contains("`GET https://hr.example/v1/people?name=Ada` is not in the recording"),
        "{}",
        told(&other)
    );
    let more = RECORDED.trim_end_matches(']').to_owned()
        + ", { \"request\": { \"method\": \"GET\", \"path\": \"/v1/x\" }, \"response\": {} }]";
    assert!(told(&more).contains("step `person` did not ask for `GET /v1/x`"), "{}", told(&more));
    assert!(
        told("{}").contains("`recipes/recorded.json` is no recording: exchange 1: missing field"),
        "{}",
        told("{}")
    );
    // A vendor's refusal is the step's failure, as it would be in earnest.
    let refused = "[{ \"request\": { \"method\": \"GET\", \"path\": \"/v1/people\" }, \"response\": { \"status\": 404 } }]";
    let failed =
        "  - { name: x, expect: { status: failed, error: { code: not_found, step: person } } }";
    assert_eq!(told_of(refused, failed), ["recipes/x.test.yaml", "ok   x"]);
}

#[test]
fn coverage_names_what_no_case_reached() {
    let cases = "  - { name: all, expect: { status: succeeded } }";
    let (_, coverage) = play_of(&format!("{GIVEN}{cases}"), RECORDED, false);
    let gaps: Vec<_> =
        coverage.gaps.iter().map(|(place, what)| format!("{place}: {what}")).collect();
    assert_eq!(
        gaps,
        [
            "recipes/main.yaml:9: `known` is never false",
            "recipes/main.yaml:12: `files` never has no rounds",
            "recipes/main.yaml:12: `files` never has one round",
            "tables/words.csv: the row `Bye, Tschüs` is never found",
        ]
    );
    assert!((50..100).contains(&coverage.percent()), "{}", coverage.percent());
}

fn asked(text: &str) -> (Vec<String>, Coverage) {
    let (tested, coverage) = play_recipe("asks", text, "", true);
    let told = lines(&tested);
    let lines = told.lines().map(str::trim).filter(|line| !line.starts_with("at "));
    (lines.map(Into::into).collect(), coverage)
}

#[test]
fn waits_answers_and_calls_play_and_survive_every_death() {
    let cases = "
  - name: all
    expect:
      status: succeeded
      order: [pause, approval, sorted]
      steps:
        pause: { at: 2026-03-02T08:00:00Z, waited: 2h }
        approval: { at: 2026-03-02T10:00:00Z, waited: 0s, ask: May Ada begin?, output: { approved: true } }
        sorted: { with: { kind: Hello, loud: absent }, output: { word: { one_of: [Hallo, Hi] } } }
  - name: late
    replies: { approval: timeout }
    expect:
      status: succeeded
      steps: { approval: { waited: 1d, output: { approved: false } }, sorted: not_run }
  - name: broken
    replies: { sorted: { fail: { code: not_found, message: no such word } } }
    expect: { status: failed, error: { step: sorted, message: { contains: no such word } } }
";
    let (told, coverage) = asked(&format!("{ASKED}{cases}"));
    assert_eq!(told, ["recipes/x.test.yaml", "ok   all", "ok   late", "ok   broken"]);
    assert_eq!(coverage.gaps, []);
    let (_, coverage) =
        asked(&format!("{ASKED}  - {{ name: x, expect: {{ status: succeeded }} }}"));
    let gaps: Vec<_> = coverage.gaps.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(gaps, ["`approval` never times out", "`when` of `sorted` is never false"]);
}

#[test]
fn a_question_and_a_call_without_a_reply_say_what_to_write() {
    let without = |step: &str| {
        let given = ASKED.lines().filter(|line| !line.trim().starts_with(step));
        let given = given.collect::<Vec<_>>().join("\n");
        asked(&format!("{given}\n  - {{ name: x, expect: {{ status: succeeded }} }}")).0.join("\n")
    };
    let told = without("approval");
    assert!(told.contains("step `approval` (`wait_for`) has no reply"), "{told}");
    assert!(told.contains("`approval: { approved: false, comment: null }`"), "{told}");
    let told = without("sorted");
    assert!(told.contains("step `sorted` (`call sort`) has no reply"), "{told}");
    assert!(told.contains("add under `replies`: `sorted: { word: "), "{told}");
}

#[test]
fn a_called_recipe_is_tested_through_its_input() {
    let text = "
given: { input: { kind: Hello } }
cases:
  - name: says hello
    expect: { status: succeeded, output: { word: Hallo } }
  - name: says bye
    input: { kind: Bye }
    expect: { output: { word: Tschau } }
";
    let (tested, _) = play_recipe("sort", text, "", true);
    let told = lines(&tested);
    assert!(told.contains("ok   says hello"), "{told}");
    assert!(told.contains("output.word: expected \"Tschau\", got \"Tschüs\""), "{told}");
}
