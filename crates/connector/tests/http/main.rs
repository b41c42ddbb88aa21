//! The HTTP client against real sockets on loopback: what leaves, what comes back, what it means and what is told.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod guard;
mod pages;
mod requests;
mod secrets;
mod server;
mod wire;

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

/// Returns a client of `server`, which is on loopback.
fn client(server: &Server, change: impl FnOnce(&mut ClientSettings)) -> Client {
    let mut settings = ClientSettings::new(&format!("{}/v1", server.url)).unwrap();
    settings.allow_private_addresses = true;
    change(&mut settings);
    Client::new(settings, &Opening::new("acme", clock())).unwrap()
}
