//! A recipe whose file is gone, from the webhook that still accepts to the one that is not there any more.

use std::fs;

use serde_json::{Value, json};

use crate::{
    pages::{form, sign_in},
    town::{ADA, JOHNNY, RECIPE, Said, Town, ZOE},
};

fn recipe(town: &Town) -> Value {
    town.json(&["status"])["recipes"][0].clone()
}

/// Takes the recipe's files away, and waits until the service has seen it.
fn take_away(town: &Town) -> String {
    let path = town.dir().join(format!("recipes/{RECIPE}.yaml"));
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(town.dir().join(format!("recipes/{RECIPE}.test.yaml"))).unwrap();
    fs::remove_file(path).unwrap();
    town.until("its file is seen to be gone", || (recipe(town)["file"] == "missing").then_some(()));
    text
}

fn post(town: &Town, candidate: u64) -> u16 {
    let (body, signature) = town.signed(&town.greenhouse.hire(candidate).unwrap());
    town.post(&body, Some(&signature))
}

fn refused(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, Some(code), "{said:?}");
    for part in words {
        assert!(said.err.contains(part), "`{part}` is missing: {said:?}");
    }
}

#[test]
fn a_recipe_whose_file_is_gone_accepts_and_holds_until_it_is_forgotten() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    // One that has its file is not forgotten, and one that is not there cannot be.
    let stays = format!("take `recipes/{RECIPE}.yaml` away");
    refused(&town.cli(&["forget", RECIPE]), 2, &["has its file", &stays]);
    refused(&town.cli(&["forget", "nothing"]), 2, &["there is no recipe `nothing`"]);

    take_away(&town);
    assert_eq!((post(&town, ZOE), post(&town, ADA)), (200, 200), "{}", town.said());
    for job in [2, 3] {
        assert_eq!(town.job(job)["status"], "queued");
    }
    let status = town.cli(&["status"]).out;
    assert!(status.contains(&format!("`recipe-runner forget {RECIPE}`")), "{status}");

    // What is held is not dropped by the way.
    let told = ["2 jobs of", "are not over", "`--cancel-jobs` ends them", "back and start it"];
    refused(&town.cli(&["forget", RECIPE]), 3, &told);
    assert_eq!(town.job(2)["status"], "queued");
    let forgotten = town.cli(&["forget", RECIPE, "--cancel-jobs"]);
    assert_eq!(forgotten.code, Some(0), "{forgotten:?}");
    assert!(forgotten.err.contains("2 jobs that had not ended were cancelled"), "{forgotten:?}");
    for cold in [false, true] {
        if cold {
            town.terminate();
            assert_eq!(town.ended(), Some(0));
            town.start_with(&["start"], None);
        }
        assert_eq!(post(&town, ZOE), 404, "{}", town.said());
        assert_eq!(recipe(&town), Value::Null);
    }
    // Its history stays, and says what became of them.
    assert_eq!(town.jobs(), [3, 2, 1]);
    for job in [2, 3] {
        assert_eq!(town.job(job)["status"], "cancelled");
    }
    assert_eq!(town.employees(ZOE).len() + town.employees(ADA).len(), 1, "Ada was there before");
    let (_, audit) = town.api("GET", "/audit", &town.token("operator"), &Value::Null);
    let did = audit["actions"].as_array().unwrap();
    let one = did.iter().find(|one| one["what"] == "recipe.forget").unwrap();
    assert_eq!(
        (&one["target"], &one["detail"]),
        (&json!(RECIPE), &json!("2 jobs cancelled")),
        "{one}"
    );
}

#[test]
fn a_recipe_is_forgotten_on_its_page_and_known_again_when_its_file_is_back() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    let text = take_away(&town);
    let operator = town.token("operator");
    let path = format!("/recipes/{RECIPE}");
    let page = town.get(&path, &operator);
    assert!(page.contains("Forget it") && !page.contains("cancel_jobs"), "{page}");
    assert!(!town.get(&path, &town.token("viewer")).contains("Forget it"));
    assert_eq!(post(&town, ZOE), 200);
    let page = town.get(&path, &operator);
    assert!(page.contains("name=\"cancel_jobs\"") && page.contains("1 job</a>"), "{page}");

    let (cookie, csrf) = sign_in(&town, &operator);
    let forget = format!("{path}/forget");
    let refused = form(&town, &forget, &cookie, &[("csrf", &csrf)]);
    assert_eq!(refused.status, 409, "{refused:?}");
    let fields = [("csrf", csrf.as_str()), ("cancel_jobs", "yes")];
    let done = form(&town, &forget, &cookie, &fields);
    assert_eq!((done.status, done.header("location")), (303, Some("/")), "{done:?}");
    assert_eq!(post(&town, ZOE), 404);

    // The file is back: it is a recipe that was never started, and what it did is done.
    town.write(&format!("recipes/{RECIPE}.yaml"), &text);
    town.until("it is known again", || (recipe(&town)["file"] == "good").then_some(()));
    assert_eq!(recipe(&town)["on"], false);
    let (status, known) = town.api("GET", "/jobs", &operator, &Value::Null);
    assert_eq!(status, 200, "{known}");
    town.hire(JOHNNY);
    assert_eq!(town.jobs(), [2, 1], "his event is known");
}
