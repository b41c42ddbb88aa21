//! The pages and the API: what people and programs see of the service over HTTP, and what each of them may do.

pub mod access;
mod api;
mod door;
mod extract;
mod guard;
mod openapi;
mod pages;
mod permission;
mod problem;
mod watch;

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::DefaultBodyLimit, http::StatusCode};
use tower_http::timeout::TimeoutLayer;

pub use api::Verdict;
pub use guard::Hosts;

use crate::service::Service;
use door::Door;

/// The largest body that is taken; what a person pastes is a hundredth of it.
const LARGEST_BODY: usize = 2 << 20;
/// How long an answer may take to begin: a check-up asks every vendor.
const ANSWER_TIME: Duration = Duration::from_secs(90);

/// What every handler can reach.
#[derive(Clone)]
pub struct Site {
    /// The service.
    pub service: Arc<Service>,
    /// How the service is reached, and whom it believes.
    pub hosts: Arc<Hosts>,
    days: Arc<pages::Days>,
}

/// Returns the routes of the pages, the API and the watchers.
pub fn routes(service: Arc<Service>, hosts: Hosts) -> Router {
    let site = Site { service, hosts: Arc::new(hosts), days: Arc::default() };
    door()
        .router
        .layer(axum::middleware::from_fn_with_state(site.clone(), guard::guard))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_TIME))
        .with_state(site)
}

/// Returns every route with who may take it.
fn door() -> Door {
    pages::routes(api::routes(watch::routes(Door::default())))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    #![expect(clippy::disallowed_methods, reason = "`UPDATE=1` writes the files anew")]

    use std::{fs, path::Path};

    use super::*;

    fn compare(file: &str, made: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, made).unwrap();
        }
        let stored = fs::read_to_string(&file).unwrap_or_default();
        assert!(stored == made, "{} is old: run this test with UPDATE=1", file.display());
    }

    #[test]
    fn who_may_what_is_the_table() {
        compare("crates/runner/http/who_may.txt", &door().table());
    }

    #[test]
    fn the_description_of_the_api_is_the_one_in_schemas() {
        let text = format!("{:#}\n", door().description());
        compare("schemas/openapi.json", &text);
    }
}
