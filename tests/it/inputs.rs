//! The examples of inputs: what the schemas and the reference show can be written as it stands.

use connector::Connector;
use recipe::{Catalogue, Object, ProjectFiles, Severity, Source, Type};
use serde_json::{Value, json};

fn connectors() -> Vec<Connector> {
    let mut all = vec![connector_greenhouse::connector(), connector_goco::connector()];
    all.extend(connector_standard::connectors());
    all
}

/// Each example is given to its action or trigger, in a recipe that has the steps which examples speak of.
#[test]
fn every_example_of_an_input_is_right() {
    let catalogue = connector::catalogue(&connectors());
    let mut seen = 0;
    for (connector, spec) in &catalogue.connectors {
        for (action, spec) in &spec.actions {
            let name = format!("{connector}.{action}");
            for with in examples(&spec.input) {
                let step = json!({ "action": name, "with": with });
                let steps = with_steps_before(&step);
                let recipe = json!({ "trigger": "greenhouse.hired", "steps": steps });
                right(&catalogue, &recipe, (&name, &with));
                seen += 1;
            }
        }
        for (trigger, spec) in &spec.triggers {
            for with in examples(&spec.with) {
                let name = format!("{connector}.{trigger}");
                let on = json!({ "on": name, "with": with });
                let recipe = json!({ "trigger": on, "steps": [{ "stop": "skipped" }] });
                right(&catalogue, &recipe, (&name, &with));
                seen += 1;
            }
        }
    }
    assert!(seen > 45, "{seen}");
}

/// A text can be anything, so an example says most.
#[test]
fn every_input_that_is_a_text_has_an_example() {
    for (connector, spec) in connector::catalogue(&connectors()).connectors {
        let actions = spec.actions.iter().map(|(name, spec)| (name, &spec.input));
        let triggers = spec.triggers.iter().map(|(name, spec)| (name, &spec.with));
        for (name, inputs) in actions.chain(triggers) {
            without(inputs, &format!("{connector}.{name}"));
        }
    }
}

fn without(inputs: &Object, at: &str) {
    for field in &inputs.fields {
        let at = format!("{at}: {}", field.name);
        match &field.shape.of {
            Type::Text(text) if text.choices.is_empty() => {
                assert!(!field.examples.is_empty(), "{at} has no example");
            }
            Type::Object(inner) => without(inner, &at),
            _ => {}
        }
    }
}

/// Returns a `with` for each example, which gives that one input.
fn examples(inputs: &Object) -> Vec<Value> {
    let mut all = Vec::new();
    for field in &inputs.fields {
        all.extend(field.examples.iter().map(|example| json!({ &field.name: example })));
        if let Type::Object(inner) = &field.shape.of {
            all.extend(examples(inner).into_iter().map(|inner| json!({ &field.name: inner })));
        }
    }
    all
}

fn with_steps_before(step: &Value) -> Value {
    let names = json!({ "first_name": "Ada", "last_name": "Lovelace" });
    json!([
        { "id": "department", "action": "goco.match_department", "with": { "names": "People" } },
        { "id": "location", "action": "goco.match_location", "with": { "names": "Vienna" } },
        { "id": "job_title", "action": "goco.match_job_title", "with": { "names": "Developer" } },
        { "id": "employee", "action": "goco.create_employee", "with": names },
        { "for_each": "event.candidate.attachments", "as": "document", "steps": [step] },
    ])
}

/// Checks a recipe. That an example alone leaves out what else is needed is no fault of it: that is said at the name.
fn right(catalogue: &Catalogue, recipe: &Value, (name, with): (&str, &Value)) {
    let connections = "\
greenhouse: { client_id: a, client_secret: env:A, webhook_secret: env:B }
goco: { api_key: env:C, company: acme }
http: { base_url: https://example.com }
webhook: { token: env:D }
";
    // Whatever is JSON is YAML.
    let recipe = Source::new("recipes/example.yaml", recipe.to_string());
    let files = ProjectFiles {
        connections: Some(Source::new("connections.yaml", connections)),
        recipes: vec![recipe],
        ..ProjectFiles::default()
    };
    let (_, mut found) = recipe::check(&files, catalogue);
    found.retain(|one| {
        let at = &one.source.text[one.span.start..one.span.end];
        one.severity == Severity::Error
            && one.code != "missing-input"
            && at.trim_matches('"') != name
    });
    assert!(found.is_empty(), "{name} {with}:\n{}", recipe::render(&found, false));
}
