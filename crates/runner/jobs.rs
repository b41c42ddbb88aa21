//! `jobs`: the history, one job, and what a person can do to it.

use std::{path::Path, sync::Arc};

use comfy_table::{ContentArrangement, Table, presets};
use engine::{Command, Given, Settlement, Status, StepPath};
use serde_json::Value;

use crate::{
    args::{Answer, Format, JobStatus, Jobs, List, Resolve},
    desk::{self, Desk},
    exit::{Exit, Trouble},
    request::{JobLine, Reply, Request, Search},
    show,
    terminal::{self, FAINT, GOOD, count, paint},
};

/// Runs the command.
pub async fn run(dir: &Path, jobs: Jobs) -> Result<Exit, Trouble> {
    let desk = Desk::open(dir).await?;
    let done = match jobs {
        Jobs::List(asked) => list(&desk, asked).await,
        Jobs::Show { job, step, output } => show(&desk, job, step.as_deref(), output.format).await,
        Jobs::Retry { job, newest, force } => {
            let told = "goes on from the step that failed";
            command(&desk, job, Command::Retry { newest, force }, told).await
        }
        Jobs::Cancel { job } => {
            let told = "ends, once a call in flight has";
            command(&desk, job, Command::Cancel, told).await
        }
        Jobs::Answer(given) => answer(&desk, given).await,
        Jobs::Resolve(asked) => resolve(&desk, asked).await,
    };
    desk.close().await;
    done
}

async fn list(desk: &Desk, asked: List) -> Result<Exit, Trouble> {
    let search = Search {
        since: None,
        until: None,
        recipe: asked.recipe,
        statuses: asked.status.map(status).into_iter().collect(),
        text: asked.search,
        before: asked.before,
        limit: asked.limit as usize,
    };
    let Reply::Jobs(jobs) = desk.ask(Request::Jobs(search)).await? else {
        return Err(unexpected());
    };
    match asked.output.format {
        Format::Json => terminal::json(&jobs),
        Format::Text if jobs.is_empty() => terminal::talk(paint(FAINT, "no job matches")),
        Format::Text => {
            terminal::data(table(&jobs));
            if jobs.len() == asked.limit as usize
                && let Some(last) = jobs.last()
            {
                let more = format!("more: `recipe-runner jobs list --before {}`", last.job);
                terminal::talk(paint(FAINT, more));
            }
        }
    }
    Ok(Exit::Good)
}

/// Writes jobs as a table.
pub fn table(jobs: &[JobLine]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["JOB", "STATUS", "WHO", "RECIPE", "ACCEPTED", "WHY"]);
    for job in jobs {
        let mut note = job.note.clone();
        if job.repeats > 0 {
            note = format!("{note} (its event came again {})", count(job.repeats as usize, "time"));
        }
        table.add_row([
            job.job.to_string(),
            job.status.word().replace('_', " "),
            job.label.clone(),
            job.recipe.clone(),
            format!("{:.0}", job.accepted_at),
            short(note.trim(), 70),
        ]);
    }
    // Coloured afterwards: the table would count the colours as letters.
    let text = table.to_string();
    let mut lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    let mut coloured: Vec<String> =
        lines.next().map(|head| paint(FAINT, head)).into_iter().collect();
    coloured.extend(lines.zip(jobs).map(|(line, job)| {
        let word = job.status.word().replace('_', " ");
        let style = show::status_style(job.status);
        line.replacen(&word, &paint(style, &word), 1)
    }));
    coloured.join("\n")
}

fn short(text: &str, most: usize) -> String {
    let text = text.replace('\n', " ");
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

async fn show(desk: &Desk, job: i64, step: Option<&str>, format: Format) -> Result<Exit, Trouble> {
    let Reply::Job(story) = desk.ask(Request::Job(job)).await? else { return Err(unexpected()) };
    match format {
        Format::Json => terminal::json(&story),
        Format::Text => terminal::data(show::story(&story, step)),
    }
    Ok(Exit::Good)
}

async fn command(desk: &Desk, job: i64, command: Command, told: &str) -> Result<Exit, Trouble> {
    let goes_on = !matches!(command, Command::Cancel);
    desk.ask(Request::Command { job, by: desk::person(), command }).await?;
    terminal::talk(format!("{} {job} {told}", paint(GOOD, "job")));
    if goes_on && !desk.is_running() {
        let hint = "no service runs: the job goes on at the next `recipe-runner start`";
        terminal::talk(paint(FAINT, hint));
    }
    Ok(Exit::Good)
}

async fn answer(desk: &Desk, given: Answer) -> Result<Exit, Trouble> {
    let (job, told) = (given.job, format!("has the answer to `{}`", given.step));
    let step = StepPath(given.step.as_str().into());
    let given = match &given.json {
        Some(text) => Given::Json(serde_json::from_str(text).map_err(|error| {
            Trouble::usage(format!("`--json` is no JSON: {error}"))
                .cure("write it like `'{\"approved\": true}'`")
        })?),
        None => Given::Words(given.fields.into_iter().collect()),
    };
    command(desk, job, Command::Answer { step, given }, &told).await
}

async fn resolve(desk: &Desk, asked: Resolve) -> Result<Exit, Trouble> {
    let settlement = if asked.happened {
        let output = match &asked.output {
            None => Value::Null,
            Some(text) => serde_json::from_str(text).map_err(|error| {
                Trouble::usage(format!("`--output` is no JSON: {error}"))
                    .cure("write it like `'{\"id\": \"9001\"}'`")
            })?,
        };
        Settlement::Happened(Arc::new(output))
    } else if asked.not_happened {
        Settlement::NotHappened
    } else {
        Settlement::GiveUp
    };
    let step = StepPath(asked.step.as_str().into());
    let told = format!("goes on: `{}` is settled", asked.step);
    command(desk, asked.job, Command::Resolve { step, settlement }, &told).await
}

fn status(status: JobStatus) -> Status {
    match status {
        JobStatus::Queued => Status::Queued,
        JobStatus::Running => Status::Running,
        JobStatus::Waiting => Status::Waiting,
        JobStatus::NeedsAttention => Status::NeedsAttention,
        JobStatus::Succeeded => Status::Succeeded,
        JobStatus::Failed => Status::Failed,
        JobStatus::Skipped => Status::Skipped,
        JobStatus::Cancelled => Status::Cancelled,
    }
}

/// Returns the trouble of an answer to another question: a service of another version.
pub fn unexpected() -> Trouble {
    Trouble::cannot("the service answers another question than the one asked")
        .cure("it may run another version: `recipe-runner stop`, then start it again")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_table_has_a_line_a_job_and_says_how_often_an_event_came_again() {
        let job = JobLine {
            job: 7,
            recipe: "hire".into(),
            label: "Zoë Søn".into(),
            status: Status::NeedsAttention,
            note: "look\nhere".into(),
            accepted_at: Timestamp::UNIX_EPOCH,
            finished_at: None,
            repeats: 2,
        };
        let table = anstream::adapter::strip_str(&table(&[job])).to_string();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("JOB"), "{table}");
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>().join(" "),
            "7 needs attention Zoë Søn hire 1970-01-01T00:00:00Z look here (its event came again 2 times)"
        );
    }
}
