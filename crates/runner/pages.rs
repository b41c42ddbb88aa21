//! Pages to look at: the list of jobs and one job, read only, for whoever has the token and sits at this machine.
//!
//! Everything is escaped, there is no script, and the policy allows none. The token comes once in the address, as the
//! service prints it, and goes on in a cookie. It is made anew at every start; only its hash is kept.

use std::{
    fmt::{self, Display, Write},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    exit::Trouble,
    random,
    request::{JobLine, Search},
    service::Service,
    story::{StepState, StepStory, Story},
};

const STYLE: &str = include_str!("pages.css");
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// How many jobs the list shows.
const MOST_JOBS: usize = 100;

/// The token of the pages.
pub struct Token(String);

impl Token {
    /// Makes a new one.
    pub fn make() -> Result<Self, Trouble> {
        random::token().map(Self)
    }

    /// Returns its text, to be printed once.
    pub fn text(&self) -> &str {
        &self.0
    }
}

#[derive(Clone)]
struct Pages {
    service: Arc<Service>,
    /// Compared as hashes: how long that takes tells nothing about the token.
    token: [u8; 32],
}

#[derive(Deserialize)]
struct Asked {
    token: Option<String>,
    search: Option<String>,
}

/// Returns the routes of the pages.
pub fn routes(service: Arc<Service>, token: &Token) -> Router {
    let token = Sha256::digest(token.0.as_bytes()).into();
    Router::new()
        .route("/jobs", get(list))
        .route("/jobs/{job}", get(one))
        .route("/jobs/style.css", get(style))
        .with_state(Pages { service, token })
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css")], STYLE).into_response()
}

async fn list(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    if let Some(refusal) = pages.refusal(&headers, asked.token.as_deref(), "/jobs") {
        return refusal;
    }
    let search = Search { text: asked.search, limit: MOST_JOBS, ..Search::default() };
    let jobs = match pages.service.jobs(search).await {
        Ok(jobs) => jobs,
        Err(trouble) => return failed(&trouble),
    };
    page("Jobs", false, |html| {
        write!(html, "<h1>Jobs</h1>")?;
        if jobs.is_empty() {
            write!(html, "<p>No job yet. The first event makes one.</p>")?;
        }
        write!(html, "<table>")?;
        for job in &jobs {
            row(html, job)?;
        }
        write!(html, "</table>")
    })
}

async fn one(
    State(pages): State<Pages>,
    headers: HeaderMap,
    Path(job): Path<i64>,
    Query(asked): Query<Asked>,
) -> Response {
    let path = format!("/jobs/{job}");
    if let Some(refusal) = pages.refusal(&headers, asked.token.as_deref(), &path) {
        return refusal;
    }
    match pages.service.story(job).await {
        Ok(story) => {
            let title = format!("Job {job}: {}", story.label);
            page(&title, !story.status.is_final(), |html| body(html, &story))
        }
        Err(trouble) => failed(&trouble),
    }
}

