//! `status`: the service, its recipes, and what needs attention.

use std::path::Path;

use connector::{Clock, SystemClock, http::Health};
use engine::{ConnectionHealth, FileState, SourceKind, SourceStatus, Status};
use jiff::Timestamp;

use crate::{
    args::{FailOn, Format},
    desk::Desk,
    exit::{Exit, Trouble},
    jobs,
    live::ago,
    request::{RecipeLine, ServiceStatus},
    terminal::{self, BAD, FAINT, GOOD, NAME, STRONG, WARN, count, paint},
};

/// Runs the command.
pub async fn run(dir: &Path, fail_on: Option<FailOn>, format: Format) -> Result<Exit, Trouble> {
    let desk = Desk::open(dir).await?;
    let status = desk.get("status").await;
    desk.close().await;
    let status: ServiceStatus = status?;
    match format {
        Format::Json => terminal::json(&status),
        Format::Text => terminal::data(text(&status, SystemClock.now())),
    }
    let wrong = !status.attention.is_empty()
        || status.running.is_none()
        || status.store_trouble.is_some()
        || status.nearly_full.is_some();
    Ok(if fail_on.is_some() && wrong { Exit::Found } else { Exit::Good })
}

fn text(status: &ServiceStatus, now: Timestamp) -> String {
    let mut lines = vec![match &status.running {
        Some(running) => format!(
            "{} since {:.0}, process {}, at {}",
            paint(GOOD, "service runs"),
            running.since,
            running.process,
            paint(NAME, format!("http://{}", running.listen)),
        ),
        None => format!(
            "{}; start it with {}",
            paint(BAD, "no service runs"),
            paint(NAME, "recipe-runner start")
        ),
    }];
    if let Some(running) = &status.running {
        lines.push(format!("pages        {}", paint(NAME, &running.page)));
    }
    if let Some(trouble) = &status.store_trouble {
        lines.push(format!("\n{}", paint(BAD, "nothing can be stored; webhooks are answered 503")));
        lines.push(format!("  {trouble}"));
    }
    if let Some(told) = &status.nearly_full {
        lines.push(format!("\n{}", paint(WARN, told)));
        lines.push("  make room: once it is full, webhooks are answered 503".into());
    }
    for recipe in &status.recipes {
        lines.push(String::new());
        lines.extend(one(recipe, now));
    }
    if !status.closed.is_empty() {
        lines.push(format!("\n{}", paint(BAD, "connections that cannot be opened")));
        lines.extend(status.closed.iter().map(|one| format!("  {one}")));
    }
    let held_up: Vec<String> = status.held_up.iter().flat_map(|one| of_hosts(one, now)).collect();
    if !held_up.is_empty() {
        lines.push(format!("\n{}", paint(BAD, "connections that are held up")));
        lines.extend(held_up);
    }
    if !status.mistakes.is_empty() {
        let number = count(status.mistakes.len(), "mistake");
        lines.push(format!("\n{}", paint(BAD, format!("{number} in the project's files"))));
        let mistakes: Vec<&str> = status.mistakes.iter().map(|one| one.trim_end()).collect();
        lines.push(mistakes.join("\n\n"));
    }
    if !status.attention.is_empty() {
        let number = count(status.attention.len(), "job");
        let verb = if status.attention.len() == 1 { "needs" } else { "need" };
        lines.push(format!("\n{}", paint(BAD, format!("{number} {verb} attention"))));
        lines.push(jobs::table(&status.attention));
        lines.push(paint(FAINT, "look at one: `recipe-runner jobs show JOB`"));
    }
    lines.join("\n")
}

