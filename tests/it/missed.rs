//! Hires whose webhook never came: read back when the service starts, or by hand; each arrives once.

use serde_json::Value;

use crate::town::{JOHNNY, NORA, RECIPE, Town, ZOE};

const ALL: [u64; 3] = [JOHNNY, ZOE, NORA];

/// Builds a town whose recipe was started before anybody was hired, and whose service is down while all are.
fn town_down_during_hires() -> (Town, Vec<Value>) {
    let mut town = Town::new();
    town.start();
    // Catch-up begins at the first start: what it stores is there before the service goes down.
    town.until("its source is there", || {
        let status = town.json(&["status"]);
        status["recipes"][0]["source"]["next_at"][0].is_string().then_some(())
    });
    town.kill();
    let events = ALL.map(|person| town.greenhouse.hire(person).unwrap()).to_vec();
    (town, events)
}

/// Waits until so many jobs are there and over, and looks that nobody is there twice.
fn each_once(town: &Town, jobs: usize) {
    town.until("the jobs are over", || {
        let all = town.json(&["jobs", "list"]);
        let all = all.as_array().unwrap();
        let over = all.iter().all(|job| job["finished_at"].is_string());
        (all.len() == jobs && over).then_some(())
    });
    for person in ALL {
        assert_eq!(town.employees(person).len(), 1, "{person}\n{}", town.said());
        assert_eq!(town.notes(person).len(), 1, "{person}");
    }
}

#[test]
fn hires_made_while_the_service_was_down_arrive_once_also_when_their_webhooks_come_late() {
    let (mut town, events) = town_down_during_hires();
    town.start();
    each_once(&town, 3);
    for event in &events {
        assert!(town.send(event).delivered());
    }
    each_once(&town, 3);
    let jobs = town.json(&["jobs", "list"]);
    let repeats = jobs.as_array().unwrap().iter().map(|job| job["repeats"].as_u64().unwrap());
    assert_eq!(repeats.sum::<u64>(), 3, "each late webhook is a repeat: {jobs:#}");
    // A second look finds nobody, and another restart neither.
    let found = town.json(&["catch-up", RECIPE, "--since", "1h", "--dry-run"]);
    assert_eq!(found.as_array().unwrap().len(), 3, "{found:#}");
    assert!(found.as_array().unwrap().iter().all(|one| one["missing"] == false), "{found:#}");
    town.kill();
    town.start();
    each_once(&town, 3);
}

