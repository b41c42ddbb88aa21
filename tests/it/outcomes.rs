//! Writes whose outcome is not known at once: found when they can be found, left to a person when they cannot.

use std::fs;

use sandbox::goco::{Employee, Fault, Operation, Trouble};
use serde_json::Value;

use crate::town::{JOHNNY, Town, step};

/// Lets the next creation of an employee go wrong.
pub fn spoil_create(town: &Town, trouble: Trouble) {
    town.goco.switch(|switches| {
        let on = Operation::CreateEmployee;
        switches.faults.push(Fault { on, after: 0, times: 1, trouble });
    });
}

#[test]
fn a_create_that_times_out_after_committing_gives_one_employee() {
    let mut town = Town::new();
    town.edit_recipe(
        "    title: Create the employee\n",
        "    title: Create the employee\n    timeout: 300ms\n",
    );
    spoil_create(&town, Trouble::HoldAfter(60_000));
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");
    let employee = town.employee(JOHNNY);
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
    assert_eq!(town.documents(&employee).len(), 2);
    let created = step(&job, "employee");
    assert_eq!(created["failures"][0]["code"], "timeout");
    assert_eq!((&created["recovered"], &created["output"]["id"]), (&true.into(), &"9004".into()));
}

#[test]
fn a_create_cut_off_after_committing_is_found_even_when_goco_lists_it_late() {
    let mut town = Town::new();
    patience(&town, 2);
    town.goco.switch(|switches| switches.list_lag_ms = 1000);
    spoil_create(&town, Trouble::CutAfter);
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    assert_eq!(town.employees(JOHNNY).len(), 1);
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
}

#[test]
fn a_create_cut_off_before_it_was_done_is_done_again() {
    let mut town = Town::new();
    spoil_create(&town, Trouble::CutBefore);
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    assert_eq!(town.employees(JOHNNY).len(), 1);
    assert_eq!(town.asked(Operation::CreateEmployee), 2);
}

#[test]
fn a_look_up_that_fails_is_made_again_and_never_taken_for_an_absence() {
    let mut town = Town::new();
    town.edit_recipe(
        "trigger: greenhouse.hired\n",
        "trigger: greenhouse.hired\nsettings: { retry: { attempts: 6, wait: 10ms } }\n",
    );
    spoil_create(&town, Trouble::CutAfter);
    town.goco.switch(|switches| {
        // The first list is the recipe's own search; those after it are look-ups.
        let trouble = Trouble::Answer { status: 500, retry_after: None, body: Value::Null };
        switches.faults.push(Fault { on: Operation::Employees, after: 1, times: 3, trouble });
    });
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");
    assert_eq!(town.employees(JOHNNY).len(), 1, "{job:#}");
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
    assert!(town.asked(Operation::Employees) >= 5, "three look-ups failed");
}

#[test]
fn a_vendor_that_lists_later_than_settle_is_beyond_the_promise() {
    // The promise is "exactly once, if the vendor shows a create within `settle`". This is what lies beyond it: the limit
    // is known, and `settle_seconds` moves it.
    let mut town = Town::new();
    town.goco.switch(|switches| switches.list_lag_ms = 20_000);
    spoil_create(&town, Trouble::CutAfter);
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    assert_eq!(
        town.asked(Operation::CreateEmployee),
        2,
        "a complete list without it is an absence"
    );
}

#[test]
fn a_create_that_is_only_accepted_is_looked_up_until_it_is_there() {
    let mut town = Town::new();
    patience(&town, 3);
    // 202: GoCo means to do it, and does.
    town.goco.switch(|switches| {
        switches.created.status = 202;
        switches.list_lag_ms = 700;
    });
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");
    assert_eq!(town.employees(JOHNNY).len(), 1, "{job:#}");
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
}

#[test]
fn an_upload_without_an_answer_is_found_or_made_and_never_made_twice() {
    let table = [
        (Trouble::CutAfter, 2, true),
        (Trouble::CutBefore, 3, false),
        (Trouble::HoldAfter(60_000), 2, true),
        (Trouble::Answer { status: 502, retry_after: None, body: Value::Null }, 3, false),
        (Trouble::Html, 3, false),
    ];
    for (trouble, asked, recovered) in table {
        let mut town = Town::new();
        town.edit_recipe(
            "        action: goco.upload_document\n",
            "        action: goco.upload_document\n        timeout: 400ms\n        retry: { attempts: 3, wait: 10ms }\n",
        );
        town.goco.switch(|switches| {
            let (on, trouble) = (Operation::UploadDocument, trouble.clone());
            switches.faults.push(Fault { on, after: 0, times: 1, trouble });
        });
        town.start();
        town.hire(JOHNNY);
        let job = town.wait(1, "succeeded");
        let documents = town.documents(&town.employee(JOHNNY));
        assert_eq!(documents, ["resume.pdf", "signed offer.pdf"], "{trouble:?}: {job:#}");
        assert_eq!(town.asked(Operation::UploadDocument), asked, "{trouble:?}: {job:#}");
        let upload = step(&job, "documents[0].upload");
        assert_eq!(upload["recovered"], recovered, "{trouble:?}: {upload:#}");
        assert_eq!(town.asked(Operation::CreateEmployee), 1);
    }
}

