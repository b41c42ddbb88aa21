//! The machine alone: branches, rounds, `catch`, `set`, time-outs, and entries that do not fit.

use std::sync::Arc;

use connector::{Failure, Warning, jiff::Timestamp};
use engine::{Decision, JobFacts, JobId, Kind, Machine, Status, StepPath};
use serde_json::{Value, json};

use crate::{
    bench::deployment,
    vendor::{Vendor, body},
};

/// A machine whose calls are answered by a function.
struct Game {
    machine: Machine,
    at: Timestamp,
    calls: Vec<(String, Value)>,
}

impl Game {
    fn new(steps: &str, event: Value) -> Self {
        let deployment = deployment(&Vendor::default(), steps);
        let recipe = deployment.project.recipes["test"].clone();
        let facts =
            JobFacts { id: JobId(1), url: "http://x/1".into(), label: "Ada".into(), seed: 7 };
        let properties = Arc::new(json!({}));
        let tables = deployment.project.tables.clone();
        let mut game = Self {
            machine: Machine::new(recipe, tables, properties, Arc::new(event.into()), facts),
            at: Timestamp::from_second(1_000).unwrap(),
            calls: Vec::new(),
        };
        game.put(
            "",
            Kind::Opened { version: "v".into(), tables: "t".into(), properties: "p".into() },
        );
        game
    }

    fn put(&mut self, path: &str, kind: Kind) {
        let entry = self.machine.entry(&StepPath(path.into()), self.at, kind);
        self.machine.apply(&entry).unwrap();
    }

    /// Plays to the end; `answer` gives each call's result by its path.
    fn play(&mut self, answer: impl Fn(&str, u32) -> Result<Value, Failure>) -> engine::Outcome {
        for _ in 0..100_000 {
            let decision = self.machine.decide();
            self.machine.take_made();
            match decision {
                Decision::Finish(outcome) => return outcome,
                Decision::Open { calls, wake_at, attention, .. } => {
                    assert!(attention.is_empty(), "{attention:?}");
                    for due in &calls {
                        let path = due.path.to_string();
                        self.calls.push((path.clone(), (*due.input).clone()));
                        let input = due.input.clone();
                        self.put(&path, Kind::Started { attempt: due.attempt, input, once: None });
                        let kind = match answer(&path, due.attempt) {
                            Ok(output) => Kind::Succeeded {
                                output: output.into(),
                                recovered: false,
                                warnings: Vec::new(),
                            },
                            Err(failure) => {
                                self.machine.failed(&due.path, failure, self.at, false, None)
                            }
                        };
                        self.put(&path, kind);
                    }
                    if calls.is_empty() {
                        self.at = wake_at.unwrap();
                        for (_, path) in self.machine.timers() {
                            self.put(&path.to_string(), Kind::Fired);
                        }
                    }
                }
            }
        }
        panic!("the job does not end");
    }

