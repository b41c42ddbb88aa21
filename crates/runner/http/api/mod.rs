//! `/api/v1`: everything the pages do, for programs.

mod deliveries;
mod events;
mod jobs;
mod people;
mod recipes;

use axum::{Json, http::Method, response::IntoResponse};

pub use deliveries::line as delivery_line;
pub use jobs::Verdict;
pub use recipes::connection_lines;

use super::{door::Door, permission::Anyone};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

/// The most that a list gives at once.
const LARGEST_PAGE: usize = 200;

/// Adds the routes of the API.
pub fn routes(door: Door) -> Door {
    door.page("/api/v1/openapi.json", description)
        .api(GET, "/api/v1/me", "Who the token is", people::me)
        .api(GET, "/api/v1/recipes", "How every recipe stands", recipes::list)
        .api(GET, "/api/v1/recipes/{recipe}", "One recipe with its text, mistakes and versions", recipes::one)
        .api(POST, "/api/v1/recipes/{recipe}/switch", "Switch a recipe on or off", recipes::switch)
        .api(
            POST,
            "/api/v1/recipes/{recipe}/jobs",
            "Make a job by hand\nIt has the once keys of its event: what is done is not done again.",
            recipes::make_job,
        )
        .api(GET, "/api/v1/recipes/{recipe}/check", "Look whether a recipe and what it uses are as they should be", recipes::check)
        .api(GET, "/api/v1/jobs", "Jobs, newest first", jobs::list)
        .api(POST, "/api/v1/jobs/retry", "Have many jobs go on", jobs::retry_many)
        .api(GET, "/api/v1/jobs/{job}", "One job with everything that happened to it", jobs::one)
        .api(GET, "/api/v1/jobs/{job}/journal", "The journal of a job, entry by entry", jobs::journal)
        .api(POST, "/api/v1/jobs/{job}/retry", "Have a job go on", jobs::retry)
        .api(POST, "/api/v1/jobs/{job}/cancel", "End a job", jobs::cancel)
        .api(POST, "/api/v1/jobs/{job}/answer", "Answer a question of a job", jobs::answer)
        .api(POST, "/api/v1/jobs/{job}/resolve", "Settle a write whose outcome nobody could find out", jobs::resolve)
        .api(GET, "/api/v1/deliveries", "What came from outside, newest first", deliveries::list)
        .api(GET, "/api/v1/deliveries/{delivery}", "One delivery with its body", deliveries::one)
        .api(POST, "/api/v1/deliveries/{delivery}/replay", "Make jobs of a delivery by hand", deliveries::replay)
        .api(GET, "/api/v1/connections", "The connections, and whether each can be opened", recipes::connections)
        .api(GET, "/api/v1/connections/{connection}/check", "Ask a vendor whether a connection works", recipes::check_connection)
        .api(GET, "/api/v1/audit", "What people did, newest first", people::audit)
        .api(GET, "/api/v1/tokens", "The tokens, without their texts", people::tokens)
        .api(POST, "/api/v1/tokens", "Make a token\nIts text is in this answer and nowhere else.", people::add_token)
        .api(DELETE, "/api/v1/tokens/{name}", "Take a token back", people::revoke_token)
        .page("/api/v1/events", events::listen)
}

async fn description(_: Anyone) -> impl IntoResponse {
    Json(super::door().description())
}

/// Returns how many to give when so many were asked for.
fn limit(asked: Option<u32>) -> usize {
    asked.map_or(50, |asked| asked as usize).clamp(1, LARGEST_PAGE)
}
