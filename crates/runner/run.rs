//! `run`: one real job in the foreground, step by step.

use std::{collections::HashMap, path::Path, time::Duration};

use clap::Args;
use connector::{Clock, SystemClock};
use engine::Status;
use serde_json::json;

use crate::{
    code::Code,
    desk::{Desk, escaped, query},
    exit::{Exit, Trouble},
    http::api::{Jobs, MadeJob, NewJob},
    live::Live,
    references,
    request::{ServiceStatus, Switched},
    service::Service,
    show,
    story::{StepState, Story},
    terminal::{self, FAINT, STRONG, WARN, paint},
};

/// How often the job is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What is asked for.
#[derive(Debug, Args)]
pub struct Asked {
    /// The recipe
    pub recipe: String,
    /// What to work on: a file with the raw body, the number of a past job, or `next` for the next real event
    #[arg(long, value_name = "FILE|JOB|next")]
    pub event: String,
    /// Do not ask before real systems are written to
    #[arg(long, short)]
    pub yes: bool,
}

/// Runs the command.
pub async fn run(dir: &Path, asked: Asked) -> Result<Exit, Trouble> {
    let from = match asked.event.as_str() {
        "next" => None,
        event => Some(NewJob::named(event, "the number of a past job, or `next`")?),
    };
    if !asked.yes && terminal::is_interactive() {
        let question =
            format!("`{}` works on real systems: its writes are sent. Go on?", asked.recipe);
        if !terminal::confirm(&paint(STRONG, question)) {
            return Err(Trouble::usage("nothing was done"));
        }
    }
    let desk = Desk::open(dir).await?;
    if desk.is_running() {
        if from.is_none() {
            is_on(&desk, &asked.recipe).await?;
        }
        return work(&desk, &asked.recipe, from, "").await;
    }
    desk.close().await;
    // Nobody runs: be the service for this one job. Its own recipe must be on for that; others stay as they are.
    let live = Live::begin(Service::open(dir, references::environment).await?, None).await?;
    let was_on = live.service.recipes().await?.iter().any(|one| one.name == asked.recipe && one.on);
    let desk = Desk::Here(live.service.clone());
    let switch = async |on: bool| -> Result<Vec<Switched>, Trouble> {
        desk.post("switch", &json!({ "recipes": [asked.recipe], "on": on })).await
    };
    let words = match from {
        Some(_) => "interrupted; the job goes on at the next start",
        None => "interrupted; an event that has come goes on at the next start",
    };
    let done = match switch(true).await {
        Ok(switched) => {
            let url = switched.first().map(|one| one.url.clone()).unwrap_or_default();
            tokio::select! {
                done = work(&desk, &asked.recipe, from, &url) => done,
                _ = tokio::signal::ctrl_c() => Err(Trouble::cannot(words)),
            }
        }
        Err(trouble) => Err(trouble),
    };
    if !was_on {
        drop(switch(false).await);
    }
    live.end().await;
    done
}

/// Refuses to wait for events of a recipe with which nothing is done.
async fn is_on(desk: &Desk, recipe: &str) -> Result<(), Trouble> {
    let status: ServiceStatus = desk.get("status").await?;
    let off = status.recipes.iter().any(|one| one.name == recipe && !one.on);
    if !off {
        return Ok(());
    }
    let words = format!("`{recipe}` is off: its events are kept, and nothing is done with them");
    let cure = format!("switch it on: `recipe-runner start {recipe}`; then wait again");
    Err(Trouble::of(Code::WrongInput, words).cure(cure))
}

/// `url` is where events are sent to while this command is the service.
async fn work(desk: &Desk, recipe: &str, from: Option<NewJob>, url: &str) -> Result<Exit, Trouble> {
    let job = match from {
        Some(from) => {
            let made: MadeJob =
                desk.post(&format!("recipes/{}/jobs", escaped(recipe)), &from).await?;
            made.job
        }
        None => next(desk, recipe, url).await?,
    };
    let story = follow(desk, job).await?;
    terminal::talk("");
    terminal::talk(format!("{} {}", show::status(story.status), story.note));
    terminal::talk(paint(FAINT, format!("everything about it: recipe-runner jobs show {job}")));
    Ok(match story.status {
        Status::Succeeded | Status::Skipped => Exit::Good,
        _ => Exit::Found,
    })
}

/// Waits for the next real event of a recipe.
async fn next(desk: &Desk, recipe: &str, url: &str) -> Result<i64, Trouble> {
    // Newest first; more than these do not come between two looks.
    let newest = async || -> Result<Vec<i64>, Trouble> {
        let asked = query(&[("recipe", Some(recipe.into())), ("limit", Some("100".into()))]);
        let page: Jobs = desk.get(&format!("jobs{asked}")).await?;
        Ok(page.jobs.iter().map(|job| job.job).collect())
    };
    let before = newest().await?.first().copied().unwrap_or_default();
    let at = if url.is_empty() { String::new() } else { format!(" at {url}") };
    terminal::talk(paint(WARN, format!("waiting for the next event of `{recipe}`{at} …")));
    loop {
        SystemClock.sleep(LOOK).await;
        let next = newest().await?.into_iter().take_while(|job| *job > before).last();
        if let Some(next) = next {
            return Ok(next);
        }
    }
}

/// Prints each step as it happens; returns when the job is over or waits for something.
pub async fn follow(desk: &Desk, job: i64) -> Result<Story, Trouble> {
    let mut told: HashMap<String, StepState> = HashMap::new();
    let mut announced = false;
    loop {
        let story: Story = desk.get(&format!("jobs/{job}")).await?;
        if !announced {
            announced = true;
            terminal::data(format!(
                "{} {}",
                paint(STRONG, format!("job {job}")),
                paint(STRONG, &story.label)
            ));
        }
        for step in &story.steps {
            // An open call is told once it ends; a retry is told as often as it happens.
            if step.state == StepState::Calling || told.get(&step.path) == Some(&step.state) {
                continue;
            }
            told.insert(step.path.clone(), step.state);
            terminal::data(show::step_line(step));
            for warning in &step.warnings {
                terminal::data(format!("    {} {}", paint(WARN, "warning:"), warning.message));
            }
            if let Some(failure) = step.failures.last().filter(|_| step.state != StepState::Done) {
                terminal::data(format!("    {}", failure.message));
                if let Some(hint) = &failure.hint {
                    terminal::data(paint(FAINT, format!("    {hint}")));
                }
            }
        }
        let patient = story.status == Status::Waiting
            && story.wake_at.is_some_and(|at| at.duration_since(SystemClock.now()).as_secs() > 300);
        if story.status.is_final() || story.status == Status::NeedsAttention || patient {
            return Ok(story);
        }
        SystemClock.sleep(LOOK).await;
    }
}
