//! Attachments: documents of a candidate and of the offer, as links that live for seven days.
//!
//! v3: <https://harvestdocs.greenhouse.io> (`GET /v3/attachments`); in v1 they are part of the candidate and the
//! application.

use std::sync::Arc;

use connector::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{account::Account, place::Place, rights};

/// A document, as a link.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Attachment {
    /// Its file name.
    pub filename: String,
    /// Where it can be fetched without credentials, for seven days.
    #[schemars(extend("format" = "uri"))]
    pub url: String,
    /// What it is, in lower case: `resume`, `cover_letter`, `offer_letter`, `signed_offer_letter`, `offer_packet`,
    /// `take_home_test`, or another word.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// Whose attachments: those of an application, of a candidate, or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhoseAttachments {
    /// The application's id; give this or `candidate_id`.
    #[schemars(example = "{{ event.application.id }}")]
    pub application_id: Option<String>,
    /// The candidate's id; with it alone, the documents of all the candidate's applications are listed.
    #[schemars(example = "{{ event.candidate.id }}")]
    pub candidate_id: Option<String>,
}

/// Documents, with fresh links.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Attachments {
    /// The documents.
    pub attachments: Vec<Attachment>,
}

/// Lists documents with fresh links.
pub(crate) async fn list_attachments(
    account: Arc<Account>,
    call: Call,
    input: WhoseAttachments,
) -> Result<Attachments, Failure> {
    let given = |id: Option<String>| id.filter(|id| !id.trim().is_empty());
    let (application, candidate) = (given(input.application_id), given(input.candidate_id));
    if application.is_none() && candidate.is_none() {
        return Err(Failure::permanent(
            "invalid",
            "neither `application_id` nor `candidate_id` is given",
        )
        .hint("Give one of them."));
    }
    let harvest = &account.harvest;
    let doing = "listing the attachments";
    let found = if harvest.is_v1() {
        let (path, right) = match (&application, &candidate) {
            (Some(id), _) => (["applications", id], &rights::APPLICATIONS),
            (None, Some(id)) => (["candidates", id], &rights::CANDIDATES),
            (None, None) => unreachable!("one of them is given"),
        };
        let owner = harvest.one(&path, doing, right, &call).await?;
        let owner = owner.ok_or_else(|| {
            Failure::permanent(
                "not_found",
                format!("Greenhouse has no {} `{}`", &path[0][..path[0].len() - 1], path[1]),
            )
            .hint("It may have been deleted, or be hidden from the connection's user.")
        })?;
        owner.get("attachments").and_then(Value::as_array).cloned().unwrap_or_default()
    } else {
        let mut request = harvest.get("attachments").query("per_page", 500).doing(doing);
        if let Some(id) = &application {
            request = request.query("application_ids", id);
        }
        if let Some(id) = &candidate {
            request = request.query("candidate_ids", id);
        }
        harvest.list(request, &rights::ATTACHMENTS, &call).await?
    };
    let mut attachments = Vec::new();
    for (index, one) in found.iter().enumerate() {
        let place = Place::of_answer(one, "attachment");
        match Attachment::read(&place)? {
            Some(attachment) => attachments.push(attachment),
            None => call.warn(
                "attachment_without_link",
                format!(
                    "Greenhouse lists attachment {} of {} without a link",
                    index + 1,
                    found.len()
                ),
            ),
        }
    }
    Ok(Attachments { attachments })
}

impl Attachment {
    /// Reads one; one without a link is none.
    pub(crate) fn read(place: &Place) -> Result<Option<Self>, Failure> {
        let Some(url) = place.at("url").text()? else { return Ok(None) };
        let filename = match place.at("filename").text()? {
            Some(filename) => filename,
            None => last_segment(&url),
        };
        Ok(Some(Self { filename, url, kind: place.at("type").word()? }))
    }
}

/// Returns the last part of a URL's path, which is the file's name in Greenhouse's links.
fn last_segment(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or("document").to_owned()
}
