//! What a right recipe becomes: names, bindings, defaults and constants as the machine will find them.

use std::{path::Path, sync::Arc, time::Duration};

use recipe::{
    Block, Diagnostic, EffectSpec, OnUnknown, Project, Recipe, Source, StepKind, Template, check,
    render,
};
use serde_json::json;

use crate::support;

#[test]
fn the_hire_recipe_is_assembled() {
    let recipe = accepted("hire").1;
    assert_eq!(recipe.name, "hire");
    assert_eq!(recipe.title, "Sync candidate to GoCo when hired in Greenhouse");
    assert_eq!(recipe.version.len(), 16);
    assert!(recipe.version.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let trigger = recipe.trigger().expect("it has a trigger");
    assert_eq!((trigger.connector.as_str(), trigger.name.as_str()), ("greenhouse", "hired"));
    assert_eq!(trigger.connection.as_deref(), Some("greenhouse"));
    assert!(matches!(recipe.label, Some(Template::Text(_))));
    assert_eq!(
        names(&recipe.steps),
        ["existing", "stop_1", "department", "employee", "document", "document/upload"]
    );
    assert_eq!(names(&recipe.finally), ["note"]);

    let StepKind::Action(employee) = &recipe.steps[3].kind else { panic!("it is an action") };
    assert_eq!(
        (employee.connector.as_str(), employee.action.as_str()),
        ("goco", "create_employee")
    );
    assert_eq!(employee.connection.as_deref(), Some("goco"));
    assert!(matches!(employee.effect, EffectSpec::Write { looks_up: true, .. }));
    assert_eq!(employee.on_unknown, OnUnknown::Attention);
    let retry = employee.retry.as_ref().expect("it has a policy of its own");
    assert_eq!(
        (retry.attempts, retry.wait, retry.max_wait),
        (Some(5), Duration::from_secs(2), Duration::from_mins(1))
    );
    assert_eq!(retry.within, None);

    let StepKind::ForEach { variable, steps, .. } = &recipe.steps[4].kind else {
        panic!("it is a loop")
    };
    assert_eq!(variable, "document");
    let StepKind::Action(upload) = &steps[0].kind else { panic!("it is an action") };
    assert!(upload.warn_on_failure);
    assert!(matches!(upload.effect, EffectSpec::Write { looks_up: false, .. }));

    let written = &recipe.source.text[recipe.steps[1].span.start..recipe.steps[1].span.end];
    assert_eq!(written, "stop: skipped");
}

#[test]
fn steps_without_an_id_are_named_by_kind_and_number() {
    let recipe = accepted("variables").1;
    assert_eq!(
        names(&recipe.steps),
        [
            "set_1",
            "document",
            "document/set_2",
            "document/department",
            "document/department/action_1",
            "if_1",
            "if_1/set_3",
            "if_1/set_4",
            "action_2",
        ]
    );
    assert_eq!(recipe.settings.concurrency, 4);
    assert_eq!(recipe.settings.timeout, Some(Duration::from_hours(2)));
    assert_eq!(recipe.settings.mask.len(), 2);
    let retry = recipe.settings.retry.as_ref().expect("it has a policy");
    assert_eq!((retry.attempts, retry.within), (None, Some(Duration::from_hours(24))));
    assert!((retry.factor - 2.0).abs() < f64::EPSILON);
}

#[test]
fn connections_are_bound_and_constants_folded() {
    let (project, recipe) = accepted("several_connections");
    assert_eq!(recipe.title, "hire", "the name stands in for a title");
    let trigger = recipe.trigger().expect("it has a trigger");
    assert_eq!(trigger.connection.as_deref(), Some("greenhouse_main"));
    assert_eq!(trigger.with, json!({ "department": "Engineering" }));
    assert!(trigger.when.is_some() && trigger.key.is_some() && trigger.dedupe.is_some());
    let bound: Vec<Option<&str>> = recipe
        .steps
        .iter()
        .map(|step| match &step.kind {
            StepKind::Action(action) => action.connection.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(bound, [Some("goco_eu"), Some("goco_us"), None, Some("goco_eu")]);
    let StepKind::Action(employee) = &recipe.steps[3].kind else { panic!("it is an action") };
    let constant = |name: &str| match &employee.with[name] {
        Template::Constant(value) => value.clone(),
        other => panic!("`{name}` is {other:?}"),
    };
    assert_eq!(constant("start_date"), json!("2027-01-04"));
    assert_eq!(constant("salary"), json!(52000));
    assert_eq!(constant("remote"), json!(false));
    assert!(matches!(&employee.with["department_id"], Template::Clear));
    assert!(matches!(&employee.with["tags"], Template::List(items) if items.len() == 2));
    assert!(matches!(&employee.with["address"], Template::Map(fields) if fields.len() == 2));

    let main = &project.connections["greenhouse_main"];
    assert_eq!(main.connector, "greenhouse");
    assert_eq!(main.settings["webhook_secret"], "file:/run/secrets/greenhouse");
    assert_eq!(main.settings.get("connector"), None);
    assert_eq!(
        project.runner.property_values(),
        json!({ "success_note": false, "team": "people" })
    );
    assert_eq!(project.runner.listen, "127.0.0.1:7117");
    assert_eq!(project.tables.tables["employment_types"].rows.len(), 2);
}

/// Text from Windows means the same, and its diagnostics point at the same places.
#[test]
fn line_endings_change_nothing() {
    for case in
        ["accepted/hire", "accepted/variables", "rejected/folded_text", "rejected/three_mistakes"]
    {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
        let files = support::project(&folder);
        let mut windows = files.clone();
        for source in
            windows.recipes.iter_mut().chain(&mut windows.tables).chain(&mut windows.connections)
        {
            *source = Source::new(source.path.clone(), source.text.replace('\n', "\r\n"));
        }
        let places = |files| {
            let (_, diagnostics) = check(files, &support::catalogue());
            let place =
                |one: &Diagnostic| (one.message.clone(), one.source.line_col(one.span.start));
            diagnostics.iter().map(place).collect::<Vec<_>>()
        };
        assert_eq!(places(&windows), places(&files), "{case}");
    }
}

#[test]
fn a_file_name_that_cannot_be_a_name_is_refused() {
    let mut files =
        support::project(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/accepted/hire"));
    let text = files.recipes[0].text.clone();
    files.recipes = vec![Source::new("recipes/Hire sync.yaml", text)];
    let (project, diagnostics) = check(&files, &support::catalogue());
    assert!(project.recipes.is_empty());
    let codes: Vec<_> = diagnostics.iter().map(|one| (one.code, one.message.as_str())).collect();
    assert_eq!(codes, [("bad-name", "a recipe cannot be named `Hire sync`")]);
}

#[test]
fn an_else_if_is_an_if_in_an_else() {
    let recipe = accepted("narrowing").1;
    let last = recipe.steps.last().expect("it has steps");
    let StepKind::If { otherwise, .. } = &last.kind else { panic!("it is an if") };
    assert!(matches!(otherwise[0].kind, StepKind::If { .. }));
}

#[test]
fn what_the_condition_of_the_trigger_proves_holds_everywhere() {
    let recipe = accepted("trigger_when").1;
    assert!(recipe.trigger().is_some_and(|trigger| trigger.key.is_some()));
}

fn accepted(case: &str) -> (Project, Arc<Recipe>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/accepted").join(case);
    let (project, diagnostics) = check(&support::project(&folder), &support::catalogue());
    assert!(diagnostics.is_empty(), "{}", render(&diagnostics, false));
    let recipe = project.recipes["hire"].clone();
    (project, recipe)
}

/// The names of steps with those inside them, in the order of the text.
fn names(block: &Block) -> Vec<String> {
    let mut all = Vec::new();
    for step in block.iter() {
        all.push(step.name.to_string());
        let inner: Vec<&Block> = step.kind.blocks().collect();
        all.extend(inner.into_iter().flat_map(names).map(|name| format!("{}/{name}", step.name)));
    }
    all
}
