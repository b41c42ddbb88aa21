//! The body of a `hire_candidate` webhook.
//!
//! <https://developers.greenhouse.io/webhooks.html#candidate-or-prospect-hired>

use connector::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    account::{Candidate, Job, Offer},
    files,
    v3::{contacts, day},
};

/// Returns the webhook's body for a hired candidate, with links made now.
pub(super) fn body(
    candidate: &Candidate,
    origin: &str,
    links_live_seconds: i64,
    now: Timestamp,
) -> Value {
    let application = &candidate.application;
    let page = format!("https://app.greenhouse.io/people/{}", candidate.id);
    let attachments: Vec<Value> = candidate
        .attachments
        .iter()
        .map(|one| {
            let url = files::link(origin, one, now, links_live_seconds);
            json!({ "filename": one.filename, "url": url, "type": one.kind })
        })
        .collect();
    let mut payload = json!({
        "id": application.id,
        "opening": { "opening_id": "1234-56", "custom_fields": [] },
        "credited_to": null,
        "source": { "id": 25, "public_name": "Monster" },
        "url": format!("{page}?application_id={}", application.id),
        "candidate": {
            "id": candidate.id,
            "first_name": candidate.first_name,
            "last_name": candidate.last_name,
            "title": candidate.title,
            "external_id": null,
            "url": page,
            "is_private": false,
            "can_email": true,
            "phone_numbers": contacts(&candidate.phone_numbers),
            "email_addresses": contacts(&candidate.email_addresses),
            "addresses": contacts(&candidate.addresses),
            "educations": [],
            "employments": [],
            "recruiter": null,
            "coordinator": null,
            "attachments": attachments,
            "custom_fields": candidate.custom_fields,
        },
        "job": job(&application.job, ["open_date", "close_date"], now),
        "jobs": [job(&application.job, ["opened_at", "closed_at"], now)],
        "custom_fields": application.custom_fields,
    });
    payload["jobs"][0]["confidential"] = false.into();
    payload["offer"] = application.offers.last().map(offer).into();
    json!({ "action": "hire_candidate", "payload": { "application": payload } })
}

fn job(job: &Job, [opened, closed]: [&str; 2], now: Timestamp) -> Value {
    let departments: Vec<Value> = job
        .departments
        .iter()
        .map(|(id, name)| json!({ "id": id, "name": name, "external_id": null }))
        .collect();
    let offices: Vec<Value> = job
        .offices
        .iter()
        .map(|one| json!({ "id": one.id, "name": one.name, "location": one.location, "external_id": null }))
        .collect();
    Value::Object(Map::from_iter([
        ("id".into(), job.id.into()),
        ("name".into(), job.name.as_str().into()),
        (opened.into(), "2026-08-01T00:00:00Z".into()),
        (closed.into(), seconds(now).into()),
        ("requisition_id".into(), Value::Null),
        ("departments".into(), departments.into()),
        ("offices".into(), offices.into()),
        ("custom_fields".into(), job.custom_fields.clone()),
    ]))
}

fn offer(offer: &Offer) -> Value {
    json!({
        "id": offer.id,
        "version": offer.version,
        "created_at": seconds(offer.created_at),
        "sent_at": day(offer.created_at),
        "resolved_at": offer.resolved_at.map(seconds),
        "starts_at": offer.starts_on,
        "custom_fields": offer.custom_fields,
    })
}

/// Writes a moment the way webhooks do, without milliseconds.
fn seconds(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
