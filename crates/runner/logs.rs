//! Logs: text for a person at a terminal, JSON for everything else. Payloads are never logged.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{args::Format, exit::Trouble, terminal};

/// Begins to log to stderr; `format` is chosen by where stderr goes when it is not given.
pub fn begin(filter: &str, format: Option<Format>) -> Result<(), Trouble> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Trouble::usage(format!("`{filter}` is no log filter: {error}"))
            .cure("write a level (`info`, `debug`), or `engine=debug,info`")
    })?;
    let format =
        format.unwrap_or(if io::stderr().is_terminal() { Format::Text } else { Format::Json });
    let logs = tracing_subscriber::registry().with(filter);
    match format {
        Format::Text => logs
            .with(
                fmt::layer()
                    .with_writer(io::stderr)
                    .with_ansi(terminal::colors_on_stderr())
                    .with_target(false),
            )
            .try_init(),
        Format::Json => {
            logs.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).try_init()
        }
    }
    .map_err(|error| Trouble::cannot(format!("cannot begin to log: {error}")))
}
