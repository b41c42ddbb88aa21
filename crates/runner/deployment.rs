//! A deployment: a checked project folder with its connections open, ready for the engine.

use std::{path::Path, sync::Arc};

use connector::{Clock, Connector};
use engine::Deployment;

use crate::{
    check::{self, Checked},
    exit::Trouble,
    references::{self, Closed, Lookup},
};

/// A deployment with what keeps it from being perfect.
pub struct Prepared {
    /// For the engine.
    pub deployment: Deployment,
    /// What the folder says, right and wrong.
    pub checked: Checked,
    /// The connections that cannot be opened.
    pub closed: Vec<Closed>,
}

/// Reads, checks and opens a project folder. Mistakes in it are in the result; only an unreadable one is trouble.
pub fn prepare(
    dir: &Path,
    connectors: &Arc<[Connector]>,
    clock: &Arc<dyn Clock>,
    variable: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<Prepared, Trouble> {
    let checked = check::check(dir, &connector::catalogue(connectors))?;
    let lookup = Lookup { dir, variable };
    let (connections, closed) =
        references::open_connections(&checked.project, connectors, clock, &lookup);
    let deployment = Deployment {
        files: checked.folder.files.clone(),
        project: Arc::new(checked.project.clone()),
        connectors: connectors.clone(),
        connections,
    };
    Ok(Prepared { deployment, checked, closed })
}
