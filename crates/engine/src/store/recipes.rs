//! What is kept of recipes: whether each is on, and the texts, tables and properties that jobs pin.

use std::fmt::Write as _;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use super::{
    error::StoreError,
    pack::{pack, unpack},
    pauses,
    rows::{moment, nanos},
    writable::Writable,
};

/// What a job pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pin {
    /// The text of a recipe.
    Recipe,
    /// Its tables.
    Tables,
    /// Its properties.
    Properties,
}

impl Pin {
    fn word(self) -> &'static str {
        match self {
            Self::Recipe => "recipe",
            Self::Tables => "tables",
            Self::Properties => "properties",
        }
    }
}

/// What is kept of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeState {
    /// Its name.
    pub name: String,
    /// Whether its jobs go on; one that is off accepts and holds.
    pub on: bool,
    /// The last version that passed the check, to be loaded as [`Pin::Recipe`].
    pub version: Option<String>,
    /// When it was started for the first time: catch-up goes back no further by itself.
    pub first_started_at: Option<Timestamp>,
    /// When its latest event came.
    pub last_event_at: Option<Timestamp>,
}

/// Returns the version of a text: the first 16 hexadecimal digits of its SHA-256.
pub fn content_hash(content: &[u8]) -> String {
    Sha256::digest(content)[..8].iter().fold(String::with_capacity(16), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing into a text does not fail");
        text
    })
}

pub(super) fn save_pin(
    database: &Connection,
    pin: Pin,
    hash: &str,
    content: &[u8],
) -> Result<(), StoreError> {
    let known = database
        .prepare_cached("SELECT 1 FROM pins WHERE kind = ?1 AND hash = ?2")?
        .exists(params![pin.word(), hash])?;
    if !known {
        database
            .prepare_cached("INSERT INTO pins (kind, hash, content) VALUES (?1, ?2, ?3)")?
            .execute(params![pin.word(), hash, pack(content)])?;
    }
    Ok(())
}

pub(super) fn load_pin(
    database: &Connection,
    pin: Pin,
    hash: &str,
) -> Result<Option<std::sync::Arc<[u8]>>, StoreError> {
    database
        .prepare_cached("SELECT content FROM pins WHERE kind = ?1 AND hash = ?2")?
        .query_row(params![pin.word(), hash], |row| row.get::<_, Vec<u8>>(0))
        .optional()?
        .map(|packed| unpack(&packed))
        .transpose()
}

pub(super) fn set_version(
    database: &Connection,
    name: &str,
    version: &str,
) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "INSERT INTO recipes (name, version) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET version = ?2",
        )?
        .execute([name, version])?;
    Ok(())
}

pub(super) fn start(database: &Connection, name: &str, at: Timestamp) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "INSERT INTO recipes (name, is_on, first_started_at) VALUES (?1, 1, ?2)
             ON CONFLICT DO UPDATE SET is_on = 1, first_started_at = ifnull(first_started_at, ?2)",
        )?
        .execute(params![name, nanos(at)])?;
    pauses::end(database, name, at).map(drop)
}

pub(super) fn stop(database: &Connection, name: &str, at: Timestamp) -> Result<(), StoreError> {
    database
        .prepare_cached(
            "INSERT INTO recipes (name, is_on) VALUES (?1, 0) ON CONFLICT DO UPDATE SET is_on = 0",
        )?
        .execute([name])?;
    pauses::begin(database, name, at)
}

pub(super) fn forget(database: &Writable, name: &str) -> Result<bool, StoreError> {
    // An event that came in the same batch must not bring it back.
    database.settle()?;
    super::sources::forget(database, name)?;
    pauses::forget(database, name)?;
    Ok(database.prepare_cached("DELETE FROM recipes WHERE name = ?1")?.execute([name])? == 1)
}

pub(super) fn states(database: &Connection) -> Result<Vec<RecipeState>, StoreError> {
    let mut select = database.prepare_cached(
        "SELECT name, is_on, version, first_started_at, last_event_at FROM recipes ORDER BY name",
    )?;
    let states = select.query_map([], |row| {
        Ok(RecipeState {
            name: row.get(0)?,
            on: row.get(1)?,
            version: row.get(2)?,
            first_started_at: row.get::<_, Option<i64>>(3)?.map(moment),
            last_event_at: row.get::<_, Option<i64>>(4)?.map(moment),
        })
    })?;
    Ok(states.collect::<Result<_, _>>()?)
}
