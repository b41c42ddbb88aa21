//! A hire travels from the signed webhook into GoCo: every field, and every rule of the mapping that shows only there.

use sandbox::greenhouse::{Office, Switches};
use serde_json::json;

use crate::town::{JOHNNY, NORA, RECIPE, Town, ZOE, step, warnings};

#[test]
fn a_hire_arrives_with_every_field_and_both_documents() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");

    let employee = town.employee(JOHNNY);
    assert_eq!(employee.personal_email.as_deref(), Some("personal@example.com"));
    assert_eq!(employee.personal_phone.as_deref(), Some("917-555-1212"));
    assert_eq!(employee.start_date.as_deref(), Some("2027-01-04"));
    assert_eq!(employee.employment_type.as_deref(), Some("Full-Time"));
    let label = |list: &[sandbox::goco::Reference], id: Option<u64>| {
        list.iter().find(|one| Some(one.id) == id).map(|one| one.name.clone())
    };
    town.goco.company(|company| {
        assert_eq!(label(&company.departments, employee.department_id).unwrap(), "Technology");
        assert_eq!(label(&company.locations, employee.location_id).unwrap(), "New York City");
        assert_eq!(label(&company.job_titles, employee.job_title_id).unwrap(), "Senior Developer");
        for document in &company.documents {
            let sent = town.greenhouse.account(|account| {
                let mut all = account.candidate(JOHNNY).unwrap().attachments.iter();
                all.find(|one| one.filename == document.name).unwrap().content.clone()
            });
            assert_eq!(document.content, sent, "{}", document.name);
        }
    });
    assert_eq!(town.documents(&employee), ["resume.pdf", "signed offer.pdf"]);
    assert_eq!(job["label"], "Johnny Smith");
    assert!(warnings(&job).is_empty(), "{job:#}");
    let notes = town.notes(JOHNNY);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].body.starts_with("GoCo sync succeeded"), "{}", notes[0].body);
    assert_eq!(notes[0].user_id, Some(158_104), "as the configured user");
}

#[test]
fn without_the_property_a_good_hire_leaves_no_note() {
    let mut town = Town::new();
    town.set_properties(false);
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    assert_eq!(town.notes(JOHNNY), []);
}

#[test]
fn names_beyond_ascii_arrive_as_they_are() {
    let mut town = Town::new();
    town.start();
    town.hire(ZOE);
    let job = town.wait(1, "succeeded");
    assert_eq!(job["label"], "Zoë O'Neil & Søn");
    let employee = town.employee(ZOE);
    assert_eq!(employee.employment_type.as_deref(), Some("Part-Time"), "through the table");
    assert_eq!(town.documents(&employee), ["Lebenslauf – Zoë.pdf"]);
}

#[test]
fn of_several_offices_the_one_that_goco_has_is_taken() {
    let mut town = Town::new();
    let office = |id, name: &str| Office { id, name: name.into(), location: None };
    town.person(JOHNNY, |person| {
        person.application.job.offices = vec![office(1, "St. Louis"), office(2, "San Francisco")];
    });
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");
    assert_eq!(town.employee(JOHNNY).location_id, Some(202));
    assert!(warnings(&job).is_empty(), "{job:#}");
}

#[test]
fn a_department_and_an_office_that_goco_does_not_have_are_left_out_with_warnings() {
    let mut town = Town::new();
    town.person(JOHNNY, |person| {
        person.application.job.departments = vec![(8, "Astrology".into())];
        person.application.job.offices =
            vec![Office { id: 3, name: "Atlantis".into(), location: None }];
    });
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "succeeded");
    let employee = town.employee(JOHNNY);
    assert_eq!((employee.department_id, employee.location_id), (None, None));
    assert!(employee.job_title_id.is_some());
    assert_eq!(warnings(&job).len(), 2, "{job:#}");
    let note = &town.notes(JOHNNY)[0].body;
    assert!(note.contains("Astrology") && note.contains("Atlantis"), "{note}");
}

#[test]
fn a_job_title_that_goco_does_not_have_fails_with_what_to_do() {
    let mut town = Town::new();
    town.person(JOHNNY, |person| {
        person.application.offers[0].custom_fields["job_title"]["value"] = json!("Sorcerer");
    });
    town.start();
    town.hire(JOHNNY);
    let job = town.wait(1, "failed");
    let failure = &step(&job, "job_title")["failures"][0];
    assert!(failure["message"].as_str().unwrap().contains("Sorcerer"), "{failure}");
    let hint = failure["hint"].as_str().unwrap();
    assert!(town.employees(JOHNNY).is_empty());
    let notes = town.notes(JOHNNY);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].body.contains("Sorcerer") && notes[0].body.contains(hint),
        "{}",
        notes[0].body
    );
}

#[test]
fn an_employment_type_that_the_table_does_not_know_fails() {
    let mut town = Town::new();
    town.person(JOHNNY, |person| {
        person.application.offers[0].custom_fields["employment_type"]["value"] =
            json!("Zero hours");
    });
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "failed");
    assert!(town.employees(JOHNNY).is_empty());
    let note = &town.notes(JOHNNY)[0].body;
    assert!(note.contains("Zero hours"), "{note}");
    // A row for it, and the job goes on.
    town.write("tables/employment_types.csv", "greenhouse,goco\nZero hours,Part-Time\n");
    town.until("the table is taken up", || {
        assert_eq!(town.cli(&["jobs", "retry", "1"]).code, Some(0));
        (town.over(1)["status"] == "succeeded").then_some(())
    });
    assert_eq!(town.employee(JOHNNY).employment_type.as_deref(), Some("Part-Time"));
}

