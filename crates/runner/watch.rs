//! `test --watch`: plays the cases again whenever the folder changes.

use std::{path::Path, time::Duration};

use connector::{Clock, SystemClock};

use crate::{exit::Trouble, project, terminal};

/// How often the folder is looked at.
const INTERVAL: Duration = Duration::from_millis(300);

/// Does something, and again after every change of the folder, until it is interrupted.
pub fn watch(dir: &Path, mut again: impl FnMut()) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::cannot(format!("cannot start the runtime: {error}")))?;
    let mut seen = None;
    loop {
        // A folder that cannot be read is left for the next look.
        let now = project::fingerprint(dir).ok();
        if now.is_some() && now != seen {
            seen = now;
            again();
            terminal::talk("waiting for a change; Ctrl-C ends it");
        }
        let interrupted = runtime.block_on(async {
            tokio::select! {
                () = SystemClock.sleep(INTERVAL) => false,
                _ = tokio::signal::ctrl_c() => true,
            }
        });
        if interrupted {
            return Ok(());
        }
    }
}
