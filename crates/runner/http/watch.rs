//! For whoever watches the service: is it alive, is it ready, how much does it do. No personal data, so no token.

use std::{borrow::Cow, fmt::Write as _};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::Status;

use super::{door::Door, permission::Anyone};
use crate::disk;

/// Adds the routes of watchers.
pub fn routes(door: Door) -> Door {
    door.page("/healthz", healthy).page("/readyz", ready).page("/metrics", metrics)
}

async fn healthy(_: Anyone) -> Response {
    text(StatusCode::OK, "ok\n")
}

/// Ready is whose store can be read and takes what comes, and who is not stopping.
async fn ready(door: Anyone) -> Response {
    let service = &door.site.service;
    if service.stop.is_cancelled() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match service.engine.store().check().await {
        Ok(()) => match disk::little(&service.data_dir) {
            None => text(StatusCode::OK, "ready\n"),
            Some(free) => {
                text(StatusCode::OK, format!("ready; the disk is nearly full: {free} free\n"))
            }
        },
        // Whoever comes is not told where the file is.
        Err(_) => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "nothing can be stored: `recipe-runner status` says why\n",
        ),
    }
}

async fn metrics(door: Anyone) -> Response {
    let service = &door.site.service;
    let store = service.engine.store();
    let (Ok(recipes), Ok(size)) = (service.recipes().await, store.size().await) else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n");
    };
    let mut out = Metrics::default();
    out.about("recipe_runner_build_info", "gauge", "The program.");
    out.value("recipe_runner_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    if let Some(running) = service.running() {
        out.about("recipe_runner_start_time_seconds", "gauge", "When the service began.");
        out.value("recipe_runner_start_time_seconds", &[], running.since.as_second());
    }
    out.about("recipe_runner_recipe_on", "gauge", "Whether a recipe is on.");
    for recipe in &recipes {
        out.value("recipe_runner_recipe_on", &[("recipe", &recipe.name)], i64::from(recipe.on));
    }
    out.about(
        "recipe_runner_last_event_time_seconds",
        "gauge",
        "When the last event of a recipe came.",
    );
    for recipe in &recipes {
        if let Some(at) = recipe.last_event_at {
            out.value(
                "recipe_runner_last_event_time_seconds",
                &[("recipe", &recipe.name)],
                at.as_second(),
            );
        }
    }
    out.about(
        "recipe_runner_last_refusal_time_seconds",
        "gauge",
        "When a delivery to a recipe was last refused since the service began.",
    );
    for recipe in &recipes {
        if let Some((at, _)) = &recipe.last_refusal {
            let labels = [("recipe", recipe.name.as_str())];
            out.value("recipe_runner_last_refusal_time_seconds", &labels, at.as_second());
        }
    }
    out.about(
        "recipe_runner_source_failures",
        "gauge",
        "How often in a row a recipe's poll, schedule or catch-up failed.",
    );
    for recipe in &recipes {
        if let Some(source) = &recipe.source {
            let labels = [("recipe", recipe.name.as_str())];
            out.value("recipe_runner_source_failures", &labels, source.failures);
        }
    }
    out.about("recipe_runner_jobs", "gauge", "The jobs that are kept, by where they stand.");
    for recipe in &recipes {
        for status in STATUSES {
            let labels = [("recipe", recipe.name.as_str()), ("status", status.word())];
            out.value(
                "recipe_runner_jobs",
                &labels,
                recipe.jobs.get(&status).copied().unwrap_or(0),
            );
        }
    }
    let deployment = service.engine.deployment();
    out.about("recipe_runner_connection_open", "gauge", "Whether a connection can be opened.");
    for (name, connection) in &deployment.connections {
        out.value(
            "recipe_runner_connection_open",
            &[("connection", name)],
            i64::from(connection.is_ok()),
        );
    }
    out.about(
        "recipe_runner_store_bytes",
        "gauge",
        "What the store takes: the file, and in it the journals.",
    );
    for (part, bytes) in
        [("file", size.file), ("finished", size.finished), ("unfinished", size.unfinished)]
    {
        out.value("recipe_runner_store_bytes", &[("part", part)], bytes);
    }
    if let Some(free) = disk::free(&service.data_dir) {
        let help = "What can still be written to the disk of the data folder.";
        out.about("recipe_runner_disk_free_bytes", "gauge", help);
        out.value("recipe_runner_disk_free_bytes", &[], free);
    }
    let takes = store.check().await.is_ok();
    out.about("recipe_runner_store_writable", "gauge", "Whether the store takes what comes.");
    out.value("recipe_runner_store_writable", &[], i64::from(takes));
    let stats = store.stats();
    out.about(
        "recipe_runner_store_failures",
        "counter",
        "How often something could not be stored: a full or failing disk.",
    );
    out.value("recipe_runner_store_failures", &[], stats.failures);
    out.about("recipe_runner_store_commits", "counter", "Transactions that were committed.");
    out.value("recipe_runner_store_commits", &[], stats.commits);
    out.about(
        "recipe_runner_store_waits",
        "counter",
        "How often something waited for the disk: a delivery, a claim.",
    );
    out.value("recipe_runner_store_waits", &[], stats.waits);
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, out.text).into_response()
}

const STATUSES: [Status; 8] = [
    Status::Queued,
    Status::Running,
    Status::Waiting,
    Status::NeedsAttention,
    Status::Succeeded,
    Status::Failed,
    Status::Skipped,
    Status::Cancelled,
];

/// The text format of Prometheus.
#[derive(Default)]
struct Metrics {
    text: String,
}

impl Metrics {
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}")
            .expect("writing to text cannot fail");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let escaped =
            |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        writeln!(self.text, "{name}{labels} {value}").expect("writing to text cannot fail");
    }
}

fn text(status: StatusCode, words: impl Into<Cow<'static, str>>) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], words.into()).into_response()
}
