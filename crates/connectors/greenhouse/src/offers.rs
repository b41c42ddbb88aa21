//! Offers.
//!
//! v3: <https://harvestdocs.greenhouse.io> (`GET /v3/offers`); v1:
//! <https://developers.greenhouse.io/harvest.html#get-retrieve-current-offer-for-application>.

use std::sync::Arc;

use connector::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    account::Account,
    applications::WhichApplication,
    custom_fields::{self, CustomFields},
    place::Place,
    rights,
};

/// An offer, in one of its versions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Offer {
    /// The id.
    pub id: Option<String>,
    /// The version; a change that needs a new approval makes a new one.
    pub version: Option<i64>,
    /// `created`, `accepted`, `rejected` or `deprecated`; a hire's event does not say.
    pub status: Option<String>,
    /// When it was drafted.
    #[schemars(extend("format" = "date-time"))]
    pub created_at: Option<String>,
    /// The day it was sent to the candidate.
    #[schemars(extend("format" = "date"))]
    pub sent_on: Option<String>,
    /// When it was accepted or rejected.
    #[schemars(extend("format" = "date-time"))]
    pub resolved_at: Option<String>,
    /// The first day of work.
    #[schemars(extend("format" = "date"))]
    pub starts_on: Option<String>,
    /// Custom fields of the offer, by key: salary, employment type, job title …, as the company made them.
    #[schemars(extend("x-declared-in" = "connection.custom_fields.offer"))]
    pub custom_fields: CustomFields,
}

/// Reads the current offer of an application: the newest version. Without one, every field is null.
pub(crate) async fn get_current_offer(
    account: Arc<Account>,
    call: Call,
    input: WhichApplication,
) -> Result<Offer, Failure> {
    let harvest = &account.harvest;
    let doing = "reading the current offer";
    let found = if harvest.is_v1() {
        let path = ["applications", &input.application_id, "offers", "current_offer"];
        harvest.one(&path, doing, &rights::OFFERS, &call).await?.into_iter().collect()
    } else {
        let request = harvest
            .get("offers")
            .query("application_ids", &input.application_id)
            .query("current_only", true)
            .doing(doing);
        harvest.list(request, &rights::OFFERS, &call).await?
    };
    let mut offers = Vec::new();
    for offer in &found {
        offers.extend(Offer::read(&Place::of_answer(offer, "offer"))?);
    }
    Ok(offers.into_iter().max_by_key(|offer| offer.version).unwrap_or_default())
}

impl Offer {
    /// Reads an offer as a webhook, Harvest v3 or Harvest v1 writes it; null or an empty map is none.
    pub(crate) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let Some(place) = place.map()? else { return Ok(None) };
        let status =
            place.at_any(&["status", "offer_status"]).word()?.map(|status| match status.as_str() {
                "unresolved" => "created".to_owned(),
                _ => status,
            });
        // Harvest v1 has plain custom fields too, beside those with name and type.
        let custom_fields = place.at_any(&["keyed_custom_fields", "custom_fields"]);
        Ok(Some(Self {
            id: Some(place.at("id").required_id()?),
            version: place.at("version").whole()?,
            status,
            created_at: place.at("created_at").moment()?,
            sent_on: place.at_any(&["sent_on", "sent_at"]).day()?,
            resolved_at: place.at("resolved_at").moment()?,
            starts_on: place.at_any(&["starts_on", "starts_at", "start_date"]).day()?,
            custom_fields: custom_fields::read(&custom_fields)?,
        }))
    }
}
