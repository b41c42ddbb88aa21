//! Who is let in, and what an event is made of.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use connector::{ManualClock, hmac::sign_sha256_hex, jiff::Timestamp};
use serde_json::json;

use super::*;

const TOKEN: &str = "canary-token-0123456789";

fn opened(settings: Value) -> Connection {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    connector().open(settings, &Opening::new("hook", clock)).unwrap()
}

fn delivery(headers: &[(&str, &str)], query: &str, body: &str) -> Delivery {
    Delivery {
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        query: query.into(),
        body: body.as_bytes().into(),
        received_at: Timestamp::UNIX_EPOCH,
    }
}

fn status(settings: Value, delivery: &Delivery) -> u16 {
    let connector = connector();
    match connector.triggers[0].verify(&opened(settings), &json!({}), delivery) {
        Ok(Verdict::Events) => 200,
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => {
            assert!(!refusal.reason.contains("canary"));
            refusal.status
        }
    }
}

fn event(with: &Value, delivery: &Delivery) -> Event {
    connector().triggers[0].decode(with, delivery).unwrap().remove(0)
}

#[test]
fn only_who_knows_the_token_is_let_in() {
    let table = [
        ("authorization", format!("Bearer {TOKEN}"), 200),
        ("authorization", format!("bearer {TOKEN}"), 200),
        ("x-webhook-token", TOKEN.into(), 200),
        ("authorization", format!("Basic {TOKEN}"), 401),
        ("authorization", TOKEN.into(), 401),
        ("authorization", "Bearer ".into(), 401),
        ("x-webhook-token", TOKEN[1..].into(), 401),
        ("x-webhook-token", String::new(), 401),
        ("x-other", TOKEN.into(), 401),
    ];
    for (name, value, expected) in table {
        let found = status(json!({ "token": TOKEN }), &delivery(&[(name, &value)], "", "{}"));
        assert_eq!(found, expected, "{name}: {value}");
    }
    assert_eq!(
        status(json!({ "token": "" }), &delivery(&[], "", "{}")),
        401,
        "an empty token lets nobody in"
    );
}

#[test]
fn only_who_signs_the_very_bytes_is_let_in() {
    let body = r#"{"text":"\u003cp\u003e"}"#;
    let signature = sign_sha256_hex(&Secret::new(TOKEN), body.as_bytes());
    let settings = || json!({ "hmac_secret": TOKEN, "hmac_header": "X-Hub-Signature-256", "hmac_prefix": "sha256=" });
    let signed = |header: &str, body| delivery(&[("x-hub-signature-256", header)], "", body);
    assert_eq!(status(settings(), &signed(&format!("sha256={signature}"), body)), 200);
    assert_eq!(status(settings(), &signed(&signature, body)), 401, "the prefix is missing");
    assert_eq!(
        status(settings(), &signed(&format!("sha256={signature}"), r#"{"text":"<p>"}"#)),
        401
    );
    assert_eq!(status(settings(), &signed("sha256=", body)), 401);
    assert_eq!(status(settings(), &delivery(&[], "", body)), 401);
    let mut both = settings();
    both["token"] = json!(TOKEN);
    assert_eq!(
        status(both, &signed(&format!("sha256={signature}"), body)),
        401,
        "the token is asked for too"
    );
}

#[test]
fn without_a_proof_nobody_is_let_in_unless_that_is_said_and_both_are_linted() {
    let open = delivery(&[], "", "{}");
    assert_eq!(status(json!({}), &open), 401);
    assert_eq!(status(json!({ "insecure": true }), &open), 200);
    let linted = |settings: Value| connector().lint(&settings).len();
    assert_eq!(linted(json!({})), 1);
    assert_eq!(linted(json!({ "insecure": true })), 1);
    assert_eq!(linted(json!({ "insecure": true, "token": TOKEN })), 1);
    assert_eq!(linted(json!({ "token": "short", "hmac_secret": "short" })), 2);
    assert_eq!(linted(json!({ "token": TOKEN })), 0);
    let told = format!("{:?}", connector().lint(&json!({ "token": "canary" })));
    assert!(told.contains("6 characters") && !told.contains("canary"), "{told}");
}

#[test]
fn the_event_has_what_came_without_credentials() {
    let headers = [
        ("authorization", "Bearer canary"),
        ("cookie", "canary"),
        ("x-mode", "a"),
        ("x-webhook-token", "canary"),
    ];
    let event = event(&json!({}), &delivery(&headers, "a=1&b=x%20y&a=2", r#"{"id":7}"#));
    let expected = json!({ "body": { "id": 7 }, "headers": { "x-mode": "a" }, "query": { "a": "2", "b": "x y" } });
    assert_eq!(*event.payload.value(), expected);
    let table = [
        ("text/plain", "hello", json!("hello")),
        ("application/x-www-form-urlencoded", "a=1&b=2", json!({ "a": "1", "b": "2" })),
        ("text/plain", "[1]", json!([1])),
        ("application/json", "", json!(null)),
    ];
    for (kind, body, expected) in table {
        let event = self::event(&json!({}), &delivery(&[("content-type", kind)], "", body));
        assert_eq!(event.payload.value()["body"], expected);
    }
    let broken = delivery(&[("content-type", "application/json")], "", "{");
    assert_eq!(
        connector().triggers[0].decode(&json!({}), &broken).unwrap_err().code,
        "unreadable_body"
    );
}

#[test]
fn repeats_have_the_same_key() {
    let key = |with: Value, headers: &[(&str, &str)], query, body| {
        event(&with, &delivery(headers, query, body)).dedupe_key
    };
    let plain = || json!({});
    assert_eq!(key(plain(), &[], "", "a"), key(plain(), &[("date", "later")], "", "a"));
    assert_ne!(key(plain(), &[], "", "a"), key(plain(), &[], "", "b"));
    assert_ne!(key(plain(), &[], "x=1", "a"), key(plain(), &[], "x=2", "a"));
    assert_eq!(
        key(plain(), &[("idempotency-key", "7")], "", "a"),
        key(plain(), &[("idempotency-key", "7")], "", "b")
    );
    assert_ne!(
        key(plain(), &[("idempotency-key", "7")], "", "a"),
        key(plain(), &[("idempotency-key", "8")], "", "a")
    );
    let own = json!({ "dedupe_header": "X-Event-Id" });
    assert_eq!(key(own, &[("x-event-id", "7")], "", "a"), "given/7");
}

#[test]
fn a_declared_body_is_held_against_what_comes() {
    let with = json!({ "body": { "name": "text", "amount": "number?", "kind": { "type": "text", "default": "new" } } });
    let came = event(&with, &delivery(&[], "", r#"{ "name": "Ada", "more": 1 }"#));
    assert_eq!(came.payload.value()["body"], json!({ "name": "Ada", "kind": "new", "more": 1 }));
    let table = [
        (r#"{ "name": 7 }"#, "`event.body.name` is declared to be text, found a number"),
        (
            r#"{ "name": "Ada", "amount": "7" }"#,
            "`event.body.amount` is declared to be a number, found text",
        ),
        ("", "`event.body` is declared to be a map, found null"),
    ];
    for (body, why) in table {
        let failure = connector().triggers[0].decode(&with, &delivery(&[], "", body)).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.message.as_str()), ("unexpected_body", why));
    }
    let undeclared = event(&json!({}), &delivery(&[], "", "[1]"));
    assert_eq!(undeclared.payload.value()["body"], json!([1]));
}
