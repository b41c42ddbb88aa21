//! `catch-up`: what a vendor says has happened, compared with the history, and jobs of what is missing.

use std::path::Path;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use connector::Delivery;
use engine::{CaughtUp, Status};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{
    args::{Format, Output},
    code::Code,
    desk::{Desk, escaped},
    exit::{Exit, Trouble},
    http::api::Since,
    mask,
    request::{CaughtUpLine, From},
    service::{By, Service, command_trouble},
    terminal::{self, FAINT, STRONG, count, paint},
};

/// What the command is asked for.
#[derive(Debug, Args)]
pub struct Asked {
    /// The recipe
    pub recipe: String,
    /// From when on: a moment, a date, or how long ago, such as `7d`
    #[arg(long, value_name = "WHEN")]
    pub since: String,
    /// Make no job; compare with the history, and with what the recipe would do now
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask before jobs are made
    #[arg(long, short, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Write the table as JSON; the same as `--format json`
    #[arg(long, hide = true)]
    pub json: bool,
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
pub async fn run(dir: &Path, asked: Asked) -> Result<Exit, Trouble> {
    let format = if asked.json { Format::Json } else { asked.output.format };
    // Where nobody runs, the jobs are made here, and worked on when the service begins.
    let desk = Desk::open(dir).await?;
    let done = work(&desk, &asked, format).await;
    desk.close().await;
    done
}

async fn work(desk: &Desk, asked: &Asked, format: Format) -> Result<Exit, Trouble> {
    let path = format!("recipes/{}/catch-up", escaped(&asked.recipe));
    let ask = async |dry_run: bool| -> Result<Vec<CaughtUpLine>, Trouble> {
        desk.post(&path, &Since { since: asked.since.clone(), dry_run }).await
    };
    if !asked.dry_run && !asked.yes {
        let found = ask(true).await?;
        let missing = found.iter().filter(|one| one.missing).count();
        if missing > 0 {
            terminal::data(table(&found));
            if !terminal::is_interactive() {
                return Err(Trouble::usage("nobody can be asked whether to make the jobs")
                    .cure("add `--yes`, or `--dry-run` to look only"));
            }
            let question = format!("make {} and work on real systems?", count(missing, "job"));
            if !terminal::confirm(&paint(STRONG, question)) {
                return Err(Trouble::usage("nothing was done"));
            }
        }
    }
    let found = ask(asked.dry_run).await?;
    match format {
        Format::Json => terminal::json(&found),
        Format::Text if found.is_empty() => {
            terminal::talk(paint(FAINT, "nothing has happened since then"));
        }
        Format::Text => terminal::data(table(&found)),
    }
    let missing = found.iter().filter(|one| one.missing).count();
    let told = if asked.dry_run { "missing; nothing was written" } else { "made" };
    terminal::talk(format!("{} told of, {missing} {told}", count(found.len(), "event")));
    let wrong = found.iter().any(|one| one.missing || !one.doubled.is_empty());
    Ok(if asked.dry_run && wrong { Exit::Found } else { Exit::Good })
}

fn table(found: &[CaughtUpLine]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["WHO", "FOUND", "JOB", "DIFFERS", "THE RECIPE WOULD"]);
    for one in found {
        let job = match (one.job, one.status) {
            (Some(job), Some(status)) => format!("{job} {}", status.word().replace('_', " ")),
            _ => String::new(),
        };
        let verdict = match (one.missing, one.doubled.is_empty()) {
            (true, _) if one.job.is_some() => "made now".into(),
            (true, _) => "missing".into(),
            (false, false) => {
                let jobs: Vec<String> = one.doubled.iter().map(ToString::to_string).collect();
                format!("doubled: jobs {}", jobs.join(", "))
            }
            (false, true) => "arrived".into(),
        };
        let would = one.would.clone().unwrap_or_default();
        table.add_row([one.label.clone(), verdict, job, one.differs.join(", "), would]);
    }
    table.to_string().lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

impl Service {
    /// Asks the vendor for what has happened since a moment, and makes jobs of what is missing unless it is `dry`.
    pub async fn catch_up(
        &self,
        by: &By,
        recipe: &str,
        since: Timestamp,
        dry: bool,
    ) -> Result<Vec<CaughtUpLine>, Trouble> {
        let found = self.engine.catch_up(recipe, since, dry).await;
        let found = found.map_err(|error| command_trouble(&error))?;
        let mut lines = Vec::with_capacity(found.len());
        for one in found {
            lines.push(self.caught_up(recipe, one, dry).await?);
        }
        if !dry {
            let made = lines.iter().filter(|line| line.missing).count();
            let detail = format!("since {since:.0}: {}", count(made, "job"));
            self.keep(by, "recipe.catch_up", recipe, detail).await?;
        }
        Ok(lines)
    }

    async fn caught_up(
        &self,
        recipe: &str,
        one: CaughtUp,
        dry: bool,
    ) -> Result<CaughtUpLine, Trouble> {
        let mut label = one.label;
        if let Some(masking) = self.masking(recipe) {
            let delivery = Delivery {
                headers: Vec::new(),
                query: String::new(),
                body: one.body.as_slice().into(),
                received_at: self.engine.clock().now(),
            };
            let event = self.decoded(&masking, &delivery).into_iter().next();
            let hidden = mask::of_event(&event.unwrap_or_default(), &masking.settings.mask);
            mask::hide_text(&mut label, &hidden);
        }
        let would = if dry { Some(self.would(recipe, one.body).await) } else { None };
        Ok(CaughtUpLine {
            label,
            missing: one.job.is_none() || one.made,
            job: one.job.map(|(job, _)| job.0),
            status: one.job.map(|(_, status)| status),
            doubled: one.doubled.into_iter().map(|job| job.0).collect(),
            differs: one.differs,
            would,
        })
    }

    /// Returns in a line what the recipe would do, as the systems are now.
    async fn would(&self, recipe: &str, body: Vec<u8>) -> String {
        let plan = match self.plan(recipe, From::Body(body)).await {
            Ok(plan) => plan,
            Err(trouble) => return format!("cannot say: {}", trouble.message),
        };
        let writes: Vec<&str> = plan
            .steps
            .iter()
            .filter(|step| !step.requests.is_empty())
            .map(|step| step.path.as_str())
            .collect();
        let succeeded = plan.status == Status::Succeeded.word();
        match (writes.is_empty(), plan.message.is_empty() || succeeded) {
            (false, true) => format!("write {}", writes.join(", ")),
            (true, true) => format!("end as {}", plan.status),
            (_, false) => format!("end as {}: {}", plan.status, plan.message),
        }
    }

    /// Reads a moment as people write it: a timestamp, a date in the project's zone, or how long ago.
    pub fn moment(&self, text: &str) -> Result<Timestamp, Trouble> {
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Ok(moment);
        }
        if let Ok(date) = text.parse::<Date>() {
            let zone = &self.engine.deployment().project.runner.time_zone;
            let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            if let Ok(begin) = date.to_zoned(zone) {
                return Ok(begin.timestamp());
            }
        }
        let ago = connector::read_duration(text).map_err(|_| {
            let told = format!("`{text}` is no moment, and no time up to a year ago");
            Trouble::of(Code::Unreadable, told).cure(
                "write `2027-01-04T00:00:00Z`, a date like `2027-01-04`, or how long ago: `7d`",
            )
        })?;
        let ago = SignedDuration::try_from(ago).expect("no duration is longer than a year");
        Ok(self.engine.clock().now() - ago)
    }
}
