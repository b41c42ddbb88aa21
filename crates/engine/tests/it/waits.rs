//! Waits for a moment, for a person, for another job; writes that are held; and whose time passes meanwhile.

use std::{sync::Arc, time::Duration};

use connector::{Failure, jiff::Timestamp};
use engine::{ChildStage, Choice, Decision, JobId, Kind, Status, StepPath, Verdict};
use recipe::{Recipe, Retry, Step, StepKind};
use serde_json::json;

use crate::play::{Player, Says, World, action, call, question, recipe, template, wait};

fn made(steps: Vec<Step>) -> Recipe {
    recipe(steps, Vec::new())
}

fn player(recipe: Recipe) -> Player {
    Player::new(&Arc::new(recipe), 0, World::default())
}

fn standing(player: &mut Player) -> (Status, String, Option<Timestamp>) {
    player.decide();
    let standing = player.machine.standing();
    (standing.status, standing.note, standing.wake_at)
}

fn answer(player: &mut Player, path: &str, id: &str) {
    let answer = Arc::new(json!({ "id": id }));
    player.put(path, Kind::Signalled { by: "Grace".into(), answer });
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_wait_ends_at_its_moment_and_one_that_has_passed_is_none() {
    let mut player = player(made(vec![
        wait("past", "1969-12-31T23:00:00Z"),
        wait("rest", "2h"),
        action("after", true, "x"),
    ]));
    let (status, note, wake) = standing(&mut player);
    assert_eq!((status, wake), (Status::Waiting, Some(second(1_000 + 7_200))), "{note}");
    // A person's plain retry does not cut it short.
    player.put("rest", Kind::Fired);
    assert_eq!(standing(&mut player).0, Status::Waiting);
    assert_eq!(player.play().unwrap().status, Status::Succeeded);
    assert_eq!(player.now, second(1_000 + 7_200));
}

#[test]
fn what_is_no_moment_says_so() {
    for (text, part) in [
        ("tomorrow", "found `tomorrow`"),
        ("2027-01-04T09:00:00", "does not say in which time zone"),
        ("{{ event.missing }}", "its value is null"),
        ("{{ event.list }}", "found `[]`"),
    ] {
        let error = player(made(vec![wait("rest", text)])).play().unwrap().error.unwrap();
        assert!(error.message.contains(part), "{}", error.message);
        assert_eq!(error.step.to_string(), "rest");
    }
}

#[test]
fn a_question_waits_for_its_answer_and_tells_what_it_asks() {
    let steps =
        vec![question("approval", None, None), action("after", true, "{{ steps.approval.id }}")];
    let mut player = player(made(steps));
    let (status, note, wake) = standing(&mut player);
    assert_eq!((status, wake), (Status::Waiting, None));
    assert_eq!(note, "`approval` asks: May Ada come?");
    assert_eq!(player.machine.asks()[0].ask, "May Ada come?");
    answer(&mut player, "approval", "first");
    answer(&mut player, "approval", "second");
    player.play().unwrap();
    assert_eq!(player.world.effects["after"]["about"], "first");
}

#[test]
fn an_answer_may_come_before_its_question() {
    let steps = vec![
        wait("rest", "2h"),
        question("approval", None, None),
        action("after", true, "{{ steps.approval.id }}"),
    ];
    let mut player = player(made(steps));
    player.decide();
    answer(&mut player, "approval", "early");
    assert!(player.machine.answer(&StepPath("approval".into())).is_some());
    player.world.says.insert("approval".into(), Says::No);
    player.play().unwrap();
    assert_eq!(player.world.effects["after"]["about"], "early");
    let path = StepPath("rest".into());
    let answer = Kind::Signalled { by: "Grace".into(), answer: Arc::default() };
    let entry = player.machine.entry(&path, player.now, answer);
    assert!(player.machine.apply(&entry).is_err(), "nobody is asked there");
}

#[test]
fn without_an_answer_the_default_counts_or_the_step_fails() {
    let with = vec![
        question("approval", Some(60), Some(json!({ "id": "default" }))),
        action("after", true, "{{ steps.approval.id }}"),
    ];
    let mut silent = player(made(with));
    silent.world.says.insert("approval".into(), Says::No);
    silent.play().unwrap();
    assert_eq!(silent.world.effects["after"]["about"], "default");
    let mut silent = player(made(vec![question("approval", Some(60), None)]));
    silent.world.says.insert("approval".into(), Says::No);
    let error = silent.play().unwrap().error.unwrap();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("no_answer", "nobody answered `approval` within 1m")
    );
}

#[test]
fn the_jobs_time_stands_still_while_it_waits_for_a_person_only() {
    let mut made = made(vec![question("approval", None, None), wait("rest", "5m")]);
    made.settings.timeout = Some(Duration::from_mins(10));
    let mut player = player(made);
    player.decide();
    assert_eq!(player.machine.timers(), []);
    player.now = second(100_000);
    answer(&mut player, "approval", "yes");
    assert_eq!(player.play().unwrap().status, Status::Succeeded);
}

