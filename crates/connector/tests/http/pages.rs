//! Limits learnt from answers, and lists in pages.

use super::*;

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
    let client = Client::new(settings, &Opening::new("acme", manual.clone())).unwrap();
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
