//! Harvest v3: bare lists filtered by ids, cursors that travel alone, notes.

use connector::jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    account::{Account, Candidate, Contact, Cursor, Note, Offer, User},
    answer::Answer,
    company, files,
    notes::{self, Rules},
    switches::{Operation, Switches},
};

/// Where it begins.
pub(super) const ROOT: &str = "/v3";

const NOTE: Rules = Rules {
    known: &["candidate_id", "application_id", "user_id", "body", "visibility", "note_type"],
    required: &["candidate_id", "body", "visibility", "note_type"],
};

/// A request, with everything that an answer depends on.
pub(super) struct Asking<'a> {
    pub(super) operation: Operation,
    pub(super) query: &'a [(String, String)],
    pub(super) body: Option<&'a Value>,
    /// In whose name the token speaks.
    pub(super) acting: Option<u64>,
    /// `http://127.0.0.1:PORT`.
    pub(super) origin: &'a str,
    pub(super) now: Timestamp,
}

/// Returns what a method and path below the root ask for.
pub(super) fn route(method: &str, path: &str) -> Operation {
    match (method, path) {
        ("GET", "/candidates") => Operation::Candidates,
        ("GET", "/applications") => Operation::Applications,
        ("GET", "/offers") => Operation::Offers,
        ("GET", "/jobs") => Operation::Jobs,
        ("GET", "/departments") => Operation::Departments,
        ("GET", "/offices") => Operation::Offices,
        ("GET", "/openings") => Operation::Openings,
        ("GET", "/attachments") => Operation::Attachments,
        ("GET", "/notes") => Operation::Notes,
        ("POST", "/notes") => Operation::AddNote,
        ("GET", "/users") => Operation::Users,
        ("GET", "/user_emails") => Operation::UserEmails,
        _ => Operation::Unknown,
    }
}

/// Answers a request that is authenticated.
pub(super) fn answer(account: &mut Account, switches: &Switches, asking: &Asking) -> Answer {
    let acting = asking.acting.and_then(|id| account.users.iter().find(|user| user.id == id));
    let site_admin = acting.map_or(switches.service_user_is_site_admin, |user| user.site_admin);
    let lists = asking.operation != Operation::AddNote;
    if switches.denied.contains(&asking.operation) || lists && !site_admin {
        let errors = [format!("Missing scope {}", asking.operation.scope())];
        return Answer::json(403, &json!({ "message": "Forbidden", "errors": errors }));
    }
    if lists {
        return list(account, switches, asking);
    }
    let body = asking.body.unwrap_or(&Value::Null);
    match notes::write(account, switches, &NOTE, None, body, asking.acting, asking.now) {
        Ok(note) => Answer::json(201, &note_json(&note)),
        Err(refusal) => refusal,
    }
}

fn list(account: &mut Account, switches: &Switches, asking: &Asking) -> Answer {
    let (filters, from) = match beginning(account, asking) {
        Ok(beginning) => beginning,
        Err(refusal) => return refusal,
    };
    let asked = filters
        .iter()
        .find(|(name, _)| name == "per_page")
        .map(|(_, value)| value.parse::<usize>());
    let size = match asked {
        None => 100,
        Some(Ok(size @ 1..=500)) => size,
        Some(_) => return Answer::invalid("per_page must be between 1 and 500"),
    };
    let mut entries = match matching(account, switches, asking, &filters) {
        Ok(entries) => entries,
        Err(refusal) => return refusal,
    };
    entries.sort_by_key(|entry| std::cmp::Reverse(entry["id"].as_u64()));
    let size = size.min(switches.page_size.max(1));
    let page: Vec<Value> = entries.iter().skip(from).take(size).cloned().collect();
    let answer = Answer::json(200, &Value::Array(page));
    if from + size >= entries.len() {
        return answer;
    }
    account.cursors.push(Cursor { operation: asking.operation, filters, from: from + size });
    let path = path_of(asking.operation);
    let cursor = account.cursors.len() - 1;
    answer.header("link", format!("<{}{ROOT}{path}?cursor=c{cursor}>; rel=\"next\"", asking.origin))
}

/// Returns the filters of a list and where in it the asked page begins.
fn beginning(account: &Account, asking: &Asking) -> Result<(Vec<(String, String)>, usize), Answer> {
    let Some((_, cursor)) = asking.query.iter().find(|(name, _)| name == "cursor") else {
        return Ok((asking.query.to_vec(), 0));
    };
    if asking.query.len() > 1 {
        return Err(Answer::invalid(json!(
            "When passing a cursor, do not include other query params."
        )));
    }
    let known = cursor
        .strip_prefix('c')
        .and_then(|index| account.cursors.get(index.parse::<usize>().ok()?));
    match known {
        Some(known) if known.operation == asking.operation => {
            Ok((known.filters.clone(), known.from))
        }
        _ => Err(Answer::invalid("cursor is invalid")),
    }
}

