//! The trigger `offer_approved`: an offer has all the approvals it needs.
//!
//! <https://developers.greenhouse.io/webhooks.html#offer-approved>

use connector::{Connection, Delivery, Event, Failure, Refusal, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{offers::Offer, place::Place, signature};

pub(crate) const SUMMARY: &str = "An offer was approved in Greenhouse.";

pub(crate) const SET_UP: &str = "\
Have this service running and reachable over https first: Greenhouse tries the webhook when it is saved.
In Greenhouse open Configure › Dev Center › Web Hooks › Web Hooks and create one:
  Name: recipe-runner offer approved
  When: Offer approved
  Endpoint URL: {url}
  Secret key: the value of this connection's `webhook_secret`
  Disabled?: No";

/// The settings of the trigger: there are none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferApprovedSettings {}

/// An offer that was approved. Greenhouse names no candidate here: `greenhouse.get_application` finds the person.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Approval {
    /// The application's id.
    pub application_id: String,
    /// The job's id.
    pub job_id: Option<String>,
    /// The offer.
    pub offer: Offer,
}

/// Looks whether a delivery is genuine, and whether an offer was approved.
pub(crate) fn verify(
    connection: &Connection,
    _: &OfferApprovedSettings,
    delivery: &Delivery,
) -> Result<Verdict, Refusal> {
    signature::verify(connection, delivery, "offer_approved")
}

/// Reads the offer, which here is the payload itself. A new version of it needs a new approval and is a new event.
pub(crate) fn decode(
    _: &OfferApprovedSettings,
    delivery: &Delivery,
) -> Result<Vec<Event>, Failure> {
    let body = signature::body(delivery)?;
    let place = &Place::of_webhook(&body).at("payload").required_map()?;
    let application_id = place.at("application_id").required_id()?;
    let id = place.at("id").required_id()?;
    let approval = Approval {
        job_id: place.at("job_id").id()?,
        offer: Offer::read(place)?.unwrap_or_default(),
        application_id,
    };
    let version = approval.offer.version.map_or_else(|| "-".into(), |version| version.to_string());
    let key = format!("{id}/{version}/approved");
    let order = approval.application_id.clone();
    Ok(vec![Event::new(key.clone(), key, &approval)?.order_key(&order)])
}
