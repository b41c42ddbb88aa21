//! `forget`: ends what a recipe whose file is gone still does: it accepts, and holds jobs.

use std::path::Path;

use clap::Args;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    desk::{Desk, escaped},
    exit::{Exit, Trouble},
    service::{By, Service, command_trouble},
    terminal::{self, FAINT, GOOD, count, paint},
};

/// What `forget --help` says.
pub const ABOUT: &str = "\
Forget a recipe whose file is gone

A recipe whose file is gone is off and goes on accepting, because files also vanish by mistake. Forgotten, its webhook is \
answered 404. Its jobs stay in the history, and what keeps things from happening twice stays as well.";
/// How `forget` is used.
pub const EXAMPLE: &str = "Example:\n  recipe-runner forget greenhouse-hired-to-goco";

/// `forget`.
#[derive(Debug, Args)]
pub struct Asked {
    /// The recipe
    pub recipe: String,
    /// End its jobs that are not over, the held ones too
    #[arg(long)]
    pub cancel_jobs: bool,
}

/// A recipe that was forgotten.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Forgotten {
    /// How many of its jobs were not over and were ended.
    pub cancelled: usize,
}

/// Runs the command.
pub async fn run(dir: &Path, Asked { recipe, cancel_jobs }: &Asked) -> Result<Exit, Trouble> {
    let desk = Desk::open(dir).await?;
    let path = format!("recipes/{}/forget", escaped(recipe));
    let forgotten = desk.post(&path, &json!({ "cancel_jobs": cancel_jobs })).await;
    desk.close().await;
    let Forgotten { cancelled } = forgotten?;
    let jobs = match cancelled {
        0 => String::new(),
        1 => "; 1 job that had not ended was cancelled".into(),
        some => format!("; {} that had not ended were cancelled", count(some, "job")),
    };
    terminal::talk(format!("{recipe} is {}{jobs}", paint(GOOD, "forgotten")));
    let left = "its webhook is answered 404; its jobs stay in the history";
    terminal::talk(paint(FAINT, left));
    Ok(Exit::Good)
}

impl Service {
    /// Forgets a recipe whose file is gone, and ends its jobs if that is said.
    pub async fn forget(&self, by: &By, recipe: &str, cancel: bool) -> Result<Forgotten, Trouble> {
        let done = self.engine.forget(recipe, &by.who, cancel).await;
        let cancelled = done.map_err(|error| command_trouble(&error))?;
        let detail = match cancelled {
            0 => String::new(),
            some => format!("{} cancelled", count(some, "job")),
        };
        self.keep(by, "recipe.forget", recipe, detail).await?;
        Ok(Forgotten { cancelled })
    }
}
