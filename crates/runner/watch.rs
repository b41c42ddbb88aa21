//! `test --watch`: plays the cases again that a change may have affected, whenever files change.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use connector::{Clock, SystemClock};
use tokio::signal::unix::{SignalKind, signal};

use crate::{exit::Trouble, project, terminal};

/// How often the folder is looked at.
const INTERVAL: Duration = Duration::from_millis(300);

/// Does something, and again after every change, until it is interrupted. It is given what changed, by the names in the
/// project, or nothing at first; it gives the files beside the project's own that it read, which are watched too.
pub fn watch(
    dir: &Path,
    mut again: impl FnMut(Option<&BTreeSet<String>>) -> BTreeSet<PathBuf>,
) -> Result<(), Trouble> {
    let cannot = |error: io::Error| Trouble::cannot(format!("cannot watch the folder: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(cannot)?;
    let inside = runtime.enter();
    let mut interrupted = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(cannot)?;
    drop(inside);
    let before = project::fingerprint(dir).ok();
    let mut read = again(None);
    let mut seen = before.map(|seen| seen.with(dir, &read));
    terminal::talk("waiting for a change; Ctrl-C ends it");
    loop {
        let ends = runtime.block_on(async {
            tokio::select! {
                () = SystemClock.sleep(INTERVAL) => false,
                _ = interrupted.recv() => true,
                _ = terminated.recv() => true,
            }
        });
        if ends {
            return Ok(());
        }
        // A folder that cannot be read is left for the next look.
        let Ok(now) = project::fingerprint(dir) else { continue };
        let now = now.with(dir, &read);
        let changed = seen.as_ref().map(|seen| now.changed_since(seen));
        if changed.as_ref().is_some_and(BTreeSet::is_empty) {
            continue;
        }
        read.extend(again(changed.as_ref()));
        // What changes meanwhile is seen at the next look: it is compared with how it was before.
        seen = Some(now.with(dir, &read));
        terminal::talk("waiting for a change; Ctrl-C ends it");
    }
}
