//! Recipes and connections: how they stand, what is wrong with them, and switching them.

use std::collections::BTreeMap;

use axum::Json;
use engine::{FileState, RecipeStatus};
use jiff::Timestamp;
use recipe::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    doctor,
    http::{
        extract::{At, Body},
        openapi::{Done, Made},
        permission::{Operator, Viewer},
        problem::Problem,
    },
    request::{From, Section},
    service::By,
};

#[derive(Deserialize, JsonSchema)]
pub struct RecipePath {
    /// The recipe's name.
    pub recipe: String,
}

#[derive(Deserialize, JsonSchema)]
pub struct ConnectionPath {
    /// The connection's name.
    pub connection: String,
}

/// How a recipe stands.
#[derive(Serialize, JsonSchema)]
pub struct RecipeLine {
    /// Its name.
    name: String,
    /// Its title; empty when no version was ever right.
    title: String,
    /// Whether it is on.
    on: bool,
    /// The version that new jobs take.
    version: Option<String>,
    /// Whether its file is right.
    file: FileState,
    /// When the last event came.
    last_event_at: Option<Timestamp>,
    /// When the last ping came.
    last_ping_at: Option<Timestamp>,
    /// When a delivery was last refused since the service began, and why.
    last_refusal: Option<Refusal>,
    /// Its jobs by status.
    jobs: BTreeMap<String, u64>,
}

#[derive(Serialize, JsonSchema)]
pub struct Refusal {
    /// When.
    at: Timestamp,
    /// Why.
    reason: String,
}

/// A recipe with its text.
#[derive(Serialize, JsonSchema)]
pub struct RecipeText {
    /// How it stands.
    recipe: RecipeLine,
    /// Its webhook.
    webhook: String,
    /// The text of the version that new jobs take.
    text: Option<String>,
    /// What is wrong with its file.
    diagnostics: Vec<DiagnosticLine>,
    /// The versions it has had, newest first.
    versions: Vec<Version>,
}

#[derive(Serialize, JsonSchema)]
pub struct DiagnosticLine {
    /// Whether the recipe is refused for it.
    is_error: bool,
    /// A stable word.
    code: String,
    /// What is wrong.
    message: String,
    /// The line, from 1.
    line: usize,
    /// The column, from 1.
    column: usize,
    /// What to do about it.
    help: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Version {
    /// Its hash.
    version: String,
    /// When it first took effect.
    since: Timestamp,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// On or off.
    on: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJob {
    /// The body of a webhook, as the vendor sends it.
    body: Option<Value>,
    /// The job whose event is taken, instead.
    job: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub struct MadeJob {
    /// The new job.
    pub job: i64,
}

/// A connection.
#[derive(Serialize, JsonSchema)]
pub struct ConnectionLine {
    /// Its name.
    pub name: String,
    /// The connector it is for.
    pub connector: String,
    /// Whether it can be opened.
    pub open: bool,
    /// Why not: names of settings and references, never what they stand for.
    pub reasons: Vec<String>,
    /// What to do about it.
    pub cures: Vec<String>,
}

pub async fn list(may: Viewer) -> Result<Json<Vec<RecipeLine>>, Problem> {
    let recipes = may.site.service.recipes().await?;
    Ok(Json(recipes.into_iter().map(line).collect()))
}

pub async fn one(may: Viewer, At(path): At<RecipePath>) -> Result<Json<RecipeText>, Problem> {
    let service = &may.site.service;
    let status = service.recipe(&path.recipe).await?;
    let file = format!("recipes/{}.yaml", status.name);
    let diagnostics = service
        .wrong()
        .diagnostics
        .iter()
        .filter(|one| one.source.path == file)
        .map(diagnostic)
        .collect();
    let versions = service.engine.store().versions(&status.name).await?;
    Ok(Json(RecipeText {
        webhook: service.switched(&status.name).url,
        text: service.text(&status).await?,
        diagnostics,
        versions: versions
            .into_iter()
            .map(|one| Version { version: one.version, since: one.since })
            .collect(),
        recipe: line(status),
    }))
}

pub async fn switch(
    may: Operator,
    At(path): At<RecipePath>,
    Body(asked): Body<Switch>,
) -> Result<Done, Problem> {
    let by = By::api(&may.person.name);
    may.site.service.switch(&by, vec![path.recipe], asked.on).await?;
    Ok(Done)
}

pub async fn make_job(
    may: Operator,
    At(path): At<RecipePath>,
    Body(asked): Body<NewJob>,
) -> Result<Made<MadeJob>, Problem> {
    let from = match (asked.body, asked.job) {
        (Some(body), None) => From::Body(body.to_string().into_bytes()),
        (None, Some(job)) => From::Job(job),
        _ => {
            return Err(Problem::unreadable("either `body` or `job` says what the job is made of"));
        }
    };
    let by = By::api(&may.person.name);
    let job = may.site.service.submit(&by, &path.recipe, from).await?;
    Ok(Made(MadeJob { job }))
}

pub async fn check(may: Operator, At(path): At<RecipePath>) -> Result<Json<Vec<Section>>, Problem> {
    may.site.service.recipe(&path.recipe).await?;
    Ok(Json(doctor::examine(&may.site.service, Some(&path.recipe)).await?))
}

pub async fn connections(may: Viewer) -> Result<Json<Vec<ConnectionLine>>, Problem> {
    Ok(Json(connection_lines(&may.site.service)))
}

pub async fn check_connection(
    may: Operator,
    At(path): At<ConnectionPath>,
) -> Result<Json<Vec<Section>>, Problem> {
    Ok(Json(doctor::examine(&may.site.service, Some(&path.connection)).await?))
}

/// Returns the connections of the project, by name.
pub fn connection_lines(service: &crate::service::Service) -> Vec<ConnectionLine> {
    let deployment = service.engine.deployment();
    let wrong = service.wrong();
    let line = |(name, connection): (&String, &recipe::Connection)| {
        let closed = wrong.closed.iter().find(|one| &one.connection == name);
        ConnectionLine {
            name: name.clone(),
            connector: connection.connector.clone(),
            open: closed.is_none(),
            reasons: closed.map(|one| one.reasons.clone()).unwrap_or_default(),
            cures: closed.map(|one| one.cures.clone()).unwrap_or_default(),
        }
    };
    deployment.project.connections.iter().map(line).collect()
}

fn line(status: RecipeStatus) -> RecipeLine {
    RecipeLine {
        name: status.name,
        title: status.title,
        on: status.on,
        version: status.version,
        file: status.file,
        last_event_at: status.last_event_at,
        last_ping_at: status.last_ping_at,
        last_refusal: status.last_refusal.map(|(at, reason)| Refusal { at, reason }),
        jobs: status
            .jobs
            .into_iter()
            .map(|(status, jobs)| (status.word().to_owned(), jobs))
            .collect(),
    }
}

fn diagnostic(one: &recipe::Diagnostic) -> DiagnosticLine {
    let (line, column) = one.source.line_col(one.span.start);
    DiagnosticLine {
        is_error: one.severity == Severity::Error,
        code: one.code.into(),
        message: one.message.clone(),
        line,
        column,
        help: one.label.iter().chain(&one.help).cloned().collect(),
    }
}
