//! `/api/v1`: everything the pages do, for programs.

mod deliveries;
mod events;
mod jobs;
mod make;
mod people;
mod recipes;
mod service;
mod versions;

use std::sync::OnceLock;

use axum::{Json, http::Method};
use serde_json::Value;

pub use deliveries::{line as delivery_line, refused_line};
pub use jobs::{Jobs, Verdict};
pub use make::{MadeJob, NewJob, Since};
pub use people::{MadeToken, TokenLine, Tokens};
pub use recipes::connection_lines;

use super::{door::Door, permission::Anyone, problem::Problem};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

/// The most that a list gives at once.
pub const LARGEST_PAGE: usize = 200;

/// Adds the routes of the API.
pub fn routes(door: Door) -> Door {
    door.api(GET, "/api/v1/openapi.json", "The description of this API", description)
        .api(GET, "/api/v1/me", "Who the token is", people::me)
        .api(POST, "/api/v1/me/sign-out", "Sign out every browser that is signed in with this token", people::sign_out)
        .api(GET, "/api/v1/status", "How the service and its recipes stand, and what needs a person", service::status)
        .api(GET, "/api/v1/days", "How many jobs came on each of the last thirty days", service::days)
        .api(GET, "/api/v1/check", "Look whether everything is as it should be: the service, recipes, connections", service::check)
        .api(GET, "/api/v1/events", "News as they come, as server-sent events", events::listen)
        .api(GET, "/api/v1/recipes", "How every recipe stands", recipes::list)
        .api(GET, "/api/v1/recipes/{recipe}", "One recipe with its text, mistakes and set-up", recipes::one)
        .api(GET, "/api/v1/recipes/{recipe}/versions", "The versions a recipe has had, newest first", versions::list)
        .api(GET, "/api/v1/recipes/{recipe}/versions/{version}", "The text of a version, and its difference from another", versions::one)
        .api(GET, "/api/v1/recipes/{recipe}/check", "Look whether a recipe and what it uses are as they should be", recipes::check)
        .api(POST, "/api/v1/recipes/{recipe}/switch", "Switch a recipe on or off", recipes::switch)
        .api(
            POST,
            "/api/v1/recipes/{recipe}/forget",
            "Forget a recipe whose file is gone\nIts webhook is answered 404 from then on; its history stays.",
            recipes::forget,
        )
        .api(POST, "/api/v1/switch", "Switch several recipes on or off, or all of them\nIf one cannot be, none is.", recipes::switch_many)
        .api(
            POST,
            "/api/v1/recipes/{recipe}/jobs",
            "Make a job by hand\nIt has the once keys of its event: what is done is not done again.",
            make::job,
        )
        .api(GET, "/api/v1/recipes/{recipe}/samples", "What a recipe can be tried with: bodies in the project's files", make::samples)
        .api(POST, "/api/v1/recipes/{recipe}/plan", "Show what a job would write\nReads are sent, writes are not.", make::plan)
        .api(
            POST,
            "/api/v1/recipes/{recipe}/catch-up",
            "Ask the vendor what happened since a moment, and make jobs of what is missing\nEach is compared with the history; with `dry_run` nothing is written.",
            make::catch_up,
        )
        .api(GET, "/api/v1/recipes/{recipe}/past", "Show how the last finished jobs would go now\nNothing is sent.", make::past)
        .api(GET, "/api/v1/jobs", "Jobs, newest first", jobs::list)
        .api(POST, "/api/v1/jobs/retry", "Have many jobs go on", jobs::retry_many)
        .api(GET, "/api/v1/jobs/{job}", "One job with everything that happened to it", jobs::one)
        .api(GET, "/api/v1/jobs/{job}/journal", "The journal of a job, entry by entry", jobs::journal)
        .api(GET, "/api/v1/jobs/{job}/held", "Show what the held writes of a job would send\nReads are sent, the writes are not.", jobs::held)
        .api(POST, "/api/v1/jobs/{job}/retry", "Have a job go on", jobs::retry)
        .api(POST, "/api/v1/jobs/{job}/cancel", "End a job", jobs::cancel)
        .api(POST, "/api/v1/jobs/{job}/answer", "Answer a question of a job", jobs::answer)
        .api(POST, "/api/v1/jobs/{job}/resolve", "Settle a write whose outcome nobody could find out, or one that is held", jobs::resolve)
        .api(GET, "/api/v1/deliveries", "What came from outside, newest first", deliveries::list)
        .api(GET, "/api/v1/refused", "Deliveries that were refused and why, the newest of each recipe", deliveries::refused)
        .api(GET, "/api/v1/deliveries/{delivery}", "One delivery with its body", deliveries::one)
        .api(POST, "/api/v1/deliveries/{delivery}/replay", "Make a job of a delivery by hand", deliveries::replay)
        .api(GET, "/api/v1/connections", "The connections, and whether each can be opened", recipes::connections)
        .api(GET, "/api/v1/connections/{connection}/check", "Ask a vendor whether a connection works", recipes::check_connection)
        .api(GET, "/api/v1/audit", "What people did, newest first", people::audit)
        .api(GET, "/api/v1/tokens", "The tokens, without their texts", people::tokens)
        .api(POST, "/api/v1/tokens", "Make a token\nIts text is in this answer and nowhere else.", people::add_token)
        .api(DELETE, "/api/v1/tokens/{name}", "Take a token back", people::revoke_token)
        .api(POST, "/api/v1/first-sign-in", "Make a link that signs a browser in, and the first token if there is none", service::first_sign_in)
        .api(POST, "/api/v1/backup", "Copy all that is stored\nThe copy waits in the data folder; the command takes it away.", service::backup)
        .api(POST, "/api/v1/stop", "End the service", service::stop)
}