#[test]
fn another_recipe_is_begun_once_and_waited_for() {
    let steps = vec![call("other", false), action("after", true, "{{ steps.other.id }}")];
    let mut player = player(made(steps));
    let child = |player: &mut Player| match player.decide() {
        Decision::Open { children, .. } => children.into_iter().next().unwrap(),
        Decision::Finish(outcome) => panic!("{outcome:?}"),
    };
    let due = child(&mut player);
    assert_eq!((due.stage, due.attempt), (ChildStage::Due, 1));
    assert_eq!(*due.input, json!({ "who": "Ada" }), "what is null is left out");
    player.put("other", Kind::Started { attempt: 1, input: due.input, once: None });
    assert_eq!(child(&mut player).stage, ChildStage::Begun);
    player.put("other", Kind::Child { job: JobId(7) });
    assert_eq!(child(&mut player).stage, ChildStage::Running(JobId(7)));
    let (status, note, _) = standing(&mut player);
    assert_eq!((status, note.as_str()), (Status::Waiting, "`other` waits for job 7 of `other`"));
    let failure = Failure::permanent("refused", "it failed");
    player.put("other", Kind::Failed { failure, retry_at: None, looking_up: false });
    assert_eq!(player.play().unwrap().error.unwrap().step.to_string(), "other");
    let reopened = Kind::Reopened {
        by: "Grace".into(),
        version: "v".into(),
        tables: "t".into(),
        properties: "p".into(),
    };
    player.put("", reopened);
    let due = child(&mut player);
    assert_eq!((due.stage, due.attempt), (ChildStage::Due, 2));
    assert_eq!(player.play().unwrap().status, Status::Succeeded);
}

#[test]
fn what_a_called_recipe_gives_is_evaluated_at_its_end() {
    let mut gives = made(vec![action("look", false, "x")]);
    gives.output = vec![("id".into(), template("{{ steps.look.id }}"))];
    assert_eq!(*player(gives).play().unwrap().output.unwrap(), json!({ "id": "id of look" }));
    let mut fails = made(Vec::new());
    fails.output = vec![("id".into(), template("a {{ event.missing }}"))];
    let error = player(fails).play().unwrap().error.unwrap();
    assert_eq!((error.code.as_str(), error.step.to_string().as_str()), ("null_value", "output"));
}

#[test]
fn a_held_write_is_shown_and_sent_when_a_person_says_so() {
    let held = || {
        let mut made = recipe(
            vec![action("look", false, "x"), action("create", true, "{{ event.name }}")],
            Vec::new(),
        );
        made.settings.hold_writes = true;
        let mut player = player(made);
        let Decision::Open { calls, .. } = player.decide() else { panic!("it is over") };
        assert_eq!(calls[0].path.to_string(), "look", "a read is not held");
        player.put("look", Kind::Started { attempt: 1, input: Arc::default(), once: None });
        let output = Arc::new(json!({}));
        player.put("look", Kind::Succeeded { output, recovered: false, warnings: Vec::new() });
        let (status, note, _) = standing(&mut player);
        assert_eq!(status, Status::NeedsAttention);
        assert!(note.contains("`vendor.write` is held"), "{note}");
        let Kind::Chose { choice: Choice::Held { input } } = &player.journal.last().unwrap().kind
        else {
            panic!("it is not held")
        };
        assert_eq!(**input, json!({ "about": "Ada" }));
        // A plain retry sends nothing.
        player.put("create", Kind::Fired);
        assert_eq!(standing(&mut player).0, Status::NeedsAttention);
        player
    };
    let resolve = |player: &mut Player, verdict| {
        player.put("create", Kind::Resolved { by: "Grace".into(), verdict });
        player.play().unwrap()
    };
    let mut player = held();
    let now = player.now;
    let outcome = resolve(&mut player, Verdict::NotHappened { retry_at: Some(now) });
    assert_eq!((outcome.status, player.world.effects.len()), (Status::Succeeded, 1));
    let mut player = held();
    let outcome = resolve(&mut player, Verdict::Happened { output: Arc::default() });
    assert_eq!((outcome.status, player.world.effects.len()), (Status::Succeeded, 0));
    let mut player = held();
    let outcome = resolve(&mut player, Verdict::GivenUp);
    assert_eq!(
        (outcome.error.unwrap().code.as_str(), player.world.effects.len()),
        ("not_wanted", 0)
    );
}

#[test]
fn only_failures_that_the_policy_names_are_tried_again() {
    for (on, calls) in [(vec!["busy".to_string()], 2), (vec!["other".to_string()], 1)] {
        let mut step = action("look", false, "x");
        let StepKind::Action(action) = &mut step.kind else { unreachable!() };
        action.retry = Some(Retry {
            attempts: Some(5),
            wait: Duration::from_secs(1),
            factor: 2.0,
            max_wait: Duration::from_mins(1),
            within: None,
            on: Some(on),
        });
        let mut player = player(made(vec![step]));
        player.world.says.insert("look".into(), Says::Later);
        player.play().unwrap();
        assert_eq!(player.world.calls["look"], calls);
    }
}