fn one(recipe: &RecipeLine, now: Timestamp) -> Vec<String> {
    let switch = if recipe.on { paint(GOOD, "● on ") } else { paint(FAINT, "○ off") };
    let mut lines =
        vec![format!("{switch} {}  {}", paint(STRONG, &recipe.name), paint(FAINT, &recipe.title))];
    match (recipe.file, &recipe.version) {
        (FileState::Good, _) => {}
        (FileState::Broken, Some(_)) => lines.push(format!(
            "      {}",
            paint(BAD, "its file is broken; the last good version goes on")
        )),
        (FileState::Broken, None) => {
            lines.push(format!(
                "      {}",
                paint(BAD, "its file is broken, and no earlier version holds")
            ));
        }
        (FileState::Missing, _) => {
            let gone = "its file is gone; it is off and keeps accepting";
            lines.push(format!("      {}", paint(WARN, gone)));
            let cure = format!("put it back, or `recipe-runner forget {}`", recipe.name);
            lines.push(format!("      {}", paint(FAINT, cure)));
        }
    }
    let last = recipe.last_event_at.map_or_else(
        || match recipe.last_ping_at {
            Some(at) => format!("no event yet; pinged {}", ago(now, at)),
            None => "no event yet".into(),
        },
        |at| format!("last event {}", ago(now, at)),
    );
    lines.push(format!("      {last}"));
    if let Some(refusal) = &recipe.last_refusal {
        let told = format!("refused a delivery {}: {}", ago(now, refusal.at), refusal.reason);
        lines.push(format!("      {}", paint(WARN, told)));
    }
    lines.extend(recipe.source.iter().flat_map(|source| of_source(source, now)));
    let counts: Vec<String> = [
        Status::NeedsAttention,
        Status::Running,
        Status::Waiting,
        Status::Queued,
        Status::Succeeded,
        Status::Skipped,
        Status::Failed,
        Status::Cancelled,
    ]
    .into_iter()
    .filter_map(|status| {
        let number = recipe.count(status);
        let word = format!("{number} {}", status.word().replace('_', " "));
        (number > 0).then(|| paint(crate::show::status_style(status), word))
    })
    .collect();
    if !counts.is_empty() {
        lines.push(format!("      {}", counts.join(", ")));
    }
    lines
}

/// Returns which hosts of a connection are left alone, why, and until when.
pub fn of_hosts(connection: &ConnectionHealth, now: Timestamp) -> Vec<String> {
    let name = &connection.connection;
    let told = |host: &Health| {
        let at = &host.host;
        if let Some(opened) = host.opened_at {
            let last = host.recent.first().map_or("", |last| &last.message);
            let failures = count(host.failures as usize, "failure");
            let next = host.next_try_at.unwrap_or(now).max(now);
            return Some(format!(
                "  `{name}` ({at}): circuit open since {opened:.0}, after {failures} in a row ({last}); next try \
                 {next:.0}"
            ));
        }
        let until = host.paused_until?;
        Some(format!("  `{name}` ({at}): the vendor asked for a pause until {until:.0}"))
    };
    connection.hosts.iter().filter_map(told).collect()
}

/// Returns where a recipe's events come from when nobody sends them.
fn of_source(source: &SourceStatus, now: Timestamp) -> Vec<String> {
    let next: Vec<String> = source.next_at.iter().map(|at| format!("{at:.0}")).collect();
    let (what, done) = match source.kind {
        SourceKind::Poll => ("poll", "polled"),
        SourceKind::Schedule => ("schedule", "fired"),
        SourceKind::CatchUp => ("catch-up", "looked for missed events"),
    };
    let mut parts = Vec::new();
    parts.extend(source.last_at.map(|at| format!("{done} {}", ago(now, at))));
    parts.extend((!next.is_empty()).then(|| format!("next {}", next.join(", "))));
    if parts.is_empty() {
        parts.push("not while it is off".into());
    }
    let mut lines = vec![format!("      {what}: {}", parts.join("; "))];
    if let Some(error) = &source.error {
        let times = count(source.failures as usize, "time");
        lines.push(format!("      {}", paint(BAD, format!("failed {times}: {error}"))));
    }
    lines
}
