//! What a command asks of a service, and what it answers: the same over the control socket and in one process.

use connector::Finding;
use engine::{
    Command, RecipeStatus, Status,
    plan::{Past, Plan},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    http::access::{Role, Token},
    story::Story,
};

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// How the service and its recipes stand.
    Status,
    /// Switch recipes on or off.
    Switch {
        /// Which; none means all.
        recipes: Vec<String>,
        /// On or off.
        on: bool,
        /// Who asks.
        by: String,
    },
    /// Jobs, newest first.
    Jobs(Search),
    /// One job.
    Job(i64),
    /// Do something to a job.
    Command {
        /// Which.
        job: i64,
        /// Who asks.
        by: String,
        /// What.
        command: Command,
    },
    /// Make a job by hand.
    Submit {
        /// Of which recipe.
        recipe: String,
        /// From what.
        from: From,
        /// Who asks.
        by: String,
    },
    /// Show what a job would write.
    Plan {
        /// Of which recipe.
        recipe: String,
        /// From what.
        from: From,
    },
    /// Show how finished jobs would go now.
    Past {
        /// Of which recipe.
        recipe: String,
        /// How many, the last ones.
        jobs: u32,
    },
    /// Look whether everything is as it should be.
    Doctor {
        /// A connection or a recipe; everything when left out.
        name: Option<String>,
    },
    /// Make a token.
    AddToken {
        /// Whose it is.
        name: String,
        /// What it may.
        role: Role,
        /// Who asks.
        by: String,
    },
    /// Take a token back.
    RevokeToken {
        /// Whose it is.
        name: String,
        /// Who asks.
        by: String,
    },
    /// The tokens.
    Tokens,
    /// What somebody needs to open the pages for the first time.
    FirstSignIn {
        /// Who asks.
        by: String,
    },
    /// Stop the service.
    Stop,
}

/// What a job by hand is made from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// A body as the vendor sends it.
    Body(Vec<u8>),
    /// The event of another job.
    Job(i64),
}

/// Which jobs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Search {
    /// Only of this recipe.
    pub recipe: Option<String>,
    /// Only in one of these statuses; all when empty.
    pub statuses: Vec<Status>,
    /// Only accepted at that moment or later.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Only accepted before that moment.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Only with this text.
    pub text: Option<String>,
    /// Only older than this one.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To [`Request::Status`].
    Status(Box<ServiceStatus>),
    /// To [`Request::Switch`]: how the recipes stand that were switched.
    Switched(Vec<Switched>),
    /// To [`Request::Jobs`].
    Jobs(Vec<JobLine>),
    /// To [`Request::Job`].
    Job(Box<Story>),
    /// To [`Request::Command`] and [`Request::Stop`].
    Done,
    /// To [`Request::Submit`]: the new job.
    Submitted(i64),
    /// To [`Request::AddToken`]: its text.
    Token(String),
    /// To [`Request::Tokens`].
    Tokens(Vec<Token>),
    /// To [`Request::FirstSignIn`].
    FirstSignIn(FirstSignIn),
    /// To [`Request::Plan`].
    Plan(Box<Plan>),
    /// To [`Request::Past`], the newest first.
    Past(Vec<Past>),
    /// To [`Request::Doctor`].
    Doctor(Vec<Section>),
}

/// How the service and its recipes stand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// The running service; `None` when the command asked the store itself.
    pub running: Option<Running>,
    /// The recipes, by name.
    pub recipes: Vec<RecipeStatus>,
    /// The jobs that wait for a person, oldest first, at most a hundred.
    pub attention: Vec<JobLine>,
    /// What is wrong with the project folder, drawn without colours.
    pub mistakes: Vec<String>,
    /// The connections that cannot be opened, and why.
    pub closed: Vec<String>,
}

/// A running service.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// A recipe that was switched, and how to send it events.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// What somebody needs to open the pages for the first time.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
