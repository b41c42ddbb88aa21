//! The triggers `unhired` and `offer_approved`: what they take, what they make of it, and how repeats are known.

use std::sync::Arc;

use connector::{
    Connection, Delivery, Event, ManualClock, Opening, Secret, Trigger, Verdict, hmac,
    jiff::Timestamp,
};
use serde_json::{Value, json};

const SECRET: &str = "3f9a1c77e0b24d5f86a1c77e0b24d5f8";

#[test]
fn an_unhire_names_the_person_the_job_and_the_stage() {
    let event = one("unhired", &unhire("2026-11-20T09:30:00Z"));
    assert_eq!(event.dedupe_key, "46194062/unhired/2026-11-20T09:30:00Z");
    assert_eq!(event.order_key.as_deref(), Some("35897443"), "the same as that of the hire");
    let payload = event.payload.value();
    assert_eq!(payload["candidate"]["first_name"], "Johnny");
    assert_eq!(payload["application"]["status"], "active");
    assert_eq!(payload["application"]["stage_name"], "Offer");
    assert_eq!(payload["job"]["name"], "Web Developer");
    let again = one("unhired", &unhire("2026-11-21T10:00:00Z"));
    assert_ne!(again.dedupe_key, event.dedupe_key, "unhiring anew is something new");
}

#[test]
fn an_approved_offer_is_the_payload_itself() {
    let event = one("offer_approved", &approval(1));
    assert_eq!(event.dedupe_key, "555/1/approved");
    assert_eq!(event.payload.value()["application_id"], "46194062");
    assert_eq!(event.payload.value()["offer"]["starts_on"], "2027-01-04", "the month comes first");
    assert_eq!(event.payload.value()["offer"]["custom_fields"]["salary"]["value"], json!("60000"));
    assert_ne!(one("offer_approved", &approval(2)).dedupe_key, event.dedupe_key);
}

#[test]
fn each_trigger_takes_its_own_action_alone() {
    let actions = ["ping", "hire_candidate", "unhire_candidate", "offer_approved"];
    for (name, own) in [("unhired", "unhire_candidate"), ("offer_approved", "offer_approved")] {
        for action in actions {
            let delivery = signed(&json!({ "action": action, "payload": {} }));
            let expected = match action {
                "ping" => Verdict::Ping,
                action if action == own => Verdict::Events,
                _ => Verdict::Other,
            };
            let verdict = trigger(name).verify(&open(), &json!({}), &delivery);
            assert_eq!(verdict.unwrap(), expected, "{name}: {action}");
        }
        let mut forged = signed(&json!({ "action": own }));
        forged.body = br#"{"action":"ping"}"#.as_slice().into();
        assert_eq!(trigger(name).verify(&open(), &json!({}), &forged).unwrap_err().status, 401);
    }
}

#[test]
fn what_is_missing_is_named() {
    let cases = [
        ("unhired", json!({ "application": { "id": 1 } }), "payload.application.candidate"),
        ("offer_approved", json!({ "id": 5 }), "payload.application_id"),
    ];
    for (name, payload, path) in cases {
        let delivery = signed(&json!({ "action": "x", "payload": payload }));
        let failure = trigger(name).decode(&json!({}), &delivery).unwrap_err();
        assert!(failure.message.contains(&format!("`{path}`")), "{}", failure.message);
    }
}

fn unhire(at: &str) -> Value {
    json!({ "action": "unhire_candidate", "payload": { "application": {
        "id": 46_194_062,
        "status": "active",
        "last_activity_at": at,
        "current_stage": { "id": 7, "name": "Offer", "interviews": [] },
        "candidate": { "id": 35_897_443, "first_name": "Johnny", "last_name": "Smith" },
        "jobs": [{ "id": 9, "name": "Web Developer", "departments": [], "offices": [] }],
    } } })
}

fn approval(version: u32) -> Value {
    json!({ "action": "offer_approved", "payload": {
        "id": 555, "application_id": 46_194_062, "job_id": 9, "version": version,
        "start_date": "01/04/2027", "offer_status": "Created",
        "custom_fields": { "salary": { "name": "Salary", "type": "short_text", "value": "60000" } },
    } })
}

fn one(name: &str, body: &Value) -> Event {
    let mut events = trigger(name).decode(&json!({}), &signed(body)).unwrap();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

fn trigger(name: &str) -> Trigger {
    let triggers = connector_greenhouse::connector().triggers;
    triggers.into_iter().find(|trigger| trigger.name == name).unwrap()
}

fn open() -> Connection {
    let settings = json!({
        "kind": "harvest_v3", "client_id": "id", "client_secret": "secret", "webhook_secret": SECRET,
    });
    let opening = Opening::new("greenhouse", Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)));
    connector_greenhouse::connector().open(settings, &opening).unwrap()
}

fn signed(body: &Value) -> Delivery {
    let body = body.to_string().into_bytes();
    let signature = format!("sha256 {}", hmac::sign_sha256_hex(&Secret::new(SECRET), &body));
    Delivery {
        headers: vec![("signature".into(), signature)],
        query: String::new(),
        body: body.into(),
        received_at: Timestamp::UNIX_EPOCH,
    }
}
