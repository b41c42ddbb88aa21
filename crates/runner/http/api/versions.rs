//! The versions of a recipe: which there were, their texts, and how one differs from another.

use axum::Json;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Names, page, recipes::RecipePath};
use crate::{
    http::{
        extract::{Asked, At},
        pages::difference,
        permission::Viewer,
        problem::Problem,
    },
    service::{Service, no_version},
};

#[derive(Deserialize, JsonSchema)]
pub struct VersionPath {
    /// The recipe's name.
    recipe: String,
    /// The version's hash.
    version: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Against {
    /// The older version that it is compared with.
    against: Option<String>,
}

/// A page of versions.
#[derive(Serialize, JsonSchema)]
pub struct Versions {
    /// The versions, newest first.
    versions: Vec<Version>,
    /// The `cursor` of the next page; none when this is the last.
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Version {
    /// Its hash.
    version: String,
    /// When it first took effect.
    since: Timestamp,
}

/// A version with its text.
#[derive(Serialize, JsonSchema)]
pub struct VersionText {
    /// Its hash.
    version: String,
    /// Its text.
    text: String,
    /// What is other than in the older one, with three lines around each change; none when nothing was compared.
    difference: Option<Vec<Line>>,
}

/// A line of a difference.
#[derive(Serialize, JsonSchema)]
pub struct Line {
    /// `+` for a new line, `-` for one that is gone, and a blank.
    mark: String,
    /// The line.
    text: String,
}

pub async fn list(
    may: Viewer,
    At(path): At<RecipePath>,
    Asked(asked): Asked<Names>,
) -> Result<Json<Versions>, Problem> {
    let service = &may.site.service;
    service.recipe(&path.recipe).await?;
    let all = service.engine.store().versions(&path.recipe).await?;
    let (found, next) = page(all, &asked, |one| &one.version)?;
    let versions =
        found.into_iter().map(|one| Version { version: one.version, since: one.since }).collect();
    Ok(Json(Versions { versions, next }))
}

pub async fn one(
    may: Viewer,
    At(path): At<VersionPath>,
    Asked(asked): Asked<Against>,
) -> Result<Json<VersionText>, Problem> {
    let service = &may.site.service;
    service.recipe(&path.recipe).await?;
    let text = text(service, &path.recipe, &path.version).await?;
    let difference = match &asked.against {
        None => None,
        Some(older) => {
            let older = self::text(service, &path.recipe, older).await?;
            let word = |line: &serde_json::Value, name: &str| {
                line[name].as_str().unwrap_or_default().to_owned()
            };
            let lines = difference(&older, &text);
            let line = |one| Line { mark: word(one, "mark"), text: word(one, "text") };
            Some(lines.iter().map(line).collect())
        }
    };
    Ok(Json(VersionText { version: path.version, text, difference }))
}

/// Returns the text of a version that the recipe had.
async fn text(service: &Service, recipe: &str, version: &str) -> Result<String, Problem> {
    let known = service.engine.store().versions(recipe).await?;
    let known = known.iter().any(|one| one.version == version);
    let text = if known { service.version(version).await? } else { None };
    Ok(text.ok_or_else(|| no_version(recipe, version))?)
}
