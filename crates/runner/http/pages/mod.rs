//! The pages: what people see in a browser. Rendered here, readable without a script.

mod job;
mod jobs;
mod lists;
mod overview;
mod picture;
mod recipe;
mod render;
mod session;
mod tallies;
mod try_it;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use engine::Status;
pub use overview::Days;
pub use recipe::difference;
pub use tallies::Tallies;

use render::shown;

use super::{door::Door, permission::Anyone, problem::Problem};

/// How many lines a list shows at once.
const PAGE: usize = 50;

/// Every status, those that want a person first.
const STATUSES: [Status; 8] = [
    Status::NeedsAttention,
    Status::Failed,
    Status::Running,
    Status::Waiting,
    Status::Queued,
    Status::Succeeded,
    Status::Skipped,
    Status::Cancelled,
];

/// Adds the routes of the pages.
pub fn routes(door: Door) -> Door {
    door.page("/", overview::show)
        .page("/sign-in", session::ask)
        .form("/sign-in", session::begin)
        .form("/sign-out", session::end)
        .form("/sign-out/everywhere", session::end_everywhere)
        .page("/jobs", jobs::list)
        .form("/jobs/retry", jobs::retry)
        .page("/jobs/{job}", job::show)
        .form("/jobs/{job}/retry", job::retry)
        .form("/jobs/{job}/cancel", job::cancel)
        .form("/jobs/{job}/resolve", job::resolve)
        .form("/jobs/{job}/answer", job::answer)
        .page("/recipes/{recipe}", recipe::show)
        .page("/recipes/{recipe}/check", recipe::check)
        .form("/recipes/{recipe}/switch", recipe::switch)
        .form("/recipes/{recipe}/forget", recipe::forget)
        .page("/recipes/{recipe}/try", try_it::show)
        .form("/recipes/{recipe}/try", try_it::plan)
        .form("/recipes/{recipe}/try/run", try_it::run)
        .page("/deliveries", lists::deliveries)
        .page("/deliveries/{delivery}", lists::delivery)
        .form("/deliveries/{delivery}/replay", lists::replay)
        .page("/connections", lists::connections)
        .page("/connections/check", lists::check_connections)
        .page("/audit", lists::audit)
        .page("/tokens", lists::tokens)
        .form("/tokens", lists::add_token)
        .form("/tokens/revoke", lists::revoke_token)
        .page("/assets/style.css", style)
        .page("/assets/live.js", script)
        .page("/assets/icon.svg", icon)
}

async fn style(_: Anyone) -> Response {
    asset("text/css; charset=utf-8", include_str!("../assets/style.css"))
}

async fn script(_: Anyone) -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../assets/live.js"))
}

async fn icon(_: Anyone) -> Response {
    asset("image/svg+xml", include_str!("../assets/icon.svg"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}

/// Why a page cannot be shown, or a form was not done.
pub enum Fault {
    /// As a program would be told.
    Problem(Box<Problem>),
}

impl<T: Into<Problem>> From<T> for Fault {
    fn from(told: T) -> Self {
        Self::Problem(Box::new(told.into()))
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let Self::Problem(problem) = self;
        let status = problem.status();
        let context = shown! {
            detail => problem.detail, hints => problem.hints, status => status.as_u16(),
            title => if status == StatusCode::NOT_FOUND { "Not found" } else { "That did not work" },
        };
        let mut response = render::bare("problem.html", "That did not work", &context);
        *response.status_mut() = status;
        response
    }
}

/// Returns to a page after a form was done.
fn back(to: &str) -> Response {
    Redirect::to(to).into_response()
}
