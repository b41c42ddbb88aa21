//! The pages and the API: what people and programs see of the service over HTTP, and what each of them may do.

pub mod access;
pub mod api;
mod door;
mod extract;
mod guard;
mod openapi;
mod pages;
mod permission;
mod problem;
mod watch;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{StatusCode, Uri},
    response::Response,
};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, service::Service as _};
use hyper_util::service::TowerToHyperService;
use tower_http::timeout::TimeoutLayer;

pub use api::Verdict;
pub use guard::Hosts;
pub use permission::BY;
pub use problem::Problem;

use crate::{code::Code, hooks, serve::Peer, service::Service};
use door::Door;

/// The largest body that is taken: the largest of a webhook, written in base64.
const LARGEST_BODY: usize = hooks::LARGEST_BODY / 2 * 3;
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
    tallies: Arc<pages::Tallies>,
}

/// Returns the routes of the pages, the API and the watchers.
pub fn routes(service: Arc<Service>, hosts: Hosts) -> Router {
    let time = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_TIME);
    let site = Site::of(service, hosts);
    // Counted before somebody asks, who would have to wait for it.
    let (service, days) = (site.service.clone(), site.days.clone());
    tokio::spawn(async move { drop(days.get(&service).await) });
    through_the_guard(site, |router| router.layer(time))
}

/// Returns the same routes for commands, which wait as long as it takes.
pub fn for_the_owner(service: Arc<Service>) -> Router {
    through_the_guard(Site::of(service, Hosts::default()), |router| router)
}

/// Asks a service in this process, as a command would ask over its socket.
pub async fn ask_here(
    service: &Arc<Service>,
    mut request: Request<Full<Bytes>>,
) -> (StatusCode, Bytes) {
    request.extensions_mut().insert(Peer::Owner);
    let routes = TowerToHyperService::new(for_the_owner(service.clone()));
    let response = match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    let body = response.into_body().collect().await;
    (status, body.map(http_body_util::Collected::to_bytes).unwrap_or_default())
}

impl Site {
    fn of(service: Arc<Service>, hosts: Hosts) -> Self {
        Self { service, hosts: Arc::new(hosts), days: Arc::default(), tallies: Arc::default() }
    }
}

fn through_the_guard(site: Site, limit: impl FnOnce(Router<Site>) -> Router<Site>) -> Router {
    let router = door().router.fallback(absent).method_not_allowed_fallback(wrong_method);
    limit(router.layer(DefaultBodyLimit::max(LARGEST_BODY)))
        .layer(axum::middleware::from_fn_with_state(site.clone(), guard::guard))
        .with_state(site)
}

async fn absent(uri: Uri) -> Response {
    let problem = Problem::new(Code::NotFound, "there is nothing at this address")
        .hint("`/api/v1/openapi.json` describes what there is");
    guard::told(problem, permission::is_api(uri.path()))
}

async fn wrong_method(uri: Uri) -> Response {
    let problem = Problem::new(Code::WrongMethod, "this address does not take that method")
        .hint("`Allow` says which it takes");
    guard::told(problem, permission::is_api(uri.path()))
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

    /// Replaces what stands between two marks of a document.
    fn compare_part(file: &str, name: &str, made: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(&path).unwrap();
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let (before, rest) = text.split_once(&begin).unwrap();
        let (_, after) = rest.split_once(&end).unwrap();
        compare(file, &format!("{before}{begin}{made}{end}{after}"));
    }

    #[test]
    fn the_documents_list_every_operation_and_every_code() {
        compare_part("docs/api.md", "operations", &door().reference());
        let row =
            |code: &Code| format!("| `{}` | {} | {} |\n", code.word(), code.status(), code.about());
        let rows: String = Code::ALL.iter().map(row).collect();
        let table = format!("| code | status | meaning |\n|---|---|---|\n{rows}");
        compare_part("docs/api.md", "codes", &table);
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
