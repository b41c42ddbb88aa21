//! What is told of an exchange: nothing secret.

use super::*;

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
        assert!(!format!("{request:?}").contains("canary"), "{request:?}");
        let answer = request.send(&call).await;
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
        let done = answer.map(drop);
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
