//! The action `list_hires`: who was hired lately, for lists and comparisons.

use std::sync::Arc;

use connector::{Call, Failure, jiff::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    account::Account,
    missed::{self, World},
    place::Place,
    rights,
};

/// Since when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// The moment from which on: when the offer was accepted or, without an offer, when the application last changed.
    #[schemars(extend("format" = "date-time"))]
    #[schemars(example = "2027-01-04T00:00:00Z")]
    pub since: String,
}

/// Who was hired.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Hires {
    /// The hires that still stand, by application.
    pub hires: Vec<ListedHire>,
}

/// One hire, in short.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedHire {
    /// The application's id.
    pub application_id: String,
    /// The candidate's id.
    pub candidate_id: String,
    /// The first name; blank when Greenhouse has none.
    pub first_name: String,
    /// The last name; blank when Greenhouse has none.
    pub last_name: String,
    /// When the offer was accepted; null without an offer.
    #[schemars(extend("format" = "date-time"))]
    pub accepted_at: Option<String>,
    /// The first day of work.
    #[schemars(extend("format" = "date"))]
    pub starts_on: Option<String>,
}

/// Lists the hires since a moment. One that was taken back is not among them.
pub(crate) async fn list_hires(
    account: Arc<Account>,
    call: Call,
    input: Since,
) -> Result<Hires, Failure> {
    let since: Timestamp = input.since.parse().map_err(|_| {
        let message =
            format!("`since` is a moment such as `2027-01-04T09:00:00Z`, found `{}`", input.since);
        Failure::permanent("invalid_input", message)
    })?;
    let harvest = &account.harvest;
    let offers = missed::accepted(harvest, &call, since).await?;
    let found = missed::hires(harvest, &call, since, offers).await?;
    let mut world = World::new(harvest, &call);
    let ids = found.iter().map(|hire| hire.application).collect();
    let applications = world.all("applications", ids, &rights::APPLICATIONS).await?;
    let hired = |application: &serde_json::Value| {
        let status = Place::of_answer(application, "application").at("status").word();
        status.is_ok_and(|status| status.as_deref() == Some("hired"))
    };
    let mut people = Vec::new();
    for hire in found {
        if let Some(application) = applications.get(&hire.application).filter(|one| hired(one)) {
            people.push((missed::id(application, "candidate_id")?, hire));
        }
    }
    let ids = people.iter().map(|(candidate, _)| *candidate).collect();
    let candidates = world.all("candidates", ids, &rights::CANDIDATES).await?;
    let mut hires = Vec::new();
    for (candidate, hire) in people {
        let Some(person) = candidates.get(&candidate) else { continue };
        let (person, offer) =
            (Place::of_answer(person, "candidate"), hire.offer.unwrap_or_default());
        let offer = Place::of_answer(&offer, "offer");
        hires.push(ListedHire {
            application_id: hire.application.to_string(),
            candidate_id: candidate.to_string(),
            first_name: person.at("first_name").text()?.unwrap_or_default(),
            last_name: person.at("last_name").text()?.unwrap_or_default(),
            accepted_at: offer.at("resolved_at").moment()?,
            starts_on: offer.at_any(&["starts_on", "starts_at", "start_date"]).day()?,
        });
    }
    Ok(Hires { hires })
}
