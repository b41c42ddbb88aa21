//! Wires: what a call sends, records, plays and refuses.

use connector::http::{PLANNED, Recorded, Wire};

use super::*;

async fn people(client: &Client, call: &Call) -> Result<Value, Failure> {
    let token = Secret::new("canary-4711");
    client.get("people").query("name", "Ada B").bearer(&token).send(call).await?.value()
}

fn over(wire: &Wire) -> Call {
    call().over(wire.clone())
}

#[tokio::test]
async fn a_closed_wire_lets_nothing_out() {
    let server = Server::answering(|_| reply(200).json(json!([]))).await;
    let client = client(&server, |_| {});
    let failure = people(&client, &over(&Wire::closed())).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.kind), ("no_network", FailureKind::Permanent));
    let url = format!("{}/a.pdf", server.url);
    let download = client.download(&url, &over(&Wire::closed()), DownloadLimits::default()).await;
    assert_eq!(download.unwrap_err().code, "no_network");
    assert_eq!(server.seen().len(), 0, "nothing reached the server");
}

#[tokio::test]
async fn what_is_recorded_plays_without_a_server() {
    let server =
        Server::answering(|_| reply(200).json(json!([{ "id": 7 }])).header("link", "<x>")).await;
    let wire = Wire::recording();
    let recorded = {
        let client = client(&server, |_| {});
        people(&client, &over(&wire)).await.unwrap();
        client.post("people").json(&json!({ "name": "Ada" })).send(&over(&wire)).await.unwrap();
        wire.recorded()
    };
    assert_eq!(recorded[0].request.path, "/v1/people?name=Ada+B");
    assert_eq!(recorded[0].response.headers["link"], "<x>");
    assert_eq!(recorded[1].request.body, Some(json!({ "name": "Ada" })));
    let text = serde_json::to_vec(&recorded).unwrap();
    assert!(!String::from_utf8_lossy(&text).contains("canary"), "credentials are not kept");
    let gone = ClientSettings::new("https://vendor.example/v1").unwrap();
    let client = Client::new(gone, &Opening::new("acme", clock())).unwrap();
    let wire = Wire::replaying(Recorded::read(&text).unwrap());
    assert_eq!(people(&client, &over(&wire)).await.unwrap(), json!([{ "id": 7 }]));
    assert_eq!(wire.unused(), ["POST /v1/people"]);
    let other = client.post("people").json(&json!({ "name": "Bob" })).send(&over(&wire)).await;
    let failure = other.unwrap_err();
    assert_eq!(failure.code, "recording_differs");
    assert!(failure.message.contains(r#"carries {"name":"Bob"}"#), "{}", failure.message);
    let failure = people(&client, &over(&wire)).await.unwrap_err();
    assert_eq!(failure.code, "not_recorded");
    assert!(failure.message.contains("which has `POST /v1/people` left"), "{}", failure.message);
}

#[tokio::test]
async fn a_rehearsal_answers_in_order_and_keeps_what_was_asked() {
    let text = br#"[
        { "request": { "method": "GET", "path": "/v1/people?name=Ida" },
          "response": { "status": 200, "body": [{ "id": 7 }] } },
        { "request": { "method": "POST", "path": "/v1/people", "body": { "name": "Ida" } },
          "response": { "status": 201, "body": { "id": 8 } } }
    ]"#;
    let gone = ClientSettings::new("https://vendor.example/v1").unwrap();
    let client = Client::new(gone, &Opening::new("acme", clock())).unwrap();
    let wire = Wire::rehearsing(Recorded::read(text).unwrap());
    assert_eq!(people(&client, &over(&wire)).await.unwrap(), json!([{ "id": 7 }]));
    assert_eq!(wire.unused(), ["POST /v1/people"]);
    client.post("people").json(&json!({ "name": "Ada" })).send(&over(&wire)).await.unwrap();
    let made = wire.recorded();
    assert_eq!(made[0].request.path, "/v1/people?name=Ada+B");
    assert_eq!(made[1].request.body, Some(json!({ "name": "Ada" })));
    assert_eq!(made[1].response.status, 201);
    let more = client.post("people").json(&json!({ "name": "Ada" })).send(&over(&wire)).await;
    assert_eq!(more.unwrap_err().code, "not_recorded");
}

#[tokio::test]
async fn a_recorded_status_means_what_it_means_on_the_wire() {
    let text = br#"{ "request": { "method": "GET", "path": "/v1/people" },
                     "response": { "status": 429, "headers": { "retry-after": "7" }, "body": { "message": "slow down" } } }"#;
    let gone = ClientSettings::new("https://vendor.example/v1").unwrap();
    let client = Client::new(gone, &Opening::new("acme", clock())).unwrap();
    let wire = Wire::replaying(Recorded::read(text).unwrap());
    let failure = people(&client, &over(&wire)).await.unwrap_err();
    let after = Some(Duration::from_secs(7));
    assert_eq!(
        (failure.code.as_str(), failure.kind),
        ("throttled", FailureKind::Transient { after })
    );
    assert!(failure.message.contains("slow down"), "{}", failure.message);
}

#[tokio::test]
async fn a_plan_sends_reads_and_shows_writes() {
    let server = Server::answering(|_| reply(200).json(json!([]))).await;
    let client = client(&server, |_| {});
    let wire = Wire::planning(&["planned-"]);
    people(&client, &over(&wire)).await.unwrap();
    let token = Secret::new("canary-4711");
    let body = json!({
        "name": "Ada", "email": "ada@example.com", "note": "of canary-4711", "api_key": "canary-0815",
        "link": "https://files.example/a?X-Amz-Signature=canary-1" });
    let write = client.post("people").bearer(&token).json(&body);
    let write = write
        .header("On-Behalf-Of", "17")
        .header("X-Api-Key", "canary-1147")
        .header("Cookie", "a=1; session=canary-1")
        .secret_header("X-Company", &Secret::new("canary-7411"));
    let write = write.send(&over(&wire)).await;
    assert_eq!(write.unwrap_err().code, PLANNED);
    let read = client.get("people/planned-person-id").send(&over(&wire)).await;
    assert_eq!(read.unwrap_err().code, PLANNED, "it asks for what is not there");
    assert_eq!(server.seen().len(), 1, "only the first read was sent");
    let planned = wire.planned();
    assert_eq!(planned[0].method, "POST");
    assert_eq!(planned[0].body["name"], "Ada");
    assert_eq!(planned[0].body["email"], "ada@example.com", "what would be written is shown");
    assert_eq!(planned[0].body["note"], "of ***");
    let headers: Vec<String> =
        planned[0].headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        headers,
        [
            "authorization: Bearer ***",
            "content-type: application/json",
            "cookie: ***",
            "on-behalf-of: 17",
            "x-api-key: ***",
            "x-company: ***",
        ]
    );
    assert!(!format!("{planned:?}").contains("canary"), "{planned:?}");
    assert!(planned[1].url.ends_with("/v1/people/planned-person-id"), "{planned:?}");
}

#[test]
fn a_file_that_is_no_recording_says_where() {
    let wrong = Recorded::read(b"[{ \"request\": {} }]").unwrap_err();
    assert!(wrong.starts_with("exchange 1: missing field"), "{wrong}");
    assert!(Recorded::read(b"{").unwrap_err().starts_with("it is no JSON"));
}
