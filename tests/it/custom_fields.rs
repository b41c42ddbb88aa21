//! The company's own fields: what a connection declares is what comes, and what comes otherwise is heard of.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use connector::{Delivery, jiff::Timestamp};
use recipe::{Catalogue, ConnectorSpec, Object, Place, ProjectFiles, Shape, Source, Type};
use serde_json::{Value, json};

const RECIPE: &str = "\
trigger: greenhouse.hired
steps:
  - action: log.write
    when: event.offer.custom_fields.salary.value is not none
    with: { message: \"{{ event.offer.custom_fields.salary.value.amount | default(0) | text }}\" }
";

fn catalogue() -> Catalogue {
    let mut all = vec![connector_greenhouse::connector(), connector_goco::connector()];
    all.extend(connector_standard::connectors());
    connector::catalogue(&all)
}

/// Whatever a shape says is declared in the settings is there, as a map to words that have a type, and no word is left.
#[test]
fn every_place_is_a_setting_and_every_word_has_a_type() {
    let mut places = 0;
    for (name, spec) in catalogue().connectors {
        let mut said = BTreeSet::new();
        for path in places_of(&spec) {
            let settings = spec.connection.clone().expect("a place in settings needs settings");
            let found = path.split('.').try_fold(Type::Object(settings), |of, key| match of {
                Type::Object(map) => Some(map.field(key)?.shape.of.clone()),
                _ => None,
            });
            let Some(Type::Object(map)) = found else { panic!("{name}: no `{path}`") };
            let Type::Text(words) = &map.others.as_ref().expect("any key").of else {
                panic!("{name}: `{path}` takes no words")
            };
            said.extend(words.choices.iter().cloned());
            places += 1;
        }
        assert_eq!(said, spec.field_types.keys().cloned().collect(), "{name}");
    }
    assert!(places >= 5, "{places}");
}

fn places_of(spec: &ConnectorSpec) -> BTreeSet<String> {
    fn walk(shape: &Shape, places: &mut BTreeSet<String>) {
        if let Some(Place::Connection(path)) = shape.declared.as_deref().map(|one| &one.place) {
            places.insert(path.clone());
        }
        match &shape.of {
            Type::List(item) => walk(item, places),
            Type::Object(map) => {
                map.fields.iter().for_each(|field| walk(&field.shape, places));
                map.others.iter().for_each(|others| walk(others, places));
            }
            _ => {}
        }
    }
    let mut places = BTreeSet::new();
    spec.triggers.values().for_each(|trigger| walk(&trigger.event, &mut places));
    spec.actions.values().for_each(|action| walk(&action.output, &mut places));
    places
}

/// The documented value of each type is what the type declares.
#[test]
fn the_documented_value_of_each_type_is_as_declared() {
    let documented = "crates/connectors/greenhouse/tests/it/data/custom_fields_by_type.json";
    let mut fields: Value = serde_json::from_str(&text(documented)).unwrap();
    let mut fields = fields["custom_fields"].take();
    // The documentation has no date there.
    fields["date_field"]["value"] = "2027-01-04".into();
    let all = fields.as_object().unwrap();
    let words: serde_json::Map<String, Value> =
        all.iter().map(|(key, field)| (key.clone(), field["type"].clone())).collect();
    let kinds: BTreeSet<&str> = words.values().filter_map(Value::as_str).collect();
    assert_eq!(kinds.len(), catalogue().connectors["greenhouse"].field_types.len(), "{kinds:?}");
    let declared = declared(&json!({ "offer": words }));

    let mut body: Value =
        serde_json::from_str(&text("examples/events/hire_candidate.json")).unwrap();
    body["payload"]["application"]["offer"]["custom_fields"] = fields;
    let delivery = Delivery {
        headers: Vec::new(),
        query: String::new(),
        body: body.to_string().into_bytes().into(),
        received_at: Timestamp::UNIX_EPOCH,
    };
    let greenhouse = connector_greenhouse::connector();
    let hired = greenhouse.triggers.iter().find(|trigger| trigger.name == "hired").unwrap();
    let event = hired.decode(&json!({}), &delivery).unwrap().remove(0).payload;
    let came = event.value()["offer"]["custom_fields"].clone();
    recipe::fit(came, &declared).unwrap();
}

/// Returns what a recipe knows of an offer's fields.
fn declared(custom_fields: &Value) -> Object {
    let connections = json!({ "greenhouse": { "client_id": "a", "custom_fields": custom_fields } });
    let files = ProjectFiles {
        connections: Some(Source::new("connections.yaml", connections.to_string())),
        recipes: vec![Source::new(
            "recipes/hire.yaml",
            "trigger: greenhouse.hired\nsteps: [{ stop: skipped }]\n",
        )],
        ..ProjectFiles::default()
    };
    let (project, found) = recipe::check(&files, &catalogue());
    assert!(found.is_empty(), "{}", recipe::render(&found, false));
    let event = &project.recipes["hire"].trigger().unwrap().event;
    let of = ["offer", "custom_fields"].iter().fold(event.of.clone(), |of, key| match of {
        Type::Object(map) => map.field(key).unwrap().shape.of.clone(),
        other => panic!("{other:?}"),
    });
    let Type::Object(fields) = of else { panic!("{of:?}") };
    (*fields).clone()
}

/// An event is read as it comes; where it is not as declared, the step that rests on it fails and says at which path.
#[test]
fn a_value_of_another_type_than_declared_fails_the_step_that_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let mut event: Value =
        serde_json::from_str(&text("examples/events/hire_candidate.json")).unwrap();
    event["payload"]["application"]["offer"]["custom_fields"]["salary"]["value"] = "$80,000".into();
    write("event.json", &event.to_string());
    write("recipes/hire.yaml", RECIPE);
    write(
        "connections.yaml",
        "greenhouse: { client_id: a, custom_fields: { offer: { salary: currency } } }\n",
    );
    write(
        "recipes/hire.test.yaml",
        "\
given: { event: { file: ../event.json } }
cases:
  - name: the path and both types are named
    expect:
      status: failed
      error: { code: wrong_type, message: { matches: '`event.offer.custom_fields.salary.value` is text, which has no field `amount`' } }
",
    );
    let output = Command::new(env!("CARGO_BIN_EXE_recipe-runner"))
        .args(["test", "--project"])
        .arg(dir.path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
