//! Loops: batches, rounds side by side, what they collect, how they fail, and `repeat_while`.

use std::{collections::HashMap, sync::Arc, time::Instant};

use connector::Failure;
use engine::{Decision, Kind, Status};
use recipe::{Step, StepKind, StopStatus};
use serde_json::{Value, json};

use crate::play::{
    Player, Says, World, action, each, expression, recipe, repeat, step, template, wait,
};

fn world(says: &[(&str, Says)]) -> World {
    let says: HashMap<_, _> =
        says.iter().map(|(path, says)| ((*path).to_string(), says.clone())).collect();
    World { says, ..World::default() }
}

fn playing(steps: Vec<Step>, items: usize, says: &[(&str, Says)]) -> Player {
    Player::new(&Arc::new(recipe(steps, Vec::new())), items, world(says))
}

/// Returns the paths of the calls that are due.
fn due(player: &mut Player) -> Vec<String> {
    match player.decide() {
        Decision::Open { calls, .. } => calls.iter().map(|due| due.path.to_string()).collect(),
        Decision::Finish(outcome) => panic!("{outcome:?}"),
    }
}

fn started(player: &mut Player, path: &str) {
    player.put(path, Kind::Started { attempt: 1, input: Arc::default(), once: None });
}

fn done(player: &mut Player, path: &str) {
    let output = Arc::new(json!({ "id": path }));
    player.put(path, Kind::Succeeded { output, recovered: false, warnings: Vec::new() });
}

fn refused(player: &mut Player, path: &str) {
    let failure = Failure::permanent("refused", format!("{path} is refused"));
    player.put(path, Kind::Failed { failure, retry_at: None, looking_up: false });
}

#[test]
fn a_batch_is_a_list_of_items_and_the_last_may_be_short() {
    let mut loop_ = each("all", 1, None, vec![action("send", true, "{{ item_all | join('+') }}")]);
    let StepKind::ForEach { batch, .. } = &mut loop_.kind else { unreachable!() };
    *batch = Some(2);
    let mut player = playing(vec![loop_], 3, &[]);
    assert_eq!(player.play().unwrap().status, Status::Succeeded);
    let about: Vec<_> = player.world.effects.values().map(|input| input["about"].clone()).collect();
    assert_eq!(about, [json!("item 0+item 1"), json!("item 2")]);
}

#[test]
fn what_rounds_collect_is_in_the_order_of_the_items_without_nulls() {
    let rounds = each(
        "all",
        3,
        Some("steps.look.id if loop.index != 2 else none"),
        vec![action("look", false, "{{ item_all }}")],
    );
    let tell = action("tell", true, "{{ steps.all.results | join(', ') }}");
    // The first round is the last to end.
    let mut player = playing(vec![rounds, tell], 4, &[("all[0].look", Says::Later)]);
    player.play().unwrap();
    let told = &player.world.effects["tell"]["about"];
    assert_eq!(told, "id of all[0].look, id of all[2].look, id of all[3].look");
}

#[test]
fn so_many_rounds_are_in_progress_and_the_next_begins_when_one_ends() {
    let rounds = each("all", 2, None, vec![action("send", true, "x")]);
    let mut player = playing(vec![rounds], 4, &[]);
    assert_eq!(due(&mut player), ["all[0].send", "all[1].send"]);
    started(&mut player, "all[0].send");
    started(&mut player, "all[1].send");
    assert_eq!(player.machine.open_calls().len(), 2);
    done(&mut player, "all[1].send");
    assert_eq!(due(&mut player), ["all[2].send"]);
    done(&mut player, "all[0].send");
    assert_eq!(due(&mut player), ["all[2].send", "all[3].send"]);
}

#[test]
fn when_a_round_fails_none_begins_and_those_in_progress_end() {
    let steps = vec![action("one", true, "x"), action("two", true, "x")];
    let mut player = playing(vec![each("all", 3, None, steps)], 6, &[]);
    due(&mut player);
    for round in 0..3 {
        started(&mut player, &format!("all[{round}].one"));
    }
    refused(&mut player, "all[2].one");
    done(&mut player, "all[0].one");
    // The next step of a round that is in progress, and no new round.
    assert_eq!(due(&mut player), ["all[0].two"]);
    refused(&mut player, "all[1].one");
    started(&mut player, "all[0].two");
    refused(&mut player, "all[0].two");
    let Decision::Finish(outcome) = player.decide() else { panic!("it goes on") };
    let error = outcome.error.unwrap();
    assert_eq!(error.step.to_string(), "all[2].one");
    let others: Vec<_> = error.others.iter().map(|other| other.step.to_string()).collect();
    assert_eq!(others, ["all[1].one", "all[0].two"]);
    assert!(outcome.message.contains("2 others failed too"), "{}", outcome.message);
}

#[test]
fn a_round_that_was_only_got_ready_does_not_begin_after_a_failure() {
    let mut player = playing(vec![each("all", 2, None, vec![action("one", true, "x")])], 3, &[]);
    assert_eq!(due(&mut player), ["all[0].one", "all[1].one"]);
    started(&mut player, "all[0].one");
    refused(&mut player, "all[0].one");
    let Decision::Finish(outcome) = player.decide() else { panic!("it goes on") };
    assert_eq!((outcome.status, player.journal.len()), (Status::Failed, 4));
}

