//! The `http` connector against a service on loopback.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use axum::{Json, extract::Request, http::StatusCode, response::IntoResponse};
use connector::{Connection, EffectSpec, FailureKind, Identity, SystemClock};
use serde_json::json;

use super::*;

/// Answers with what it was sent.
async fn echo() -> String {
    let app = axum::Router::new()
        .route("/v1/text", axum::routing::get(|| async { ([("set-cookie", "a=b"), ("x-mode", "m")], "plain") }))
        .route("/v1/refused", axum::routing::any(|| async { (StatusCode::CONFLICT, Json(json!({ "error": "twice" }))) }))
        .fallback(async |request: Request| {
            let (head, body) = request.into_parts();
            let header = |name| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            let said = json!({
                "line": format!("{} {}", head.method, head.uri),
                "authorization": header("authorization"),
                "key": header("x-key"),
                "kind": header("content-type"),
                "body": String::from_utf8(axum::body::to_bytes(body, 9999).await.unwrap().into()).unwrap(),
            });
            Json(said).into_response()
        });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    url
}

fn opening() -> Opening {
    Opening::new("service", Arc::new(SystemClock))
}

async fn opened(more: Value) -> Connection {
    let mut settings = json!({ "base_url": echo().await, "allow_private_addresses": true });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    connector().open(settings, &opening()).unwrap()
}

async fn send(connection: &Connection, action: &str, input: Value) -> Result<Value, Failure> {
    let connector = connector();
    let action = connector.actions.iter().find(|one| one.name == action).unwrap();
    let call = Call::new(Identity::default(), Arc::new(SystemClock));
    let prepared = action.prepare(connection, &call, input.clone()).await?;
    action.run(connection, &call, input, prepared).await
}

#[tokio::test]
async fn what_a_recipe_gives_is_sent_with_the_connections_credentials() {
    let connection = opened(json!({ "bearer": "canary", "headers": { "X-Key": "key" } })).await;
    let input = json!({
        "path": "/people",
        "query": { "page": 2, "all": true, "id": ["a", "b c"], "none": null },
        "headers": { "Authorization": "mine", "x-key": "mine" },
    });
    let came = send(&connection, "get", input).await.unwrap();
    assert_eq!(came["status"], 200);
    assert_eq!(came["headers"]["content-type"], "application/json");
    assert_eq!(
        came["body"],
        json!({
            "line": "GET /v1/people?page=2&all=true&id=a&id=b+c",
            "authorization": "Bearer canary",
            "key": "key",
            "kind": null,
            "body": "",
        })
    );
}

#[tokio::test]
async fn bodies_are_json_forms_or_texts() {
    let connection = opened(json!({ "basic": { "user": "u", "password": "p" } })).await;
    let table = [
        (json!({ "body": { "a": 1 } }), "POST", json!("application/json"), r#"{"a":1}"#),
        (json!({ "body": "a" }), "POST", json!("application/json"), r#""a""#),
        (
            json!({ "form": { "a": "b c" }, "method": "PUT" }),
            "PUT",
            json!("application/x-www-form-urlencoded"),
            "a=b+c",
        ),
        (
            json!({ "body": "<a/>", "headers": { "Content-Type": "text/xml" } }),
            "POST",
            json!("text/xml"),
            "<a/>",
        ),
        (json!({ "method": "DELETE" }), "DELETE", json!(null), ""),
    ];
    for (mut input, method, kind, body) in table {
        input["path"] = json!("x");
        let came = send(&connection, "request", input).await.unwrap();
        let expected = json!({
            "line": format!("{method} /v1/x"), "authorization": "Basic dTpw", "key": null, "kind": kind, "body": body,
        });
        assert_eq!(came["body"], expected);
    }
}

#[tokio::test]
async fn answers_are_json_or_text_and_unexpected_statuses_are_failures() {
    let connection = opened(json!({})).await;
    let came = send(&connection, "get", json!({ "path": "text" })).await.unwrap();
    assert_eq!(came["body"], "plain");
    assert_eq!(
        (&came["headers"]["x-mode"], came["headers"].get("set-cookie")),
        (&json!("m"), None)
    );
    let failure = send(&connection, "request", json!({ "path": "refused" })).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permanent, "conflict"));
    assert!(failure.message.ends_with("409 Conflict: twice"), "{failure}");
    let came =
        send(&connection, "request", json!({ "path": "refused", "expect": [409] })).await.unwrap();
    assert_eq!((&came["status"], &came["body"]["error"]), (&json!(409), &json!("twice")));
    for input in [
        json!({ "path": "x", "body": 1, "form": {} }),
        json!({ "path": "x", "query": { "a": {} } }),
    ] {
        assert_eq!(send(&connection, "request", input).await.unwrap_err().code, "invalid_input");
    }
}

#[tokio::test]
async fn a_check_up_says_whether_somebody_answers() {
    let call = || Call::new(Identity::default(), Arc::new(SystemClock));
    let findings = connector().check(&opened(json!({})).await, call()).await;
    assert_eq!(findings, [Finding::good("the service answers", "the base URL answered 200")]);
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let settings = json!({ "base_url": format!("http://{gone}"), "allow_private_addresses": true });
    let connection = connector().open(settings, &opening()).unwrap();
    assert!(connector().check(&connection, call()).await[0].cure.is_some());
}

#[test]
fn effects_and_refused_settings() {
    let effects: Vec<_> =
        connector().actions.iter().map(|one| (one.name, one.spec.effect)).collect();
    let write = EffectSpec::Write { looks_up: false, settle: Duration::ZERO };
    assert_eq!(effects, [("get", EffectSpec::Read), ("request", write)]);
    for base_url in ["", "api.example.com", "http://api.example.com", "https://127.0.0.1"] {
        assert!(
            connector().open(json!({ "base_url": base_url }), &opening()).is_err(),
            "{base_url}"
        );
    }
}

#[tokio::test]
async fn a_declared_reply_is_held_against_what_comes_back() {
    let connection = opened(json!({})).await;
    let input = |reply: Value| json!({ "path": "/people", "reply": reply });
    let came = send(&connection, "get", input(json!({ "line": "text", "body": "text" }))).await;
    assert_eq!(came.unwrap()["body"]["line"], "GET /v1/people");
    for (action, kind) in [("get", FailureKind::Permanent), ("request", FailureKind::Unknown)] {
        let failure =
            send(&connection, action, input(json!({ "line": "integer" }))).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{action}");
        let why = "a body that `reply` does not declare: `body.line` is declared to be a whole number, found text";
        assert!(failure.message.ends_with(why), "{}", failure.message);
    }
}