#[test]
fn the_jobs_employment_type_counts_when_the_offer_has_none() {
    let mut town = Town::new();
    town.person(JOHNNY, |person| {
        person.application.offers[0].custom_fields["employment_type"]["value"] = json!(null);
        person.application.job.custom_fields["employment_type"]["value"] = json!("Part-time");
    });
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    assert_eq!(town.employee(JOHNNY).employment_type.as_deref(), Some("Part-Time"));
}

#[test]
fn the_start_date_comes_from_greenhouse_when_the_event_lacks_it() {
    let mut town = Town::new();
    town.start();
    let mut event = town.greenhouse.hire(JOHNNY).unwrap();
    event["payload"]["application"]["offer"]["starts_at"] = json!(null);
    assert!(town.send(&event).delivered());
    let job = town.wait(1, "succeeded");
    assert_eq!(town.employee(JOHNNY).start_date.as_deref(), Some("2027-01-04"));
    assert_eq!(step(&job, "current_offer")["state"], "done");
}

#[test]
fn a_hire_without_an_offer_arrives() {
    let mut town = Town::new();
    town.start();
    town.hire(NORA);
    town.wait(1, "succeeded");
    let employee = town.employee(NORA);
    assert_eq!((employee.start_date.as_deref(), employee.job_title_id), (None, None));
    assert_eq!(employee.employment_type.as_deref(), Some("Full-Time"), "the job's");
    assert_eq!(town.documents(&employee), ["cover letter.txt"]);
}

#[test]
fn with_greenhouses_api_out_of_reach_the_hire_arrives_all_the_same() {
    let mut town = Town::new();
    town.set_properties(false);
    town.greenhouse.switch(|switches: &mut Switches| switches.unreachable = true);
    town.start();
    let mut event = town.greenhouse.hire(JOHNNY).unwrap();
    // Old enough that Greenhouse is asked first, and without a start date, so that it is asked again.
    let offer = &mut event["payload"]["application"]["offer"];
    (offer["resolved_at"], offer["starts_at"]) = (json!("2026-11-01T10:00:00Z"), json!(null));
    assert!(town.send(&event).delivered());
    town.until("the person is there, with both documents", || {
        let employees = town.employees(JOHNNY);
        (town.documents(employees.first()?).len() == 2).then_some(())
    });
    assert_eq!(town.employee(JOHNNY).start_date, None);
    // What could not be asked is told once Greenhouse is back, also by another process.
    assert_eq!(town.notes(JOHNNY), []);
    town.kill();
    town.greenhouse.switch(|switches: &mut Switches| switches.unreachable = false);
    town.start();
    let job = town.wait(1, "succeeded");
    assert_eq!((town.employees(JOHNNY).len(), town.notes(JOHNNY).len()), (1, 1));
    for path in ["application", "current_offer", "fresh"] {
        assert_eq!(step(&job, path)["attempts"], 2, "`{path}`: {job:#}");
    }
}

#[test]
fn a_late_event_of_somebody_who_is_no_longer_hired_is_skipped() {
    let mut town = Town::new();
    town.start();
    let mut event = town.greenhouse.hire(JOHNNY).unwrap();
    event["payload"]["application"]["offer"]["resolved_at"] = json!("2026-11-01T10:00:00Z");
    town.greenhouse.account(|account| account.unhire(JOHNNY));
    assert!(town.send(&event).delivered());
    let job = town.wait(1, "skipped");
    assert!(job["note"].as_str().unwrap().contains("no longer hired"), "{job:#}");
    assert!(town.employees(JOHNNY).is_empty());
}

#[test]
fn a_document_that_cannot_be_fetched_is_a_warning_and_the_others_follow() {
    let mut town = Town::new();
    town.set_properties(false);
    town.start();
    let mut event = town.greenhouse.hire(JOHNNY).unwrap();
    let url = &mut event["payload"]["application"]["candidate"]["attachments"][0]["url"];
    *url = json!(format!("{}/files/absent", town.greenhouse.url()));
    assert!(town.send(&event).delivered());
    let job = town.wait(1, "succeeded");
    assert_eq!(town.documents(&town.employee(JOHNNY)), ["signed offer.pdf"]);
    assert_eq!(warnings(&job).len(), 1, "{job:#}");
    // Somebody must know which document to add by hand, also where a success is not noted.
    let notes = town.notes(JOHNNY);
    assert!(notes.len() == 1 && notes[0].body.contains("resume.pdf"), "{notes:?}");
}

#[test]
fn a_job_can_be_worked_in_the_foreground() {
    let town = Town::new();
    town.write("event.json", &town.greenhouse.hire(JOHNNY).unwrap().to_string());
    let event = town.dir().join("event.json");
    let said = town.cli(&["run", RECIPE, "--event", event.to_str().unwrap(), "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("goco.create_employee"), "{said:?}");
    assert_eq!(town.documents(&town.employee(JOHNNY)).len(), 2);
}
