//! `jobs`: the history, one job, and what a person can do to it.

use std::{collections::BTreeMap, path::Path};

use comfy_table::{ContentArrangement, Table, presets};
use engine::{HeldWrite, Status};
use serde_json::{Value, json};

use crate::{
    args::{Answer, Format, JobStatus, Jobs, List, Resolve},
    desk::{Desk, query},
    exit::{Exit, Trouble},
    http::api::{Jobs as Page, LARGEST_PAGE},
    request::JobLine,
    show,
    story::Story,
    terminal::{self, FAINT, GOOD, count, paint},
};

/// Runs the command.
pub async fn run(dir: &Path, jobs: Jobs) -> Result<Exit, Trouble> {
    let desk = Desk::open(dir).await?;
    let done = match jobs {
        Jobs::List(asked) => list(&desk, asked).await,
        Jobs::Show { job, requests: true, output, .. } => held(&desk, job, output.format).await,
        Jobs::Show { job, step, output, .. } => {
            show(&desk, job, step.as_deref(), output.format).await
        }
        Jobs::Retry { job, newest, force } => {
            let told = "goes on from the step that failed";
            let body = json!({ "newest": newest, "force": force });
            act(&desk, job, "retry", body, told).await
        }
        Jobs::Cancel { job } => {
            let told = "ends, once a call in flight has";
            act(&desk, job, "cancel", json!({}), told).await
        }
        Jobs::Answer(given) => answer(&desk, given).await,
        Jobs::Resolve(asked) => resolve(&desk, asked).await,
    };
    desk.close().await;
    done
}

async fn list(desk: &Desk, asked: List) -> Result<Exit, Trouble> {
    let jobs = found(desk, &asked).await?;
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

/// Reads as many pages as it takes.
async fn found(desk: &Desk, asked: &List) -> Result<Vec<JobLine>, Trouble> {
    let (mut jobs, mut cursor) = (Vec::new(), asked.before);
    while jobs.len() < asked.limit as usize {
        let rest = asked.limit as usize - jobs.len();
        let asked = query(&[
            ("recipe", asked.recipe.clone()),
            ("status", asked.status.map(|one| status(one).word().into())),
            ("search", asked.search.clone()),
            ("cursor", cursor.map(|job| job.to_string())),
            ("limit", Some(rest.min(LARGEST_PAGE).to_string())),
        ]);
        let page: Page = desk.get(&format!("jobs{asked}")).await?;
        jobs.extend(page.jobs);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(jobs)
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
    let story: Story = desk.get(&format!("jobs/{job}")).await?;
    match format {
        Format::Json => terminal::json(&story),
        Format::Text => terminal::data(show::story(&story, step)),
    }
    Ok(Exit::Good)
}

/// Shows the requests that held writes would send.
async fn held(desk: &Desk, job: i64, format: Format) -> Result<Exit, Trouble> {
    let held: Vec<HeldWrite> = desk.get(&format!("jobs/{job}/held")).await?;
    match format {
        Format::Json => terminal::json(&held),
        Format::Text if held.is_empty() => terminal::data(format!("job {job} holds no write")),
        Format::Text => terminal::data(show::held(&held)),
    }
    Ok(Exit::Good)
}

/// Has something done to a job that then goes on.
async fn act(desk: &Desk, job: i64, verb: &str, body: Value, told: &str) -> Result<Exit, Trouble> {
    desk.post::<()>(&format!("jobs/{job}/{verb}"), &body).await?;
    terminal::talk(format!("{} {job} {told}", paint(GOOD, "job")));
    if verb != "cancel" && !desk.is_running() {
        let hint = "no service runs: the job goes on at the next `recipe-runner start`";
        terminal::talk(paint(FAINT, hint));
    }
    Ok(Exit::Good)
}

async fn answer(desk: &Desk, given: Answer) -> Result<Exit, Trouble> {
    let told = format!("has the answer to `{}`", given.step);
    let body = if let Some(text) = &given.json {
        let answer: Value = serde_json::from_str(text).map_err(|error| {
            Trouble::usage(format!("`--json` is no JSON: {error}"))
                .cure("write it like `'{\"approved\": true}'`")
        })?;
        json!({ "step": given.step, "answer": answer })
    } else {
        let fields: BTreeMap<String, String> = given.fields.into_iter().collect();
        json!({ "step": given.step, "fields": fields })
    };
    act(desk, given.job, "answer", body, &told).await
}

async fn resolve(desk: &Desk, asked: Resolve) -> Result<Exit, Trouble> {
    let verdict = match (asked.happened, asked.not_happened) {
        (true, _) => "happened",
        (false, true) => "not_happened",
        (false, false) => "give_up",
    };
    let output: Value = match &asked.output {
        None => Value::Null,
        Some(text) => serde_json::from_str(text).map_err(|error| {
            Trouble::usage(format!("`--output` is no JSON: {error}"))
                .cure("write it like `'{\"id\": \"9001\"}'`")
        })?,
    };
    let body = json!({ "step": asked.step, "verdict": verdict, "output": output });
    let told = format!("goes on: `{}` is settled", asked.step);
    act(desk, asked.job, "resolve", body, &told).await
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
