//! The connector against the sandbox's GoCo, over real HTTP. A case is data, in `cases/*.yaml`: how the tenant answers,
//! how the connection is set, what is called, and what must come of it.
//!
//! These cases prove the connector against the contract, not against GoCo.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod files;

use std::{collections::BTreeMap, sync::Arc};

use connector::{
    Action, Call, Connection, Connector, Failure, FailureKind, Identity, LookUp, Opening,
    SystemClock,
};
use files::Files;
use sandbox::goco::{Employee, GocoTenant, Operation, Reference, Switches};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[tokio::test]
async fn finding_employees() {
    run_file("find").await;
}

#[tokio::test]
async fn matching_reference_values() {
    run_file("match").await;
}

#[tokio::test]
async fn creating_employees() {
    run_file("create").await;
}

#[tokio::test]
async fn uploading_documents() {
    run_file("documents").await;
}

#[tokio::test]
async fn reading_pages() {
    run_file("pages").await;
}

#[tokio::test]
async fn failing() {
    run_file("failures").await;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(default)]
    switches: Map<String, Value>,
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    people: Vec<Employee>,
    #[serde(default)]
    departments: Vec<String>,
    steps: Vec<Step>,
    /// How often each operation was asked for in all.
    #[serde(default)]
    requests: BTreeMap<Operation, usize>,
    /// How many people of a name there are in the end.
    #[serde(default)]
    employees: BTreeMap<String, usize>,
    /// What is known of the last employee in the end.
    #[serde(default)]
    last_employee: Option<Value>,
    /// What is known of the documents in the end.
    #[serde(default)]
    documents: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// The switches change before the call.
    #[serde(default)]
    switch: Map<String, Value>,
    action: String,
    #[serde(default)]
    with: Map<String, Value>,
    /// The outcome is looked up instead of calling.
    #[serde(default)]
    looks_up: bool,
    #[serde(default)]
    output: Option<Value>,
    /// `found`, `absent` or `inconclusive`.
    #[serde(default)]
    finds: Option<String>,
    #[serde(default)]
    fails: Option<Fails>,
    #[serde(default)]
    warns: Vec<String>,
    #[serde(default)]
    warning_says: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fails {
    code: String,
    kind: String,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    hint: Vec<String>,
}

