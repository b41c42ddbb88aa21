//! More webhooks at once than can be worked on: all are taken, in order, with a bounded memory; and when there is no room
//! for more, the sender is told to come again. `cargo bench --bench speed -- overload` sends ten thousand.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use engine::{JobQuery, JobRow, Status, Store};
use serde_json::json;

use crate::town::{Answered, Town};

const TOKEN: &str = "a token of more than sixteen characters";
/// How many deliveries come at once, from how many senders, about how many people.
const DELIVERIES: usize = 800;
const SENDERS: usize = 40;
const PEOPLE: usize = 25;
/// The bound for a debug build, in megabytes; a release takes a fraction.
const MOST_RESIDENT: u64 = 160;

const LOOK: &str = "\
trigger: { on: webhook.received, key: \"event.body.person | default('nobody')\" }
label: \"{{ event.body.person | default('nobody') }}\"
steps:
  - action: goco.find_employees
    with: { first_name: \"{{ event.body.person | default('No') }}\", last_name: Body }
";
const QUICK: &str = "\
trigger: { on: webhook.received, answer_within: 30s }
output: { done: true }
steps:
  - action: log.write
    with: { message: done }
";

fn town(settings: &str) -> Town {
    let town = Town::new();
    town.write("recipes/look.yaml", LOOK);
    town.write("recipes/quick.yaml", QUICK);
    let connections = std::fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    town.write("connections.yaml", &format!("{connections}webhook:\n  token: file:secrets/desk\n"));
    town.write("secrets/desk", TOKEN);
    town.settings(&format!("listen: 127.0.0.1:0\n{settings}"), false);
    town
}

fn post(town: &Town, recipe: &str, key: &str, body: &str) -> Answered {
    let more = format!("x-webhook-token: {TOKEN}\r\nidempotency-key: {key}\r\n");
    town.ask("POST", &format!("/hooks/{recipe}"), None, &more, body)
}

fn rows(town: &Town) -> Vec<JobRow> {
    let store = Store::open(&town.dir().join(".recipe-runner")).unwrap();
    let query = JobQuery { limit: 10_000, ..JobQuery::default() };
    let mut rows = town.block_on(store.jobs(query)).unwrap();
    rows.sort_by_key(|row| row.id);
    rows
}

#[test]
fn a_flood_is_taken_in_order_with_bounded_memory_and_nobody_starves() {
    let mut town = town("");
    town.goco.switch(|switches| switches.latency_ms = 20);
    town.start_with(&["start", "look", "quick"], None);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= DELIVERIES {
                        return;
                    }
                    let body = json!({ "person": format!("P{}", number % PEOPLE) }).to_string();
                    let answered = post(&town, "look", &number.to_string(), &body);
                    assert_eq!(answered.status, 200, "{answered:?}");
                }
            });
        }
    });
    // Another recipe does not wait behind the flood.
    let quick = post(&town, "quick", "one", "{}");
    assert_eq!(quick.status, 200, "{quick:?}");
    town.until("the flood is worked on", || {
        let none = |status: &&str| {
            let open = town.json(&["jobs", "list", "--status", status]);
            open.as_array().is_some_and(Vec::is_empty)
        };
        ["queued", "running", "waiting"].iter().all(none).then_some(())
    });
    let most = town.most_resident();
    assert!(most < MOST_RESIDENT, "{most} MB");
    town.terminate();
    assert_eq!(town.ended(), Some(0));

    let rows = rows(&town);
    assert_eq!(rows.len(), DELIVERIES + 1);
    let mut last: HashMap<&str, &JobRow> = HashMap::new();
    for row in rows.iter().filter(|row| row.recipe == "look") {
        assert_eq!(row.standing.status, Status::Succeeded, "{row:?}");
        if let Some(before) = last.insert(&row.label, row) {
            assert!(
                row.standing.started_at >= before.standing.finished_at,
                "job {} of {} began before job {} had ended",
                row.id,
                row.label,
                before.id
            );
        }
    }
    assert_eq!(last.len(), PEOPLE);
    let quick = rows.iter().find(|row| row.recipe == "quick").unwrap();
    let flood = rows.iter().map(|row| row.standing.finished_at).max().unwrap();
    assert!(quick.standing.finished_at < flood, "the quick one waited for the flood");
}

#[test]
fn without_room_the_sender_is_asked_to_come_again_and_is_taken_once_there_is_room() {
    let mut town = town("retention: { megabytes: 1 }\n");
    town.start_with(&["start", "quick"], None);
    // `look` is off: what comes to it is held.
    let mut refused = None;
    for number in 0..40 {
        let body = json!({ "person": "Ann", "noise": noise(number, 60_000) }).to_string();
        let answered = post(&town, "look", &number.to_string(), &body);
        if answered.status != 200 {
            refused = Some((number, answered));
            break;
        }
    }
    let (number, answered) = refused.expect("a megabyte holds no two of these");
    assert!(number >= 10, "refused after {number} already");
    assert_eq!(answered.status, 503, "{answered:?}");
    assert_eq!(answered.header("retry-after"), Some("30"));
    let switched = town.cli(&["start", "look"]);
    assert_eq!(switched.code, Some(0), "{switched:?}");
    town.until("there is room again", || {
        (post(&town, "look", "again", "{}").status == 200).then_some(())
    });
}

/// Returns hexadecimal digits that do not compress to less than half.
pub fn noise(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        write!(text, "{state:016x}").unwrap();
    }
    text
}
