//! Whether the store takes what comes: how it went when it was last tried, and a look anew.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    Store, StoreError, error, schema,
    writer::{Mark, Stats},
};

/// What is written at a time.
const BLOCK: [u8; 4096] = [0xa5; 4096];
/// How many blocks a delivery takes beside its body: its jobs, their rows in indices.
const BESIDE: u64 = 16;

/// The size of the delivery that the disk did not take; 0 once one was taken.
///
/// A disk that is nearly full takes small things, so that they say nothing about the next delivery.
#[derive(Debug, Default)]
pub(super) struct Refused(AtomicU64);

impl Refused {
    /// Takes into account how it went with a delivery of so many bytes.
    pub(super) fn note<T>(&self, taken: &Result<T, StoreError>, bytes: usize) {
        match taken {
            Err(StoreError::Unavailable(_)) => self.0.store(bytes.max(1) as u64, Ordering::Relaxed),
            // Every delivery comes by here: the line is written to when there is something to change.
            Ok(_) if self.0.load(Ordering::Relaxed) > 0 => self.0.store(0, Ordering::Relaxed),
            _ => {}
        }
    }
}

impl Store {
    /// Returns whether it can be read and takes what comes. After a failure something is written to find out; after one
    /// of a delivery, as much as that would take.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.read(|db| Ok(db.query_row("SELECT count(*) FROM recipes", [], |_| Ok(()))?)).await?;
        if self.trouble().is_some() {
            self.inner.writer.write(Mark::Other, schema::touch).await?;
        }
        let Refused(refused) = &self.inner.refused;
        let bytes = refused.load(Ordering::Relaxed);
        if bytes > 0 {
            let path = self.inner.path.clone();
            let room = tokio::task::spawn_blocking(move || look_for_room(&path, bytes)).await;
            room.map_err(StoreError::fault)??;
            // Another may have been refused meanwhile.
            if refused.compare_exchange(bytes, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                tracing::info!("there is room for deliveries again");
            }
        }
        Ok(())
    }

    /// Returns why nothing could be stored when it was last tried; `None` when something was.
    pub fn trouble(&self) -> Option<StoreError> {
        self.inner.writer.trouble()
    }

    /// Returns what the writer has done since the store was opened.
    pub fn stats(&self) -> Stats {
        self.inner.writer.stats()
    }
}

/// Looks whether a delivery of that size would have room, in the log and in the database, beside which it is tried.
fn look_for_room(database: &Path, bytes: u64) -> Result<(), StoreError> {
    let written = || -> io::Result<()> {
        let path = database.with_extension("db-room");
        let mut file = File::create(&path)?;
        // Its room is given back when the file is closed, also by a process that dies.
        fs::remove_file(&path)?;
        for _ in 0..2 * (bytes.div_ceil(BLOCK.len() as u64) + BESIDE) {
            file.write_all(&BLOCK)?;
        }
        file.sync_all()
    };
    written().map_err(|error| {
        let told = format!(
            "the last delivery ({} kB) was not stored, and there is still no room for it ({error}){}",
            bytes.div_ceil(1000),
            error::cure(&error)
        );
        StoreError::unavailable(told).about(database)
    })
}
