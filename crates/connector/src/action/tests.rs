//! Actions from JSON to JSON.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use recipe::{Format, Shape, Text, Type};
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::{FailureKind, ManualClock};

#[derive(Deserialize, JsonSchema)]
struct Hire {
    /// The person's name.
    name: String,
    /// When they begin.
    start: Option<String>,
    #[serde(default)]
    documents: Vec<Document>,
}

#[derive(Deserialize, JsonSchema)]
struct Document {
    /// Its length.
    length: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Hired {
    /// The employee.
    id: String,
    /// The manager, if there is one.
    manager: Option<String>,
}

struct Tenant {
    prefix: &'static str,
}

async fn hire(tenant: Arc<Tenant>, _: Call, hire: Hire) -> Result<Hired, Failure> {
    Ok(Hired { id: format!("{}{}", tenant.prefix, hire.name), manager: hire.start })
}

async fn weigh(_: Arc<Tenant>, _: Call, hire: Hire) -> Result<(String, u32), Failure> {
    Ok((
        format!("weighed {}", hire.name),
        hire.documents.iter().map(|document| document.length).sum(),
    ))
}

async fn send(_: Arc<Tenant>, _: Call, _: Hire, weight: u32) -> Result<Hired, Failure> {
    Ok(Hired { id: weight.to_string(), manager: None })
}

async fn find(_: Arc<Tenant>, _: Call, hire: Hire) -> Result<LookUp<Hired>, Failure> {
    Ok(match hire.name.as_str() {
        "Ada" => LookUp::Found(Hired { id: "7".into(), manager: None }),
        "Bob" => LookUp::Absent,
        _ => LookUp::Inconclusive("two people".into()),
    })
}

fn call() -> Call {
    let identity =
        Identity { event: "application/1".into(), path: "hire".into(), cause: String::new() };
    Call::new(identity, Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH)))
}

fn tenant() -> Connection {
    Connection::new("acme", Tenant { prefix: "e-" })
}

async fn key_of(action: &Action, input: Value) -> String {
    action.prepare(&tenant(), &call(), input).await.unwrap().key
}

#[tokio::test]
async fn an_action_runs_from_json_to_json() {
    let action = Action::write("hire", "Hires.", hire);
    let input = json!({ "name": "Ada" });
    let prepared = action.prepare(&tenant(), &call(), input.clone()).await.unwrap();
    assert_eq!(prepared.key, "application/1/hire");
    let output = action.run(&tenant(), &call(), input, prepared).await.unwrap();
    assert_eq!(output, json!({ "id": "e-Ada", "manager": null }));
}

#[tokio::test]
async fn a_prepared_write_carries_what_it_read_and_may_be_prepared_again() {
    let action = Action::prepared_write("send", "Sends.", weigh, send);
    let input = json!({ "name": "Ada", "documents": [{ "length": 1 }, { "length": 2 }] });
    assert_eq!(key_of(&action, input.clone()).await, "weighed Ada");
    let prepared = action.prepare(&tenant(), &call(), input.clone()).await.unwrap();
    assert_eq!(action.run(&tenant(), &call(), input.clone(), prepared).await.unwrap()["id"], "3");

    let renamed =
        action.once(|hire: &Hire, identity| format!("{} for {}", hire.name, identity.event));
    assert_eq!(key_of(&renamed, input.clone()).await, "Ada for application/1");
    let prepared = renamed.prepare(&tenant(), &call(), input.clone()).await.unwrap();
    assert_eq!(renamed.run(&tenant(), &call(), input, prepared).await.unwrap()["id"], "3");
}

#[tokio::test]
async fn input_that_cannot_be_read_is_permanent_and_names_the_field() {
    let action = Action::write("hire", "Hires.", hire).look_up(Duration::from_mins(1), find);
    let cases = [
        (
            json!({ "name": "Ada", "documents": [{ "length": 1 }, { "length": -2 }] }),
            "`documents[1].length`",
        ),
        (json!({ "name": 7 }), "`name`"),
        (json!({}), "missing field `name`"),
        (json!([]), "input:"),
    ];
    for (input, expected) in cases {
        let prepared = Prepared { key: String::new(), carried: Box::new(()) };
        let failure = action.run(&tenant(), &call(), input.clone(), prepared).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Permanent, "invalid_input")
        );
        assert!(failure.message.contains(expected), "{}", failure.message);
        assert_eq!(
            action.look_up_outcome(&tenant(), &call(), input).await.unwrap_err().code,
            "invalid_input"
        );
    }
}

#[tokio::test]
async fn a_look_up_answers_in_json_and_is_inconclusive_where_there_is_none() {
    let plain = Action::write("hire", "Hires.", hire);
    let action = plain.clone().look_up(Duration::from_mins(1), find);
    assert_eq!(
        action.spec.effect,
        EffectSpec::Write { looks_up: true, settle: Duration::from_mins(1) }
    );
    let look_up = |action: Action, name| async move {
        action.look_up_outcome(&tenant(), &call(), json!({ "name": name })).await.unwrap()
    };
    assert_eq!(
        look_up(action.clone(), "Ada").await,
        LookUp::Found(json!({ "id": "7", "manager": null }))
    );
    assert_eq!(look_up(action.clone(), "Bob").await, LookUp::Absent);
    assert_eq!(look_up(action, "Eve").await, LookUp::Inconclusive("two people".into()));
    assert!(matches!(look_up(plain, "Ada").await, LookUp::Inconclusive(_)));
}

#[test]
fn the_time_to_settle_is_the_actions_unless_the_connection_says_otherwise() {
    let action = Action::write("hire", "Hires.", hire);
    assert_eq!(action.settle(&tenant()), Duration::ZERO);
    let action = action.look_up(Duration::from_mins(1), find);
    assert_eq!(action.settle(&tenant()), Duration::from_mins(1));
    let action =
        action.settle_of(|tenant: &Tenant| Duration::from_secs(tenant.prefix.len() as u64));
    assert_eq!(action.settle(&tenant()), Duration::from_secs(2));
}

#[test]
fn schema_and_effect_follow_from_the_functions() {
    let read = Action::read("hire", "Hires.", hire);
    assert_eq!(read.spec.effect, EffectSpec::Read);
    assert_eq!(
        Action::write("hire", "Hires.", hire).idempotent().spec.effect,
        EffectSpec::Idempotent
    );
    let fields: Vec<_> =
        read.spec.input.fields.iter().map(|one| (one.name.as_str(), one.required)).collect();
    assert_eq!(fields, [("name", true), ("start", false), ("documents", false)]);
    assert_eq!(read.spec.input.field("start").unwrap().summary, "When they begin.");
    let Type::Object(output) = &read.spec.output.of else { panic!("{:?}", read.spec.output) };
    let text = Type::Text(Text { format: Format::Plain, choices: Vec::new() });
    let manager = output.field("manager").unwrap();
    assert!(manager.required, "a field that is always written is there");
    assert_eq!(manager.shape, Shape::of(text.clone()).or_null());
    assert_eq!(output.field("id").unwrap().shape, Shape::of(text));
}

#[test]
fn an_exclusive_key_is_made_from_the_input() {
    let action = Action::write("hire", "Hires.", hire);
    assert_eq!(action.exclusive_key(&json!({ "name": "Ada" })), Ok(None));
    let action = action.exclusive(|hire: &Hire| hire.name.to_lowercase());
    assert_eq!(action.exclusive_key(&json!({ "name": "Ada" })), Ok(Some("ada".into())));
    assert_eq!(action.exclusive_key(&json!({})).unwrap_err().code, "invalid_input");
}
