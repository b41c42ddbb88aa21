//! The trigger `unhired`: somebody pressed "Unhire" on a hired candidate.
//!
//! <https://developers.greenhouse.io/webhooks.html#candidate-unhired>

use connector::{Connection, Delivery, Event, Failure, Refusal, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{candidates::Candidate, jobs::Job, place::Place, signature};

pub(crate) const SUMMARY: &str = "A hire was taken back in Greenhouse.";

pub(crate) const SET_UP: &str = "\
Have this service running and reachable over https first: Greenhouse tries the webhook when it is saved.
In Greenhouse open Configure › Dev Center › Web Hooks › Web Hooks and create one:
  Name: recipe-runner unhired
  When: Candidate has been unhired
  Endpoint URL: {url}
  Secret key: the value of this connection's `webhook_secret`
  Disabled?: No";

/// The settings of the trigger: there are none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnhiredSettings {}

/// A hire that was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Unhire {
    /// When something last happened to the application: the moment it was taken back.
    #[schemars(extend("format" = "date-time"))]
    pub occurred_at: Option<String>,
    /// Whose hire it was.
    pub candidate: Candidate,
    /// The application, which is active again.
    pub application: UnhiredApplication,
    /// The job; its fields are null and its lists empty in the unlikely case that Greenhouse names none.
    pub job: Job,
}

/// The application of a hire that was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UnhiredApplication {
    /// The id.
    pub id: String,
    /// Its page in Greenhouse.
    #[schemars(extend("format" = "uri"))]
    pub url: Option<String>,
    /// `active`, unless it was rejected at once.
    pub status: Option<String>,
    /// The name of the stage it came back to.
    pub stage_name: Option<String>,
}

/// Looks whether a delivery is genuine, and whether a hire was taken back.
pub(crate) fn verify(
    connection: &Connection,
    _: &UnhiredSettings,
    delivery: &Delivery,
) -> Result<Verdict, Refusal> {
    signature::verify(connection, delivery, "unhire_candidate")
}

/// Reads what was taken back. The moment is part of the dedupe key, so that hiring and unhiring again counts anew.
pub(crate) fn decode(_: &UnhiredSettings, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
    let body = signature::body(delivery)?;
    let place = &Place::of_webhook(&body).at("payload").at("application").required_map()?;
    let jobs = place.at("jobs").list(Job::read)?;
    let unhire = Unhire {
        occurred_at: place.at("last_activity_at").moment()?,
        candidate: Candidate::read(&place.at("candidate").required_map()?)?,
        application: UnhiredApplication {
            id: place.at("id").required_id()?,
            url: place.at("url").text()?,
            status: place.at("status").word()?,
            stage_name: place.at("current_stage").at("name").text()?,
        },
        job: jobs.into_iter().next().unwrap_or_default(),
    };
    let at = unhire.occurred_at.as_deref().unwrap_or("-");
    let key = format!("{}/unhired/{at}", unhire.application.id);
    Ok(vec![Event::new(key.clone(), key, &unhire)?.order_key(&unhire.candidate.id)])
}
