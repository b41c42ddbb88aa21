//! Plans: what rests on an answer that nobody has given, through variables, loops and reads, is told from what is known.

use std::collections::BTreeMap;

use engine::plan::From;

use crate::{bench::Bench, vendor::body};

const STEPS: &str = r#"
steps:
  - id: answer
    wait_for: { level: integer, names: [text] }
  - id: known
    action: vendor.find
    with: { name: "{{ event.name }}" }
  - set: { a: "{{ steps.answer.level }}", b: 1, d: 1 }
  - set: { c: "{{ vars.a + 1 }}" }
  - id: of_variable
    if: vars.c > 1
    then:
      - stop: skipped
  - id: of_known_variable
    if: vars.b > 1
    then:
      - stop: skipped
  - id: of_list
    for_each: steps.answer.names
    as: one
    steps:
      - set: { b: 2 }
  - id: each
    for_each: event.documents
    as: document
    collect: steps.answer.level
    steps:
      - id: inside
        if: document == 'cv'
        then:
          - set: { e: 1 }
  - id: of_collected
    if: steps.each.results | sum > 1
    then:
      - stop: skipped
  - id: asked
    action: vendor.find
    with: { name: "{{ steps.known.ids | first | default('nobody') }}" }
  - id: not_asked
    action: vendor.find
    with: { name: "{{ 'a' if vars.c > 3 else 'b' }}" }
  - id: of_read
    if: steps.not_asked.ids | length > 0
    then:
      - stop: skipped
  - id: pause
    wait: "{{ now() | add_days(steps.answer.level) }}"
  - id: repeated
    repeat_while: vars.d > 5 or vars.c > 5
    max: 3
    steps:
      - set: { d: "{{ vars.d + 1 }}" }
  - id: later
    if: vars.d > 3
    then:
      - stop: skipped
"#;

#[tokio::test]
async fn what_rests_on_an_answer_that_nobody_has_given_is_told_however_it_is_made_of_it() {
    let bench = Bench::new(STEPS).await;
    let event = body("Ada", "1", &["cv", "letter"]).to_string().into_bytes();
    let plan = bench.engine.plan("test", From::Body(event)).await.unwrap();
    assert_eq!(plan.status, "succeeded", "{plan:#?}");
    assert_eq!(bench.vendor.calls("find"), ["Ada", "nobody"], "what is known is asked");
    let told: BTreeMap<&str, &[String]> = plan
        .steps
        .iter()
        .filter(|step| !step.undecided.is_empty())
        .map(|step| (step.path.as_str(), &*step.undecided))
        .collect();
    let said = |path: &str| told.get(path).map(|said| said.join("\n")).unwrap_or_default();
    for (path, expected) in [
        (
            "of_variable",
            "`if: vars.c > 1` rests on what `answer` gives: taken as false (`else`)\n`stop_1` may end the job here: nothing after it is certain",
        ),
        (
            "of_list",
            "`for_each: steps.answer.names` rests on what `answer` gives: shown with 0 rounds",
        ),
        (
            "of_collected",
            "`if: steps.each.results | sum > 1` rests on what `answer` gives: taken as false (`else`)\n`stop_3` may end the job here: nothing after it is certain",
        ),
        ("not_asked", "`name` rests on what `answer` gives: shown as \"b\""),
        (
            "of_read",
            "`if: steps.not_asked.ids | length > 0` rests on what `not_asked` gives: taken as false (`else`)\n`stop_4` may end the job here: nothing after it is certain",
        ),
        ("pause", "its end rests on what `answer` gives"),
        (
            "repeated",
            "`repeat_while: vars.d > 5 or vars.c > 5` rests on what `answer` gives: there may be other rounds",
        ),
        // How often it was set is not known, though what it was set to rests on itself alone.
        (
            "later",
            "`if: vars.d > 3` rests on what `answer` gives: taken as false (`else`)\n`stop_5` may end the job here: nothing after it is certain",
        ),
    ] {
        assert_eq!(said(path), expected, "{path}");
    }
    assert_eq!(told.len(), 8, "the others are decided: {told:#?}");
    let shown = plan.steps.iter().find(|step| step.path == "not_asked").unwrap();
    assert!(shown.placeholder && shown.requests.is_empty(), "{shown:#?}");
    assert_eq!(bench.engine.jobs(engine::JobQuery::default()).await.unwrap(), []);
}

const GUARDED: &str = r#"
steps:
  - id: answer
    wait_for: { level: integer }
  - set: { a: 1, b: 1, c: 1, d: 1, e: 1 }
  - id: high
    if: steps.answer.level > 3
    then:
      - set: { a: 2, b: 2 }
      - id: same_branch
        if: vars.a > 1
        then:
          - set: { c: 2 }
    else:
      - set: { e: 2 }
      - id: found
        action: vendor.find
        with: { name: "{{ event.name }}" }
  - set: { b: 3 }
  - set: { d: 2 }
    when: vars.a > 1
  - id: of_branch
    if: vars.a > 1
    then:
      - set: { unread: 1 }
  - id: of_later
    if: vars.b > 1
    then:
      - set: { unread: 1 }
  - id: of_inner
    if: vars.c > 1
    then:
      - set: { unread: 1 }
  - id: of_when
    if: vars.d > 1
    then:
      - set: { unread: 1 }
  - id: of_else
    if: vars.e > 1
    then:
      - set: { unread: 1 }
  - id: of_step
    if: steps.found is none
    then:
      - set: { unread: 1 }
  - id: created
    action: vendor.create
    with: { name: "{{ 'high' if vars.a > 1 else 'low' }}" }
  - stop: skipped
    when: vars.a > 1
    reason: it is high
  - id: after
    action: vendor.note
    with: { name: a note }
"#;

/// A constant that is set under a condition nobody knows is not known either; one that is set after it for sure is.
#[tokio::test]
async fn what_is_set_under_a_condition_that_nobody_knows_is_not_known() {
    let bench = Bench::new(GUARDED).await;
    let event = body("Ada", "1", &[]).to_string().into_bytes();
    let plan = bench.engine.plan("test", From::Body(event)).await.unwrap();
    let said = |path: &str| {
        let step = plan.steps.iter().find(|step| step.path == path);
        step.map(|step| step.undecided.join("\n")).unwrap_or_default()
    };
    let rests = "rests on what `answer` gives:";
    for (path, expected) in [
        ("high", format!("`if: steps.answer.level > 3` {rests} taken as false (`else`)")),
        ("of_branch", format!("`if: vars.a > 1` {rests} taken as false (`else`)")),
        ("of_later", String::new()),
        ("of_inner", format!("`if: vars.c > 1` {rests} taken as false (`else`)")),
        ("of_when", format!("`if: vars.d > 1` {rests} taken as false (`else`)")),
        ("of_else", format!("`if: vars.e > 1` {rests} taken as true (`then`)")),
        ("of_step", format!("`if: steps.found is none` {rests} taken as false (`else`)")),
        ("created", format!("`name` {rests} shown as \"low\"")),
        (
            "stop_1",
            format!(
                "`when: vars.a > 1` {rests} taken as false, so it is left out\n\
                 `stop_1` may end the job here: nothing after it is certain"
            ),
        ),
        ("after", String::new()),
    ] {
        assert_eq!(said(path), expected, "{path}");
    }
    assert_eq!(plan.undecided, ["`stop_1` may end the job here: nothing after it is certain"]);
}
