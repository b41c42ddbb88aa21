//! Deliveries: what came from outside, as it came.

use axum::Json;
use engine::DeliveryId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{limit, make::MadeJob};
use crate::http::{
    extract::{Asked, At},
    openapi::Made,
    permission::{Operator, Viewer},
    problem::Problem,
};

#[derive(Deserialize, JsonSchema)]
pub struct DeliveryPath {
    /// The delivery's number.
    pub delivery: i64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only to this recipe.
    recipe: Option<String>,
    /// Where the page before ended: its `next`.
    cursor: Option<i64>,
    /// At most so many; 50, if it is left out.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// A page of deliveries.
#[derive(Serialize, JsonSchema)]
pub struct Deliveries {
    /// The deliveries, newest first.
    deliveries: Vec<DeliveryLine>,
    /// The `cursor` of the next page; none when this is the last.
    next: Option<i64>,
}

/// A delivery in a list.
#[derive(Serialize, JsonSchema)]
pub struct DeliveryLine {
    /// Its number.
    pub delivery: i64,
    /// The recipe it was sent to.
    pub recipe: String,
    /// When it came.
    pub received_at: Timestamp,
    /// The bytes of its body.
    pub size: u64,
    /// What became of it: `events`, `ping`, `other`, `manual`.
    pub verdict: String,
    /// The HTTP status of the answer.
    pub answered: u16,
    /// The jobs that were made of it and are kept.
    pub jobs: Vec<i64>,
}

/// The refused deliveries that are kept.
#[derive(Serialize, JsonSchema)]
pub struct RefusedDeliveries {
    /// The newest of each recipe, newest first.
    refused: Vec<RefusedLine>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfRecipe {
    /// Only to this recipe.
    recipe: Option<String>,
}

/// A delivery that was refused. Nobody has verified it: its body is not kept, and no job can be made of it.
#[derive(Serialize, JsonSchema)]
pub struct RefusedLine {
    /// The recipe it was sent to.
    recipe: String,
    /// When it came.
    at: Timestamp,
    /// The HTTP status of the answer.
    answered: u16,
    /// Why.
    reason: String,
    /// The bytes of its body; none when it was not read to its end.
    size: Option<u64>,
    /// The program that sent it, as it calls itself.
    sender: String,
    /// What it says its body is.
    kind: String,
    /// The names of its headers.
    headers: Vec<String>,
}

/// A delivery with its body.
#[derive(Serialize, JsonSchema)]
pub struct WholeDelivery {
    /// Its number.
    delivery: i64,
    /// The recipe it was sent to.
    recipe: String,
    /// When it came.
    received_at: Timestamp,
    /// Its headers, without credentials and signatures.
    headers: Vec<Header>,
    /// Its query.
    query: String,
    /// Its body; what is no text is replaced by `�`.
    body: String,
    /// What became of it.
    verdict: String,
    /// The HTTP status of the answer.
    answered: u16,
}

/// A header of a delivery.
#[derive(Serialize, JsonSchema)]
pub struct Header {
    /// Its name.
    name: String,
    /// Its value.
    value: String,
}

pub async fn list(may: Viewer, Asked(asked): Asked<Filter>) -> Result<Json<Deliveries>, Problem> {
    let limit = limit(asked.limit)?;
    let before = asked.cursor.map(DeliveryId);
    let deliveries = may.site.service.deliveries(asked.recipe, before, limit).await?;
    let deliveries: Vec<_> = deliveries.into_iter().map(line).collect();
    let next = deliveries.last().filter(|_| deliveries.len() == limit).map(|one| one.delivery);
    Ok(Json(Deliveries { deliveries, next }))
}

pub async fn refused(
    may: Viewer,
    Asked(asked): Asked<OfRecipe>,
) -> Result<Json<RefusedDeliveries>, Problem> {
    let refused = may.site.service.engine.refused(asked.recipe.as_deref()).await?;
    Ok(Json(RefusedDeliveries { refused: refused.into_iter().map(refused_line).collect() }))
}

pub async fn one(
    may: Operator,
    At(path): At<DeliveryPath>,
) -> Result<Json<WholeDelivery>, Problem> {
    let found = may.site.service.delivery(path.delivery).await?;
    Ok(Json(WholeDelivery {
        delivery: found.id.0,
        recipe: found.recipe,
        received_at: found.received_at,
        headers: found.headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
        query: found.query,
        body: String::from_utf8_lossy(&found.body).into_owned(),
        verdict: found.verdict,
        answered: found.answered,
    }))
}

pub async fn replay(may: Operator, At(path): At<DeliveryPath>) -> Result<Made<MadeJob>, Problem> {
    let job = may.site.service.replay(&may.person.by(), path.delivery).await?;
    Ok(Made(MadeJob { job }))
}

/// Returns a refused delivery as lists show it.
pub fn refused_line(one: engine::Refused) -> RefusedLine {
    RefusedLine {
        recipe: one.recipe,
        at: one.at,
        answered: one.answered,
        reason: one.reason,
        size: one.size,
        sender: one.sender,
        kind: one.kind,
        headers: one.headers.split_whitespace().map(str::to_owned).collect(),
    }
}

/// Returns a delivery as lists show it.
pub fn line((recipe, row): (String, engine::DeliveryRow)) -> DeliveryLine {
    DeliveryLine {
        delivery: row.id.0,
        recipe,
        received_at: row.received_at,
        size: row.size,
        verdict: row.verdict,
        answered: row.answered,
        jobs: row.jobs.into_iter().map(|job| job.0).collect(),
    }
}
