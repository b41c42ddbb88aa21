//! The trigger `hired`: a candidate was marked as hired.
//!
//! <https://developers.greenhouse.io/webhooks.html#candidate-or-prospect-hired>

use connector::{Connection, Delivery, Event, Failure, Refusal, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    candidates::Candidate,
    contacts::Person,
    custom_fields::{self, CustomFields},
    jobs::Job,
    offers::Offer,
    place::Place,
    signature,
};

pub(crate) const SUMMARY: &str = "A candidate was marked as hired in Greenhouse.";

pub(crate) const SET_UP: &str = "\
Have this service running and reachable over https first: Greenhouse tries the webhook when it is saved, and stores it \
disabled if it is not answered.
In Greenhouse open Configure › Dev Center › Web Hooks › Web Hooks and create one (this needs the developer permission \
`Can manage and configure web hooks`):
  Name: recipe-runner
  When: Candidate has been hired
  Endpoint URL: {url}
  Secret key: the value of this connection's `webhook_secret`
  Disabled?: No
Save with Create Web hook. Switch off whatever did this job before, or people are created twice.";

/// The settings of the trigger: there are none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HiredSettings {}

/// A hire.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Hire {
    /// When the offer was accepted; null for a hire without an offer.
    #[schemars(extend("format" = "date-time"))]
    pub occurred_at: Option<String>,
    /// Who was hired.
    pub candidate: Candidate,
    /// The application that ended in the hire.
    pub application: HiredApplication,
    /// The job; its fields are null and its lists empty in the unlikely case that Greenhouse names none.
    pub job: Job,
    /// All jobs of the application: one, except for prospects.
    pub jobs: Vec<Job>,
    /// The accepted offer; null when there was none.
    pub offer: Option<Offer>,
}

/// The application that ended in a hire.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct HiredApplication {
    /// The id.
    pub id: String,
    /// Its page in Greenhouse.
    #[schemars(extend("format" = "uri"))]
    pub url: Option<String>,
    /// `hired`, when Greenhouse says it.
    pub status: Option<String>,
    /// Where the candidate came from.
    pub source: Option<Source>,
    /// Whom the hire is credited to.
    pub credited_to: Option<Person>,
    /// The opening that was filled.
    pub opening: Option<Opening>,
    /// Custom fields of the application, by key.
    #[schemars(extend("x-declared-in" = "connection.custom_fields.application"))]
    pub custom_fields: CustomFields,
}

/// Where a candidate came from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Source {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// An opening of a job.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Opening {
    /// The company's own id for it.
    pub opening_id: Option<String>,
    /// Custom fields of the opening, by key.
    #[schemars(extend("x-declared-in" = "connection.custom_fields.opening"))]
    pub custom_fields: CustomFields,
}

/// Looks whether a delivery is genuine, and whether it is a hire.
pub(crate) fn verify(
    connection: &Connection,
    _: &HiredSettings,
    delivery: &Delivery,
) -> Result<Verdict, Refusal> {
    signature::verify(connection, delivery, "hire_candidate")
}

/// Reads the hire out of a delivery.
pub(crate) fn decode(_: &HiredSettings, delivery: &Delivery) -> Result<Vec<Event>, Failure> {
    let body = signature::body(delivery)?;
    let hire = Hire::read(&Place::of_webhook(&body).at("payload").at("application"))?;
    Ok(vec![hire.into_event()?])
}

impl Hire {
    /// Reads a hire from a webhook's `payload.application`.
    pub(crate) fn read(place: &Place) -> Result<Self, Failure> {
        let place = &place.required_map()?;
        let mut jobs = place.at("jobs").list(Job::read)?;
        if jobs.is_empty() {
            // Deprecated, and all that old deliveries have.
            jobs.extend(Job::read(&place.at("job"))?);
        }
        let offer = Offer::read(&place.at("offer"))?;
        Ok(Self {
            occurred_at: offer.as_ref().and_then(|offer| offer.resolved_at.clone()),
            candidate: Candidate::read(&place.at("candidate").required_map()?)?,
            application: HiredApplication::read(place)?,
            job: jobs.first().cloned().unwrap_or_default(),
            jobs,
            offer,
        })
    }

    /// Returns the event. Its keys: a re-hire differs in the offer, its version or when it was accepted; the once key
    /// names the business fact, however often it was announced.
    pub(crate) fn into_event(self) -> Result<Event, Failure> {
        let application = &self.application.id;
        let offer = self.offer.as_ref().and_then(|offer| Some((offer, offer.id.as_deref()?)));
        let (dedupe, once) = match offer {
            None => (format!("{application}/no-offer"), format!("{application}/no-offer")),
            Some((offer, id)) => {
                let version =
                    offer.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
                // To the second: the webhook leaves out what is finer, and the API does not.
                let resolved_at = offer.resolved_at.as_deref().unwrap_or("-");
                let resolved_at = match resolved_at.split_once('.') {
                    Some((seconds, _)) => format!("{seconds}Z"),
                    None => resolved_at.to_owned(),
                };
                (
                    format!("{application}/{id}/{version}/{resolved_at}"),
                    format!("{application}/{id}"),
                )
            }
        };
        Ok(Event::new(dedupe, once, &self)?.order_key(&self.candidate.id))
    }
}

impl HiredApplication {
    fn read(place: &Place) -> Result<Self, Failure> {
        Ok(Self {
            id: place.at("id").required_id()?,
            url: place.at("url").text()?,
            status: place.at("status").word()?,
            source: Source::read(&place.at("source"))?,
            credited_to: Person::read(&place.at("credited_to"))?,
            opening: Opening::read(&place.at("opening"))?,
            custom_fields: custom_fields::read(&place.at("custom_fields"))?,
        })
    }
}

impl Source {
    fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let Some(place) = place.map()? else { return Ok(None) };
        Ok(Some(Self {
            id: place.at("id").id()?,
            name: place.at_any(&["public_name", "name"]).text()?,
        }))
    }
}

impl Opening {
    fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let Some(place) = place.map()? else { return Ok(None) };
        let opening_id = place.at("opening_id").text()?;
        Ok(Some(Self {
            opening_id,
            custom_fields: custom_fields::read(&place.at("custom_fields"))?,
        }))
    }
}