async fn run_file(name: &str) {
    let path = format!("{}/tests/cases/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let cases: BTreeMap<String, Case> = serde_yaml::from_str(&text).unwrap();
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for (title, case) in cases {
        if let Err(what) = run(case).await {
            wrong.push(format!("{name}: {title}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

async fn run(case: Case) -> Result<(), String> {
    let mut switches = case.switches;
    let tenant = GocoTenant::start(read(&switches)).await.unwrap();
    let files = Files::start().await;
    tenant.company(|company| {
        for person in case.people {
            company.employ(person);
        }
        let added = (150..).zip(case.departments).map(|(id, name)| Reference { id, name });
        company.departments.extend(added);
    });
    let connector = connector_goco::connector();
    let connection = open(&connector, &tenant, case.settings);
    for (number, step) in case.steps.into_iter().enumerate() {
        if !step.switch.is_empty() {
            switches.extend(step.switch.clone());
            let changed = read(&switches);
            tenant.switch(|switches| *switches = changed);
        }
        run_step(&connector, &connection, &files, step)
            .await
            .map_err(|what| format!("step {number}: {what}"))?;
    }
    tenant.company(|company| {
        for (operation, count) in case.requests {
            same(
                &format!("requests {operation:?}"),
                &json!(count),
                &json!(company.count(operation)),
            )?;
        }
        for (name, count) in case.employees {
            let (first, last) = name.split_once(' ').unwrap();
            same(&name, &json!(count), &json!(company.named(first, last).len()))?;
        }
        if let Some(expected) = case.last_employee {
            same("last employee", &expected, &json!(company.employees.last()))?;
        }
        if let Some(expected) = case.documents {
            same("documents", &Value::from(expected), &json!(company.documents))?;
        }
        Ok(())
    })
}

fn open(connector: &Connector, tenant: &GocoTenant, more: Map<String, Value>) -> Connection {
    let mut settings = json!({
        "api_key": "sandbox-goco-key",
        "company": "acme-widgets",
        "base_url": tenant.url(),
        "allow_private_addresses": true,
        "limits": { "min_interval_ms": 0, "timeout_ms": 30000 },
        "settle_seconds": 0,
    });
    settings.as_object_mut().unwrap().extend(more);
    let opening = Opening::new("goco", Arc::new(SystemClock));
    connector.open(settings, &opening).unwrap()
}

async fn run_step(
    connector: &Connector,
    connection: &Connection,
    files: &Files,
    step: Step,
) -> Result<(), String> {
    let action = action(connector, &step.action);
    let input = files.put_in(&Value::Object(step.with));
    let call = call("application/1/offer/1", "employee");
    if step.looks_up {
        let found = action.look_up_outcome(connection, &call, input).await;
        let (word, output) =
            match found.map_err(|failure| format!("look-up failed: {failure:?}"))? {
                LookUp::Found(output) => ("found", output),
                LookUp::Absent => ("absent", Value::Null),
                LookUp::Inconclusive(why) => ("inconclusive", why.into()),
            };
        same("look-up", &json!(step.finds), &json!(word))?;
        return step.output.map_or(Ok(()), |expected| same("output", &expected, &output));
    }
    let result = perform(action, connection, &call, input).await;
    let warnings = call.take_warnings();
    let codes: Vec<_> = warnings.iter().map(|warning| warning.code.clone()).collect();
    match (result, step.fails) {
        (Ok(output), None) => {
            step.output.map_or(Ok(()), |expected| same("output", &expected, &output))?;
        }
        (Err(failure), Some(fails)) => check_failure(&failure, &fails)?,
        (Ok(output), Some(fails)) => {
            return Err(format!("expected `{}`, found {output}", fails.code));
        }
        (Err(failure), None) => return Err(format!("failed: {failure:?}")),
    }
    same("warnings", &json!(step.warns), &json!(codes))?;
    let said =
        warnings.iter().map(|warning| warning.message.as_str()).collect::<Vec<_>>().join(" ");
    contains("warning", &said, &step.warning_says)
}

fn check_failure(failure: &Failure, fails: &Fails) -> Result<(), String> {
    let kind = match failure.kind {
        FailureKind::Transient { .. } => "transient",
        FailureKind::Permanent => "permanent",
        FailureKind::Unknown => "unknown",
    };
    if (failure.code.as_str(), kind) != (fails.code.as_str(), fails.kind.as_str()) {
        return Err(format!("expected {} {}, found {failure:?}", fails.kind, fails.code));
    }
    let shown = format!("{failure:?}");
    if shown.contains("sandbox-goco-key") {
        return Err(format!("the key is shown: {shown}"));
    }
    contains("message", &failure.message, &fails.says)?;
    contains("hint", failure.hint.as_deref().unwrap_or_default(), &fails.hint)
}

/// Expects that `found` has everything of `expected`: maps may have more keys, lists may not be longer.
fn same(what: &str, expected: &Value, found: &Value) -> Result<(), String> {
    let fits = match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                same(&format!("{what}.{key}"), value, found.get(key).unwrap_or(&Value::Null))?;
            }
            true
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
                same(&format!("{what}[{at}]"), expected, found)?;
            }
            true
        }
        _ => expected == found,
    };
    if fits { Ok(()) } else { Err(format!("{what}: expected {expected}, found {found}")) }
}

fn contains(what: &str, text: &str, parts: &[String]) -> Result<(), String> {
    match parts.iter().find(|part| !text.contains(part.as_str())) {
        Some(part) => Err(format!("{what}: expected `{part}` in `{text}`")),
        None => Ok(()),
    }
}

async fn perform(
    action: &Action,
    connection: &Connection,
    call: &Call,
    input: Value,
) -> Result<Value, Failure> {
    let prepared = action.prepare(connection, call, input.clone()).await?;
    action.run(connection, call, input, prepared).await
}

fn action<'a>(connector: &'a Connector, name: &str) -> &'a Action {
    connector.actions.iter().find(|action| action.name == name).unwrap()
}

