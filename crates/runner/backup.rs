//! `backup`: a copy of all that is stored, made while the service runs.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    desk::Desk,
    exit::{Exit, Trouble},
    service::{By, Service, store_trouble},
    terminal::{self, GOOD, NAME, count, paint},
};

/// What `backup --help` says.
pub const ABOUT: &str = "\
Copy all that is stored to a file, while the service runs

The copy is of one moment and is looked through before it gets its name. It holds people's data: only its owner can \
read it.";
/// How `backup` is used.
pub const EXAMPLE: &str =
    "Example:\n  recipe-runner backup /var/backups/recipe-runner-$(date +%F).db";

/// `backup`.
#[derive(Debug, Args)]
pub struct Asked {
    /// The file to write; must not be there yet
    pub file: PathBuf,
}

/// How a copy is called until its command has taken it away.
const PART: (&str, &str) = ("backup-", ".part");

/// A copy that waits in the data folder to be taken away.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MadeBackup {
    /// Where it is.
    pub file: PathBuf,
    /// How many jobs it holds.
    pub jobs: u64,
    /// How large it is.
    pub bytes: u64,
}

/// Runs the command.
pub async fn run(dir: &Path, file: &Path) -> Result<Exit, Trouble> {
    if file.exists() {
        return Err(Trouble::cannot(format!("`{}` is there already", file.display()))
            .cure("give another name, for instance one with today's date"));
    }
    let desk = Desk::open(dir).await?;
    let made = desk.post::<MadeBackup>("backup", &json!({})).await;
    let taken = made.and_then(|made| {
        take_away(&made.file, file).map_err(|error| Trouble::file("write", file, &error))?;
        Ok(made)
    });
    desk.close().await;
    let made = taken?;
    terminal::talk(format!(
        "{} {} to {}",
        paint(GOOD, "backed up"),
        count(usize::try_from(made.jobs).unwrap_or(usize::MAX), "job"),
        paint(NAME, file.display())
    ));
    Ok(Exit::Good)
}

impl Service {
    /// Makes a copy of the store in the data folder, whole as of this moment.
    pub async fn backup(&self, by: &By) -> Result<MadeBackup, Trouble> {
        let number = self.engine.clock().now().as_nanosecond();
        let file = self.data_dir.join(format!("{}{number}{}", PART.0, PART.1));
        let made = self.engine.store().backup(file.clone()).await;
        let made = made.map_err(|error| store_trouble(&error))?;
        self.keep(by, "store.backup", "store", String::new()).await?;
        Ok(MadeBackup { file, jobs: made.jobs, bytes: made.bytes })
    }
}

/// Takes away the copies that nobody took: their commands were ended.
pub fn clear(data_dir: &Path) {
    let Ok(entries) = fs::read_dir(data_dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(PART.0) && name.to_string_lossy().ends_with(PART.1) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Moves a copy to its place, onto another disk too; there is never half a copy of that name.
fn take_away(made: &Path, file: &Path) -> io::Result<()> {
    let moved = fs::hard_link(made, file).or_else(|error| match error.kind() {
        io::ErrorKind::CrossesDevices | io::ErrorKind::Unsupported => elsewhere(made, file),
        _ => Err(error),
    });
    drop(fs::remove_file(made));
    moved?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn elsewhere(made: &Path, file: &Path) -> io::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(PART.1);
    let part = PathBuf::from(part);
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    let written = io::copy(&mut File::open(made)?, &mut to)
        .and_then(|_| to.sync_all())
        .and_then(|()| fs::hard_link(&part, file));
    drop(fs::remove_file(&part));
    written
}
