//! The service as a whole: how it stands, its check-up, and what is done at the machine alone.

use axum::Json;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct What {
    /// Only this connection, or this recipe with the connections it uses.
    name: Option<String>,
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

pub async fn stop(Owner(may): Owner) -> Result<Done, Problem> {
    may.site.service.stop.cancel();
    Ok(Done)
}
