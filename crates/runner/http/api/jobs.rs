//! Jobs: lists, one, its journal, and what people do to it.

use std::collections::BTreeMap;

use axum::Json;
use engine::{Command, Given, HeldWrite, Settlement, Status, StepPath};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limit;
use crate::{
    code::Code,
    http::{
        access::Role,
        extract::{Asked, At, Body},
        openapi::Done,
        permission::{Operator, Viewer},
        problem::Problem,
    },
    mask,
    request::{JobLine, Search},
    story::Story,
};

/// How many jobs one request has go on.
const MOST_RETRIED: usize = 500;

#[derive(Deserialize, JsonSchema)]
pub struct JobPath {
    /// The job's number.
    pub job: i64,
}

/// Which jobs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only of this recipe.
    pub recipe: Option<String>,
    /// Only in this status.
    pub status: Option<Status>,
    /// Only accepted at that moment or later.
    pub since: Option<Timestamp>,
    /// Only accepted before that moment.
    pub until: Option<Timestamp>,
    /// Only with this text in the label, an id or an e-mail address. A viewer can search for a job's number only.
    pub search: Option<String>,
    /// Where the page before ended: its `next`.
    pub cursor: Option<i64>,
    /// At most so many; 50, if it is left out.
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u32>,
}

/// A page of jobs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Jobs {
    /// The jobs, newest first.
    pub jobs: Vec<JobLine>,
    /// The `cursor` of the next page; none when this is the last.
    pub next: Option<i64>,
}

/// Which entries of a journal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    /// Where the page before ended: its `next`.
    cursor: Option<u32>,
    /// At most so many; 50, if it is left out.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
}

/// A page of a journal.
#[derive(Serialize, JsonSchema)]
pub struct Journal {
    /// The entries, oldest first.
    entries: Vec<JournalEntry>,
    /// The `cursor` of the next page; none when this is the last.
    next: Option<u32>,
}

/// An entry of a journal.
#[derive(Serialize, JsonSchema)]
pub struct JournalEntry {
    /// Its place, from 1 without gaps.
    seq: u32,
    /// Where in the recipe; empty for the job itself.
    path: String,
    /// When.
    at: Timestamp,
    /// What happened, with the fields of its `kind`.
    entry: Value,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Go on with the newest version of the recipe.
    #[serde(default)]
    newest: bool,
    /// Although a later job of the same person is past it.
    #[serde(default)]
    force: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryMany {
    /// Only of this recipe.
    recipe: Option<String>,
    /// Only in this status: `failed`, if it is left out, or `needs_attention`.
    status: Option<Retriable>,
    /// Only with this text.
    search: Option<String>,
    /// Go on with the newest version of the recipe.
    #[serde(default)]
    newest: bool,
}

/// The statuses that a bulk retry knows.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retriable {
    Failed,
    NeedsAttention,
}

/// What became of a bulk retry.
#[derive(Serialize, JsonSchema)]
pub struct Retried {
    /// The jobs that go on.
    pub jobs: Vec<i64>,
    /// Those that do not, and why.
    pub refused: Vec<NotRetried>,
}

#[derive(Serialize, JsonSchema)]
pub struct NotRetried {
    /// The job's number.
    pub job: i64,
    /// Why.
    pub why: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// The step's path.
    step: String,
    /// How it is settled.
    verdict: Verdict,
    /// The step's output, if it happened.
    #[serde(default)]
    output: Value,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "it is the word in the body")]
pub struct Answer {
    /// The path of the step that asks, or will ask.
    step: String,
    /// The answer: an object with what the recipe declares.
    #[serde(default)]
    answer: Option<Value>,
    /// The answer in words, instead: each is read as what the recipe declares.
    #[serde(default)]
    fields: Option<BTreeMap<String, String>>,
}

/// How a person settles an unknown outcome.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It happened.
    Happened,
    /// It did not happen: it is called again.
    NotHappened,
    /// Nobody will know: the step fails.
    GiveUp,
}

impl Verdict {
    /// Returns the settlement with an output.
    pub fn settlement(self, output: Value) -> Settlement {
        match self {
            Self::Happened => Settlement::Happened(output.into()),
            Self::NotHappened => Settlement::NotHappened,
            Self::GiveUp => Settlement::GiveUp,
        }
    }
}

