//! What leaves: paths, headers, bodies and files.

use super::*;

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
