//! Recipes and connections: how they stand, what is wrong with them, and switching them.

use axum::Json;
use recipe::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Names, page};
use crate::{
    code::Code,
    doctor,
    forget::Forgotten,
    http::{
        access::Role,
        extract::{Asked, At, Body},
        openapi::Done,
        permission::{Operator, Viewer},
        problem::Problem,
    },
    mask,
    request::{RecipeLine, Section, Switched},
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

/// A page of recipes.
#[derive(Serialize, JsonSchema)]
pub struct Recipes {
    /// The recipes, by name.
    recipes: Vec<RecipeLine>,
    /// The `cursor` of the next page; none when this is the last.
    next: Option<String>,
}

/// A recipe with its text.
#[derive(Serialize, JsonSchema)]
pub struct RecipeText {
    /// How it stands.
    recipe: RecipeLine,
    /// Its webhook.
    webhook: String,
    /// What to do in the vendor's system, so that events come.
    set_up: String,
    /// The text of the version that new jobs take.
    text: Option<String>,
    /// What is wrong with its file.
    diagnostics: Vec<DiagnosticLine>,
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// On or off.
    on: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchMany {
    /// Which; none means all.
    #[serde(default)]
    recipes: Vec<String>,
    /// On or off.
    on: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    /// End its jobs that are not over; without it, such jobs keep it from being forgotten.
    #[serde(default)]
    cancel_jobs: bool,
}

/// A page of connections.
#[derive(Serialize, JsonSchema)]
pub struct Connections {
    /// The connections, by name.
    connections: Vec<ConnectionLine>,
    /// The `cursor` of the next page; none when this is the last.
    next: Option<String>,
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
    /// How the hosts that it talks to do: circuit, recent failures, what of the rate limit is used.
    pub hosts: Vec<connector::http::Health>,
}

pub async fn list(may: Viewer, Asked(asked): Asked<Names>) -> Result<Json<Recipes>, Problem> {
    let mut recipes: Vec<_> =
        may.site.service.recipes().await?.into_iter().map(RecipeLine::of).collect();
    if may.person.role == Role::Viewer {
        recipes = recipes.into_iter().map(mask::recipe_for_viewer).collect();
    }
    let (recipes, next) = page(recipes, &asked, |one| &one.name)?;
    Ok(Json(Recipes { recipes, next }))
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
    let Switched { url, set_up, .. } = service.switched(&status.name);
    let text = service.text(&status).await?;
    let mut recipe = RecipeLine::of(status);
    if may.person.role == Role::Viewer {
        recipe = mask::recipe_for_viewer(recipe);
    }
    Ok(Json(RecipeText { recipe, webhook: url, set_up, text, diagnostics }))
}

pub async fn switch(
    may: Operator,
    At(path): At<RecipePath>,
    Body(asked): Body<Switch>,
) -> Result<Done, Problem> {
    may.site.service.switch(&may.person.by(), vec![path.recipe], asked.on).await?;
    Ok(Done)
}

pub async fn switch_many(
    may: Operator,
    Body(asked): Body<SwitchMany>,
) -> Result<Json<Vec<Switched>>, Problem> {
    Ok(Json(may.site.service.switch(&may.person.by(), asked.recipes, asked.on).await?))
}

pub async fn forget(
    may: Operator,
    At(path): At<RecipePath>,
    Body(asked): Body<Forget>,
) -> Result<Json<Forgotten>, Problem> {
    let (service, by) = (&may.site.service, may.person.by());
    Ok(Json(service.forget(&by, &path.recipe, asked.cancel_jobs).await?))
}

pub async fn check(may: Operator, At(path): At<RecipePath>) -> Result<Json<Vec<Section>>, Problem> {
    may.site.service.recipe(&path.recipe).await?;
    Ok(Json(doctor::examine(&may.site.service, Some(&path.recipe)).await?))
}

pub async fn connections(
    may: Viewer,
    Asked(asked): Asked<Names>,
) -> Result<Json<Connections>, Problem> {
    let lines = connection_lines(&may.site.service);
    let (connections, next) = page(lines, &asked, |one| &one.name)?;
    Ok(Json(Connections { connections, next }))
}

pub async fn check_connection(
    may: Operator,
    At(path): At<ConnectionPath>,
) -> Result<Json<Vec<Section>>, Problem> {
    let service = &may.site.service;
    if !service.engine.deployment().project.connections.contains_key(&path.connection) {
        let words = format!("there is no connection `{}`", path.connection);
        return Err(Problem::new(Code::NoConnection, words));
    }
    Ok(Json(doctor::examine(service, Some(&path.connection)).await?))
}

/// Returns the connections of the project, by name.
pub fn connection_lines(service: &crate::service::Service) -> Vec<ConnectionLine> {
    let deployment = service.engine.deployment();
    let wrong = service.wrong();
    let health = service.engine.health();
    let line = |(name, connection): (&String, &recipe::Connection)| {
        let closed = wrong.closed.iter().find(|one| &one.connection == name);
        ConnectionLine {
            name: name.clone(),
            connector: connection.connector.clone(),
            open: closed.is_none(),
            reasons: closed.map(|one| one.reasons.clone()).unwrap_or_default(),
            cures: closed.map(|one| one.cures.clone()).unwrap_or_default(),
            hosts: health
                .iter()
                .find(|one| &one.connection == name)
                .map(|one| one.hosts.clone())
                .unwrap_or_default(),
        }
    };
    deployment.project.connections.iter().map(line).collect()
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