pub async fn list(may: Viewer, Asked(asked): Asked<Filter>) -> Result<Json<Jobs>, Problem> {
    let limit = limit(asked.limit)?;
    let search = Search {
        recipe: asked.recipe,
        statuses: asked.status.into_iter().collect(),
        since: asked.since,
        until: asked.until,
        text: searchable(may.person.role, asked.search)?,
        before: asked.cursor,
        limit,
    };
    let mut jobs = may.site.service.jobs(search).await?;
    if may.person.role == Role::Viewer {
        jobs = jobs.into_iter().map(mask::line_for_viewer).collect();
    }
    let next = jobs.last().filter(|_| jobs.len() == limit).map(|job| job.job);
    Ok(Json(Jobs { jobs, next }))
}

pub async fn one(may: Viewer, At(path): At<JobPath>) -> Result<Json<Story>, Problem> {
    let story = may.site.service.story(path.job).await?;
    Ok(Json(if may.person.role == Role::Viewer { mask::for_viewer(story) } else { story }))
}

pub async fn journal(
    may: Operator,
    At(path): At<JobPath>,
    Asked(asked): Asked<Entries>,
) -> Result<Json<Journal>, Problem> {
    let limit = limit(asked.limit)?;
    let all = may.site.service.journal(path.job).await?;
    let last = all.last().map_or(0, |(entry, _)| entry.seq);
    let after = all.into_iter().filter(|(entry, _)| entry.seq > asked.cursor.unwrap_or(0));
    let entry = |(entry, value): (engine::Entry, Value)| JournalEntry {
        seq: entry.seq,
        path: entry.path.to_string(),
        at: entry.at,
        entry: value,
    };
    let entries: Vec<_> = after.take(limit).map(entry).collect();
    let next = entries.last().map(|entry| entry.seq).filter(|seq| *seq < last);
    Ok(Json(Journal { entries, next }))
}

pub async fn held(may: Operator, At(path): At<JobPath>) -> Result<Json<Vec<HeldWrite>>, Problem> {
    Ok(Json(may.site.service.held(path.job).await?))
}

pub async fn retry(
    may: Operator,
    At(path): At<JobPath>,
    Body(asked): Body<Retry>,
) -> Result<Done, Problem> {
    let Retry { newest, force } = asked;
    command(&may, path.job, Command::Retry { newest, force }).await
}

pub async fn retry_many(
    may: Operator,
    Body(asked): Body<RetryMany>,
) -> Result<Json<Retried>, Problem> {
    let status = match asked.status {
        None | Some(Retriable::Failed) => Status::Failed,
        Some(Retriable::NeedsAttention) => Status::NeedsAttention,
    };
    let search = Search {
        recipe: asked.recipe,
        statuses: vec![status],
        text: asked.search,
        limit: MOST_RETRIED,
        ..Search::default()
    };
    let (jobs, refused) =
        may.site.service.retry_many(&may.person.by(), search, asked.newest).await?;
    let refused = refused.into_iter().map(|(job, why)| NotRetried { job, why }).collect();
    Ok(Json(Retried { jobs, refused }))
}

pub async fn cancel(may: Operator, At(path): At<JobPath>) -> Result<Done, Problem> {
    command(&may, path.job, Command::Cancel).await
}

pub async fn resolve(
    may: Operator,
    At(path): At<JobPath>,
    Body(asked): Body<Resolve>,
) -> Result<Done, Problem> {
    let Resolve { step, verdict, output } = asked;
    let settlement = verdict.settlement(output);
    let step = StepPath(step.into());
    command(&may, path.job, Command::Resolve { step, settlement }).await
}

pub async fn answer(
    may: Operator,
    At(path): At<JobPath>,
    Body(asked): Body<Answer>,
) -> Result<Done, Problem> {
    let given = match (asked.answer, asked.fields) {
        (Some(answer), None) => Given::Json(answer),
        (None, Some(fields)) => Given::Words(fields),
        _ => {
            let words = "one of `answer` and `fields` says what the answer is";
            return Err(Problem::new(Code::WrongAnswer, words));
        }
    };
    let step = StepPath(asked.step.into());
    command(&may, path.job, Command::Answer { step, given }).await
}

async fn command(may: &Operator, job: i64, command: Command) -> Result<Done, Problem> {
    may.site.service.command(&may.person.by(), job, command).await?;
    Ok(Done)
}

/// Returns the text that somebody may search for: whoever sees no names must not find people by them either.
pub fn searchable(role: Role, text: Option<String>) -> Result<Option<String>, Problem> {
    let text = text.filter(|text| !text.trim().is_empty());
    match &text {
        Some(text) if role == Role::Viewer && text.trim().parse::<i64>().is_err() => {
            Err(Problem::new(Code::Forbidden, "a viewer can search for the number of a job only"))
        }
        _ => Ok(text),
    }
}