#[test]
fn by_hand_the_missing_are_told_first_and_made_when_it_is_said() {
    let mut town = Town::new();
    // One hire is known; two happen before anybody looks, with catch-up off.
    town.edit_recipe(
        "trigger: greenhouse.hired\n",
        "trigger: { on: greenhouse.hired, catch_up: never }\n",
    );
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    for person in [ZOE, NORA] {
        town.greenhouse.hire(person).unwrap();
    }
    // Johnny starts later than he did when his job was made.
    town.greenhouse.account(|account| {
        let person = account.candidate_mut(JOHNNY).unwrap();
        person.first_name = "Johnnie".into();
    });
    let words = ["catch-up", RECIPE, "--since", "2h", "--dry-run"];
    let said = town.cli(&[&words[..], &["--json"]].concat());
    assert_eq!(said.code, Some(1), "something is missing: {said:?}");
    let found: Value = serde_json::from_str(&said.out).unwrap();
    let of = |label: &str| {
        let lines = found.as_array().unwrap().iter();
        let mut lines = lines.filter(|one| one["label"].as_str().unwrap().starts_with(label));
        lines.next().unwrap_or_else(|| panic!("no `{label}` in {found:#}"))
    };
    let johnny = of("Johnnie");
    assert_eq!((&johnny["missing"], &johnny["job"]), (&false.into(), &1.into()));
    assert_eq!(johnny["differs"], serde_json::json!(["candidate.first_name"]));
    let zoe = of("Zo");
    assert_eq!((&zoe["missing"], &zoe["job"]), (&true.into(), &Value::Null));
    assert!(zoe["would"].as_str().unwrap().starts_with("write employee"), "{zoe:#}");
    assert_eq!(town.jobs().len(), 1, "nothing was written");
    let table = town.cli(&words);
    assert!(table.out.contains("missing") && table.out.contains("arrived"), "{table:?}");
    // Nobody is there to be asked.
    let asked = town.cli(&["catch-up", RECIPE, "--since", "2h"]);
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert_eq!(town.jobs().len(), 1);
    let made = town.cli(&["catch-up", RECIPE, "--since", "2h", "--yes"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    each_later(&town);
    let again = town.json(&["catch-up", RECIPE, "--since", "2h", "--yes"]);
    assert!(again.as_array().unwrap().iter().all(|one| one["missing"] == false), "{again:#}");
    each_later(&town);
}

#[test]
fn what_is_there_twice_or_no_longer_is_told_against_the_history_and_against_goco() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    let dry = ["catch-up", RECIPE, "--since", "2h", "--dry-run"];
    let look = || -> (Option<i32>, Value) {
        let said = town.cli(&[&dry[..], &["--format", "json"]].concat());
        let found: Value = serde_json::from_str(&said.out).unwrap();
        (said.code, found[0].clone())
    };
    // Arrived, and GoCo has him.
    let (code, johnny) = look();
    assert_eq!((code, &johnny["doubled"]), (Some(0), &serde_json::json!([])));
    assert!(johnny["would"].as_str().unwrap().contains("already has Johnny Smith"), "{johnny:#}");
    // Somebody takes him away in GoCo: what the history has, GoCo has not.
    town.goco.company(|company| company.employees.retain(|one| one.last_name != "Smith"));
    let (code, johnny) = look();
    assert_eq!((code, &johnny["missing"]), (Some(0), &false.into()));
    assert!(johnny["would"].as_str().unwrap().starts_with("write employee"), "{johnny:#}");
    // Worked a second time by hand, his hire is in the history twice.
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    town.write("again.json", &event.to_string());
    let file = town.dir().join("again.json");
    let words = ["run", RECIPE, "--event", file.to_str().unwrap(), "--yes"];
    let again = town.cli(&words);
    assert_eq!(again.code, Some(0), "{again:?}");
    town.wait(2, "succeeded");
    let (code, johnny) = look();
    assert_eq!(code, Some(1), "{johnny:#}");
    assert_eq!(johnny["doubled"], serde_json::json!([1, 2]));
    let table = town.cli(&dry);
    assert!(table.out.contains("doubled: jobs 1, 2"), "{table:?}");
    assert_eq!(town.jobs(), [2, 1], "nothing was made");
}

fn each_later(town: &Town) {
    town.until("the jobs are over", || {
        let all = town.json(&["jobs", "list"]);
        let all = all.as_array().unwrap();
        let over = all.iter().all(|job| job["finished_at"].is_string());
        (all.len() == 3 && over).then_some(())
    });
    for person in [ZOE, NORA] {
        assert_eq!(town.employees(person).len(), 1, "{}", town.said());
    }
}

#[test]
fn a_moment_that_cannot_be_read_and_a_trigger_that_cannot_be_asked_are_said() {
    let town = Town::new();
    let said = town.cli(&["catch-up", RECIPE, "--since", "yesterday", "--dry-run"]);
    assert!(said.err.contains("`yesterday` is no moment"), "{said:?}");
    town.write(
        "recipes/nightly.yaml",
        "title: Nightly\ntrigger: { on: schedule.due, with: { every: 1h } }\nsteps:\n  - stop: succeeded\n",
    );
    let said = town.cli(&["catch-up", "nightly", "--since", "1d", "--dry-run"]);
    assert!(said.err.contains("its trigger cannot be read back"), "{said:?}");
}