#[test]
fn a_stop_in_a_round_lets_open_calls_end_and_drops_the_rest() {
    let stop = step(
        "enough",
        StepKind::Stop {
            status: StopStatus::Skipped,
            reason: Some(template("enough")),
            hint: None,
        },
    );
    let mut stop_second = stop;
    stop_second.when = Some(expression("loop.index == 2"));
    let steps = vec![action("one", true, "x"), stop_second, action("two", true, "x")];
    let mut player = playing(vec![each("all", 3, None, steps)], 6, &[]);
    due(&mut player);
    for round in 0..3 {
        started(&mut player, &format!("all[{round}].one"));
    }
    done(&mut player, "all[1].one");
    assert_eq!(due(&mut player), [""; 0], "nothing new starts");
    done(&mut player, "all[0].one");
    let later = Failure::transient("busy", "later");
    let kind = player.machine.failed(
        &engine::StepPath("all[2].one".into()),
        later,
        player.now,
        false,
        None,
    );
    player.put("all[2].one", kind);
    let Decision::Finish(outcome) = player.decide() else { panic!("it goes on") };
    assert_eq!((outcome.status, outcome.message.as_str()), (Status::Skipped, "Enough."));
}

#[test]
fn a_failed_loop_goes_on_where_it_failed_when_the_job_is_reopened() {
    let rounds = each("all", 2, None, vec![action("one", true, "x"), action("two", true, "x")]);
    let mut player = playing(vec![rounds], 3, &[("all[0].one", Says::No)]);
    assert_eq!(player.play().unwrap().status, Status::Failed);
    assert_eq!(
        player.world.effects.keys().collect::<Vec<_>>(),
        ["all[1].one", "all[1].two"],
        "the round beside it ended"
    );
    player.world.says.clear();
    let reopened = Kind::Reopened {
        by: "Grace".into(),
        version: "v".into(),
        tables: "t".into(),
        properties: "p".into(),
    };
    player.put("", reopened);
    assert_eq!(player.play().unwrap().status, Status::Succeeded);
    assert_eq!(player.world.effects.len(), 6);
    assert_eq!(player.world.calls["all[1].one"], 1, "what was done stays done");
}

#[test]
fn a_block_is_repeated_while_its_condition_holds() {
    let steps = vec![action("look", false, "{{ loop.index }}")];
    let again = repeat("again", "steps.look.id != 'id of again[2].look'", 5, steps);
    let tell = action("tell", true, "{{ steps.again.rounds }}");
    let mut player = playing(vec![again, tell], 0, &[]);
    assert_eq!(player.play().unwrap().status, Status::Succeeded);
    assert_eq!(player.world.effects["tell"]["about"], 3);
}

#[test]
fn more_rounds_than_allowed_are_a_failure() {
    let steps = vec![action("look", false, "x")];
    let mut player = playing(vec![repeat("again", "event.yes", 2, steps)], 0, &[]);
    let error = player.play().unwrap().error.unwrap();
    assert_eq!(
        (error.code.as_str(), error.step.to_string().as_str()),
        ("too_many_rounds", "again")
    );
    assert_eq!(player.world.calls.len(), 2);
}

/// Returns how long the second and the last tenth of 10,000 rounds take, and how many entries there are.
fn tenths(steps: Vec<Step>, at_once: u32) -> (f64, f64, usize) {
    const ROUNDS: usize = 10_000;
    let rounds = each("all", at_once, Some("loop.index"), steps);
    let mut player = Player::new(&Arc::new(recipe(vec![rounds], Vec::new())), ROUNDS, world(&[]));
    let mut marks = Vec::new();
    loop {
        if player.journal.len() >= marks.len() * 3 * ROUNDS / 10 {
            #[expect(
                clippy::disallowed_methods,
                reason = "a ratio of real times is what is tested"
            )]
            marks.push(Instant::now());
        }
        let Decision::Open { calls, .. } = player.decide() else { break };
        let timers = player.machine.timers();
        if let Some(call) = calls.first() {
            started(&mut player, &call.path.0);
            done(&mut player, &call.path.0);
        } else {
            player.now = timers[0].0;
            player.put(&timers[0].1.0, Kind::Fired);
        }
    }
    let part = |place: usize| (marks[place + 1] - marks[place]).as_secs_f64();
    (part(1), part(9), player.journal.len())
}

#[test]
fn the_last_rounds_cost_what_the_first_did_side_by_side_and_with_waits() {
    let cases: [(Vec<Step>, u32); 2] =
        [(vec![action("look", false, "x")], 8), (vec![wait("rest", "1m")], 4)];
    for (steps, at_once) in cases {
        let (first, last, entries) = tenths(steps, at_once);
        // The opening and the list; then for each round its step's beginning and end, and its own.
        assert_eq!(entries, 2 + 3 * 10_000);
        assert!(last < first * 4.0, "{first} s, then {last} s");
    }
}

#[test]
fn loops_see_their_round_and_values_of_any_type() {
    let inner = each("inner", 2, None, vec![action("send", true, "{{ loop.index }}")]);
    let mut player = playing(vec![each("outer", 2, None, vec![inner])], 2, &[]);
    player.play().unwrap();
    let about: Vec<Value> =
        player.world.effects.values().map(|input| input["about"].clone()).collect();
    assert_eq!(about, [json!(1), json!(2), json!(1), json!(2)]);
    assert!(player.world.effects.contains_key("outer[1].inner[0].send"));
}