fn call(event: &str, path: &str) -> Call {
    let identity = Identity { event: event.into(), path: path.into(), cause: String::new() };
    Call::new(identity, Arc::new(SystemClock))
}

fn read(switches: &Map<String, Value>) -> Switches {
    serde_json::from_value(Value::Object(switches.clone())).unwrap()
}

#[tokio::test]
async fn one_person_is_created_once_whichever_recipe_or_step_asks() {
    let connector = connector_goco::connector();
    let tenant = GocoTenant::start(Switches::default()).await.unwrap();
    let connection = open(&connector, &tenant, Map::new());
    let create = action(&connector, "create_employee");
    let input = |first: &str| json!({ "first_name": first, "last_name": "Smith" });
    let mut keys = Vec::new();
    for (event, path) in [("a/1", "employee"), ("a/1", "other.employee"), ("a/2", "employee")] {
        keys.push(
            create.prepare(&connection, &call(event, path), input("Johnny")).await.unwrap().key,
        );
    }
    assert_eq!(keys[0], keys[1], "the same hire, from another step");
    assert_ne!(keys[0], keys[2], "another hire");
}

#[test]
fn search_and_create_hold_the_same_name() {
    let connector = connector_goco::connector();
    let key = |name: &str, first: &str| {
        let input = json!({ "first_name": first, "last_name": "Smith" });
        action(&connector, name).exclusive_key(&input).unwrap().unwrap()
    };
    assert_eq!(key("find_employees", "Johnny"), "employee:johnny smith");
    assert_eq!(key("find_employees", " JOHNNY "), key("create_employee", "Johnny"));
    assert_ne!(key("find_employees", "John"), key("create_employee", "Johnny"));
}

#[tokio::test]
async fn a_document_is_the_same_by_employee_name_and_content() {
    let connector = connector_goco::connector();
    let tenant = GocoTenant::start(Switches::default()).await.unwrap();
    let connection = open(&connector, &tenant, Map::new());
    let files = Files::start().await;
    let upload = action(&connector, "upload_document");
    let mut keys = Vec::new();
    for (employee, name, file) in [
        ("9001", "resume.pdf", "resume.pdf"),
        ("9001", "resume.pdf", "same/resume.pdf?signature=fresh"),
        ("9001", "resume.pdf", "letter.pdf"),
        ("9002", "resume.pdf", "resume.pdf"),
    ] {
        let input = files.put_in(
            &json!({ "employee_id": employee, "name": name, "url": format!("{{files}}/{file}") }),
        );
        keys.push(upload.prepare(&connection, &call("a/1", "upload"), input).await.unwrap().key);
    }
    assert_eq!(keys[0], keys[1], "a fresh link to the same file");
    assert_ne!(keys[0], keys[2], "another content");
    assert_ne!(keys[0], keys[3], "another employee");
}