    fn called(&self) -> Vec<&str> {
        self.calls.iter().map(|call| call.0.as_str()).collect()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it answers calls beside functions that fail")]
fn made(path: &str, _: u32) -> Result<Value, Failure> {
    Ok(json!({ "id": format!("id of {path}") }))
}

#[test]
fn branches_choose_one_side_and_what_did_not_run_is_null() {
    let steps = r#"
steps:
  - if: event.name == 'Ada'
    then:
      - { id: one, action: vendor.send, with: { name: "yes" } }
    else:
      - { id: two, action: vendor.send, with: { name: "no" } }
  - id: three
    action: vendor.send
    with: { name: "{{ steps.one.id | default('none') }}/{{ steps.two.id | default('none') }}" }
  - { id: four, action: vendor.send, when: "event.name == 'Bob'", with: { name: x } }
"#;
    let mut game = Game::new(steps, body("Ada", "1", &[]));
    assert_eq!(game.play(made).status, Status::Succeeded);
    assert_eq!(game.called(), ["one", "three"]);
    assert_eq!(game.calls[1].1["name"], "id of one/none");
    let mut game = Game::new(steps, body("Bob", "1", &[]));
    game.play(made);
    assert_eq!(game.called(), ["two", "three", "four"]);
}

#[test]
fn rounds_have_paths_of_their_own_and_see_their_item() {
    let steps = r#"
steps:
  - for_each: event.documents
    as: document
    steps:
      - { id: upload, action: vendor.send, with: { name: "{{ loop.index }}. {{ document }}" } }
      - { id: tell, action: vendor.send, with: { name: "{{ steps.upload.id }}" } }
"#;
    let mut game = Game::new(steps, body("Ada", "1", &["a", "b"]));
    assert_eq!(game.play(made).status, Status::Succeeded);
    let paths =
        ["document[0].upload", "document[0].tell", "document[1].upload", "document[1].tell"];
    assert_eq!(game.called(), paths);
    assert_eq!(game.calls[2].1["name"], "2. b");
    assert_eq!(game.calls[3].1["name"], "id of document[1].upload");
}

#[test]
fn what_fails_in_try_is_caught_with_its_reason() {
    let steps = r#"
steps:
  - try:
      - { id: risky, action: vendor.send, with: { name: x } }
      - { id: never, action: vendor.send, with: { name: x } }
    catch:
      - id: report
        action: vendor.send
        with: { name: "{{ error.step }}: {{ error.message }}: {{ error.hint }} ({{ error.code }})" }
  - { id: after, action: vendor.send, with: { name: x } }
"#;
    let mut game = Game::new(steps, body("Ada", "1", &[]));
    let outcome = game.play(|path, attempt| match path {
        "risky" => Err(Failure::permanent("no_stamp", "no stamp").hint("Buy one.")),
        path => made(path, attempt),
    });
    assert_eq!(outcome.status, Status::Succeeded);
    assert_eq!(game.called(), ["risky", "report", "after"]);
    assert_eq!(game.calls[1].1["name"], "risky: no stamp: Buy one. (no_stamp)");
}

#[test]
fn stop_ends_the_job_even_inside_try_and_finally_sees_why() {
    let steps = r#"
steps:
  - try:
      - stop: skipped
        reason: "{{ event.name }} is there already"
    catch:
      - { id: never, action: vendor.send, with: { name: x } }
finally:
  - id: note
    action: vendor.note
    with: { name: "{{ outcome.status }}: {{ outcome.message }}" }
"#;
    let mut game = Game::new(steps, body("Ada", "1", &[]));
    assert_eq!(game.play(made).status, Status::Skipped);
    assert_eq!(game.called(), ["note"]);
    assert_eq!(game.calls[0].1["name"], "skipped: Ada is there already.");
}

#[test]
fn variables_last_and_a_failure_can_be_a_warning() {
    let steps = r#"
steps:
  - set: { count: "{{ event.documents | length }}", greeting: "Dear {{ event.name }}" }
  - { id: letter, action: vendor.send, if_fails: warn, with: { name: "{{ vars.greeting }}" } }
  - { id: after, action: vendor.send, with: { name: "{{ steps.letter.id | default('no letter') }}" } }
"#;
    let mut game = Game::new(steps, body("Ada", "1", &["a"]));
    let outcome = game.play(|path, attempt| match path {
        "letter" => Err(Failure::permanent("no_stamp", "no stamp")),
        path => made(path, attempt),
    });
    assert_eq!(game.calls[0].1["name"], "Dear Ada");
    assert_eq!(game.calls[1].1["name"], "no letter");
    assert_eq!(
        (outcome.status, outcome.message.as_str()),
        (Status::Succeeded, "All steps are done. No stamp.")
    );
    assert_eq!(outcome.warnings[0].step, StepPath("letter".into()));
}

#[test]
fn a_retry_policy_of_the_step_goes_before_the_patient_default() {
    let steps = r"
steps:
  - id: letter
    action: vendor.create
    retry: { attempts: 3, wait: 1s }
    with: { name: x }
";
    let mut game = Game::new(steps, body("Ada", "1", &[]));
    let outcome = game.play(|_, _| Err(Failure::transient("busy", "busy")));
    assert_eq!((outcome.status, game.calls.len()), (Status::Failed, 3));
    assert_eq!(outcome.error.unwrap().attempts, 3);
}

#[test]
fn a_job_that_takes_too_long_fails_and_finally_still_runs() {
    let steps = r#"
settings: { timeout: 10m }
steps:
  - { id: letter, action: vendor.create, with: { name: x } }
finally:
  - { id: note, action: vendor.note, with: { name: "{{ outcome.message }}" } }
"#;
    let mut game = Game::new(steps, body("Ada", "1", &[]));
    let outcome = game.play(|path, attempt| match path {
        "letter" => Err(Failure::transient("busy", "busy")),
        path => made(path, attempt),
    });
    assert_eq!(outcome.error.unwrap().code, "job_timeout");
    assert_eq!(game.called().last(), Some(&"note"));
}

#[test]
fn entries_that_do_not_fit_are_told_from_those_that_do() {
    let steps = "\nsteps:\n  - { id: letter, action: vendor.send, with: { name: x } }\n";
    let game = Game::new(steps, body("Ada", "1", &[]));
    let done = |path: &str| Kind::Succeeded {
        output: json!({ "id": path }).into(),
        recovered: false,
        warnings: Vec::<Warning>::new(),
    };
    let mut machine = game.machine;
    let mut gap = machine.entry(&StepPath("letter".into()), game.at, done("letter"));
    gap.seq += 1;
    assert!(machine.apply(&gap).unwrap_err().to_string().contains("does not follow"));
    let lost = machine.entry(&StepPath("nowhere".into()), game.at, done("nowhere"));
    assert!(
        machine.apply(&lost).unwrap_err().to_string().contains("the recipe does not get there")
    );
}

#[test]
fn the_ten_thousandth_round_costs_what_the_first_did() {
    let steps = r#"
steps:
  - for_each: event.documents
    as: document
    steps:
      - { id: upload, action: vendor.send, with: { name: "{{ document }}" } }
"#;
    let names: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut game = Game::new(steps, body("Ada", "1", &names));
    assert_eq!(game.play(made).status, Status::Succeeded);
    assert_eq!(game.calls.len(), 10_000);
    // Started, succeeded and the end of the round, whichever round it is; besides them the opening and the list.
    assert_eq!(game.machine.last_seq(), 2 + 3 * 10_000);
}