impl Pages {
    /// Returns what keeps out whoever has not the token, or is not at this machine. With the token in the address: sets the cookie and sends on, so
    /// that the token does not stay in the history of the browser.
    fn refusal(&self, headers: &HeaderMap, token: Option<&str>, path: &str) -> Option<Response> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let not_here = || (StatusCode::NOT_FOUND, "not found\n").into_response();
        // A proxy in front of the hooks, or a name that resolves to loopback, does not open the pages.
        if !text(header::HOST).is_some_and(is_loopback) {
            return Some(not_here());
        }
        let is_right =
            |token: &str| <[u8; 32]>::from(Sha256::digest(token.as_bytes())) == self.token;
        if let Some(token) = token.filter(|token| is_right(token)) {
            let cookie = format!("pages={token}; Path=/jobs; HttpOnly; SameSite=Strict");
            let headers = [
                (header::SET_COOKIE, cookie),
                (header::LOCATION, path.to_owned()),
                (header::REFERRER_POLICY, "no-referrer".to_owned()),
            ];
            return Some((StatusCode::SEE_OTHER, headers).into_response());
        }
        let cookies = text(header::COOKIE).unwrap_or_default();
        let has = cookies
            .split(';')
            .filter_map(|cookie| cookie.trim().strip_prefix("pages="))
            .any(is_right);
        if has {
            return None;
        }
        let words = "This page needs the token that `recipe-runner status` prints.\n";
        Some((StatusCode::UNAUTHORIZED, words).into_response())
    }
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    let name = name.map_or(host, |(name, _)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn failed(trouble: &Trouble) -> Response {
    let mut response = page("Not found", false, |html| write!(html, "<p>{}</p>", Escaped(trouble)));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn page(title: &str, goes_on: bool, body: impl FnOnce(&mut String) -> fmt::Result) -> Response {
    let mut html = String::from("<!doctype html><html lang=en><meta charset=utf-8>");
    let refresh = if goes_on { "<meta http-equiv=refresh content=2>" } else { "" };
    write!(
        html,
        "<meta name=viewport content=\"width=device-width\">{refresh}<title>{}</title>\
         <link rel=stylesheet href=/jobs/style.css><nav><a href=/jobs>Jobs</a></nav><main>",
        Escaped(title)
    )
    .and_then(|()| body(&mut html))
    .expect("writing to text cannot fail");
    html.push_str("</main></html>");
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, html).into_response()
}

fn row(html: &mut String, job: &JobLine) -> fmt::Result {
    let JobLine { job, label, recipe, status, note, accepted_at, .. } = job;
    let word = status.word();
    write!(
        html,
        "<tr><td><a href=/jobs/{job}>{job}</a><td class={word}>{}<td>{}<td>{}<td>{}<td>{accepted_at:.0}",
        word.replace('_', " "),
        Escaped(label),
        Escaped(recipe),
        Escaped(note),
    )
}

fn body(html: &mut String, story: &Story) -> fmt::Result {
    let word = story.status.word();
    write!(
        html,
        "<h1>{} <span class={word}>{}</span></h1><p>{}</p><p class=faint>job {}, {}, accepted {:.0}</p>",
        Escaped(&story.label),
        word.replace('_', " "),
        Escaped(&story.note),
        story.job,
        Escaped(story.title.as_deref().unwrap_or(&story.recipe)),
        story.accepted_at,
    )?;
    for step in &story.steps {
        section(html, step)?;
    }
    for one in &story.interventions {
        write!(
            html,
            "<p class=faint>{:.0} {} {}</p>",
            one.at,
            Escaped(&one.by),
            Escaped(&one.what)
        )?;
    }
    Ok(())
}

fn section(html: &mut String, step: &StepStory) -> fmt::Result {
    let (class, state) = match step.state {
        StepState::Done => ("succeeded", "done"),
        StepState::LeftOut => ("skipped", "left out"),
        StepState::Calling => ("running", "calling"),
        StepState::Waiting => ("waiting", "waiting"),
        StepState::Asking => ("needs_attention", "waits for an answer"),
        StepState::Held => ("needs_attention", "held"),
        StepState::Retrying => ("waiting", "will be tried again"),
        StepState::Unknown => ("needs_attention", "outcome unknown"),
        StepState::Failed => ("failed", "failed"),
    };
    write!(
        html,
        "<section class=step-{class}><h2>{} <span class=faint>{}</span> <span class={class}>{state}</span></h2>",
        Escaped(&step.path),
        Escaped(step.title.as_deref().unwrap_or(&step.does))
    )?;
    if let Some(choice) = step.choice.as_ref().filter(|_| step.state != StepState::LeftOut) {
        write!(html, "<p>{}</p>", Escaped(choice))?;
    }
    for warning in &step.warnings {
        write!(html, "<p class=waiting>{}</p>", Escaped(&warning.message))?;
    }
    if let Some(drawn) = &step.drawn {
        write!(html, "<pre>{}</pre>", Escaped(drawn))?;
    }
    for (name, value) in [("input", &step.input), ("output", &step.output)] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_null()) {
            write!(
                html,
                "<details><summary>{name}</summary><pre>{}</pre></details>",
                Escaped(Pretty(value))
            )?;
        }
    }
    write!(html, "</section>")
}

struct Pretty<'a>(&'a Value);

impl Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

/// Text that means nothing to a browser.
struct Escaped<T>(T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.to_string().chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_job_is_markup() {
        let label = "<script>alert('x')</script>&\"";
        let escaped = Escaped(label).to_string();
        assert_eq!(escaped, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;");
    }

    #[test]
    fn only_this_machine_is_let_in() {
        for host in ["127.0.0.1:7117", "localhost", "localhost:80", "[::1]:7117", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["hooks.acme.example", "127.0.0.1.acme.example", "10.0.0.1:7117", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
