//! A webhook whose sender waits for what the recipe gives: the output, why there is none, and the same to a repeat.

use std::thread;

use serde_json::{Value, json};

use crate::town::{Answered, Town};

const RECIPE: &str = "\
title: Greet
label: \"{{ event.body.name | default('A guest') }}\"
trigger:
  on: webhook.received
  answer_within: WITHIN
  when: event.body.name != 'Nobody'
output: { greeting: \"Hello {{ event.body.name }}\" }
steps:
  - id: known
    action: log.write
    with: { message: a guest }
  - stop: failed
    when: event.body.name == 'Mallory'
    reason: \"{{ event.body.name }} is not welcome\"
  - stop: skipped
    when: event.body.name == 'Ann'
  - id: door
    when: event.body.name == 'Wanda'
    wait_for: { open: boolean }
    ask: Shall she come in?
  - wait: 1h
    when: event.body.name == 'Zeno'
";

/// A town with the greeting recipe, on.
fn town(within: &str) -> Town {
    let mut town = Town::new();
    town.write("recipes/greet.yaml", &RECIPE.replace("WITHIN", within));
    let connections = std::fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    town.write("connections.yaml", &format!("{connections}webhook:\n  token: file:secrets/desk\n"));
    town.write("secrets/desk", "a token of more than sixteen characters");
    town.start_with(&["start", "greet"], None);
    town
}

fn greet(town: &Town, name: &str, key: &str) -> Answered {
    let more = format!(
        "x-webhook-token: a token of more than sixteen characters\r\nidempotency-key: {key}\r\ncontent-type: application/json\r\n"
    );
    town.ask("POST", "/hooks/greet", None, &more, &json!({ "name": name }).to_string())
}

fn said(answered: &Answered) -> Value {
    serde_json::from_str(&answered.body).unwrap_or_else(|error| panic!("{error}: {answered:?}"))
}

#[test]
fn the_sender_gets_what_the_recipe_gives_and_a_repeat_gets_the_same() {
    let mut town = town("30s");
    let first = greet(&town, "Johnny", "one");
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(said(&first), json!({ "greeting": "Hello Johnny" }));
    assert_eq!(first.header("content-type"), Some("application/json"));
    assert_eq!(first.header("x-job"), Some("1"));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let again = greet(&town, "Johnny", "one");
                assert_eq!((again.status, said(&again)), (200, said(&first)));
            });
        }
    });
    // What was answered was on disk.
    town.kill();
    town.start_with(&["start", "greet"], None);
    assert_eq!(said(&greet(&town, "Johnny", "one")), said(&first));
    assert_eq!(town.jobs(), [1]);
    let none = greet(&town, "Ann", "two");
    assert_eq!((none.status, said(&none)), (200, Value::Null));
    let left_out = greet(&town, "Nobody", "three");
    assert_eq!((left_out.status, left_out.body.as_str()), (204, ""));
    assert_eq!(town.jobs(), [2, 1]);
}

#[test]
fn a_failure_is_answered_without_a_name() {
    let town = town("30s");
    for _ in 0..2 {
        let failed = greet(&town, "Mallory", "one");
        assert_eq!(failed.status, 500, "{failed:?}");
        assert_eq!(said(&failed), json!({ "error": "stopped", "job": "1" }));
    }
    assert_eq!(town.jobs(), [1], "the repeat had it go on and fail again");
}

#[test]
fn what_is_not_over_is_answered_with_the_jobs_address() {
    let mut town = town("1s");
    let late = greet(&town, "Zeno", "one");
    assert_eq!((late.status, said(&late)), (202, json!({ "job": "1", "status": "waiting" })));
    assert!(late.header("location").unwrap().ends_with("/jobs/1"), "{late:?}");
    // A person is asked: nobody need wait for that.
    let asked = greet(&town, "Wanda", "two");
    assert_eq!((asked.status, said(&asked)), (202, json!({ "job": "2", "status": "waiting" })));
    town.kill();
    town.start_with(&["start", "greet"], None);
    let asked = greet(&town, "Wanda", "two");
    assert_eq!(asked.status, 202, "also after a restart: {asked:?}");
    let answered = town.cli(&["jobs", "answer", "2", "door", "open=true"]);
    assert_eq!(answered.code, Some(0), "{answered:?}");
    town.wait(2, "succeeded");
    assert_eq!(said(&greet(&town, "Wanda", "two")), json!({ "greeting": "Hello Wanda" }));
}

#[test]
fn a_sender_that_waits_does_not_keep_the_service_from_stopping() {
    let mut town = town("60s");
    let waiting = thread::scope(|scope| {
        let waiting = scope.spawn(|| greet(&town, "Zeno", "one"));
        town.wait(1, "waiting");
        town.terminate();
        waiting.join().unwrap()
    });
    assert_eq!((waiting.status, said(&waiting)["job"].as_str()), (202, Some("1")), "{waiting:?}");
    assert_eq!(town.ended(), Some(0));
}
