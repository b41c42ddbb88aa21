//! `plan`: what a job would send, without sending it; and what past jobs would do under the recipe as it is now.

use std::path::Path;

use engine::plan::{Past, Plan, PlannedStep};

use crate::{
    args,
    desk::{Desk, escaped},
    exit::{Exit, Trouble},
    http::api::NewJob,
    show,
    terminal::{self, BAD, FAINT, GOOD, STRONG, WARN, count, paint},
};

/// Runs the command.
pub async fn run(dir: &Path, asked: args::Plan) -> Result<Exit, Trouble> {
    let recipe = format!("recipes/{}", escaped(&asked.recipe));
    if let Some(event) = asked.event {
        let from = NewJob::named(&event, "or the number of a past job")?;
        let desk = Desk::open(dir).await?;
        let plan = desk.post(&format!("{recipe}/plan"), &from).await;
        desk.close().await;
        let plan: Plan = plan?;
        terminal::data(planned(&plan));
        terminal::talk("nothing was written");
        return Ok(if plan.status == "failed" { Exit::Found } else { Exit::Good });
    }
    let desk = Desk::open(dir).await?;
    let past = desk.get(&format!("{recipe}/past?jobs={}", asked.past.unwrap_or(1))).await;
    desk.close().await;
    let past: Vec<Past> = past?;
    terminal::data(compared(&past));
    let changed = past.iter().filter(|one| !one.changes.is_empty()).count();
    let jobs = count(past.len(), "job");
    terminal::talk(format!("{jobs}, {changed} would go otherwise; nothing was sent"));
    Ok(if changed > 0 { Exit::Found } else { Exit::Good })
}

fn planned(plan: &Plan) -> String {
    let mut lines = vec![paint(STRONG, format!("plan {}", plan.label).trim_end()).clone()];
    for step in &plan.steps {
        lines.extend(told(step));
    }
    let status = if plan.message.is_empty() {
        plan.status.clone()
    } else {
        format!("{}: {}", plan.status, plan.message)
    };
    let may = if plan.undecided.is_empty() { "would" } else { "may" };
    lines.push(format!("it {may} end as {status}"));
    lines.extend(undecided(&plan.undecided));
    lines.join("\n")
}

fn told(step: &PlannedStep) -> Vec<String> {
    let mut lines = Vec::new();
    let name = format!("{} {}", step.path, paint(FAINT, &step.does));
    if step.left_out {
        lines.push(format!("  {} {name}", paint(FAINT, "–    ")));
    } else if let Some(failure) = &step.failure {
        lines.push(format!("  {} {name}: {failure}", paint(BAD, "fails")));
    } else if step.requests.is_empty() && !step.placeholder {
        lines.push(format!("  {} {name}", paint(GOOD, "done ")));
    } else {
        lines.push(format!("  {} {name}", paint(WARN, "would")));
    }
    lines.extend(undecided(&step.undecided));
    if step.requests.is_empty()
        && step.placeholder
        && let Some(input) = &step.input
    {
        lines.push(format!("      with {input}"));
    }
    lines.extend(show::requests(&step.requests));
    lines
}

fn undecided(said: &[String]) -> impl Iterator<Item = String> {
    said.iter().map(|one| format!("      {} {one}", paint(WARN, "undecided:")))
}

fn compared(past: &[Past]) -> String {
    let mut lines = Vec::new();
    for one in past {
        let same =
            if one.changes.is_empty() { paint(GOOD, "the same") } else { paint(WARN, "other") };
        lines.push(format!("job {} {}: {same}", one.job, one.label));
        lines.extend(one.changes.iter().map(|change| format!("    {change}")));
    }
    if lines.is_empty() {
        lines.push("there is no finished job of this recipe".into());
    }
    lines.join("\n")
}
