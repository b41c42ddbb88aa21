//! The desk: where a command asks, whether a service runs or not.

use std::{path::Path, sync::Arc};

use crate::{
    control::Client,
    exit::Trouble,
    references,
    request::{Reply, Request},
    service::{self, Service},
};

/// Who answers a command.
pub enum Desk {
    /// The running service.
    Running(Client),
    /// This process, which holds the lock of the data folder.
    Here(Arc<Service>),
}

impl Desk {
    /// Finds the running service of a project, or opens its store in this process.
    pub async fn open(dir: &Path) -> Result<Self, Trouble> {
        match Client::find(&service::data_dir(dir)?).await? {
            Some(client) => Ok(Self::Running(client)),
            None => Ok(Self::Here(Service::open(dir, references::environment).await?)),
        }
    }

    /// Asks.
    pub async fn ask(&self, request: Request) -> Result<Reply, Trouble> {
        match self {
            Self::Running(client) => client.ask(&request).await,
            Self::Here(service) => service.answer(request).await,
        }
    }

    /// Returns whether a service runs.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    /// Ends what this process began; everything is on disk when this returns.
    pub async fn close(self) {
        if let Self::Here(service) = self {
            service.engine.stop().await;
        }
    }
}

/// Returns who sits at this terminal, for the journal.
pub fn person() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .filter_map(references::environment)
        .find(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "someone at the command line".into())
}
