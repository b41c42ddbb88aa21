//! Notes written through either version of the API.

use connector::jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{
    account::{Account, Note},
    answer::Answer,
    switches::Switches,
};

/// What a version of the API takes in a new note.
pub(super) struct Rules {
    /// Every key it knows.
    pub(super) known: &'static [&'static str],
    /// Those it cannot do without.
    pub(super) required: &'static [&'static str],
}

/// Writes a note, or says what is wrong with it. `candidate_id` is the path's in v1, the body's in v3.
pub(super) fn write(
    account: &mut Account,
    switches: &Switches,
    rules: &Rules,
    candidate_id: Option<u64>,
    body: &Value,
    acting: Option<u64>,
    now: Timestamp,
) -> Result<Note, Answer> {
    let Value::Object(fields) = body else {
        return Err(Answer::message(422, "Your request included invalid JSON."));
    };
    check(rules, fields)?;
    let id = |key: &str| match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        // v1's own sample has a user id in quotes.
        Some(value) => number(value).map(Some).ok_or_else(|| {
            Answer::invalid(json!({ "message": "Must be an integer", "field": key }))
        }),
    };
    let candidate_id = match candidate_id {
        Some(id) => id,
        None => id("candidate_id")?.unwrap_or(0),
    };
    let user_id = id("user_id")?;
    let application_id = id("application_id")?;
    let Some(candidate) = account.candidate(candidate_id) else { return Err(Answer::not_found()) };
    if application_id.is_some_and(|id| id != candidate.application.id) {
        return Err(Answer::not_found());
    }
    if user_id.is_some_and(|id| account.users.iter().all(|user| user.id != id)) {
        return Err(Answer::not_found());
    }
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let visibility = text("visibility");
    if !["admin_only", "private", "public"].contains(&visibility.as_str()) {
        let message = "Must be one of: admin_only, private, public";
        return Err(Answer::invalid(json!({ "message": message, "field": "visibility" })));
    }
    let lag = SignedDuration::from_millis(switches.notes_lag_ms.try_into().unwrap_or(i64::MAX));
    let note = Note {
        id: 226_809_052 + account.notes.len() as u64,
        candidate_id,
        application_id,
        user_id: user_id.or(acting),
        body: text("body"),
        visibility,
        created_at: now,
        listed_from: now.checked_add(lag).unwrap_or(Timestamp::MAX),
    };
    account.notes.push(note.clone());
    Ok(note)
}

fn check(rules: &Rules, fields: &Map<String, Value>) -> Result<(), Answer> {
    if let Some(unknown) = fields.keys().find(|key| !rules.known.contains(&key.as_str())) {
        let message = format!("Invalid attribute: {unknown}");
        return Err(Answer::json(
            422,
            &json!({
                "message": "Your request included invalid JSON.",
                "errors": [{ "message": message, "field": unknown }],
            }),
        ));
    }
    let blank = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    match rules.required.iter().find(|key| blank(fields.get(**key))) {
        None => Ok(()),
        Some(missing) => {
            let message = format!("Missing required field: {missing}");
            Err(Answer::invalid(json!({ "message": message, "field": missing })))
        }
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
