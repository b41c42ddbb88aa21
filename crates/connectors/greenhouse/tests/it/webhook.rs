//! The whole way of a webhook: the sandbox's sender to a listener, and the trigger reads what came.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use connector::{Clock, Delivery, SystemClock, Verdict};
use sandbox::greenhouse::{GreenhouseTenant, Switches};
use serde_json::{Value, json};

use crate::bench::{open, trigger};

/// What came, and with which statuses it is answered.
#[derive(Debug, Default)]
struct Hook {
    deliveries: Vec<Delivery>,
    refusals: Vec<u16>,
}

type Shared = Arc<Mutex<Hook>>;

#[tokio::test]
async fn a_hire_arrives_signed_escaped_and_whole() {
    let (tenant, hook, url) = set_up().await;
    let connection = open(tenant.connection("harvest_v3"), Arc::new(SystemClock)).unwrap();
    let zoe = tenant.account(|account| account.named("Zoë", "O'Neil & Søn").unwrap().id);
    let event = tenant.hire(zoe).unwrap();
    assert!(tenant.sender().send(&url, &event).await.unwrap().delivered());
    let delivery = hook.lock().unwrap().deliveries[0].clone();
    assert!(delivery.body.is_ascii(), "everything beyond ASCII is escaped");
    let verdict = trigger().verify(&connection, &json!({}), &delivery).unwrap();
    assert_eq!(verdict, Verdict::Events);
    let events = trigger().decode(&json!({}), &delivery).unwrap();
    let payload = events[0].payload.value();
    assert_eq!(payload["candidate"]["first_name"], "Zoë");
    assert_eq!(payload["candidate"]["last_name"], "O'Neil & Søn");
    assert_eq!(payload["job"]["name"], "Account Executive <EMEA>");
    assert_eq!(payload["offer"]["starts_on"], "2027-02-01");
    assert_eq!(payload["candidate"]["attachments"][0]["filename"], "Lebenslauf – Zoë.pdf");

    // The same text written again by a proxy is another text.
    let again = serde_json::from_slice::<Value>(&delivery.body).unwrap().to_string();
    let again = Delivery { body: again.into_bytes().into(), ..delivery };
    assert_eq!(trigger().verify(&connection, &json!({}), &again).unwrap_err().status, 401);
}

#[tokio::test]
async fn the_ping_of_saving_is_a_ping() {
    let (tenant, hook, url) = set_up().await;
    let connection = open(tenant.connection("harvest_v3"), Arc::new(SystemClock)).unwrap();
    assert!(tenant.sender().ping(&url).await.unwrap().delivered());
    let delivery = hook.lock().unwrap().deliveries[0].clone();
    assert_eq!(trigger().verify(&connection, &json!({}), &delivery).unwrap(), Verdict::Ping);
    // Unanswered, it is not tried again: Greenhouse stores the webhook disabled.
    hook.lock().unwrap().refusals = vec![500];
    let unanswered = tenant.sender().ping(&url).await.unwrap();
    assert_eq!((unanswered.delivered(), unanswered.statuses), (false, vec![Some(500)]));
}

#[tokio::test]
async fn an_event_is_sent_until_it_is_answered_200() {
    let (tenant, hook, url) = set_up().await;
    let event = tenant.hire(35_897_443).unwrap();
    hook.lock().unwrap().refusals = vec![503, 202, 404];
    let sent = tenant.sender().send(&url, &event).await.unwrap();
    assert_eq!(sent.statuses, [Some(503), Some(202), Some(404), Some(200)]);
    let ids: Vec<_> = hook
        .lock()
        .unwrap()
        .deliveries
        .iter()
        .map(|delivery| delivery.header("greenhouse-event-id").unwrap().to_owned())
        .collect();
    assert_eq!(ids, vec![sent.event_id; 4]);
    let keys: Vec<_> = hook
        .lock()
        .unwrap()
        .deliveries
        .iter()
        .map(|delivery| trigger().decode(&json!({}), delivery).unwrap()[0].dedupe_key.clone())
        .collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "a repeat is the same event: {keys:?}");

    hook.lock().unwrap().refusals = vec![500; 9];
    let lost = tenant.sender().send(&url, &event).await.unwrap();
    assert_eq!((lost.delivered(), lost.statuses.len()), (false, 7));
}

#[tokio::test]
async fn everybody_in_the_sandbox_can_be_hired() {
    let (tenant, hook, url) = set_up().await;
    let ids: Vec<u64> =
        tenant.account(|account| account.candidates.iter().map(|candidate| candidate.id).collect());
    for id in &ids {
        tenant.sender().send(&url, &tenant.hire(*id).unwrap()).await.unwrap();
    }
    let hook = hook.lock().unwrap();
    assert_eq!(hook.deliveries.len(), ids.len());
    for (id, delivery) in ids.iter().zip(&hook.deliveries) {
        let events = trigger().decode(&json!({}), delivery).unwrap();
        assert_eq!(events[0].order_key, Some(id.to_string()));
        let offer = &events[0].payload.value()["offer"];
        assert_eq!(offer.is_null(), events[0].dedupe_key.ends_with("/no-offer"), "{offer}");
    }
}

async fn set_up() -> (GreenhouseTenant, Shared, String) {
    let tenant = GreenhouseTenant::start(Switches::default()).await.unwrap();
    let hook = Shared::default();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/hooks/hire", listener.local_addr().unwrap());
    let service = Router::new().fallback(receive).with_state(hook.clone());
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (tenant, hook, url)
}

async fn receive(State(hook): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
    let delivery = Delivery {
        headers: headers.collect(),
        query: String::new(),
        body: body.as_ref().into(),
        received_at: SystemClock.now(),
    };
    let mut hook = hook.lock().unwrap();
    hook.deliveries.push(delivery);
    let status = if hook.refusals.is_empty() { 200 } else { hook.refusals.remove(0) };
    StatusCode::from_u16(status).unwrap()
}
