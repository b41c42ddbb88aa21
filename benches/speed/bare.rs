//! The bare loop: what somebody writes by hand who wants the same hire and nothing else.
//!
//! It verifies the signature, keeps the body with one durable insert (group commit), answers 200, asks GoCo for its
//! employees, creates one, and keeps that it is done. No recipe, no retry, no look-up, no history; a crash may lose or
//! double a hire. The same HTTP server and client, the same database with the same sync, the same 16 at once.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use connector::{Secret, hmac::verify_sha256_hex};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::event::SECRET;

const AT_ONCE: usize = 16;
const BATCH: usize = 256;

struct Loop {
    secret: Secret,
    vendor: String,
    client: reqwest::Client,
    writer: mpsc::Sender<Write>,
    slots: Arc<Semaphore>,
}

enum Write {
    /// A delivery, told once it is on the disk.
    Accept(Bytes, oneshot::Sender<i64>),
    Done(i64, String),
}

/// Serves until the process is ended.
pub(crate) fn serve(folder: &Path, vendor: &str) {
    let (writer, writes) = mpsc::channel(1024);
    let database = open(folder);
    std::thread::spawn(move || write(&database, writes));
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let shared = Arc::new(Loop {
            secret: Secret::new(SECRET),
            vendor: vendor.to_owned(),
            client: reqwest::Client::builder()
                .tls_backend_preconfigured(tls())
                .timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            writer,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        });
        let routes = Router::new().route("/hooks/{recipe}", post(receive)).with_state(shared);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        println!("pages http://{}", listener.local_addr().unwrap());
        axum::serve(
            axum::serve::ListenerExt::tap_io(listener, |stream| stream.set_nodelay(true).unwrap()),
            routes,
        )
        .await
        .unwrap();
    });
}

fn tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

fn open(folder: &Path) -> Connection {
    let database = Connection::open(folder.join("bare.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
             CREATE TABLE hires (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
             CREATE TABLE done (hire INTEGER PRIMARY KEY, employee TEXT NOT NULL);",
        )
        .unwrap();
    database
}

/// Group commit: whatever waits becomes one transaction.
fn write(database: &Connection, mut writes: mpsc::Receiver<Write>) {
    let mut batch = Vec::with_capacity(BATCH);
    while writes.blocking_recv_many(&mut batch, BATCH) > 0 {
        let mut accepted = Vec::new();
        database.prepare_cached("BEGIN IMMEDIATE").unwrap().execute([]).unwrap();
        for write in batch.drain(..) {
            match write {
                Write::Accept(body, told) => {
                    let mut insert =
                        database.prepare_cached("INSERT INTO hires (body) VALUES (?1)").unwrap();
                    insert.execute([&body[..]]).unwrap();
                    accepted.push((told, database.last_insert_rowid()));
                }
                Write::Done(hire, employee) => {
                    let mut insert = database
                        .prepare_cached("INSERT INTO done (hire, employee) VALUES (?1, ?2)")
                        .unwrap();
                    insert.execute(rusqlite::params![hire, employee]).unwrap();
                }
            }
        }
        database.prepare_cached("COMMIT").unwrap().execute([]).unwrap();
        for (told, hire) in accepted {
            told.send(hire).unwrap_or_default();
        }
    }
}

async fn receive(State(shared): State<Arc<Loop>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("signature").and_then(|value| value.to_str().ok());
    let signature = signature.and_then(|value| value.strip_prefix("sha256 ")).unwrap_or_default();
    if !verify_sha256_hex(&shared.secret, &body, signature) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    let (told, hire) = oneshot::channel();
    shared.writer.send(Write::Accept(body, told)).await.unwrap();
    let hire = hire.await.unwrap();
    tokio::spawn(async move {
        let _slot = shared.slots.clone().acquire_owned().await.unwrap();
        sync(&shared, hire, &event).await;
    });
    StatusCode::OK
}

/// The hire itself: nobody of that name, then the employee.
async fn sync(shared: &Loop, hire: i64, event: &Value) {
    let person = &event["payload"]["application"]["candidate"];
    let key = "sandbox-goco-key";
    let employees = format!("{}/companies/acme-widgets/employees", shared.vendor);
    let found = shared.client.get(&employees).bearer_auth(key).send().await.unwrap();
    let found: Value = serde_json::from_slice(&found.bytes().await.unwrap()).unwrap();
    let same = found.as_array().unwrap().iter().any(|one| {
        one["first_name"] == person["first_name"] && one["last_name"] == person["last_name"]
    });
    assert!(!same, "everybody is hired once");
    let offer = &event["payload"]["application"]["offer"];
    let body = json!({
        "first_name": person["first_name"],
        "last_name": person["last_name"],
        "personal_email": person["email_addresses"][0]["value"],
        "start_date": offer["starts_at"],
        "employment_type": "Full-Time",
        "department_id": 103,
        "location_id": 201,
        "job_title_id": 302,
    });
    let made = shared.client.post(&employees).bearer_auth(key).json(&body).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.status());
    let made: Value = serde_json::from_slice(&made.bytes().await.unwrap()).unwrap();
    shared.writer.send(Write::Done(hire, made["id"].to_string())).await.unwrap();
}