/// Returns the entries that pass the filters; an unknown filter is refused.
fn matching(
    account: &Account,
    switches: &Switches,
    asking: &Asking,
    filters: &[(String, String)],
) -> Result<Vec<Value>, Answer> {
    let allowed: &[&str] = match asking.operation {
        Operation::Applications => &["ids", "candidate_ids", "job_ids", "status", "updated_at"],
        Operation::Offers => &[
            "ids",
            "application_ids",
            "candidate_ids",
            "job_ids",
            "current_only",
            "status",
            "resolved_at",
        ],
        Operation::Openings => &["ids", "application_ids", "job_ids"],
        Operation::Jobs | Operation::Departments | Operation::Offices => &["ids"],
        Operation::Attachments => &["ids", "application_ids", "candidate_ids", "type"],
        Operation::Notes => &["ids", "candidate_ids", "application_ids", "user_ids", "type"],
        Operation::Users => &["ids", "primary_email"],
        _ => &["ids", "email"],
    };
    let mut entries = everything(account, switches, asking);
    for (name, value) in filters {
        if name == "per_page" {
            continue;
        }
        if !allowed.contains(&name.as_str()) {
            return Err(Answer::invalid(format!("Invalid parameter: {name}")));
        }
        keep(&mut entries, name, value)?;
    }
    Ok(entries)
}

fn everything(account: &Account, switches: &Switches, asking: &Asking) -> Vec<Value> {
    let (now, origin) = (asking.now, asking.origin);
    let candidates = account.candidates.iter();
    match asking.operation {
        Operation::Candidates => candidates.map(candidate_json).collect(),
        Operation::Applications => candidates.map(application_json).collect(),
        Operation::Offers => candidates
            .flat_map(|candidate| {
                candidate.application.offers.iter().map(move |offer| offer_json(candidate, offer))
            })
            .collect(),
        Operation::Jobs | Operation::Departments | Operation::Offices | Operation::Openings => {
            candidates.flat_map(|candidate| company::of(asking.operation, candidate)).fold(
                Vec::new(),
                |mut all, one| {
                    if !all.contains(&one) {
                        all.push(one);
                    }
                    all
                },
            )
        }
        Operation::Attachments => candidates
            .flat_map(|candidate| {
                candidate.attachments.iter().map(move |attachment| {
                    json!({
                        "id": attachment.id,
                        "application_id": candidate.application.id,
                        "candidate_id": candidate.id,
                        "type": attachment.kind,
                        "filename": attachment.filename,
                        "url": files::link(origin, attachment, now, switches.links_live_seconds),
                    })
                })
            })
            .collect(),
        Operation::Notes => {
            account.notes.iter().filter(|note| note.listed_from <= now).map(note_json).collect()
        }
        Operation::Users => account.users.iter().map(user_json).collect(),
        _ => account.users.iter().flat_map(user_emails).collect(),
    }
}

/// Keeps the entries that a filter lets through.
fn keep(entries: &mut Vec<Value>, name: &str, value: &str) -> Result<(), Answer> {
    match name {
        "current_only" => {
            let newest = |entry: &Value, entries: &[Value]| {
                entries.iter().all(|other| {
                    other["application_id"] != entry["application_id"]
                        || other["version"].as_u64() <= entry["version"].as_u64()
                })
            };
            let all = entries.clone();
            entries.retain(|entry| value != "true" || newest(entry, &all));
        }
        "status" => {
            // The filter says `active` where the entries say `in_process`.
            if value == "in_process" {
                return Err(Answer::invalid(
                    json!({ "message": "Must be one of: active, rejected, hired, converted", "field": "status" }),
                ));
            }
            let wanted = if value == "active" { "in_process" } else { value };
            entries.retain(|entry| entry["status"] == wanted);
        }
        "resolved_at" | "updated_at" => {
            // `gte|2026-11-23T00:00:00Z`: a comparison and a moment.
            let bound = value.split_once('|').and_then(|(how, at)| Some((how, at.parse().ok()?)));
            let Some((how @ ("gte" | "lte" | "gt" | "lt"), bound)) = bound else {
                let message =
                    json!({ "message": "Must be like gte|2026-01-01T00:00:00Z", "field": name });
                return Err(Answer::invalid(message));
            };
            let bound: Timestamp = bound;
            entries.retain(|entry| {
                let at = entry[name].as_str().and_then(|at| at.parse::<Timestamp>().ok());
                at.is_some_and(|at| match how {
                    "gte" => at >= bound,
                    "gt" => at > bound,
                    "lte" => at <= bound,
                    _ => at < bound,
                })
            });
        }
        "email" | "primary_email" => entries.retain(|entry| has_email(entry, name, value)),
        "type" => entries.retain(|entry| entry["type"] == value),
        _ => {
            let ids: Result<Vec<u64>, _> = value.split(',').map(str::parse).collect();
            let Ok(ids) = ids else {
                return Err(Answer::invalid(
                    json!({ "message": "Must be a list of integers", "field": name }),
                ));
            };
            if ids.len() > 50 {
                return Err(Answer::invalid(
                    json!({ "message": "Must have at most 50 ids", "field": name }),
                ));
            }
            let key = name.strip_suffix('s').unwrap_or(name);
            entries.retain(|entry| entry[key].as_u64().is_some_and(|id| ids.contains(&id)));
        }
    }
    Ok(())
}

