//! `plan` against the vendors of the town: reads reach them, writes never do; past jobs are compared with the recipe as
//! it is now.

use crate::town::{JOHNNY, RECIPE, Town};

#[test]
fn a_plan_shows_the_requests_and_writes_nothing() {
    let mut town = Town::new();
    town.start();
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    town.write("hire.json", &event.to_string());
    let path = town.dir().join("hire.json");
    let planned = town.cli(&["plan", RECIPE, "--event", path.to_str().unwrap()]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert_eq!(town.employees(JOHNNY), []);
    assert_eq!(town.notes(JOHNNY), []);
    let lines: Vec<&str> = planned.out.lines().collect();
    assert!(
        lines.iter().any(|line| line.contains("done") && line.contains("existing")),
        "{planned:?}"
    );
    let create = lines
        .iter()
        .position(|line| line.contains("would") && line.contains("employee goco.create_employee"));
    let create = create.unwrap_or_else(|| panic!("{planned:?}"));
    assert!(
        lines[create + 1].trim().starts_with(&format!("POST {}", town.goco.url())),
        "{planned:?}"
    );
    assert!(planned.out.contains("\"personal@example.com\""), "{planned:?}");
    // What is uploaded belongs to an employee that nobody knows yet.
    assert!(planned.out.contains("/employees/planned-employee-id/documents"), "{planned:?}");
    assert!(planned.out.contains("GoCo sync succeeded"), "the note is shown: {planned:?}");
    assert!(!planned.out.contains("Bearer"), "{planned:?}");
    assert_eq!(planned.err.trim(), "nothing was written");
    assert_eq!(town.jobs(), [0; 0], "a plan makes no job");
}

#[test]
fn past_jobs_are_compared_with_the_recipe_as_it_is_now() {
    let mut town = Town::new();
    town.start();
    town.hire(JOHNNY);
    town.wait(1, "succeeded");
    town.terminate();
    assert_eq!(town.ended(), Some(0));
    let before = town.goco.company(|company| company.employees.len());
    let same = town.cli(&["plan", RECIPE, "--past", "5"]);
    assert_eq!(same.code, Some(0), "{same:?}");
    assert_eq!(same.out.trim(), "job 1 Johnny Smith: the same");
    town.edit_recipe("GoCo sync {{", "Sync with GoCo {{");
    let other = town.cli(&["plan", RECIPE, "--past", "5"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    let note: Vec<&str> =
        other.out.lines().filter(|line| line.contains("`note`: `body` was")).collect();
    assert_eq!(note.len(), 1, "{other:?}");
    assert!(note[0].contains("would be `\"Sync with GoCo succeeded"), "{other:?}");
    assert_eq!(other.err.trim(), "1 job, 1 would go otherwise; nothing was sent");
    assert_eq!(town.goco.company(|company| company.employees.len()), before);
}
