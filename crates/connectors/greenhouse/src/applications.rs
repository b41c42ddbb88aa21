//! Applications.
//!
//! v3: <https://harvestdocs.greenhouse.io> (`GET /v3/applications`); v1:
//! <https://developers.greenhouse.io/harvest.html#get-retrieve-application>.

use std::sync::Arc;

use connector::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    account::Account,
    custom_fields::{self, CustomFields},
    place::Place,
    rights,
};

/// An application of a candidate for a job.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Application {
    /// The id.
    pub id: String,
    /// The candidate's id.
    pub candidate_id: Option<String>,
    /// `active`, `rejected`, `hired` or `converted`.
    pub status: Option<String>,
    /// Whether this is a prospect, not yet a candidate for a job.
    pub prospect: Option<bool>,
    /// The job's id.
    pub job_id: Option<String>,
    /// The name of the stage the application is in; a hired one has none.
    pub stage_name: Option<String>,
    /// When it was rejected.
    #[schemars(extend("format" = "date-time"))]
    pub rejected_at: Option<String>,
    /// When something last happened to it.
    #[schemars(extend("format" = "date-time"))]
    pub last_activity_at: Option<String>,
    /// Custom fields of the application, by key.
    #[schemars(extend("x-declared-in" = "connection.custom_fields.application"))]
    pub custom_fields: CustomFields,
}

/// Which application.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichApplication {
    /// The application's id.
    #[schemars(example = "{{ event.application.id }}")]
    pub application_id: String,
}

/// Reads an application.
pub(crate) async fn get_application(
    account: Arc<Account>,
    call: Call,
    input: WhichApplication,
) -> Result<Application, Failure> {
    let harvest = &account.harvest;
    let doing = "reading the application";
    let found = if harvest.is_v1() {
        harvest
            .one(&["applications", &input.application_id], doing, &rights::APPLICATIONS, &call)
            .await?
    } else {
        let request = harvest.get("applications").query("ids", &input.application_id).doing(doing);
        harvest.list(request, &rights::APPLICATIONS, &call).await?.into_iter().next()
    };
    let found = found.ok_or_else(|| no_application(&input.application_id))?;
    Application::read(&Place::of_answer(&found, "application"))
}

impl Application {
    fn read(place: &Place) -> Result<Self, Failure> {
        let status = place.at("status").word()?.map(|status| match status.as_str() {
            // v3 reads `in_process` where its own filter, v1 and the webhooks say `active`.
            "in_process" => "active".to_owned(),
            _ => status,
        });
        let first_job = place.at("jobs").list(|job| job.at("id").id())?.into_iter().next();
        let stage = place.at("current_stage");
        let stage = if stage.is_blank() { place.at("stage_name") } else { stage.at("name") };
        let custom_fields = place.at_any(&["keyed_custom_fields", "custom_fields"]);
        Ok(Self {
            id: place.at("id").required_id()?,
            candidate_id: place.at("candidate_id").id()?,
            status,
            prospect: place.at("prospect").flag()?,
            job_id: place.at("job_id").id()?.or(first_job),
            stage_name: stage.text()?,
            rejected_at: place.at("rejected_at").moment()?,
            last_activity_at: place.at("last_activity_at").moment()?,
            custom_fields: custom_fields::read(&custom_fields)?,
        })
    }
}

fn no_application(id: &str) -> Failure {
    Failure::permanent("not_found", format!("Greenhouse has no application `{id}`"))
        .hint("The application may have been deleted, or be hidden from the connection's user.")
}