fn has_email(entry: &Value, name: &str, wanted: &str) -> bool {
    let equal =
        |value: &Value| value.as_str().is_some_and(|email| email.eq_ignore_ascii_case(wanted));
    match entry["email_addresses"].as_array() {
        Some(addresses) => addresses.iter().any(|address| equal(&address["value"])),
        None => equal(&entry[name]),
    }
}

fn path_of(operation: Operation) -> &'static str {
    match operation {
        Operation::Candidates => "/candidates",
        Operation::Applications => "/applications",
        Operation::Offers => "/offers",
        Operation::Jobs => "/jobs",
        Operation::Departments => "/departments",
        Operation::Offices => "/offices",
        Operation::Openings => "/openings",
        Operation::Attachments => "/attachments",
        Operation::Notes => "/notes",
        Operation::Users => "/users",
        _ => "/user_emails",
    }
}

pub(super) fn contacts(contacts: &[Contact]) -> Vec<Value> {
    contacts.iter().map(|one| json!({ "value": one.value, "type": one.kind })).collect()
}

fn candidate_json(candidate: &Candidate) -> Value {
    json!({
        "id": candidate.id,
        "first_name": candidate.first_name,
        "last_name": candidate.last_name,
        "preferred_name": null,
        "company": null,
        "title": candidate.title,
        "private": false,
        "can_email": true,
        "time_zone": null,
        "tags": [],
        "linked_user_ids": [],
        "phone_numbers": contacts(&candidate.phone_numbers),
        "addresses": contacts(&candidate.addresses),
        "email_addresses": contacts(&candidate.email_addresses),
        "website_addresses": [],
        "social_media_addresses": [],
        "custom_fields": candidate.custom_fields,
    })
}

fn application_json(candidate: &Candidate) -> Value {
    let application = &candidate.application;
    let status =
        if application.status == "active" { "in_process" } else { application.status.as_str() };
    json!({
        "id": application.id,
        "candidate_id": candidate.id,
        "job_id": application.job.id,
        "status": status,
        "prospect": false,
        "stage_id": null,
        "stage_name": (status == "in_process").then_some("Offer"),
        "rejected_at": null,
        "last_activity_at": "2026-11-20T22:49:14.000Z",
        "prospective_job_ids": [],
        "answers": [],
        "updated_at": application.updated_at.map(millis),
        "custom_fields": application.custom_fields,
    })
}

fn offer_json(candidate: &Candidate, offer: &Offer) -> Value {
    json!({
        "id": offer.id,
        "version": offer.version,
        "application_id": candidate.application.id,
        "job_id": candidate.application.job.id,
        "candidate_id": candidate.id,
        "opening_id": company::opening_id(candidate),
        "status": offer.status,
        "created_at": millis(offer.created_at),
        "sent_on": day(offer.created_at),
        "resolved_at": offer.resolved_at.map(millis),
        "starts_on": offer.starts_on,
        "custom_fields": offer.custom_fields,
    })
}

fn note_json(note: &Note) -> Value {
    // Reading has other words than writing.
    let visibility = match note.visibility.as_str() {
        "admin_only" => "admin_only_visible",
        "private" => "privately_visible",
        _ => "publicly_visible",
    };
    json!({
        "id": note.id,
        "created_at": millis(note.created_at),
        "updated_at": millis(note.created_at),
        "candidate_id": note.candidate_id,
        "application_id": note.application_id,
        "body": note.body,
        "subject": null,
        "type": "NOTE",
        "user_id": note.user_id,
        "visibility": visibility,
    })
}

fn user_json(user: &User) -> Value {
    json!({
        "id": user.id,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "name": format!("{} {}", user.first_name, user.last_name),
        "primary_email": user.primary_email,
        "job_title": null,
        "deactivated": user.deactivated,
        "site_admin": user.site_admin,
        "employee_id": null,
    })
}

fn user_emails(user: &User) -> Vec<Value> {
    let emails = std::iter::once(&user.primary_email).chain(&user.other_emails);
    (0_u64..)
        .zip(emails)
        .map(|(index, email)| {
            json!({ "id": user.id * 10 + index, "user_id": user.id, "email": email, "verified": true })
        })
        .collect()
}

/// Writes a moment the way v3 does, with milliseconds.
pub(super) fn millis(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Returns the day of a moment in UTC.
pub(super) fn day(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d").to_string()
}
