//! The project at the root of the repository: its recipe is right, its tests hold, and they would notice.

use std::{fs, path::Path};

use connector::Connector;
use engine::simulate::{Bench, Tested, lines, test};
use recipe::{ProjectFiles, Source};

const RECIPE: &str = "recipes/greenhouse-hired-to-goco.yaml";
const TESTS: &str = "recipes/greenhouse-hired-to-goco.test.yaml";

fn connectors() -> Vec<Connector> {
    let mut all = vec![connector_greenhouse::connector(), connector_goco::connector()];
    all.extend(connector_standard::connectors());
    all
}

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Plays `tests` against the shipped project with `recipe` as its recipe; mistakes in either are an error.
fn play(recipe: &str, tests: &str) -> Result<Tested, String> {
    let connectors = connectors();
    let catalogue = connector::catalogue(&connectors);
    let read = |path: &str| Source::new(path, text(path));
    let files = ProjectFiles {
        runner: Some(read("runner.yaml")),
        connections: Some(read("connections.yaml")),
        recipes: vec![Source::new(RECIPE, recipe)],
        tables: vec![read("tables/employment_types.csv")],
    };
    let (project, diagnostics) = recipe::check(&files, &catalogue);
    if !diagnostics.is_empty() {
        return Err(recipe::render(&diagnostics, false));
    }
    let recipe = &project.recipes["greenhouse-hired-to-goco"];
    let (cases, diagnostics) =
        recipe::read_cases(&Source::new(TESTS, tests), recipe, &catalogue, &project);
    if !diagnostics.is_empty() {
        return Err(recipe::render(&diagnostics, false));
    }
    let files = |path: &str| {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
            .map_err(|error| error.to_string())
    };
    let bench = Bench::new(&project, &connectors, &files);
    Ok(test(&cases.unwrap(), recipe, &bench, None))
}

#[test]
fn the_shipped_recipe_is_right_and_its_tests_hold() {
    let tested = play(&text(RECIPE), &text(TESTS)).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(tested.failures(), 0, "{}", lines(&tested));
    assert!(tested.cases.len() >= 37, "a case was lost: {}", tested.cases.len());
}

#[test]
fn the_shipped_tests_notice_when_a_rule_is_broken() {
    let (recipe, tests) = (text(RECIPE), text(TESTS));
    for (rule, broken) in [
        ("minutes_old > 60\n", "minutes_old > 61\n"),
        ("!= 'hired'", "== 'hired'"),
        ("where(terminated=false) | length > 0", "length > 0"),
        ("event.offer | default(steps.current_offer)", "event.offer"),
        ("when: event.offer.starts_on is none", "when: event.offer is none"),
        ("event.job.offices | pluck('name')", "event.job.offices | pluck('name') | first"),
        ("      if_missing: warn", "      if_missing: ignore"),
        ("      if_missing: fail", "      if_missing: warn"),
        (
            "lookup('employment_types', greenhouse=vars.greenhouse_type).goco",
            "vars.greenhouse_type",
        ),
        ("\n           | default(event.job.custom_fields.employment_type.value)", ""),
        (" | where(type='personal')", ""),
        ("where(type='mobile')", "where(type='home')"),
        ("      department_id: \"{{ steps.department.id }}\"\n", ""),
        (" or vars.minutes_old > 6 * 24 * 60", ""),
        ("          type: \"{{ document.type }}\"\n        if_fails: warn", ""),
        (" or outcome.warnings | length > 0", ""),
        (" or properties.success_note", ""),
        ("outcome.status != 'succeeded' or ", ""),
    ] {
        assert!(recipe.contains(rule), "the recipe no longer says `{rule}`");
        let tested = play(&recipe.replacen(rule, broken, 1), &tests);
        let tested = tested.unwrap_or_else(|wrong| panic!("`{rule}`: {wrong}"));
        assert!(tested.failures() > 0, "no case notices that `{rule}` became `{broken}`");
    }
}

#[test]
fn every_example_event_becomes_an_employee() {
    let tests = r#"
given:
  now: 2014-11-20T23:00:00Z
  replies:
    existing: { employees: [] }
    current_offer: {}
    department: { id: "103" }
    location: { id: "201" }
    job_title: { id: "301" }
    employee: { id: "9001" }
    fresh: { attachments: [] }
    upload: {}
cases:
  - name: hire_candidate.json
    event: { file: ../examples/events/hire_candidate.json }
    expect: { status: succeeded, label: Johnny Smith, steps: { employee: { count: 1 }, upload: { count: 1 } } }
  - name: hire_candidate-complete.json
    event: { file: ../examples/events/hire_candidate-complete.json }
    expect:
      status: succeeded
      label: Zoë O’Neil
      steps:
        job_title: { with: { names: Developer } }
        employee:
          with:
            first_name: Zoë
            last_name: O’Neil
            personal_email: personal@example.com
            personal_phone: 212-555-7777
            start_date: 2015-01-23
            employment_type: Part-Time
            department_id: "103"
            location_id: "201"
            job_title_id: "301"
        upload: { count: 2 }
        upload[1]: { with: { name: Signed offer letter.pdf, type: signed_offer_letter } }
  - name: hire_candidate-names-only.json
    event: { file: ../examples/events/hire_candidate-names-only.json }
    replies: { department: {}, location: {}, job_title: {} }
    expect:
      status: succeeded
      warnings: []
      steps:
        department: { with: { names: [] } }
        job_title: { with: { names: absent } }
        employee: { with: { personal_email: absent, personal_phone: absent, employment_type: absent } }
        upload: not_run
"#;
    let tested = play(&text(RECIPE), tests).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(tested.failures(), 0, "{}", lines(&tested));
    let mut examples: Vec<String> =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/events"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
    let mut played: Vec<String> = tested.cases.into_iter().map(|case| case.name).collect();
    examples.sort();
    played.sort();
    assert_eq!(played, examples, "an example without a case");
}
