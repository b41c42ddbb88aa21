//! The HTTP client against real sockets on loopback: what leaves, what comes back, what it means and what is told.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod server;

use std::{sync::Arc, time::Duration};

use connector::{
    Call, Clock, Failure, FailureKind, Identity, ManualClock, Opening, Secret, SystemClock,
    http::{
        Client, ClientSettings, DownloadLimits, Multipart, StatusClass, each_linked_page,
        each_numbered_page, segment,
    },
    jiff::Timestamp,
};
use serde_json::{Value, json};
use server::{Server, reply};

const AGAIN: FailureKind = FailureKind::Transient { after: None };

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn call() -> Call {
    Call::new(Identity::default(), clock())
}

fn client(server: &Server, change: impl FnOnce(&mut ClientSettings)) -> Client {
    let mut settings = ClientSettings::new(&format!("{}/v1", server.url)).unwrap();
    settings.allow_private_addresses = true;
    change(&mut settings);
    Client::new(settings, &Opening { name: "acme".into(), clock: clock() }).unwrap()
}

#[tokio::test]
async fn a_request_carries_what_it_was_given_and_its_answer_is_read() {
    let server = Server::answering(|seen| {
        reply(200)
            .header("x-request-id", "r-1")
            .json(json!({ "line": seen.line, "body": seen.body }))
    })
    .await;
    let client = client(&server, |_| {});
    let call = call();
    let answer = client
        .post(&format!("people/{}", segment("a/b c")))
        .query("fields", "id,name")
        .header("x-mode", "test")
        .bearer(&Secret::new("canary-token"))
        .json(&json!({ "first": "Ada" }))
        .send(&call)
        .await
        .unwrap();
    assert_eq!((answer.status, answer.header("x-request-id")), (200, Some("r-1")));
    let value = answer.value().unwrap();
    assert_eq!(value["line"], "POST /v1/people/a%2Fb%20c?fields=id%2Cname");
    assert_eq!(value["body"], r#"{"first":"Ada"}"#);
    let seen = &server.seen()[0];
    assert_eq!(seen.header("authorization"), Some("Bearer canary-token"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert_eq!(seen.header("x-mode"), Some("test"));
    let exchange = call.take_exchange().unwrap();
    assert_eq!((exchange.method.as_str(), exchange.status), ("POST", Some(200)));
    assert_eq!(exchange.request_id.as_deref(), Some("r-1"));
    assert!(exchange.url.ends_with("/v1/people/a%2Fb%20c?fields=id,name"), "{}", exchange.url);
}

#[tokio::test]
async fn forms_basic_credentials_and_files_are_written_as_they_should_be() {
    let server = Server::answering(|_| reply(204)).await;
    let client = client(&server, |_| {});
    let token = client
        .post("/token")
        .basic("client", &Secret::new("secret"))
        .form(&[("grant_type", "a b&c")])
        .read();
    assert_eq!(token.send(&call()).await.unwrap().value().unwrap(), Value::Null);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "%PDF-1.7 text").unwrap();
    let form = Multipart::new().text("name", "Résumé").file(
        "file",
        "cv.pdf",
        Some("application/pdf"),
        file.path(),
    );
    client.post("documents").multipart(form).send(&call()).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("authorization"), Some("Basic Y2xpZW50OnNlY3JldA=="));
    assert_eq!(seen[0].body, "grant_type=a+b%26c");
    assert!(seen[1].header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    for part in [
        "name=\"name\"\r\n\r\nRésumé",
        "filename=\"cv.pdf\"\r\nContent-Type: application/pdf\r\n",
        "%PDF-1.7 text",
    ] {
        assert!(seen[1].body.contains(part), "{part} in {}", seen[1].body);
    }
    assert!(
        seen[1].header("content-length").is_some(),
        "the length is told, so nothing needs chunks"
    );
}

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
    let client = Client::new(settings, &Opening { name: "acme".into(), clock: clock() }).unwrap();
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

#[tokio::test]
async fn redirects_of_a_read_stay_with_the_host_and_those_of_a_write_are_not_followed() {
    let elsewhere = Server::answering(|_| reply(200).json(json!({ "stolen": true }))).await;
    let other = elsewhere.url.clone();
    let server = Server::answering(move |seen| match seen.path() {
        "/v1/moved" => reply(307).header("location", "/v1/here"),
        "/v1/away" => reply(302).header("location", &format!("{other}/v1/x?token=canary")),
        "/v1/round" => reply(302).header("location", "/v1/round"),
        "/v1/metadata" => reply(302).header("location", "http://169.254.169.254/latest"),
        _ => reply(200).json(json!("here")),
    })
    .await;
    let client = client(&server, |_| {});
    let token = Secret::new("canary-token");
    let answer = client.get("moved").bearer(&token).send(&call()).await.unwrap();
    assert_eq!((answer.value().unwrap(), answer.url.path()), (json!("here"), "/v1/here"));
    assert_eq!(server.seen()[1].header("authorization"), Some("Bearer canary-token"));
    for path in ["away", "round", "metadata"] {
        let failure = client.get(path).bearer(&token).send(&call()).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Permanent, "redirected"),
            "{failure}"
        );
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
    let failure =
        client.post("moved").bearer(&token).json(&json!({})).send(&call()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permanent, "redirected"));
    assert_eq!(elsewhere.seen().len(), 0, "nothing was sent to the other host");
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let server = Server::answering(|_| reply(200)).await;
    let port = server.url.rsplit(':').next().unwrap();
    let opening = Opening { name: "acme".into(), clock: clock() };
    // Refused when the connection is opened: literal addresses, and http at all.
    for url in [
        "https://127.0.0.1",
        "https://[::1]",
        "https://10.0.0.1",
        "http://127.0.0.1",
        "http://api.example.com",
    ] {
        let failure =
            Client::new(ClientSettings::new(&format!("{url}:{port}/")).unwrap(), &opening)
                .unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Permanent, "address_refused"),
            "{url}"
        );
        assert!(failure.message.starts_with("connection `acme`: "), "{failure}");
    }
    // Refused when the name turns out to be this machine.
    let settings = ClientSettings::new(&format!("https://localhost:{port}/")).unwrap();
    let failure =
        Client::new(settings.clone(), &opening).unwrap().post("x").send(&call()).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (FailureKind::Permanent, "address_refused"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("allow_private_addresses"));
    // Allowed: the same name.
    let mut settings = ClientSettings::new(&format!("http://localhost:{port}/")).unwrap();
    settings.allow_private_addresses = true;
    assert_eq!(
        Client::new(settings, &opening).unwrap().get("x").send(&call()).await.unwrap().status,
        200
    );
    // A download has no connection that would allow it.
    let public =
        Client::new(ClientSettings::new("https://api.example.com").unwrap(), &opening).unwrap();
    for url in [
        &format!("http://127.0.0.1:{port}/f"),
        &format!("https://127.0.0.1:{port}/f"),
        "https://2130706433/f",
    ] {
        let failure = public.download(url, &call(), DownloadLimits::default()).await.unwrap_err();
        assert_eq!(failure.code, "address_refused", "{failure}");
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_path_cannot_leave_the_base_url() {
    let server = Server::answering(|_| reply(200)).await;
    let client = client(&server, |_| {});
    let good =
        ["people", "/people", "", "people?page=2", &format!("{}/v1/people?cursor=abc", server.url)];
    for path in good {
        assert_eq!(client.get(path).send(&call()).await.unwrap().status, 200, "{path}");
    }
    let lines: Vec<_> = server.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/people",
            "GET /v1/people",
            "GET /v1",
            "GET /v1/people?page=2",
            "GET /v1/people?cursor=abc"
        ]
    );
    let bad = [
        "../secret",
        "a/../../b",
        "%2e%2e/b",
        &format!("{}/v2/x", server.url),
        "https://evil.example/v1/x",
        &format!("{}/v11", server.url),
    ];
    for path in bad {
        let failure =
            client.get(path).bearer(&Secret::new("canary")).send(&call()).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Permanent, "invalid_request"),
            "{path}"
        );
    }
    assert_eq!(server.seen().len(), good.len());
}

