//! `run`: one real job in the foreground, step by step.

use std::{collections::HashMap, fs, path::Path, time::Duration};

use connector::{Clock, SystemClock};
use engine::Status;

use crate::{
    args::Run,
    desk::{self, Desk},
    exit::{Exit, Trouble},
    jobs::unexpected,
    live::Live,
    references,
    request::{From, Reply, Request, Search},
    service::Service,
    show,
    story::{StepState, Story},
    terminal::{self, FAINT, STRONG, WARN, paint},
};

/// How often the job is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command.
pub async fn run(dir: &Path, asked: Run) -> Result<Exit, Trouble> {
    let from = match asked.event.as_str() {
        "next" => None,
        event => Some(read(event)?),
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
        return work(&desk, &asked.recipe, from).await;
    }
    desk.close().await;
    // Nobody runs: be the service for this one job. Its own recipe must be on for that; others stay as they are.
    let live = Live::begin(Service::open(dir, references::environment).await?, None).await?;
    let was_on = live.service.recipes().await?.iter().any(|one| one.name == asked.recipe && one.on);
    let desk = Desk::Here(live.service.clone());
    let switch =
        |on| Request::Switch { recipes: vec![asked.recipe.clone()], on, by: desk::person() };
    let done = match desk.ask(switch(true)).await {
        Ok(_) => tokio::select! {
            done = work(&desk, &asked.recipe, from) => done,
            _ = tokio::signal::ctrl_c() => Err(Trouble::cannot("interrupted; the job goes on at the next start")),
        },
        Err(trouble) => Err(trouble),
    };
    if !was_on {
        drop(desk.ask(switch(false)).await);
    }
    live.end().await;
    done
}

/// Returns what an event argument names: a past job, or a file.
fn read(event: &str) -> Result<From, Trouble> {
    if let Ok(job) = event.parse() {
        return Ok(From::Job(job));
    }
    let path = Path::new(event);
    fs::read(path).map(From::Body).map_err(|error| {
        Trouble::file("read", path, &error)
            .cure("`--event` takes a file with the raw body, the number of a past job, or `next`")
    })
}

async fn work(desk: &Desk, recipe: &str, from: Option<From>) -> Result<Exit, Trouble> {
    let job = match from {
        Some(from) => {
            let request = Request::Submit { recipe: recipe.into(), from, by: desk::person() };
            let Reply::Submitted(job) = desk.ask(request).await? else { return Err(unexpected()) };
            job
        }
        None => next(desk, recipe).await?,
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
async fn next(desk: &Desk, recipe: &str) -> Result<i64, Trouble> {
    let newest = || async {
        let search = Search { recipe: Some(recipe.into()), limit: 1, ..Search::default() };
        let Reply::Jobs(jobs) = desk.ask(Request::Jobs(search)).await? else {
            return Err(unexpected());
        };
        Ok(jobs.first().map_or(0, |job| job.job))
    };
    let before = newest().await?;
    terminal::talk(paint(WARN, format!("waiting for the next event of `{recipe}` …")));
    loop {
        SystemClock.sleep(LOOK).await;
        let now = newest().await?;
        if now > before {
            return Ok(now);
        }
    }
}

/// Prints each step as it happens; returns when the job is over or waits for something.
pub async fn follow(desk: &Desk, job: i64) -> Result<Story, Trouble> {
    let mut told: HashMap<String, StepState> = HashMap::new();
    let mut announced = false;
    loop {
        let Reply::Job(story) = desk.ask(Request::Job(job)).await? else {
            return Err(unexpected());
        };
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
            return Ok(*story);
        }
        SystemClock.sleep(LOOK).await;
    }
}
