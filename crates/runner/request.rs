//! What a service is asked for and what it tells, in the words that commands, pages and the API share.

use std::collections::BTreeMap;

use connector::Finding;
use engine::{ConnectionHealth, FileState, JobRow, RecipeStatus, SourceStatus, Status};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a job by hand is made from.
#[derive(Debug, Clone)]
pub enum From {
    /// A body as the vendor sends it.
    Body(Vec<u8>),
    /// The event of another job.
    Job(i64),
    /// The body of a delivery.
    Delivery(i64),
    /// A sample, by its name.
    Sample(String),
}

/// Which jobs.
#[derive(Debug, Default)]
pub struct Search {
    /// Only of this recipe.
    pub recipe: Option<String>,
    /// Only in one of these statuses; all when empty.
    pub statuses: Vec<Status>,
    /// Only accepted at that moment or later.
    pub since: Option<Timestamp>,
    /// Only accepted before that moment.
    pub until: Option<Timestamp>,
    /// Only with this text.
    pub text: Option<String>,
    /// Only older than this one.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

/// How the service and its recipes stand.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ServiceStatus {
    /// The running service; `None` when the command asked the store itself.
    pub running: Option<Running>,
    /// Why nothing can be stored; `None` when all is well.
    pub store_trouble: Option<String>,
    /// What is said of a disk that is nearly full, such as `disk nearly full: 41 MB free at PATH`.
    pub nearly_full: Option<String>,
    /// The recipes, by name.
    pub recipes: Vec<RecipeLine>,
    /// The jobs that wait for a person, oldest first, at most a hundred.
    pub attention: Vec<JobLine>,
    /// What is wrong with the project folder, drawn without colours.
    pub mistakes: Vec<String>,
    /// The connections that cannot be opened, and why.
    pub closed: Vec<String>,
    /// The connections that are held up: the circuit of a host is open, or its rate limit is used up.
    pub held_up: Vec<ConnectionHealth>,
}

/// A running service.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Running {
    /// Its process.
    pub process: u32,
    /// Its version.
    pub version: String,
    /// Since when.
    pub since: Timestamp,
    /// Where it listens, such as `127.0.0.1:7117`.
    pub listen: String,
    /// Where the outside world reaches it.
    pub public_url: String,
    /// Where the pages are.
    pub page: String,
    /// Where the hooks are reached.
    pub hooks: String,
}

/// How a recipe stands.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RecipeLine {
    /// Its name.
    pub name: String,
    /// Its title; empty when no version was ever right.
    pub title: String,
    /// Whether it is on.
    pub on: bool,
    /// The version that new jobs take; none when there never was a good one.
    pub version: Option<String>,
    /// Whether its file is there and right.
    pub file: FileState,
    /// When the last genuine event came.
    pub last_event_at: Option<Timestamp>,
    /// When the last ping came.
    pub last_ping_at: Option<Timestamp>,
    /// When a delivery was last refused since the service began, and why.
    pub last_refusal: Option<Refusal>,
    /// Where its events come from when nobody sends them, or were missed.
    pub source: Option<SourceStatus>,
    /// Its jobs by status.
    pub jobs: BTreeMap<String, u64>,
}

/// A delivery that was not taken.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl RecipeLine {
    /// Returns a recipe in a list.
    pub fn of(status: RecipeStatus) -> Self {
        let jobs = status.jobs.into_iter();
        Self {
            name: status.name,
            title: status.title,
            on: status.on,
            version: status.version,
            file: status.file,
            last_event_at: status.last_event_at,
            last_ping_at: status.last_ping_at,
            last_refusal: status.last_refusal.map(|(at, reason)| Refusal { at, reason }),
            source: status.source,
            jobs: jobs.map(|(status, jobs)| (status.word().to_owned(), jobs)).collect(),
        }
    }

    /// Returns how many of its jobs stand there.
    pub fn count(&self, status: Status) -> u64 {
        self.jobs.get(status.word()).copied().unwrap_or(0)
    }
}

/// A recipe that was switched, and how to send it events.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Switched {
    /// Its name.
    pub recipe: String,
    /// Its webhook.
    pub url: String,
    /// What to paste where.
    pub set_up: String,
}

/// A job in a list.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct JobLine {
    /// Its number.
    pub job: i64,
    /// Its recipe.
    pub recipe: String,
    /// Its name.
    pub label: String,
    /// Where it stands.
    pub status: Status,
    /// Why, in a line.
    pub note: String,
    /// When its event came.
    pub accepted_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How often its event came again.
    pub repeats: u32,
}

impl JobLine {
    /// Returns a job in a list, with nothing masked.
    pub fn of(row: JobRow) -> Self {
        Self {
            job: row.id.0,
            recipe: row.recipe,
            label: row.label,
            status: row.standing.status,
            note: row.standing.note,
            accepted_at: row.accepted_at,
            finished_at: row.standing.finished_at,
            repeats: row.repeats,
        }
    }
}

/// What a vendor told when it was asked for what had happened, compared with the history.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CaughtUpLine {
    /// Who it is about.
    pub label: String,
    /// Whether there was no job of it.
    pub missing: bool,
    /// Its job: found, or made now.
    pub job: Option<i64>,
    /// Where the job stands.
    pub status: Option<Status>,
    /// The jobs that worked on the same and succeeded, when there are several.
    pub doubled: Vec<i64>,
    /// The fields that had another value when the job's event came.
    pub differs: Vec<String>,
    /// With `dry_run`: how the recipe would end if it worked on it now, as the systems are now.
    pub would: Option<String>,
}

/// What somebody needs to open the pages for the first time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct FirstSignIn {
    /// The text of the first token, if it was made now.
    pub token: Option<String>,
    /// An address that signs a browser in, once.
    pub link: Option<String>,
}

/// A part of a check-up.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Section {
    /// What it is about: `connection goco`, `recipe hire`, `service`.
    pub about: String,
    /// What was looked at.
    pub findings: Vec<Finding>,
}
