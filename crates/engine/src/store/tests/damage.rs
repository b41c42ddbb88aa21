//! Damage: whichever page of the file is overwritten, it is said, or what is read is what was written.

use std::fs;

use super::*;
use crate::store::{Loaded, schema::write_back};

/// The size of a page.
const PAGE: usize = 4096;
/// How many jobs are on the file: enough for every table to have several pages.
const JOBS: usize = 40;

/// Reads everything of a file; of each job what was read, or that it is damaged.
async fn read(database: &[u8], jobs: &[JobId]) -> Result<Vec<Option<Loaded>>, StoreError> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("store.db"), database).unwrap();
    let store = Store::open(dir.path())?;
    let mut all = Vec::new();
    for job in jobs {
        all.push(match store.load(*job).await {
            Ok(loaded) => Some(loaded.unwrap_or_else(|| panic!("{job} is not there"))),
            Err(StoreError::Damaged(_)) => None,
            Err(error) if error.is_damage() => None,
            Err(error) => panic!("{job}: {error}"),
        });
    }
    Ok(all)
}

#[tokio::test]
async fn whichever_page_is_overwritten_what_is_read_is_what_was_written() {
    let (dir, store) = store();
    let mut jobs = Vec::new();
    for number in 0..JOBS {
        let job = job(&store, "hires", &number.to_string()).await;
        // Long and short, so that there are pages of every kind.
        let output = Arc::new(json!(noise(if number % 4 == 0 { 9000 } else { 1500 })));
        let end = Kind::Succeeded { output, recovered: false, warnings: Vec::new() };
        let mut append = running(job, vec![entry(1, "s", started()), entry(2, "s", end)]);
        append.claim = Some(claim(&number.to_string(), "s"));
        store.append(append).await.unwrap();
        jobs.push(job);
    }
    let emptied = |db: &rusqlite::Connection| write_back(db);
    drop(store);
    let path = dir.path().join("store.db");
    emptied(&rusqlite::Connection::open(&path).unwrap()).unwrap();
    let whole = fs::read(&path).unwrap();
    let right = read(&whole, &jobs).await.unwrap();
    assert!(right.iter().all(Option::is_some));

    let pages = whole.len() / PAGE;
    assert!(pages > 60, "only {pages} pages");
    let (mut refused, mut partly, mut unharmed) = (0, 0, 0);
    for page in 0..pages {
        let mut spoilt = whole.clone();
        for (at, byte) in spoilt[page * PAGE..(page + 1) * PAGE].iter_mut().enumerate() {
            *byte = u8::try_from((at * 31 + 7) % 256).unwrap();
        }
        match read(&spoilt, &jobs).await {
            Err(error) => {
                let told = error.to_string();
                assert!(told.contains("store.db`: it is damaged"), "page {page}: {told}");
                refused += 1;
            }
            Ok(found) => {
                for (found, right) in found.iter().zip(&right) {
                    assert!(found.is_none() || found == right, "page {page}: {found:?}");
                }
                if found == right { unharmed += 1 } else { partly += 1 }
            }
        }
    }
    // Most pages hold something of a few jobs; indexes are not asked to load a job.
    assert!(refused > 0 && partly > 20 && unharmed > 0, "{refused}, {partly}, {unharmed}");
}