#[tokio::test]
async fn the_check_up_is_green_and_names_the_cure_of_each_red_line() {
    let connector = connector_goco::connector();
    // Switches, settings, and for each line whether it is green and a part of what it says.
    let table = [
        (
            json!({}),
            json!({}),
            vec![
                (true, "1 company"),
                (true, "`acme-widgets` is there"),
                (true, "3 departments"),
                (true, "3 locations"),
                (true, "3 job titles"),
                (true, "3 employees"),
            ],
        ),
        (
            json!({ "key": "regenerated" }),
            json!({}),
            vec![(false, "Marketplace › API Credentials")],
        ),
        (
            json!({ "company": "acme-gadgets" }),
            json!({}),
            vec![(true, "1 company"), (false, "this key sees `acme-gadgets`, not `acme-widgets`")],
        ),
        (
            json!({}),
            json!({ "paths": { "employees": "/companies/{company}/people" } }),
            vec![
                (true, "1 company"),
                (true, "`acme-widgets` is there"),
                (true, "3 departments"),
                (true, "3 locations"),
                (true, "3 job titles"),
                (false, "`paths.employees`"),
            ],
        ),
    ];
    for (switches, settings, expected) in table {
        let tenant = GocoTenant::start(serde_json::from_value(switches).unwrap()).await.unwrap();
        let connection = open(&connector, &tenant, settings.as_object().unwrap().clone());
        let findings = connector.check(&connection, call("", "")).await;
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, (green, part)) in findings.iter().zip(expected) {
            assert_eq!(finding.cure.is_none(), green, "{finding:?}");
            let said = format!("{} {}", finding.seen, finding.cure.as_deref().unwrap_or_default());
            assert!(said.contains(part), "{part}: {finding:?}");
        }
        tenant.company(|company| assert_eq!(company.count(Operation::CreateEmployee), 0));
    }
}

#[test]
fn settings_that_cannot_work_are_refused_with_a_cure() {
    let connector = connector_goco::connector();
    let opening = Opening::new("goco", Arc::new(SystemClock));
    let table = [
        (json!({ "company": "https://secure.goco.io/companies/acme/home" }), "no slug"),
        (json!({ "company": " " }), "no slug"),
        (json!({ "api_key": "" }), "`api_key` is empty"),
        (json!({ "list_pointers": ["data"] }), "no JSON pointer"),
        (json!({ "paths": { "employees": "employees" } }), "`paths.employees`"),
        (json!({ "limits": { "max_concurrency": 0 } }), "at least 1"),
        (json!({ "base_url": "http://api.goco.io/public/api/v1" }), "http"),
        (json!({ "date_format": "%Y-%Q" }), "`date_format`"),
        (json!({ "compny": "acme" }), "compny"),
    ];
    for (more, expected) in table {
        let mut settings = json!({ "api_key": "secret-key", "company": "acme" });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let Err(failure) = connector.open(settings, &opening) else { panic!("{more} is accepted") };
        assert_eq!(failure.kind, FailureKind::Permanent, "{more}");
        assert!(failure.message.contains(expected), "{more}: {}", failure.message);
        assert!(!format!("{failure:?}").contains("secret-key"));
    }
    let settings = json!({ "api_key": "secret-key", "company": "acme" });
    assert!(connector.open(settings.clone(), &opening).is_ok(), "the defaults work");
    assert_eq!(connector.lint(&settings), []);
    let off = json!({ "api_key": "k", "company": "acme", "documents": { "mode": "off" }, "settle_seconds": 1 });
    assert_eq!(connector.lint(&off).len(), 2);
}

#[test]
fn everything_has_words_for_people() {
    let spec = connector_goco::connector().spec();
    let mut objects = vec![("the connection", spec.connection.unwrap())];
    for (name, action) in &spec.actions {
        assert!(!action.summary.is_empty(), "{name}");
        objects.push((name, action.input.clone()));
    }
    assert_eq!(spec.actions.len(), 7);
    for (name, object) in objects {
        for field in &object.fields {
            assert!(!field.summary.is_empty(), "{name}: {}", field.name);
        }
    }
}

#[test]
fn a_connection_may_shorten_the_time_to_settle() {
    let connector = connector_goco::connector();
    let opening = Opening::new("goco", Arc::new(SystemClock));
    for (settings, seconds) in [
        (json!({ "api_key": "k", "company": "acme" }), 60),
        (json!({ "api_key": "k", "company": "acme", "settle_seconds": 2 }), 2),
    ] {
        let connection = connector.open(settings, &opening).unwrap();
        for name in ["create_employee", "upload_document"] {
            assert_eq!(action(&connector, name).settle(&connection).as_secs(), seconds);
        }
    }
}
