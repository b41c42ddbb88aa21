//! `restore`: a copy of the store is put back while no service runs; what is replaced is kept beside.

use std::path::{Path, PathBuf};

use clap::Args;
use connector::{Clock, SystemClock};
use engine::{Holding, InPlace, Restoring};

use crate::{
    code::Code,
    control::Client,
    exit::{Exit, Trouble},
    service::{self, store_trouble},
    terminal::{self, GOOD, NAME, WARN, count, paint},
};

/// What `restore --help` says.
pub const ABOUT: &str = "\
Put a backup back in place of what is stored

No service may run. What is in place is kept beside, and what it knows of writes and of events that are over goes into \
the backup first: nothing is done twice.";
/// How `restore` is used.
pub const EXAMPLE: &str = "\
Example:
  recipe-runner stop
  recipe-runner restore /var/backups/recipe-runner-2027-01-04.db
  recipe-runner start";

/// `restore`.
#[derive(Debug, Args)]
pub struct Asked {
    /// The backup
    pub file: PathBuf,
    /// Restore also when jobs came or went on since the backup was made
    #[arg(long)]
    pub drop_newer: bool,
}

/// Runs the command.
pub async fn run(dir: &Path, asked: &Asked) -> Result<Exit, Trouble> {
    let data_dir = service::data_dir(dir)?;
    if Client::find(&data_dir).await?.is_some() {
        return Err(Trouble::cannot("the service runs: nothing can be put back under it")
            .cure("end it with `recipe-runner stop`, restore, start it again"));
    }
    service::make_private(&data_dir)?;
    let file = &asked.file;
    if !file.is_file() {
        return Err(Trouble::usage(format!("there is no file `{}`", file.display())));
    }
    let restoring = Restoring::prepare(&data_dir, file).map_err(|error| store_trouble(&error))?;
    let copy = restoring.copy;
    terminal::talk(format!("the copy   {}", holds(&copy)));
    match &restoring.in_place {
        InPlace::Nothing => {}
        InPlace::Store { holding, came, went_on } => {
            terminal::talk(format!("in place   {}", holds(holding)));
            if *came + *went_on > 0 {
                let lost = newer(*came, *went_on);
                if !asked.drop_newer {
                    return Err(Trouble::of(Code::Cannot, format!("the store in place is newer: {lost}"))
                        .cure("`--drop-newer` restores all the same; what those jobs wrote is not written again")
                        .cure("make a backup of it first, with `recipe-runner backup FILE`"));
                }
                terminal::talk(format!("{} {lost}", paint(WARN, "dropped")));
            }
        }
        InPlace::Damaged(why) => {
            let words =
                "in place is a store that cannot be read; what it knew of writes is not taken over";
            terminal::talk(format!("{}\n  {why}", paint(WARN, words)));
        }
    }
    let beside = restoring.replace(SystemClock.now()).map_err(|error| store_trouble(&error))?;
    terminal::talk(format!("{} {}", paint(GOOD, "restored"), paint(NAME, file.display())));
    if let Some(beside) = beside {
        terminal::talk(format!(
            "what was there is kept as {}; delete it once you are content: it holds people's data",
            paint(NAME, beside.display())
        ));
    }
    if copy.unfinished > 0 {
        terminal::talk(format!(
            "{} go on with {}",
            jobs(copy.unfinished),
            paint(NAME, "recipe-runner start")
        ));
    }
    Ok(Exit::Good)
}

fn holds(holding: &Holding) -> String {
    let last = holding
        .last
        .map_or_else(String::new, |(job, at)| format!(", the last is job {job} of {at:.0}"));
    format!("{}, {} not over{last}", jobs(holding.jobs), holding.unfinished)
}

fn newer(came: u64, went_on: u64) -> String {
    format!("{} came after the copy was made, {} went on since", jobs(came), jobs(went_on))
}

fn jobs(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "job")
}