async fn description(_: Anyone) -> Result<Json<&'static Value>, Problem> {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    Ok(Json(DESCRIPTION.get_or_init(|| super::door().description())))
}

/// Returns how many to give when so many were asked for.
fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    let asked = asked.map_or(50, |asked| asked as usize);
    if (1..=LARGEST_PAGE).contains(&asked) {
        return Ok(asked);
    }
    Err(Problem::unreadable(format!("`limit` is from 1 to {LARGEST_PAGE}"))
        .hint("give `next` back as `cursor` for what follows"))
}

/// Cuts a page out of a list that is in memory; `name` is what a cursor names.
fn page<T>(
    all: Vec<T>,
    asked: &Names,
    name: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let begin = asked.cursor.as_ref().map_or(0, |cursor| {
        all.iter().position(|one| name(one) == cursor).map_or(all.len(), |place| place + 1)
    });
    let limit = limit(asked.limit)?;
    let more = all.len().saturating_sub(begin) > limit;
    let items: Vec<T> = all.into_iter().skip(begin).take(limit).collect();
    let next = items.last().filter(|_| more).map(|last| name(last).to_owned());
    Ok((items, next))
}

/// Which part of a list that goes by names.
#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Where the page before ended: its `next`.
    cursor: Option<String>,
    /// At most so many; 50, if it is left out.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn a_list_is_read_to_its_end_page_by_page() {
        let all = ["a", "b", "c", "d", "e"].to_vec();
        let (mut read, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let asked = Names { cursor, limit: Some(2) };
            let (items, next) = page(all.clone(), &asked, |one| one).unwrap();
            read.extend(items);
            pages += 1;
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((read, pages), (all.clone(), 3));
        let gone = Names { cursor: Some("x".into()), limit: None };
        assert_eq!(page(all.clone(), &gone, |one| one).unwrap(), (Vec::new(), None));
        for limit in [0, 201] {
            let asked = Names { cursor: None, limit: Some(limit) };
            let problem = page(all.clone(), &asked, |one| one).unwrap_err();
            assert_eq!(problem.detail, "`limit` is from 1 to 200");
        }
    }
}
