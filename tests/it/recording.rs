//! `test --record` against the vendors of the town: what was said is kept without secrets and people, and passes
//! offline at once.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::town::{ADA, JOHNNY, RECIPE, Said, Town};

/// Texts of the town that nobody may find in a recording.
const CANARIES: [&str; 7] =
    ["Johnny", "johnny", "Smith", "personal@example.com", "518-555-1212", "Broadway", "Johnson"];

#[test]
fn a_recorded_hire_passes_offline_and_holds_no_secret_and_nobody() {
    let town = Town::new();
    town.set_properties(false);
    let event = hired(&town, JOHNNY);
    let before = fs::read_to_string(town.dir().join("recipes").join(format!("{RECIPE}.test.yaml")));
    let said = record(&town, &["--event", &event, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("recorded from hired\n  it ended as succeeded"), "{said:?}");
    assert!(
        said.out.contains("recordings/greenhouse-hired-to-goco/recorded-from-hired/"),
        "{said:?}"
    );
    assert!(said.out.contains("e-mail addresses"), "{said:?}");
    assert_eq!(town.employees(JOHNNY).len(), 1, "it was done in earnest");

    let files = recordings(&town);
    let texts: Vec<&String> = files.iter().map(|(_, text)| text).collect();
    assert!(files.iter().any(|(name, _)| name == "documents-0-upload.json"), "{files:?}");
    let tests = fs::read_to_string(town.dir().join(format!("recipes/{RECIPE}.test.yaml"))).unwrap();
    let added = tests.strip_prefix(before.unwrap().trim_end()).unwrap().to_owned();
    for text in texts.iter().copied().chain([&added]) {
        for canary in CANARIES {
            assert!(!text.contains(canary), "`{canary}` in {text}");
        }
        for secret in [&secret(&town, "client"), &secret(&town, "goco"), "Bearer"] {
            assert!(!text.contains(secret), "`{secret}` in {text}");
        }
    }
    // What belongs together still does: the name and the address of the event are those of the request.
    let event: Value = read(&files, "event.json");
    let candidate = &event["payload"]["application"]["candidate"];
    assert_eq!(candidate["id"], JOHNNY);
    let created: Value = read(&files, "employee.json");
    let created = created.as_array().unwrap().iter().map(|one| &one["request"]);
    let body = &created.clone().find(|request| request["method"] == "POST").unwrap()["body"];
    assert_eq!(body["first_name"], candidate["first_name"], "{body}");
    let personal = candidate["email_addresses"][0]["value"].as_str().unwrap();
    assert!(personal.ends_with("@example.com") && body.to_string().contains(personal), "{body}");
    assert!(added.contains("employee: { count: 1 }") && added.contains("note: not_run"), "{added}");

    // Offline: nobody is there any more, and no secret either.
    for secret in ["client", "webhook", "goco"] {
        fs::remove_file(town.dir().join("secrets").join(secret)).unwrap();
    }
    let before = requests(&town);
    let tested = town.cli(&["test", RECIPE, "--crash"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(tested.out.contains("ok   recorded from hired"), "{tested:?}");
    assert_eq!(requests(&town), before);

    // The case notices when the recipe sends something else.
    town.edit_recipe("first_name: \"{{ event.candidate.first_name }}\"\n      last_name: \"{{ event.candidate.last_name }}\"\n      personal_email", "first_name: \"{{ event.candidate.last_name }}\"\n      last_name: \"{{ event.candidate.last_name }}\"\n      personal_email");
    let tested = town.cli(&["test", RECIPE, "--filter", "recorded from"]);
    assert_eq!(tested.code, Some(1), "{tested:?}");
    assert!(tested.out.contains("FAIL recorded from hired"), "{tested:?}");
}

#[test]
fn a_case_is_recorded_as_well_and_a_known_name_stays_a_known_name() {
    let town = Town::new();
    let event = hired(&town, ADA);
    let said = record(&town, &["--event", &event, "--as", "Ada is known", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("it ended as skipped"), "{said:?}");
    let again = record(&town, &["--event", &event, "--as", "Ada is known", "--yes"]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.err.contains("has a case `Ada is known` already"), "{again:?}");
    // A recording of the recording, for its e-mail addresses are again those of somebody.
    let said = record(&town, &["--filter", "Ada is known", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let tested = town.cli(&["test", RECIPE, "--filter", "Ada is known", "--crash"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert!(tested.err.contains("2 cases: all ok"), "{tested:?}");
}

#[test]
fn nothing_is_written_unasked_and_what_cannot_be_recorded_says_why() {
    let town = Town::new();
    let event = hired(&town, JOHNNY);
    let said = record(&town, &["--event", &event]);
    assert_eq!(said.code, Some(2), "{said:?}");
    let expected = "these steps write: `employee` (goco.create_employee), `upload` (goco.upload_document), `note` (greenhouse.add_note)";
    assert!(said.err.contains(expected) && said.err.contains("say `--yes`"), "{said:?}");
    assert_eq!(requests(&town), (0, 0), "nothing was asked");

    let nothing = record(&town, &["--yes"]);
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    assert!(nothing.err.contains("name an event: `--event FILE`"), "{nothing:?}");
    let several = record(&town, &["--filter", "the", "--yes"]);
    assert!(several.err.contains("is in the names of"), "{several:?}");

    fs::remove_file(town.dir().join("secrets/goco")).unwrap();
    let closed = record(&town, &["--event", &event, "--yes"]);
    assert_eq!(closed.code, Some(3), "{closed:?}");
    assert!(closed.err.contains("the connection `goco` cannot be opened"), "{closed:?}");
    assert_eq!(requests(&town), (0, 0), "nothing was asked");
    assert!(!town.dir().join("recordings").exists());
}

/// Writes the event of a hire into a file, and returns its path.
fn hired(town: &Town, candidate: u64) -> String {
    let event = town.greenhouse.hire(candidate).unwrap();
    town.write("hired.json", &event.to_string());
    town.dir().join("hired.json").to_str().unwrap().to_owned()
}

fn secret(town: &Town, name: &str) -> String {
    fs::read_to_string(town.dir().join("secrets").join(name)).unwrap()
}

/// Returns how often the vendors were asked anything.
fn requests(town: &Town) -> (usize, usize) {
    let there = town.greenhouse.account(|account| account.requests.len());
    (there, town.goco.company(|company| company.requests.len()))
}

fn record(town: &Town, words: &[&str]) -> Said {
    town.cli(&[&["test", RECIPE, "--record"], words].concat())
}

/// Returns the files of all recordings by name.
fn recordings(town: &Town) -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&town.dir().join("recordings"), &mut found);
    found
}

fn read(files: &[(String, String)], name: &str) -> Value {
    let (_, text) = files.iter().find(|(found, _)| found == name).unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    assert_ne!(value, json!([]), "{name}");
    value
}
