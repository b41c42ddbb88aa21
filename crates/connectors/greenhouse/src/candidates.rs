//! Candidates.
//!
//! v3: <https://harvestdocs.greenhouse.io> (`GET /v3/candidates`); v1:
//! <https://developers.greenhouse.io/harvest.html#get-retrieve-candidate>.

use std::sync::Arc;

use connector::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    account::Account,
    attachments::Attachment,
    contacts::{Contact, Education, Employment, Person},
    custom_fields::{self, CustomFields},
    place::Place,
    rights,
};

/// A candidate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Candidate {
    /// The id.
    pub id: String,
    /// The first name; blank when Greenhouse has none.
    pub first_name: String,
    /// The last name; blank when Greenhouse has none.
    pub last_name: String,
    /// What the person likes to be called; only Harvest v3 knows it.
    pub preferred_name: Option<String>,
    /// The title at the **previous** employer, not that of the new job.
    pub title: Option<String>,
    /// The previous employer.
    pub company: Option<String>,
    /// The company's own id for the person.
    pub external_id: Option<String>,
    /// The candidate's page in Greenhouse.
    #[schemars(extend("format" = "uri"))]
    pub url: Option<String>,
    /// Whether the candidate is private.
    pub is_private: Option<bool>,
    /// Whether e-mails may be sent.
    pub can_email: Option<bool>,
    /// Phone numbers.
    pub phone_numbers: Vec<Contact>,
    /// E-mail addresses.
    pub email_addresses: Vec<Contact>,
    /// Postal addresses, each one free text that may have several lines.
    pub addresses: Vec<Contact>,
    /// Schools.
    pub educations: Vec<Education>,
    /// Jobs before this one.
    pub employments: Vec<Employment>,
    /// The recruiter; Harvest v3 does not say.
    pub recruiter: Option<Person>,
    /// The coordinator; Harvest v3 does not say.
    pub coordinator: Option<Person>,
    /// Documents of the candidate and of the offer; with Harvest v3 use `list_attachments`.
    pub attachments: Vec<Attachment>,
    /// Custom fields of the candidate, by key.
    #[schemars(extend("x-declared-in" = "connection.custom_fields.candidate"))]
    pub custom_fields: CustomFields,
}

/// Which candidate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhichCandidate {
    /// The candidate's id.
    #[schemars(example = "{{ event.candidate.id }}")]
    pub candidate_id: String,
}

/// Reads a candidate.
pub(crate) async fn get_candidate(
    account: Arc<Account>,
    call: Call,
    input: WhichCandidate,
) -> Result<Candidate, Failure> {
    let harvest = &account.harvest;
    let doing = "reading the candidate";
    let found = if harvest.is_v1() {
        harvest.one(&["candidates", &input.candidate_id], doing, &rights::CANDIDATES, &call).await?
    } else {
        let request = harvest.get("candidates").query("ids", &input.candidate_id).doing(doing);
        harvest.list(request, &rights::CANDIDATES, &call).await?.into_iter().next()
    };
    let found = found.ok_or_else(|| no_candidate(&input.candidate_id))?;
    Candidate::read(&Place::of_answer(&found, "candidate"))
}

impl Candidate {
    /// Reads a candidate as the webhook, Harvest v3 or Harvest v1 writes it.
    pub(crate) fn read(place: &Place) -> Result<Self, Failure> {
        // Harvest v1 has plain custom fields too, beside those with name and type.
        let custom_fields = place.at_any(&["keyed_custom_fields", "custom_fields"]);
        Ok(Self {
            id: place.at("id").required_id()?,
            first_name: place.at("first_name").text()?.unwrap_or_default(),
            last_name: place.at("last_name").text()?.unwrap_or_default(),
            preferred_name: place.at("preferred_name").text()?,
            title: place.at("title").text()?,
            company: place.at("company").text()?,
            external_id: place.at("external_id").text()?,
            url: place.at("url").text()?,
            is_private: place.at_any(&["is_private", "private"]).flag()?,
            can_email: place.at("can_email").flag()?,
            phone_numbers: place.at("phone_numbers").list(Contact::read)?,
            email_addresses: place.at("email_addresses").list(Contact::read)?,
            addresses: place.at("addresses").list(Contact::read)?,
            educations: place.at("educations").list(Education::read)?,
            employments: place.at("employments").list(Employment::read)?,
            recruiter: Person::read(&place.at("recruiter"))?,
            coordinator: Person::read(&place.at("coordinator"))?,
            attachments: place.at("attachments").list(Attachment::read)?,
            custom_fields: custom_fields::read(&custom_fields)?,
        })
    }
}

fn no_candidate(id: &str) -> Failure {
    Failure::permanent("not_found", format!("Greenhouse has no candidate `{id}`")).hint(
        "The candidate may have been deleted or merged, or be private and hidden from the connection's user.",
    )
}
