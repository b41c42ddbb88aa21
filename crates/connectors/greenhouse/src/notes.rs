//! Notes in a candidate's activity feed.
//!
//! v3: <https://harvestdocs.greenhouse.io> (`POST /v3/notes`, `GET /v3/notes`); v1:
//! <https://developers.greenhouse.io/harvest.html#post-add-note>.
//!
//! Greenhouse takes no idempotency key and a note cannot be taken back. So a note ends with a mark made from its once
//! key, and a note whose fate is unknown is looked for by that mark.

use std::{sync::Arc, time::Duration};

use connector::{Call, Failure, Identity, LookUp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{account::Account, place::Place, rights};

/// How long Greenhouse may take to show a note.
pub(crate) const SETTLE: Duration = Duration::from_mins(1);

/// The most characters of a note: Greenhouse documents no limit, and nobody reads more.
const LONGEST: usize = 20_000;

/// A note to be written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// In whose activity feed.
    #[schemars(example = "{{ event.candidate.id }}")]
    pub candidate_id: String,
    /// About which application; Harvest v1 knows only the candidate.
    #[schemars(example = "{{ event.application.id }}")]
    pub application_id: Option<String>,
    /// What it says; a short mark such as `[ref 8f3a12c4]` is added, by which the note is known again.
    #[schemars(example = "Created in GoCo with the id {{ steps.employee.id }}.")]
    pub body: String,
    /// Who sees it.
    #[serde(default)]
    pub visibility: Visibility,
}

/// Who sees a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Site and job administrators.
    #[default]
    AdminOnly,
    /// Those who may see private notes.
    Private,
    /// Everybody who sees the candidate.
    Public,
}

/// A note that was written.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// Its id.
    pub id: Option<String>,
    /// The mark at its end.
    pub mark: String,
}

/// Returns the once key of a note: the event, the step, and the error it tells of. The same failure is noted once,
/// ever; a different one after a retry gets a note of its own.
pub(crate) fn once_key(_: &NewNote, identity: &Identity) -> String {
    format!("{}/{}/{}", identity.event, identity.path, identity.cause)
}

/// Writes a note.
pub(crate) async fn add_note(
    account: Arc<Account>,
    call: Call,
    input: NewNote,
) -> Result<Note, Failure> {
    let mark = mark(&input, &call.identity);
    let body = marked(&input.body, &mark)?;
    let author = account.author_id(&call).await?;
    let harvest = &account.harvest;
    let mut note = json!({ "body": body, "visibility": input.visibility });
    if let Some(author) = &author {
        note["user_id"] = number(author);
    }
    let request = if harvest.is_v1() {
        let candidate = connector::http::segment(&input.candidate_id);
        let mut request = harvest.post(&format!("candidates/{candidate}/activity_feed/notes"));
        if let Some(user) = account.on_behalf_of(&call).await? {
            request = request.header("on-behalf-of", user);
        }
        request
    } else {
        note["candidate_id"] = number(&input.candidate_id);
        if let Some(application) = &input.application_id {
            note["application_id"] = number(application);
        }
        note["note_type"] = "NOTE".into();
        harvest.post("notes")
    };
    let sent =
        harvest.send(request.json(&note).doing("adding the note"), &rights::ADD_NOTE, &call).await;
    let answer = sent.map_err(|failure| match failure.code.as_str() {
        "not_found" => failure.hint(
            "Greenhouse does not know the candidate, or the user named by `note_author` or `user_email` of the \
             connection: it gives the same answer for each.",
        ),
        _ => failure,
    })?;
    let written = answer.value()?;
    Ok(Note { id: Place::of_answer(&written, "note").at("id").id()?, mark })
}

/// Looks for a note by its mark, in all notes of the candidate.
pub(crate) async fn look_up(
    account: Arc<Account>,
    call: Call,
    input: NewNote,
) -> Result<LookUp<Note>, Failure> {
    let mark = mark(&input, &call.identity);
    let harvest = &account.harvest;
    let doing = "looking for the note";
    let notes = if harvest.is_v1() {
        let path = ["candidates", &input.candidate_id, "activity_feed"];
        let Some(feed) = harvest.one(&path, doing, &rights::NOTES, &call).await? else {
            return Ok(LookUp::Absent);
        };
        match feed.get("notes") {
            Some(Value::Array(notes)) => notes.clone(),
            _ => {
                return Ok(LookUp::Inconclusive(
                    "the activity feed that Greenhouse sent has no list of notes".into(),
                ));
            }
        }
    } else {
        let request =
            harvest.get("notes").query("candidate_ids", &input.candidate_id).query("per_page", 500);
        harvest.list(request.doing(doing), &rights::NOTES, &call).await?
    };
    let mut found = notes.iter().filter(|note| {
        let body = note.get("body").and_then(Value::as_str);
        body.is_some_and(|body| body.contains(&bracketed(&mark)))
    });
    match found.next() {
        Some(note) => {
            Ok(LookUp::Found(Note { id: Place::of_answer(note, "note").at("id").id()?, mark }))
        }
        None => Ok(LookUp::Absent),
    }
}

/// Returns the mark of a note: 32 bits of its once key's hash, and a candidate has a handful of notes.
fn mark(input: &NewNote, identity: &Identity) -> String {
    let hash = Sha256::digest(once_key(input, identity).as_bytes());
    format!("{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
}

fn bracketed(mark: &str) -> String {
    format!("[ref {mark}]")
}

/// Returns the body with its mark, shortened so that the mark is always there.
fn marked(body: &str, mark: &str) -> Result<String, Failure> {
    let body = body.trim();
    if body.is_empty() {
        return Err(Failure::permanent("invalid", "the note says nothing: `body` is blank")
            .hint("Give the note a `body`."));
    }
    let mark = bracketed(mark);
    Ok(match body.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} … {mark}", &body[..end]),
        None => format!("{body} {mark}"),
    })
}

/// Returns an id as the number that the API wants; one that is no number stays text and is refused there.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| id.into(), Value::from)
}
