//! Harvest v1: one path for each thing, numbered pages, `On-Behalf-Of` for writes.

use connector::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    account::{Account, Candidate, Job, Note, Offer, User},
    answer::Answer,
    files,
    notes::{self, Rules},
    switches::{Operation, Switches},
    v3::{contacts, day, millis},
};

/// Where it begins.
pub(super) const ROOT: &str = "/v1";

const NOTE: Rules = Rules {
    known: &["user_id", "body", "visibility"],
    required: &["user_id", "body", "visibility"],
};

/// A request, with everything that an answer depends on.
pub(super) struct Asking<'a> {
    pub(super) operation: Operation,
    /// The path below the root, in parts.
    pub(super) path: Vec<&'a str>,
    pub(super) query: &'a [(String, String)],
    pub(super) body: Option<&'a Value>,
    pub(super) on_behalf_of: Option<&'a str>,
    pub(super) origin: &'a str,
    pub(super) now: Timestamp,
}

/// Returns what a method and path below the root ask for.
pub(super) fn route(method: &str, path: &[&str]) -> Operation {
    match (method, path) {
        ("GET", ["candidates", _]) => Operation::Candidates,
        ("GET", ["candidates", _, "activity_feed"]) => Operation::Notes,
        ("POST", ["candidates", _, "activity_feed", "notes"]) => Operation::AddNote,
        ("GET", ["applications"] | ["applications", _]) => Operation::Applications,
        ("GET", ["offers"] | ["applications", _, "offers", "current_offer"]) => Operation::Offers,
        ("GET", ["jobs", _]) => Operation::Jobs,
        ("GET", ["users"] | ["users", _]) => Operation::Users,
        _ => Operation::Unknown,
    }
}

/// Answers a request that is authenticated.
pub(super) fn answer(account: &mut Account, switches: &Switches, asking: &Asking) -> Answer {
    if switches.denied.contains(&asking.operation) {
        return Answer::message(403, "This API Key does not have permission for this endpoint");
    }
    if asking.operation == Operation::Unknown {
        return Answer::not_found();
    }
    if asking.path == ["users"] {
        return users(account, switches, asking);
    }
    if let ["offers" | "applications"] = asking.path[..] {
        return page(&hires(account, asking), switches, asking);
    }
    let Some(id) = asking.path.get(1).and_then(|id| id.parse::<u64>().ok()) else {
        return Answer::not_found();
    };
    if asking.operation == Operation::AddNote {
        return add_note(account, switches, asking, id);
    }
    found(account, switches, asking, id)
        .map_or_else(Answer::not_found, |found| Answer::json(200, &found))
}

fn found(account: &Account, switches: &Switches, asking: &Asking, id: u64) -> Option<Value> {
    let of_application =
        |id| account.candidates.iter().find(|candidate| candidate.application.id == id);
    let attachments = |candidate: &Candidate| -> Value {
        let link = |attachment: &super::Attachment| {
            files::link(asking.origin, attachment, asking.now, switches.links_live_seconds)
        };
        let one = |attachment: &super::Attachment| {
            json!({
                "filename": attachment.filename,
                "url": link(attachment),
                "type": attachment.kind,
                "created_at": millis(asking.now),
            })
        };
        candidate.attachments.iter().map(one).collect()
    };
    match asking.operation {
        Operation::Candidates => {
            let candidate = account.candidate(id)?;
            Some(candidate_json(candidate, &attachments(candidate)))
        }
        Operation::Applications => {
            let candidate = of_application(id)?;
            Some(application_json(candidate, &attachments(candidate)))
        }
        Operation::Offers => {
            let candidate = of_application(id)?;
            candidate.application.offers.last().map(|offer| offer_json(candidate, offer))
        }
        Operation::Jobs => {
            let jobs = account.candidates.iter().map(|candidate| &candidate.application.job);
            jobs.into_iter().find(|job| job.id == id).map(job_json)
        }
        Operation::Notes => {
            let candidate = account.candidate(id)?;
            let notes = account.notes_of(candidate.id);
            let listed = notes.into_iter().filter(|note| note.listed_from <= asking.now);
            let notes: Vec<Value> = listed.map(|note| note_json(account, note)).collect();
            Some(json!({ "notes": notes, "emails": [], "activities": [] }))
        }
        _ => account.users.iter().find(|user| user.id == id).map(user_json),
    }
}

