//! What the people at Greenhouse read: why nothing was created, what failed and what to do, each said once.

use sandbox::goco::Employee;
use serde_json::json;

use crate::town::{ADA, JOHNNY, Town, step};

fn employ(town: &Town, first_name: &str, last_name: &str, status: &str) {
    town.goco.company(|company| {
        company.employ(Employee {
            first_name: first_name.into(),
            last_name: last_name.into(),
            status: status.into(),
            ..Employee::default()
        })
    });
}

/// Gives the offer a job title that GoCo does not have.
fn spoil_title(town: &Town) {
    town.person(JOHNNY, |person| {
        person.application.offers[0].custom_fields["job_title"]["value"] = json!("Sorcerer");
    });
}

#[test]
fn somebody_of_that_name_is_not_created_again_and_a_note_says_who_was_found() {
    let mut town = Town::new();
    town.set_properties(false);
    town.start();
    town.hire(ADA);
    let job = town.wait(1, "skipped");
    assert_eq!(town.employees(ADA).len(), 1, "the one who was there");
    let notes = town.notes(ADA);
    assert_eq!(notes.len(), 1);
    for word in ["GoCo sync skipped", "Ada Byron", "9001", "another person"] {
        assert!(notes[0].body.contains(word), "`{word}`: {}", notes[0].body);
    }
    assert!(step(&job, "employee").is_null());
}

#[test]
fn names_are_compared_normalised() {
    let mut town = Town::new();
    employ(&town, "  JOHNNY ", "smith", "active");
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "skipped");
    assert!(town.employees(JOHNNY).is_empty());
    assert_eq!(town.notes(JOHNNY).len(), 1);
}

#[test]
fn somebody_who_has_left_is_a_possible_rehire() {
    let mut town = Town::new();
    employ(&town, "Johnny", "Smith", "terminated");
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "skipped");
    assert_eq!(town.employees(JOHNNY).len(), 1);
    let notes = town.notes(JOHNNY);
    assert_eq!(notes.len(), 1);
    assert!(notes[0].body.contains("Possible rehire"), "{}", notes[0].body);
}

#[test]
fn the_same_failure_is_noted_once_and_another_one_for_itself() {
    let mut town = Town::new();
    spoil_title(&town);
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "failed");
    assert_eq!(town.notes(JOHNNY).len(), 1);
    let body = &town.notes(JOHNNY)[0].body;
    assert!(body.starts_with("GoCo sync failed") && body.contains("[ref "), "{body}");

    assert_eq!(town.cli(&["jobs", "retry", "1"]).code, Some(0));
    town.over(1);
    assert_eq!(town.cli(&["jobs", "retry", "1"]).code, Some(0));
    town.over(1);
    assert_eq!(town.notes(JOHNNY).len(), 1, "three failures, one note");

    // The title is there now; something else is not.
    town.goco.company(|company| {
        company.job_titles[0].name = "Sorcerer".into();
        company.employment_types.clear();
    });
    assert_eq!(town.cli(&["jobs", "retry", "1"]).code, Some(0));
    let job = town.over(1);
    assert_eq!(job["status"], "failed");
    assert_eq!(town.notes(JOHNNY).len(), 2, "{job:#}");
}

#[test]
fn a_repeat_of_a_failed_hire_retries_it() {
    let mut town = Town::new();
    spoil_title(&town);
    town.start();
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    assert!(town.send(&event).delivered());
    town.wait(1, "failed");
    town.goco.company(|company| company.job_titles[0].name = "Sorcerer".into());
    assert!(town.send(&event).delivered());
    let job = town.wait(1, "succeeded");
    assert_eq!(job["interventions"][0]["by"], "a repeat of its event");
    assert_eq!(town.employee(JOHNNY).job_title_id, Some(301));
    assert_eq!(town.jobs(), [1]);
    assert_eq!(town.notes(JOHNNY).len(), 2, "one of the failure, one of the success");
}