#[tokio::test]
async fn a_vendors_later_pauses_the_whole_connection() {
    let server = Server::answering(|seen| match seen.path() {
        "/v1/last" => reply(200)
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", "30")
            .json(json!(1)),
        _ => reply(429).header("retry-after", "20"),
    })
    .await;
    let manual = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let mut settings = ClientSettings::new(&format!("{}/v1", server.url)).unwrap();
    settings.allow_private_addresses = true;
    let client =
        Client::new(settings, &Opening { name: "acme".into(), clock: manual.clone() }).unwrap();
    let seconds = |after| FailureKind::Transient { after: Some(Duration::from_secs(after)) };

    let failure = client.post("x").send(&call()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (seconds(20), "throttled"));
    let failure = client.clone().post("last").doing("creating").send(&call()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (seconds(20), "rate_limited"));
    assert!(
        failure.message.starts_with("creating: ") && failure.message.contains("`acme`"),
        "{failure}"
    );
    manual.set(Timestamp::from_second(20).unwrap());
    assert_eq!(client.get("last").send(&call()).await.unwrap().status, 200);
    let failure = client.get("last").send(&call()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (seconds(30), "rate_limited"));
    assert_eq!(server.seen().len(), 2, "nothing was sent without a permit");
}

#[tokio::test]
async fn lists_are_read_to_their_end_or_not_at_all() {
    let call = call();
    let base = Arc::new(std::sync::OnceLock::<String>::new());
    let own = base.clone();
    let server = Server::answering(move |seen| {
        let page = |number: u64| reply(200).json(json!([number * 2, number * 2 + 1]));
        let next = |to: &str| format!("<{to}>; rel=\"next\"");
        match seen.line.as_str() {
            "GET /v1/people?per_page=2" => {
                page(0).header("link", &next(&format!("{}/v1/people?cursor=b", own.get().unwrap())))
            }
            "GET /v1/people?cursor=b" => page(1).header("link", &next("/v1/people?cursor=c")),
            "GET /v1/away" => page(0).header("link", &next("https://evil.example/v1/people")),
            "GET /v1/self" => page(0).header("link", &next("/v1/self")),
            "GET /v1/numbered?page=0" | "GET /v1/numbered?page=1" | "GET /v1/people?cursor=c" => {
                page(2)
            }
            _ => reply(200).json(json!([])),
        }
    })
    .await;
    base.set(server.url.clone()).unwrap();
    let client = client(&server, |_| {});
    let token = Secret::new("canary");
    let read = async |first, pages| {
        let mut all = Vec::new();
        let done = each_linked_page(first, &call, pages, |answer| {
            all.extend(answer.json::<Vec<u64>>()?);
            Ok(())
        });
        done.await.map(|()| all)
    };
    let first = || client.get("people").query("per_page", 2).bearer(&token);
    assert_eq!(read(first(), 3).await.unwrap(), [0, 1, 2, 3, 4, 5]);
    assert!(server.seen().iter().all(|seen| seen.header("authorization") == Some("Bearer canary")));
    assert_eq!(read(first(), 2).await.unwrap_err().code, "too_many_pages");
    assert_eq!(
        read(client.get("away").bearer(&token), 9).await.unwrap_err().code,
        "invalid_request"
    );
    assert_eq!(read(client.get("self"), 9).await.unwrap_err().code, "unreadable_answer");

    let numbered = async |pages| {
        let mut all = 0;
        let page = |page| client.get("numbered").query("page", page);
        let done = each_numbered_page(page, &call, pages, |_, answer| {
            let found = answer.json::<Vec<u64>>()?.len();
            all += found;
            Ok(found > 0)
        });
        done.await.map(|()| all)
    };
    assert_eq!(numbered(3).await.unwrap(), 4);
    assert_eq!(numbered(2).await.unwrap_err().code, "too_many_pages");
}

