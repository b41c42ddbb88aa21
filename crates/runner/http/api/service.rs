//! The service as a whole: how it stands, its check-up, and what is done at the machine alone.

use axum::Json;
use engine::{DayCount, Status};
use jiff::{ToSpan as _, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    backup::MadeBackup,
    doctor,
    http::{
        access::Role,
        extract::Asked,
        openapi::Done,
        permission::{Operator, Owner, Viewer},
        problem::Problem,
    },
    mask,
    request::{FirstSignIn, Section, ServiceStatus},
};

/// The day that days are counted from.
const EPOCH: Date = Date::constant(1970, 1, 1);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct What {
    /// Only this connection, or this recipe with the connections it uses.
    name: Option<String>,
}

/// How many jobs came on each of the last thirty days.
#[derive(Serialize, JsonSchema)]
pub struct Days {
    /// The counts, a line for each recipe, day and status that has one.
    days: Vec<Day>,
}

#[derive(Serialize, JsonSchema)]
pub struct Day {
    /// The recipe.
    recipe: String,
    /// The day, in UTC.
    date: Date,
    /// Where the jobs of that day stand now.
    status: Status,
    /// How many.
    jobs: u64,
}

pub async fn days(may: Viewer) -> Result<Json<Days>, Problem> {
    let counts = may.site.days.get(&may.site.service).await?;
    let day = |count: &DayCount| {
        let since = count.day.days();
        Some(Day {
            recipe: count.recipe.clone(),
            date: EPOCH.checked_add(since).ok()?,
            status: count.status,
            jobs: count.jobs,
        })
    };
    Ok(Json(Days { days: counts.iter().filter_map(day).collect() }))
}

pub async fn status(may: Viewer) -> Result<Json<ServiceStatus>, Problem> {
    let mut status = may.site.service.status().await?;
    if may.person.role == Role::Viewer {
        status.attention = status.attention.into_iter().map(mask::line_for_viewer).collect();
        status.recipes = status.recipes.into_iter().map(mask::recipe_for_viewer).collect();
    }
    Ok(Json(status))
}

pub async fn check(
    may: Operator,
    Asked(asked): Asked<What>,
) -> Result<Json<Vec<Section>>, Problem> {
    Ok(Json(doctor::examine(&may.site.service, asked.name.as_deref()).await?))
}

pub async fn first_sign_in(Owner(may): Owner) -> Result<Json<FirstSignIn>, Problem> {
    Ok(Json(may.site.service.first_sign_in(&may.person.by()).await?))
}

pub async fn backup(Owner(may): Owner) -> Result<Json<MadeBackup>, Problem> {
    Ok(Json(may.site.service.backup(&may.person.by()).await?))
}

pub async fn stop(Owner(may): Owner) -> Result<Done, Problem> {
    may.site.service.stop.cancel();
    Ok(Done)
}
