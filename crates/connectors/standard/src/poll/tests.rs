//! The `http.poll` trigger against a service on loopback.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Mutex;

use axum::extract::{Query, State};
use connector::{Clock, Connection, FailureKind, Identity, ManualClock, Opening};

use super::*;
use crate::http::connector;

#[derive(Clone)]
struct Vendor {
    asked: Arc<Mutex<Vec<BTreeMap<String, String>>>>,
    answer: Arc<Mutex<Vec<Value>>>,
}

struct Bench {
    vendor: Vendor,
    connection: Connection,
    clock: Arc<ManualClock>,
    with: Value,
}

impl Bench {
    /// Returns a service that gives these answers, one after the other.
    async fn new(with: Value, answers: Vec<Value>) -> Self {
        let answer = Arc::new(Mutex::new(answers.into_iter().rev().collect()));
        let vendor = Vendor { asked: Arc::default(), answer };
        let app = axum::Router::new()
            .fallback(
                async |State(vendor): State<Vendor>,
                       Query(query): Query<BTreeMap<String, String>>| {
                    vendor.asked.lock().unwrap().push(query);
                    axum::Json(vendor.answer.lock().unwrap().pop().unwrap_or_else(|| json!([])))
                },
            )
            .with_state(vendor.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        let clock = Arc::new(ManualClock::new("2027-01-04T12:00:00Z".parse().unwrap()));
        let settings = json!({ "base_url": url, "allow_private_addresses": true });
        let connection =
            connector().open(settings, &Opening::new("service", clock.clone())).unwrap();
        Self { vendor, connection, clock, with }
    }

    async fn read(&self, cursor: Option<Value>) -> Result<Page, Failure> {
        let from = From { cursor, since: "2027-01-04T11:00:00Z".parse().unwrap() };
        let call = Call::new(Identity::default(), self.clock.clone());
        trigger().read(self.connection.clone(), call, &self.with, from).await
    }

    fn asked(&self) -> Vec<String> {
        let asked = self.vendor.asked.lock().unwrap();
        let line = |query: &BTreeMap<String, String>| {
            let pairs: Vec<_> = query.iter().map(|(key, value)| format!("{key}={value}")).collect();
            pairs.join("&")
        };
        asked.iter().map(line).collect()
    }

    fn keys(&self, page: &Page) -> Vec<String> {
        let events = page.found.iter().flat_map(|found| self.decode(&found.body).unwrap());
        events.map(|event| event.dedupe_key).collect()
    }

    fn decode(&self, body: &[u8]) -> Result<Vec<Event>, Failure> {
        let delivery = Delivery {
            headers: Vec::new(),
            query: String::new(),
            body: body.into(),
            received_at: self.clock.now(),
        };
        trigger().decode(&self.with, &delivery)
    }
}

#[tokio::test]
async fn a_window_overlaps_the_one_before_and_pages_follow_the_services_cursor() {
    let bench = Bench::new(
        json!({
            "path": "/orders", "list": "data.items", "key": ["id"], "since": "updated_after",
            "query": { "state": "open" }, "overlap": "5m",
            "cursor": { "from": "next", "parameter": "after" },
        }),
        vec![
            json!({ "data": { "items": [{ "id": 1 }, { "id": 2 }] }, "next": "abc" }),
            json!({ "data": { "items": [{ "id": 3 }] }, "next": null }),
            json!({ "data": { "items": [{ "id": 3 }] } }),
        ],
    )
    .await;
    let first = bench.read(None).await.unwrap();
    assert_eq!((bench.keys(&first), first.more), (vec!["1".to_owned(), "2".into()], true));
    bench.clock.set("2027-01-04T12:01:00Z".parse().unwrap());
    let second = bench.read(Some(first.cursor)).await.unwrap();
    assert_eq!((bench.keys(&second), second.more), (vec!["3".to_owned()], false));
    bench.read(Some(second.cursor)).await.unwrap();
    // The window closed when its first page was asked for; the next one begins five minutes before that.
    let state = "state=open&updated_after";
    assert_eq!(
        bench.asked(),
        [
            format!("{state}=2027-01-04T11:00:00Z"),
            format!("after=abc&{state}=2027-01-04T11:00:00Z"),
            format!("{state}=2027-01-04T11:55:00Z"),
        ]
    );
}

#[tokio::test]
async fn a_cursor_that_is_kept_goes_on_where_it_was() {
    let cursor = json!({ "from": "offset", "parameter": "offset", "kept": true });
    let bench = Bench::new(
        json!({ "path": "/log", "list": "rows", "key": ["id"], "cursor": cursor }),
        vec![
            json!({ "rows": [{ "id": "a" }], "offset": 1 }),
            json!({ "rows": [], "offset": 1 }),
            json!({ "rows": [{ "id": "b" }], "offset": 2 }),
            json!({ "rows": [] }),
            json!({ "rows": [] }),
        ],
    )
    .await;
    let mut cursor = None;
    let mut keys = Vec::new();
    for _ in 0..5 {
        let page = bench.read(cursor).await.unwrap();
        keys.extend(bench.keys(&page));
        cursor = Some(page.cursor);
    }
    assert_eq!(keys, ["a", "b"]);
    assert_eq!(bench.asked(), ["", "offset=1", "offset=1", "offset=2", "offset=2"]);
}

#[tokio::test]
async fn an_item_has_a_key_and_an_event_is_the_same_whoever_reads_it() {
    let with = json!({ "path": "/", "key": ["id", "at"], "order": "who.id" });
    let bench = Bench::new(with, vec![json!([{ "id": 7, "at": "x", "who": { "id": "w" } }])]).await;
    let page = bench.read(None).await.unwrap();
    let event = bench.decode(&page.found[0].body).unwrap().remove(0);
    assert_eq!(event.dedupe_key, r#"["7","x"]"#);
    assert_eq!(event.order_key.as_deref(), Some("w"));
    assert_eq!(event.payload.value()["item"]["who"]["id"], "w");
    // By hand, the item alone is enough, and is the same.
    let by_hand = bench.decode(br#"{"id": 7, "at": "x", "who": {"id": "w"}}"#).unwrap().remove(0);
    assert_eq!(by_hand, event);
}

#[tokio::test]
async fn what_is_no_list_or_has_no_key_is_said_and_nothing_of_the_page_counts() {
    for (with, answer, why) in [
        (json!({ "path": "/", "key": ["id"] }), json!({ "items": [] }), "say with `list`"),
        (json!({ "path": "/", "key": ["id"], "list": "items" }), json!({}), "no list at `items`"),
        (json!({ "path": "/", "key": ["id"] }), json!([{ "id": 1 }, {}]), "number at `id`"),
    ] {
        let bench = Bench::new(with, vec![answer]).await;
        let failure = bench.read(None).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Permanent, "unreadable_answer")
        );
        assert!(failure.message.contains(why), "{}", failure.message);
    }
}

#[test]
fn settings_that_have_no_meaning_are_flaws() {
    let flaws = |with: Value| -> Vec<String> {
        let found = super::flaws(&With::deserialize(with).unwrap());
        found.into_iter().map(|flaw| flaw.setting).collect()
    };
    assert_eq!(flaws(json!({ "path": "/", "key": ["id"] })), Vec::<String>::new());
    assert_eq!(flaws(json!({ "path": "/", "key": [], "overlap": "5m" })), ["key", "overlap"]);
    assert_eq!(
        flaws(json!({ "path": "/", "key": ["id"], "since": "s", "overlap": "5" })),
        ["overlap"]
    );
}

#[test]
fn a_declared_item_is_held_against_what_is_found() {
    let with = json!({ "path": "/", "key": ["id"], "item": { "id": "integer", "name": "text?" } });
    let of = |item: Value| Delivery {
        headers: Vec::new(),
        query: String::new(),
        body: item.to_string().into_bytes().into(),
        received_at: Timestamp::UNIX_EPOCH,
    };
    let trigger = trigger();
    let events = trigger.decode(&with, &of(json!({ "id": 7, "more": true }))).unwrap();
    assert_eq!(events[0].payload.value()["item"], json!({ "id": 7, "more": true }));
    let failure = trigger.decode(&with, &of(json!({ "id": 7, "name": 1 }))).unwrap_err();
    assert_eq!(failure.message, "`event.item.name` is declared to be text, found a number");
}