#[test]
fn an_upload_that_cannot_be_looked_up_waits_for_a_person_and_is_not_made_again() {
    let mut town = Town::new();
    // The connection does not know where GoCo lists an employee's documents.
    let text = fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    let known = text.lines().find(|line| line.trim().starts_with("paths:")).unwrap();
    town.write("connections.yaml", &text.replace(known, "  paths: {}"));
    town.goco.switch(|switches| {
        let (on, trouble) = (Operation::UploadDocument, Trouble::CutAfter);
        switches.faults.push(Fault { on, after: 0, times: 1, trouble });
    });
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "needs_attention");
    assert_eq!(step(&job, "documents[0].upload")["state"], "unknown", "{job:#}");
    assert_eq!(town.asked(Operation::UploadDocument), 1);
    let words = ["jobs", "resolve", "1", "documents[0].upload", "--happened"];
    let resolved = town.cli(&words);
    assert_eq!(resolved.code, Some(0), "{resolved:?}");
    town.wait(1, "succeeded");
    assert_eq!(town.documents(&town.employee(JOHNNY)), ["resume.pdf", "signed offer.pdf"]);
    assert_eq!(town.asked(Operation::UploadDocument), 2);
}

#[test]
fn a_note_without_an_answer_is_not_written_twice() {
    let mut town = Town::new();
    town.greenhouse.switch(|switches| {
        use sandbox::greenhouse::{Fault, Operation};
        switches.faults.push(Fault::once(Operation::AddNote, Trouble::CutAfter));
    });
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");
    assert_eq!(town.notes(JOHNNY).len(), 1);
    assert_eq!(step(&job, "note")["recovered"], true);
}

#[test]
fn a_busy_goco_is_asked_again_when_it_said() {
    let mut town = Town::new();
    spoil_create(
        &town,
        Trouble::Answer { status: 429, retry_after: Some("1".into()), body: Value::Null },
    );
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");
    assert_eq!(town.employees(JOHNNY).len(), 1);
    assert!(step(&job, "employee")["failures"][0]["unknown"] == false, "{job:#}");
}

#[test]
fn nobody_knows_and_a_person_says_that_it_happened() {
    let mut town = town_where_nobody_knows(Trouble::CutAfter);
    let told = town.cli(&["status", "--fail-on", "attention"]);
    assert_eq!(told.code, Some(1), "{told:?}");

    // A plain retry looks once more, and does not dare either.
    assert_eq!(town.cli(&["jobs", "retry", "1"]).code, Some(0));
    town.until("it has looked again", || {
        let job = town.over(1);
        (job["interventions"].as_array().unwrap().len() >= 2).then_some(())
    });
    assert_eq!(town.job(1)["status"], "needs_attention");

    // It outlives a kill as well.
    town.kill();
    town.start();
    assert_eq!(town.job(1)["status"], "needs_attention");

    let wrong = town.cli(&["jobs", "resolve", "1", "note", "--happened"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.err.contains("employee"), "it says which step waits: {wrong:?}");
    let real = town.employees(JOHNNY).remove(0);
    let output = format!(r#"{{"id": "{}", "full_name": "Johnny Smith"}}"#, real.id);
    let words = ["jobs", "resolve", "1", "employee", "--happened", "--output", &output];
    assert_eq!(town.cli(&words).code, Some(0));
    town.wait(1, "succeeded");
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
    assert_eq!(town.documents(&real).len(), 2);
    assert_eq!(town.notes(JOHNNY).len(), 1);
    assert_eq!(town.cli(&["status", "--fail-on", "attention"]).code, Some(0));
}

#[test]
fn nobody_knows_and_a_person_says_that_it_did_not_happen() {
    let town = town_where_nobody_knows(Trouble::CutBefore);
    let others = town.employees(JOHNNY);
    let words = ["jobs", "resolve", "1", "employee", "--not-happened"];
    assert_eq!(town.cli(&words).code, Some(0));
    town.wait(1, "succeeded");
    let mut all = town.employees(JOHNNY);
    all.retain(|one| !others.contains(one));
    assert_eq!((all.len(), town.asked(Operation::CreateEmployee)), (1, 2));
    assert_eq!(town.documents(&all[0]).len(), 2);
}

#[test]
fn nobody_knows_and_a_person_gives_up() {
    let town = town_where_nobody_knows(Trouble::CutAfter);
    assert_eq!(town.cli(&["jobs", "resolve", "1", "employee", "--give-up"]).code, Some(0));
    let job = town.wait(1, "failed");
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
    let notes = town.notes(JOHNNY);
    assert_eq!(notes.len(), 1, "{job:#}");
    assert!(notes[0].body.starts_with("GoCo sync failed"), "{}", notes[0].body);
}

/// Builds a town in which a create has no answer and the look-up cannot tell: meanwhile others of the same name have
/// come.
pub fn town_where_nobody_knows(trouble: Trouble) -> Town {
    let mut town = Town::new();
    patience(&town, 2);
    spoil_create(&town, trouble);
    town.start();
    town.hire(JOHNNY);
    town.until("it creates", || (town.asked(Operation::CreateEmployee) > 0).then_some(()));
    town.goco.company(|company| {
        for _ in 0..2 {
            company.employ(Employee {
                first_name: "Johnny".into(),
                last_name: "Smith".into(),
                personal_email: Some("personal@example.com".into()),
                status: "active".into(),
                ..Employee::default()
            });
        }
    });
    let job = town.wait(1, "needs_attention");
    assert_eq!(step(&job, "employee")["state"], "unknown");
    assert_eq!(town.asked(Operation::CreateEmployee), 1);
    assert_eq!(town.notes(JOHNNY), [], "nothing is said before it is known");
    town
}

/// Says how many seconds GoCo may take to list a new employee.
pub fn patience(town: &Town, seconds: u32) {
    let text = fs::read_to_string(town.dir().join("connections.yaml")).unwrap();
    let (before, goco) = text.split_once("\ngoco:").unwrap();
    let goco = goco.replace("settle_seconds: 0", &format!("settle_seconds: {seconds}"));
    town.write("connections.yaml", &format!("{before}\ngoco:{goco}"));
}