#[tokio::test]
async fn a_later_page_is_asked_for_again_and_a_first_one_is_not() {
    let server = Server::counting(|seen, count| match (seen.path(), count) {
        ("/v1/first", _) => reply(500),
        ("/v1/list", 0) => reply(200).json(json!([1])).header("link", "</v1/next>; rel=next"),
        ("/v1/next", 1 | 2) => reply(503).header("retry-after", "0"),
        _ => reply(200).json(json!([2])),
    })
    .await;
    let client = client(&server, |_| {});
    let mut pages = 0;
    let counted = |_: &_| {
        pages += 1;
        Ok(())
    };
    each_linked_page(client.get("list"), &call(), 9, counted).await.unwrap();
    assert_eq!((pages, server.seen().len()), (2, 4));
    let failure = each_linked_page(client.get("first"), &call(), 9, |_| Ok(())).await.unwrap_err();
    assert_eq!((failure.code.as_str(), server.seen().len()), ("server_error", 5));
}

#[tokio::test]
async fn a_download_is_saved_and_hashed_and_never_told_whole() {
    let elsewhere = Server::answering(|seen| match seen.path() {
        "/file" => reply(200).text("application/pdf", "hello"),
        _ => reply(403)
            .text("application/xml", "<Error><AWSAccessKeyId>canary</AWSAccessKeyId></Error>"),
    })
    .await;
    let other = elsewhere.url.clone();
    let server = Server::answering(move |seen| {
        let name = seen.path().rsplit('/').next().unwrap();
        reply(302).header("location", &format!("{other}/{name}?X-Amz-Signature=canary"))
    })
    .await;
    let client = client(&server, |_| {});
    let call = call();
    let url = format!("{}/file?signature=canary&expires=canary", server.url);
    let file = client.download(&url, &call, DownloadLimits::default()).await.unwrap();
    assert_eq!((file.len, file.content_type.as_deref()), (5, Some("application/pdf")));
    assert_eq!(file.sha256_hex, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(std::fs::read(file.file.path()).unwrap(), b"hello");
    let exchange = call.take_exchange().unwrap();
    assert!(
        exchange.url.ends_with("/file?X-Amz-Signature=***") && exchange.answer.is_none(),
        "{exchange:?}"
    );
    let path = file.file.path().to_owned();
    drop(file);
    assert!(!path.exists());

    let gone = format!("{}/gone?signature=canary", server.url);
    let failure = client.download(&gone, &call, DownloadLimits::default()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permanent, "forbidden"));
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    let small = DownloadLimits { max_bytes: 4, ..DownloadLimits::default() };
    let failure = client.download(&url, &call, small).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Permanent, "answer_too_large"));
    let every: Vec<_> = server.seen().into_iter().chain(elsewhere.seen()).collect();
    assert!(every.iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn no_secret_is_told_whatever_the_vendor_repeats() {
    let echo = |status| {
        Server::answering(move |seen| {
            let all = format!("{} {} {:?}", seen.line, seen.body, seen.headers);
            reply(status)
                .header("x-request-id", "r-1")
                .json(json!({ "message": all.clone(), "api_key": "canary-6", "echo": all }))
        })
    };
    let told = async |server: &Server| -> (Result<(), Failure>, String) {
        let call = call();
        let request = client(server, |_| {})
            .post("tokens")
            .query("api_key", "canary-5")
            .basic("canary-1", &Secret::new("canary-2"))
            .secret_header("x-token", &Secret::new("canary-3"))
            .json(&json!({ "password": "canary-4" }));
        assert!(!format!("{request:?}").contains("canary-2"), "{request:?}");
        let done = request.send(&call).await.map(drop);
        let told = format!("{done:?} {:?}", call.take_exchange());
        (done, told)
    };
    for (status, good) in [(200, true), (400, false), (401, false), (500, false)] {
        let (done, told) = told(&echo(status).await).await;
        assert_eq!(done.is_ok(), good);
        assert!(!told.contains("canary") && !told.contains("Y2FuYXJ5"), "{status}: {told}");
        assert!(told.contains("r-1"), "{told}");
    }
    for server in [Server::gone().await, Server::cutting().await] {
        let (_, told) = told(&server).await;
        assert!(!told.contains("canary"), "{told}");
    }
}
