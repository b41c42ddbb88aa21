//! What comes back, and what it means for another attempt.

use super::*;

#[tokio::test]
async fn each_status_means_what_it_should_to_a_read_and_to_a_write() {
    use FailureKind::{Permanent, Unknown};
    let server = Server::answering(|seen| {
        let status = seen.path().rsplit('/').next().unwrap().parse().unwrap();
        reply(status).header("retry-after", "0").json(json!({ "message": "the vendor's words" }))
    })
    .await;
    let client = client(&server, |settings| {
        settings.statuses = settings.statuses.clone().with(418, StatusClass::Throttled);
    });
    let now = FailureKind::Transient { after: Some(Duration::ZERO) };
    let table = [
        (400, Permanent, Permanent, "invalid"),
        (401, Permanent, Permanent, "unauthorized"),
        (403, Permanent, Permanent, "forbidden"),
        (404, Permanent, Permanent, "not_found"),
        (408, now, Unknown, "server_error"),
        (409, Permanent, Permanent, "conflict"),
        (418, now, now, "throttled"),
        (422, Permanent, Permanent, "invalid"),
        (429, now, now, "throttled"),
        (500, now, Unknown, "server_error"),
        (503, now, Unknown, "server_error"),
        (504, now, Unknown, "server_error"),
    ];
    for (status, read, write, code) in table {
        let path = format!("status/{status}");
        let failure = client.get(&path).doing("reading").send(&call()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (read, code), "{status}, read");
        let call = call();
        let failure = client.post(&path).doing("creating").send(&call).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (write, code), "{status}, write");
        assert!(
            failure.message.starts_with(&format!("creating: `127.0.0.1` answered {status}")),
            "{failure}"
        );
        assert!(failure.message.ends_with(": the vendor's words"), "{failure}");
        assert_eq!(failure.exchange.unwrap().status, Some(status));
        assert_eq!(call.take_exchange().unwrap().status, Some(status));
        assert_eq!(
            client.get(&path).accept(&[status]).send(&self::call()).await.unwrap().status,
            status
        );
    }
    let failure = client
        .post("status/503")
        .status(503, StatusClass::Throttled)
        .send(&call())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, now, "a request may say otherwise");
}

#[tokio::test]
async fn vendors_words_are_found_however_they_are_written() {
    let table = [
        (json!({ "message": "plain" }), ": plain"),
        (json!({ "error": { "message": "nested" } }), ": nested"),
        (json!({ "error": "invalid_client" }), ": invalid_client"),
        (json!({ "message": "", "errors": ["one", "two"] }), ": one; two"),
        (
            json!({ "errors": [{ "message": "must be set", "field": "name" }] }),
            ": name: must be set",
        ),
        (
            json!({ "errors": { "email": ["is taken", "is odd"] } }),
            ": email: is taken; email: is odd",
        ),
        (json!({ "message": "no ada@example.com here" }), ": no *** here"),
        (json!([1, 2]), "Unprocessable Entity"),
    ];
    for (body, expected) in table {
        let server = Server::answering(move |_| reply(422).json(body.clone())).await;
        let failure = client(&server, |_| {}).post("x").send(&call()).await.unwrap_err();
        assert!(failure.message.ends_with(expected), "{failure}, expected {expected}");
    }
}

#[tokio::test]
async fn transport_faults_are_transient_before_the_first_byte_and_unknown_after_it() {
    let gone = Server::gone().await;
    let cut = Server::cutting().await;
    let half = Server::cutting_body().await;
    let silent = Server::silent().await;
    let table = [
        (&gone, AGAIN, "unreachable"),
        (&cut, FailureKind::Unknown, "cut_off"),
        (&half, FailureKind::Unknown, "cut_off"),
        (&silent, FailureKind::Unknown, "timed_out"),
    ];
    for (server, write, code) in table {
        let client = client(server, |settings| settings.timeout = Duration::from_millis(200));
        let failure = client.get("x").send(&call()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (AGAIN, code), "{failure}");
        let failure = client.post("x").json(&json!({})).send(&call()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (write, code), "{failure}");
        assert!(failure.message.starts_with("`POST /v1/x`: `127.0.0.1` "), "{failure}");
        assert_eq!(failure.exchange.unwrap().method, "POST");
    }
}

#[tokio::test]
async fn a_tls_handshake_that_fails_sent_nothing() {
    let server = Server::cutting().await;
    let mut settings = ClientSettings::new(&server.url.replace("http:", "https:")).unwrap();
    settings.allow_private_addresses = true;
    let client = Client::new(settings, &Opening::new("acme", clock())).unwrap();
    let failure = client.post("x").send(&call()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (AGAIN, "unreachable"), "{failure}");
}

#[derive(Debug, serde::Deserialize)]
#[expect(dead_code, reason = "only its reading matters")]
struct List {
    list: Vec<Item>,
}

#[derive(Debug, serde::Deserialize)]
#[expect(dead_code, reason = "only its reading matters")]
struct Item {
    id: u64,
}

#[tokio::test]
async fn a_success_that_is_no_json_is_permanent_after_a_read_and_unknown_after_a_write() {
    let page = Server::answering(|_| {
        reply(200).text("text/html", "<html>Sign in, canary@example.com</html>")
    })
    .await;
    let words = Server::answering(|_| reply(200).text("text/plain", "OK")).await;
    let odd = Server::answering(|_| reply(200).json(json!({ "list": [{ "id": "x" }] }))).await;
    let table = [
        (&page, "an HTML page instead of JSON: a login page or a proxy?"),
        (&words, "what is no JSON (line 1, column 1)"),
        (&odd, "the answer `list[0].id`"),
    ];
    for (server, expected) in table {
        let client = client(server, |_| {});
        let failure = client.get("x").send(&call()).await.unwrap().json::<List>().unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Permanent, "unreadable_answer")
        );
        assert!(failure.message.contains(expected), "{failure}");
        let failure = client.post("x").send(&call()).await.unwrap().json::<List>().unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Unknown, "unreadable_answer")
        );
        assert!(
            failure.exchange.is_some() && !format!("{failure:?}").contains("canary"),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_may_not_be_larger_than_allowed() {
    let server = Server::answering(|seen| {
        reply(if seen.path().ends_with("bad") { 422 } else { 200 })
            .text("application/json", &"1".repeat(5000))
    })
    .await;
    let client = client(&server, |settings| settings.max_body = 4999);
    let failure = client.get("x").send(&call()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permanent, "answer_too_large"));
    let failure = client.post("x").send(&call()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unknown, "answer_too_large"));
    let failure = client.post("bad").send(&call()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permanent, "invalid"));
}
