//! Where nothing goes: other hosts and private addresses.

use super::*;

#[tokio::test]
async fn a_tls_handshake_that_fails_sent_nothing() {
    let server = Server::cutting().await;
    let mut settings = ClientSettings::new(&server.url.replace("http:", "https:")).unwrap();
    settings.allow_private_addresses = true;
    let client = Client::new(settings, &Opening::new("acme", clock())).unwrap();
    let failure = client.post("x").send(&call()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (AGAIN, "unreachable"), "{failure}");
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
    let failure =
        client.post("away").bearer(&token).json(&json!({})).send(&call()).await.unwrap_err();
    assert_eq!(
        failure.kind,
        FailureKind::Unknown,
        "many a vendor answers a write it has done with 302"
    );
    assert_eq!(client.get("away").accept(&[302]).send(&call()).await.unwrap().status, 302);
    assert_eq!(elsewhere.seen().len(), 0, "nothing was sent to the other host");
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let server = Server::answering(|_| reply(200)).await;
    let port = server.url.rsplit(':').next().unwrap();
    let opening = Opening::new("acme", clock());
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
async fn a_download_is_not_led_to_where_nothing_may_go() {
    let server = Server::answering(|seen| match seen.path() {
        "/metadata" => reply(302).header("location", "http://169.254.169.254/latest/meta-data"),
        "/plain" => reply(302).header("location", "http://files.example.com/f"),
        "/file" => reply(302).header("location", "file:///etc/passwd"),
        _ => reply(302).header("location", "/round"),
    })
    .await;
    let client = client(&server, |_| {});
    let table = [
        ("metadata", "address_refused"),
        ("plain", "address_refused"),
        ("file", "address_refused"),
        ("x", "redirected"),
    ];
    for (path, code) in table {
        let url = format!("{}/{path}", server.url);
        let failure = client.download(&url, &call(), DownloadLimits::default()).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Permanent, code),
            "{path}: {failure}"
        );
    }
}
