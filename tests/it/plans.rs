//! `plan` against the vendors of the town: reads reach them, writes never do; past jobs are compared with the recipe as
//! it is now.

use sandbox::goco::Operation;

use crate::town::{JOHNNY, RECIPE, Town};

/// What a person answers is not known, be it a number or a boolean; nor is what is made of it.
const RESTS: &str = "\
title: Asks first
trigger: greenhouse.hired
steps:
  - id: approval
    wait_for: { approved: boolean, level: integer }
  - id: offer
    action: greenhouse.get_current_offer
    with: { application_id: \"{{ event.application.id }}\" }
  - id: again
    action: goco.find_employees
    with: { first_name: Ada, last_name: \"{{ 'Smith' if steps.approval.level > 3 else 'Jones' }}\" }
  - set: { many: \"{{ steps.again.employees | length }}\" }
  - id: dated
    if: steps.offer.starts_on is none
    then:
      - stop: skipped
        reason: no date
  - id: several
    if: vars.many > 1
    then:
      - stop: failed
        reason: several
  - id: each
    for_each: steps.again.employees
    as: one
    steps:
      - action: log.write
        with: { message: \"{{ one.full_name }}\" }
  - id: employee
    action: goco.create_employee
    when: steps.approval.approved and steps.approval.level > 2
    with: { first_name: Ada, last_name: Jones }
  - id: note
    action: greenhouse.add_note
    when: steps.approval.approved
    with:
      candidate_id: \"{{ event.candidate.id }}\"
      application_id: \"{{ event.application.id }}\"
      body: \"{{ 'many' if vars.many > 1 else 'few' }}\"
";

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
    assert!(planned.out.contains("authorization: Bearer ***\n"), "{planned:?}");
    assert!(!planned.out.contains(&sandbox::goco::Switches::default().key), "{planned:?}");
    assert_eq!(planned.err.trim(), "nothing was written");
    assert_eq!(town.jobs(), [0; 0], "a plan makes no job");
}

/// A number, a boolean and a list of an answer that nobody has given cannot be told from known ones: what rests on them is
/// said, a read that would ask for it is not sent, and what is known is as decided as ever.
#[test]
fn what_rests_on_what_nobody_knows_is_said_and_asked_of_nobody() {
    let mut town = Town::new();
    town.write("recipes/asks.yaml", RESTS);
    town.start();
    let event = town.greenhouse.hire(JOHNNY).unwrap();
    town.write("hire.json", &event.to_string());
    let path = town.dir().join("hire.json");
    let before = town.asked(Operation::Employees);
    let planned = town.cli(&["plan", "asks", "--event", path.to_str().unwrap()]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert_eq!(town.asked(Operation::Employees), before, "the read was sent");
    assert_eq!(town.notes(JOHNNY), []);
    let told: Vec<&str> =
        planned.out.lines().map(str::trim_end).filter(|line| !line.contains("POST")).collect();
    let told: Vec<&str> = told.into_iter().filter(|line| !line.starts_with("      {")).collect();
    for (step, said) in [
        (
            "again goco.find_employees",
            "undecided: `last_name` rests on what `approval` gives: shown as \"Jones\"",
        ),
        (
            "several if",
            "undecided: `if: vars.many > 1` rests on what `again` gives: taken as false (`else`)",
        ),
        (
            "each for_each",
            "undecided: `for_each: steps.again.employees` rests on what `again` gives: shown with 0 rounds",
        ),
        (
            "employee goco.create_employee",
            "undecided: `when: steps.approval.approved and steps.approval.level > 2` rests on what `approval` gives: \
             taken as false, so it is left out",
        ),
        (
            "note greenhouse.add_note",
            "undecided: `when: steps.approval.approved` rests on what `approval` gives: taken as true",
        ),
    ] {
        let at = told.iter().position(|line| line.ends_with(step));
        let at = at.unwrap_or_else(|| panic!("{step} is not in\n{}", planned.out));
        assert_eq!(told[at + 1].trim(), said, "{}", planned.out);
    }
    let body = "undecided: `body` rests on what `again` gives: shown as \"few\"";
    assert!(planned.out.contains(body), "{}", planned.out);
    let decided = told.iter().position(|line| line.ends_with("dated if")).unwrap();
    assert!(told[decided].contains("done"), "{}", planned.out);
    assert!(!told[decided + 1].contains("undecided"), "{}", planned.out);
    // The stop is told where it may happen, and at the end, which is not certain for it.
    let stop = "undecided: `stop_2` may end the job here: nothing after it is certain";
    assert_eq!(planned.out.matches(stop).count(), 2, "{}", planned.out);
    assert!(planned.out.contains("it may end as succeeded"), "{}", planned.out);
    assert_eq!(planned.out.matches("undecided:").count(), 8, "{}", planned.out);
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
    // Exactly what was changed, and nothing else.
    assert_eq!(other.out.lines().count(), 2, "{other:?}");
    assert_eq!(other.err.trim(), "1 job, 1 would go otherwise; nothing was sent");
    assert_eq!(town.goco.company(|company| company.employees.len()), before);
}