fn add_note(
    account: &mut Account,
    switches: &Switches,
    asking: &Asking,
    candidate_id: u64,
) -> Answer {
    let user = asking.on_behalf_of.and_then(|id| id.parse::<u64>().ok());
    if asking.on_behalf_of.is_none() {
        return Answer::invalid(json!({ "message": "Missing required header: On-Behalf-Of" }));
    }
    // The same answer as for an unknown candidate.
    if !account.users.iter().any(|known| Some(known.id) == user) {
        return Answer::not_found();
    }
    let body = asking.body.unwrap_or(&Value::Null);
    match notes::write(account, switches, &NOTE, Some(candidate_id), body, user, asking.now) {
        Ok(note) => Answer::json(200, &note_json(account, &note)),
        Err(refusal) => refusal,
    }
}

fn users(account: &Account, switches: &Switches, asking: &Asking) -> Answer {
    let parameter = |name: &str| {
        asking.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    let matches = |user: &&User| {
        parameter("email").is_none_or(|wanted| {
            let mut emails = std::iter::once(&user.primary_email).chain(&user.other_emails);
            emails.any(|email| email.eq_ignore_ascii_case(wanted))
        })
    };
    let found: Vec<Value> = account.users.iter().filter(matches).map(user_json).collect();
    page(&found, switches, asking)
}

/// Returns the offers or applications with a status, since a moment.
fn hires(account: &Account, asking: &Asking) -> Vec<Value> {
    let parameter = |name: &str| {
        asking.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    let since = |name: &str, at: Option<Timestamp>| match parameter(name) {
        Some(since) => at.zip(since.parse().ok()).is_some_and(|(at, since)| at > since),
        None => true,
    };
    let status = |entry: &Value| parameter("status").is_none_or(|status| entry["status"] == status);
    let candidates = account.candidates.iter();
    let entries: Vec<Value> = if asking.operation == Operation::Offers {
        candidates
            .flat_map(|candidate| {
                let offers = candidate.application.offers.iter();
                offers.map(move |offer| (candidate, offer))
            })
            .filter(|(_, offer)| since("resolved_after", offer.resolved_at))
            .map(|(candidate, offer)| offer_json(candidate, offer))
            .collect()
    } else {
        candidates
            .filter(|one| since("last_activity_after", one.application.updated_at))
            .map(|candidate| application_json(candidate, &json!([])))
            .collect()
    };
    entries.into_iter().filter(status).collect()
}

/// Returns the asked page of a list.
fn page(found: &[Value], switches: &Switches, asking: &Asking) -> Answer {
    let number = |name: &str| {
        let given = asking.query.iter().find(|(key, _)| key == name);
        given.and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let size = number("per_page").unwrap_or(100).clamp(1, 500).min(switches.page_size.max(1));
    let page = number("page").unwrap_or(1).max(1);
    let begin = (page - 1) * size;
    let entries: Vec<Value> = found.iter().skip(begin).take(size).cloned().collect();
    let answer = Answer::json(200, &Value::Array(entries));
    if begin + size >= found.len() {
        return answer;
    }
    let mut next = format!("page={}&per_page={size}", page + 1);
    for (name, value) in
        asking.query.iter().filter(|(name, _)| name != "page" && name != "per_page")
    {
        next.extend(["&", name, "=", &value.replace('+', "%2B")]);
    }
    let path = asking.path.join("/");
    answer.header("link", format!("<{}{ROOT}/{path}?{next}>; rel=\"next\"", asking.origin))
}

/// Returns the plain values of custom fields, which v1 sends beside those with name and type.
fn plain(fields: &Value) -> Value {
    let fields = fields.as_object().into_iter().flatten();
    Value::Object(
        fields.map(|(key, field)| (key.clone(), field["value"].clone())).collect::<Map<_, _>>(),
    )
}

fn candidate_json(candidate: &Candidate, attachments: &Value) -> Value {
    json!({
        "id": candidate.id,
        "first_name": candidate.first_name,
        "last_name": candidate.last_name,
        "company": null,
        "title": candidate.title,
        "is_private": false,
        "photo_url": null,
        "attachments": attachments,
        "application_ids": [candidate.application.id],
        "phone_numbers": contacts(&candidate.phone_numbers),
        "addresses": contacts(&candidate.addresses),
        "email_addresses": contacts(&candidate.email_addresses),
        "website_addresses": [],
        "social_media_addresses": [],
        "recruiter": null,
        "coordinator": null,
        "can_email": true,
        "tags": [],
        "applications": [application_json(candidate, attachments)],
        "educations": [],
        "employments": [],
        "custom_fields": plain(&candidate.custom_fields),
        "keyed_custom_fields": candidate.custom_fields,
    })
}

fn application_json(candidate: &Candidate, attachments: &Value) -> Value {
    let application = &candidate.application;
    json!({
        "id": application.id,
        "candidate_id": candidate.id,
        "prospect": false,
        "rejected_at": null,
        "last_activity_at": application.updated_at.map(millis),
        "source": { "id": 25, "public_name": "Monster" },
        "credited_to": null,
        "jobs": [{ "id": application.job.id, "name": application.job.name }],
        "status": application.status,
        "current_stage": (application.status == "active").then(|| json!({ "id": 1, "name": "Offer" })),
        "answers": [],
        "custom_fields": plain(&application.custom_fields),
        "keyed_custom_fields": application.custom_fields,
        "attachments": attachments,
    })
}

fn job_json(job: &Job) -> Value {
    let departments: Vec<Value> = job
        .departments
        .iter()
        .map(|(id, name)| json!({ "id": id, "name": name, "parent_id": null, "external_id": null }))
        .collect();
    let offices: Vec<Value> = job
        .offices
        .iter()
        .map(|one| {
            json!({ "id": one.id, "name": one.name, "location": { "name": one.location }, "external_id": null })
        })
        .collect();
    json!({
        "id": job.id,
        "name": job.name,
        "requisition_id": null,
        "confidential": false,
        "status": "closed",
        "opened_at": "2026-08-01T00:00:00.000Z",
        "closed_at": null,
        "departments": departments,
        "offices": offices,
        "custom_fields": plain(&job.custom_fields),
        "keyed_custom_fields": job.custom_fields,
    })
}

fn offer_json(candidate: &Candidate, offer: &Offer) -> Value {
    let status = match offer.status.as_str() {
        "Created" => "unresolved".to_owned(),
        status => status.to_lowercase(),
    };
    json!({
        "id": offer.id,
        "version": offer.version,
        "application_id": candidate.application.id,
        "job_id": candidate.application.job.id,
        "candidate_id": candidate.id,
        "opening": { "id": 1, "opening_id": "1234-56", "status": "closed" },
        "created_at": millis(offer.created_at),
        "sent_at": day(offer.created_at),
        "resolved_at": offer.resolved_at.map(millis),
        "starts_at": offer.starts_on,
        "status": status,
        "custom_fields": plain(&offer.custom_fields),
        "keyed_custom_fields": offer.custom_fields,
    })
}

fn note_json(account: &Account, note: &Note) -> Value {
    let author = account.users.iter().find(|user| Some(user.id) == note.user_id);
    let author = author.map(|user| {
        json!({
            "id": user.id,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "name": format!("{} {}", user.first_name, user.last_name),
            "employee_id": null,
        })
    });
    json!({
        "id": note.id,
        "created_at": millis(note.created_at),
        "body": note.body,
        "user": author,
        "private": note.visibility == "private",
        // Misspelt, and kept beside the right one.
        "visiblity": note.visibility,
        "visibility": note.visibility,
    })
}

fn user_json(user: &User) -> Value {
    let emails: Vec<&String> =
        std::iter::once(&user.primary_email).chain(&user.other_emails).collect();
    json!({
        "id": user.id,
        "name": format!("{} {}", user.first_name, user.last_name),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "primary_email_address": user.primary_email,
        "disabled": user.deactivated,
        "site_admin": user.site_admin,
        "emails": emails,
        "employee_id": null,
    })
}
