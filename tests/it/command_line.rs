//! The command line as people and scripts use it: exit codes, data on stdout, and what a running service does with it.

use std::{fs, path::Path};

use sandbox::goco::{Fault, Operation, Trouble};

use crate::town::{JOHNNY, NORA, RECIPE, Town, ZOE, step};

#[test]
fn the_project_in_a_new_folder_is_right_and_its_tests_pass() {
    let town = Town::new();
    let project = town.dir().join("acme");
    let path = project.to_str().unwrap();
    assert_eq!(town.cli(&["init", path]).code, Some(0));
    for words in [["check", "--project"], ["test", "--project"]] {
        let said = town.run(&[words[0], words[1], path]);
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    }
    let again = town.cli(&["init", path]);
    assert_eq!(again.code, Some(3), "{again:?}");
    assert!(again.err.contains("is not empty"), "{again:?}");
}

#[test]
fn the_repository_is_a_project_that_is_right() {
    let town = Town::new();
    for words in [["check", "--project"], ["test", "--project"]] {
        let said = town.run(&[words[0], words[1], env!("CARGO_MANIFEST_DIR")]);
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    }
}

#[test]
fn the_demo_shows_the_hire_arrive() {
    let town = Town::new();
    let said = town.run(&["demo", "--once"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("Johnny Smith is in GoCo"), "{said:?}");
}

#[test]
fn every_command_that_the_readme_shows_is_one() {
    let town = Town::new();
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut shown = 0;
    for line in readme.lines() {
        for told in line.split("recipe-runner ").skip(1) {
            let word = |text: &str| text.chars().all(|letter| letter.is_ascii_lowercase());
            let words: Vec<&str> =
                told.split([' ', '`']).take_while(|one| !one.is_empty() && word(one)).collect();
            let Some(command) = words.first() else { continue };
            // Prose goes on with other words; the help of a command ends well only if there is the command.
            let known = town.run(&["--help"]).out;
            if !known.lines().any(|one| one.trim_start().starts_with(&format!("{command} "))) {
                assert!(!line.trim_start().starts_with("recipe-runner"), "no command: {line}");
                continue;
            }
            let mut asked = vec![*command];
            if *command == "jobs" {
                asked.extend(words.get(1));
            }
            asked.push("--help");
            assert_eq!(town.run(&asked).code, Some(0), "{line}");
            shown += 1;
        }
    }
    assert!(shown >= 5, "README shows only {shown} commands");
}

#[test]
fn a_wrong_command_line_a_wrong_project_and_nothing_to_stop_end_differently() {
    let town = Town::new();
    assert_eq!(town.cli(&["staart"]).code, Some(2));
    let absent = town.cli(&["start", "absent"]);
    assert_eq!(absent.code, Some(2), "{absent:?}");
    assert!(absent.err.contains(RECIPE), "it says what there is: {absent:?}");
    let stopped = town.cli(&["stop"]);
    assert_eq!(stopped.code, Some(3), "{stopped:?}");
    assert!(stopped.err.contains("no service runs here"), "{stopped:?}");
    assert_eq!(town.cli(&["status"]).code, Some(0));
    assert_eq!(town.cli(&["status", "--fail-on", "attention"]).code, Some(1), "no service runs");
    let nowhere = town.run(&["status", "--project", "/nowhere"]);
    assert_eq!(nowhere.code, Some(3), "{nowhere:?}");
    town.edit_recipe("trigger: greenhouse.hired", "trigger: greenhouse.hird");
    let checked = town.cli(&["check"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(format!("{checked:?}").contains("greenhouse.hired"), "did you mean: {checked:?}");
}

#[test]
fn jobs_are_listed_searched_shown_and_cancelled() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    assert_eq!(town.cli(&["stop", RECIPE]).code, Some(0));
    town.hire(ZOE);
    town.hire(NORA);
    assert_eq!(town.jobs(), [3, 2, 1]);
    let found = |words: &[&str]| {
        let jobs = town.json(&[&["jobs", "list"], words].concat());
        let jobs = jobs.as_array().unwrap().iter();
        jobs.map(|job| job["job"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found(&["--status", "queued"]), [3, 2]);
    assert_eq!(found(&["--search", "smith"]), [1]);
    assert_eq!(found(&["--search", "zoe@example.com"]), [2]);
    assert_eq!(found(&["--limit", "1"]), [3]);
    assert_eq!(found(&["--before", "3", "--limit", "1"]), [2]);
    assert_eq!(found(&["--recipe", "another"]), [] as [i64; 0]);

    assert_eq!(town.cli(&["jobs", "cancel", "2"]).code, Some(0));
    town.wait(2, "cancelled");
    assert_eq!(town.cli(&["start", RECIPE]).code, Some(0));
    town.wait(3, "succeeded");
    assert!(town.employees(ZOE).is_empty());

    let shown = town.cli(&["jobs", "show", "1"]);
    for word in ["employee", "goco.create_employee", "917-555-1212", "documents[1].upload"] {
        assert!(shown.out.contains(word), "`{word}`: {}", shown.out);
    }
    let one = town.cli(&["jobs", "show", "1", "--step", "employee"]).out;
    assert!(one.contains("917-555-1212") && !one.contains("add_note"), "{one}");
    for words in [["jobs", "show", "99"], ["jobs", "retry", "99"]] {
        let said = town.cli(&words);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains("no job 99"), "{said:?}");
    }
    let over = town.cli(&["jobs", "retry", "1"]);
    assert_eq!(over.code, Some(3), "a job that succeeded is not retried: {over:?}");
}

#[test]
fn a_list_is_as_long_as_asked_for_with_and_without_a_service() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    assert_eq!(town.cli(&["stop", RECIPE]).code, Some(0));
    // More than the API gives at once; the recipe is off, so nothing comes of them.
    let token = town.token("operator");
    for job in 2..=205 {
        let made = town.api("POST", "/deliveries/1/replay", &token, &serde_json::Value::Null);
        assert_eq!(made.1["job"], job, "{made:?}");
    }
    let found = |limit: &str| {
        let jobs = town.json(&["jobs", "list", "--limit", limit]);
        let jobs = jobs.as_array().unwrap().iter();
        jobs.map(|job| job["job"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let all: Vec<i64> = (1..=205).rev().collect();
    assert_eq!(found("1000"), all);
    assert_eq!(found("203"), all[..203]);
    assert_eq!(found("0"), [] as [i64; 0]);
    town.kill();
    assert_eq!(
        town.json(&["jobs", "list", "--limit", "203"]).as_array().unwrap().len(),
        203,
        "also without a service"
    );
}

#[test]
fn a_recipe_that_was_never_right_does_not_start() {
    let mut town = Town::new();
    town.write(
        "recipes/other.yaml",
        "title: Other\ntrigger: greenhouse.hired\nsteps: [{ sett: 1 }]\n",
    );
    let refused = town.cli(&["start", "other"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("recipes/other.yaml"), "{refused:?}");
    // Nor in a running service, which goes on with the others.
    town.start();
    let refused = town.cli(&["start", "other"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("was never right"), "{refused:?}");
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
}

#[test]
fn a_changed_recipe_is_taken_up_and_a_broken_one_is_refused() {
    let mut town = Town::new();
    town.start();
    town.edit_recipe("label: \"", "label: \"New: ");
    town.until("the change is taken up", || town.said().contains("took up").then_some(()));
    town.hire(JOHNNY);
    assert_eq!(town.wait(1, "succeeded")["label"], "New: Johnny Smith");

    town.edit_recipe("label: \"New: ", "label: \"{{ event.nonsense }} ");
    town.until("the breakage is refused", || town.said().contains("refused").then_some(()));
    town.hire(NORA);
    assert_eq!(town.wait(2, "succeeded")["label"], "New: Nora Offerless");
    let status = town.json(&["status"]);
    assert_eq!(status["recipes"][0]["file"], "broken");
    assert!(status["mistakes"][0].as_str().unwrap().contains("nonsense"), "{status:#}");

    // Started anew, the service runs the last good version from its store.
    town.kill();
    town.start_with(&["start"], None);
    town.hire(ZOE);
    assert_eq!(town.wait(3, "succeeded")["label"], "New: Zoë O'Neil & Søn");
}

#[test]
fn on_and_off_survive_a_restart() {
    let mut town = Town::new();
    town.start();
    town.kill();
    town.start_with(&["start"], None);
    let on = |town: &Town| town.json(&["status"])["recipes"][0]["on"].clone();
    assert_eq!(on(&town), true);
    assert_eq!(town.cli(&["stop", RECIPE]).code, Some(0));
    town.kill();
    assert_eq!(on(&town), false, "also asked without a service");
    town.start_with(&["start"], None);
    assert_eq!(on(&town), false);
}

#[test]
fn sigterm_lets_a_call_in_flight_end_and_its_result_is_kept() {
    let mut town = Town::new();
    hold_create(&town, 700);
    town.start();
    town.hire(JOHNNY);
    town.until("it creates", || (town.asked(Operation::CreateEmployee) > 0).then_some(()));
    town.terminate();
    assert_eq!(town.ended(), Some(0));
    let asked = town.goco.company(|company| company.requests.len());
    let created = step(&town.job(1), "employee").clone();
    assert_eq!((&created["state"], &created["attempts"]), (&"done".into(), &1.into()));
    town.start_with(&["start"], None);
    let job = town.wait(1, "succeeded");
    assert_eq!(step(&job, "employee")["recovered"], false);
    let uploads = town.asked(Operation::UploadDocument);
    assert_eq!(
        town.goco.company(|company| company.requests.len()),
        asked + uploads,
        "nothing again"
    );
    assert_eq!(town.employees(JOHNNY).len(), 1);
}

#[test]
fn a_job_that_is_in_a_call_can_be_cancelled() {
    let mut town = Town::new();
    hold_create(&town, 700);
    town.start();
    town.hire(JOHNNY);
    town.until("it creates", || (town.asked(Operation::CreateEmployee) > 0).then_some(()));
    assert_eq!(town.cli(&["jobs", "cancel", "1"]).code, Some(0));
    town.wait(1, "cancelled");
    assert_eq!(town.employees(JOHNNY).len(), 1, "what has happened has happened");
    assert_eq!(town.asked(Operation::UploadDocument), 0);
}

#[test]
fn a_second_start_tells_the_service_that_runs() {
    let mut town = Town::new();
    town.start_with(&["start"], None);
    let second = town.cli(&["start"]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.err.contains("runs already"), "{second:?}");
    let on = town.cli(&["start", RECIPE]);
    assert_eq!(on.code, Some(0), "{on:?}");
    assert!(on.out.contains(&town.url()) && on.out.contains("Web Hooks"), "{on:?}");
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
}

#[test]
fn a_detached_service_runs_until_it_is_stopped() {
    let town = Town::new();
    let begun = town.cli(&["start", RECIPE, "--detach"]);
    assert_eq!(begun.code, Some(0), "{begun:?}");
    let status = town.json(&["status"]);
    assert!(status["running"]["process"].as_u64().is_some(), "{status:#}");
    let stopped = town.cli(&["stop"]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert_eq!(town.json(&["status"])["running"], serde_json::Value::Null);
}

#[test]
fn the_check_up_is_green_when_all_is_well_and_names_the_cure_when_not() {
    let mut town = Town::new();
    // As with a real account: a public address, and a webhook that Greenhouse has tried.
    town.write(
        "runner.yaml",
        "listen: 127.0.0.1:0\npublic_url: https://hooks.acme.example\n\
        properties: { success_note: { type: boolean, default: true } }\n",
    );
    town.start();
    town.block_on(town.greenhouse.sender().ping(&town.url())).unwrap();
    let well = town.cli(&["doctor"]);
    assert_eq!(well.code, Some(0), "{well:?}");
    town.goco.switch(|switches| switches.key = "another".into());
    let told = town.cli(&["doctor", "goco"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.out.contains("cure: Check the API key in GoCo"), "{told:?}");
}

/// Has GoCo keep the answer to the next create for a while.
fn hold_create(town: &Town, milliseconds: u64) {
    town.goco.switch(|switches| {
        let (on, trouble) = (Operation::CreateEmployee, Trouble::HoldAfter(milliseconds));
        switches.faults.push(Fault { on, after: 0, times: 1, trouble });
    });
}
