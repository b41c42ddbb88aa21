//! What a job runs: the version, tables and properties it began or was reopened with, compiled again when they are old.

use std::sync::Arc;

use crate::{
    command::CommandError,
    deployment::{Pinned, StoredText},
    drive::Drive,
    journal::{Entry, Kind},
    service::Shared,
    store::{JobRow, Pin},
};

/// Returns what a reopened job pins: its own version or the newest, with today's tables and properties.
pub(crate) fn next_pins(drive: &Drive, newest: bool) -> Result<Arc<Pinned>, CommandError> {
    let shared = &drive.shared;
    let deployment = shared.deployment();
    let does_not_fit = |why: String| CommandError::DoesNotFit { job: drive.row.id, why };
    let recipe = if newest {
        let known = shared.known(&drive.row.recipe).and_then(|known| known.current);
        let current = known.ok_or_else(|| CommandError::NeverGood(drive.row.recipe.clone()))?;
        drive.machine.fits(&current).map_err(does_not_fit)?;
        current
    } else {
        drive.pinned.recipe.clone()
    };
    let text = StoredText { path: recipe.source.path.clone(), text: recipe.source.text.clone() };
    // Checked anew, because its tables may have changed.
    let pinned = deployment.compile(&text, None, None).map_err(does_not_fit)?;
    Ok(shared.pins.put(pinned))
}

/// Returns what a job runs now: what it pinned last, or what it would pin if it began.
pub(crate) async fn pinned(
    shared: &Arc<Shared>,
    row: &JobRow,
    entries: &[Entry],
) -> Result<Arc<Pinned>, String> {
    let last = entries.iter().rev().find_map(pins_of);
    match last {
        Some((version, tables, properties)) => {
            compiled(shared, &row.recipe, (version, tables, properties)).await
        }
        None => pinned_first(shared, row, entries).await,
    }
}

pub(crate) async fn pinned_first(
    shared: &Arc<Shared>,
    row: &JobRow,
    entries: &[Entry],
) -> Result<Arc<Pinned>, String> {
    if let Some((version, tables, properties)) = entries.first().and_then(pins_of) {
        return compiled(shared, &row.recipe, (version, tables, properties)).await;
    }
    let current = shared.known(&row.recipe).and_then(|known| known.current);
    let current = current.ok_or_else(|| format!("there is no good version of `{}`", row.recipe))?;
    Ok(shared.pins.of(&shared.deployment(), &current))
}

fn pins_of(entry: &Entry) -> Option<(&str, &str, &str)> {
    match &entry.kind {
        Kind::Opened { version, tables, properties }
        | Kind::Reopened { version, tables, properties, .. } => Some((version, tables, properties)),
        _ => None,
    }
}

/// Returns a pinned version, compiled from the store when it is not the current one.
pub(crate) async fn compiled(
    shared: &Arc<Shared>,
    name: &str,
    (version, tables, properties): (&str, &str, &str),
) -> Result<Arc<Pinned>, String> {
    let key = (version.to_string(), tables.to_string(), properties.to_string());
    if let Some(pinned) = shared.pins.get(&key) {
        return Ok(pinned);
    }
    // Most jobs go on with what new ones begin with: there is nothing to check again.
    if let Some(current) = shared.known(name).and_then(|known| known.current)
        && current.version == version
    {
        let pinned = shared.pins.of(&shared.deployment(), &current);
        if pinned.tables_hash == tables && pinned.properties_hash == properties {
            return Ok(pinned);
        }
    }
    let recipe = StoredText::of_recipe(name, &pin(shared, Pin::Recipe, version).await?);
    let tables = String::from_utf8_lossy(&pin(shared, Pin::Tables, tables).await?).into_owned();
    let properties =
        String::from_utf8_lossy(&pin(shared, Pin::Properties, properties).await?).into_owned();
    let pinned = shared.deployment().compile(&recipe, Some(&tables), Some(&properties)).map_err(|why| {
        format!("the version `{version}` it began with no longer checks: {why}. Retry it with `--newest`")
    })?;
    Ok(shared.pins.put(pinned))
}

async fn pin(shared: &Shared, pin: Pin, hash: &str) -> Result<Arc<[u8]>, String> {
    let found = shared.store.load_pin(pin, hash).await.map_err(|error| error.to_string())?;
    found.ok_or_else(|| format!("what it began with (`{hash}`) is not in the store"))
}
