//! What was answered is there: after closing, after a power cut, after the disk failed.

use std::{fs, path::Path};

use super::*;
use crate::store::{schema, writer::Mark};

/// The log's header, and a frame of one page.
const HEADER: u64 = 32;
const FRAME: u64 = 24 + 4096;

#[tokio::test]
async fn closing_leaves_one_file_with_everything_in_it() {
    let (dir, store) = store();
    let a = job(&store, "hires", "a").await;
    drop(store);
    assert!(!dir.path().join("store.db-wal").exists());
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(row(&store, a).await.label, "Label a");
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_it() {
    let (dir, store) = store();
    let refused = Store::open(dir.path()).unwrap_err();
    let held = StoreError::Locked { dir: dir.path().into(), holder: Some(std::process::id()) };
    assert_eq!(refused, held);
    assert!(refused.to_string().contains("stop that process"), "{refused}");
    let clone = store.clone();
    drop(store);
    assert!(Store::open(dir.path()).is_err());
    drop(clone);
    Store::open(dir.path()).unwrap();
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let (dir, store) = store();
    drop(store);
    let path = dir.path().join("store.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let before = fs::read(&path).unwrap();
    let refused = Store::open(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 99, .. }), "{refused}");
    assert!(fs::read(&path).unwrap() == before, "the file was changed");
}

#[test]
fn a_file_that_is_no_database_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("store.db"), "not a database, but long enough to look".repeat(40))
        .unwrap();
    let refused = Store::open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("store.db"), "{refused}");
}

#[tokio::test]
async fn the_writer_syncs_each_commit() {
    let (_dir, store) = store();
    let setting = |name: &'static str| {
        let store = store.clone();
        async move {
            let ask = move |db: &Writable| {
                Ok(db.pragma_query_value(None, name, |row| {
                    row.get::<_, rusqlite::types::Value>(0)
                })?)
            };
            store.inner.writer.write(Mark::Other, ask).await.unwrap()
        }
    };
    assert_eq!(setting("synchronous").await, 2.into());
    assert_eq!(setting("journal_mode").await, "wal".to_owned().into());
    assert_eq!(setting("foreign_keys").await, 1.into());
    assert_eq!(setting("auto_vacuum").await, 2.into());
    assert_eq!(setting("mmap_size").await, 0.into());
}

/// Power cuts: the log as the disk may have it, cut after each frame and within it. Each entry whose append had
/// returned when the log was that long is there, and what is there is a beginning of what was asked for.
#[tokio::test]
async fn a_cut_or_torn_log_keeps_all_that_was_answered() {
    let (dir, store) = store();
    let a = job(&store, "hires", "a").await;
    let log = dir.path().join("store.db-wal");
    let mut answered = vec![fs::metadata(&log).unwrap().len()];
    for seq in 1..=6 {
        let mut append = running(a, vec![entry(seq, "s", started())]);
        append.claim = Some(claim(&seq.to_string(), "s"));
        drop(store.append_later(append).await.unwrap());
        let then = vec![entry(seq + 100, "s", Kind::Fired)];
        assert!(store.append(running(a, then)).await.is_err());
        store.flush().await.unwrap();
        answered.push(fs::metadata(&log).unwrap().len());
    }
    let database = fs::read(dir.path().join("store.db")).unwrap();
    let log = fs::read(&log).unwrap();
    let frames = (log.len() as u64 - HEADER) / FRAME;
    assert!(frames >= 12, "{frames}");
    for frame in 0..=frames {
        let whole = HEADER + frame * FRAME;
        for torn in [0, 1, 23, 24, 2000, FRAME - 1] {
            let length = (whole + torn).min(log.len() as u64);
            let mut cut = log[..usize::try_from(length).unwrap()].to_vec();
            check(&database, &cut, a, &answered, length).await;
            // The rest of the torn frame may be there as something else.
            if torn > 0 && frame < frames {
                cut.resize(usize::try_from(whole + FRAME).unwrap(), 0xa5);
                check(&database, &cut, a, &answered, whole).await;
            }
        }
    }
}

async fn check(database: &[u8], log: &[u8], job: JobId, answered: &[u64], length: u64) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("store.db"), database).unwrap();
    fs::write(dir.path().join("store.db-wal"), log).unwrap();
    let store = Store::open(dir.path()).unwrap();
    let Some(loaded) = store.load(job).await.unwrap() else {
        assert!(
            length < answered[0],
            "the job was answered for at {}, cut at {length}",
            answered[0]
        );
        return;
    };
    let due = answered[1..].iter().filter(|answered| **answered <= length).count();
    let kept = loaded.entries.len();
    assert!(kept >= due, "{kept} of {due} entries at {length}");
    assert_eq!(loaded.row.entries as usize, kept);
    assert!(loaded.entries.iter().zip(1..).all(|(entry, seq)| entry.seq == seq));
    assert_eq!(store.effects(job).await.unwrap().len(), kept);
}

#[tokio::test]
async fn a_full_disk_refuses_the_batch_and_is_got_over() {
    let (dir, store) = store();
    let a = job(&store, "hires", "a").await;
    let fill = |db: &Writable| Ok(db.execute_batch("PRAGMA max_page_count = 1")?);
    store.inner.writer.write(Mark::Other, fill).await.unwrap();
    let mut big = intake("hires", vec![new_job("b")]);
    // Bytes that do not compress.
    let mut state = 1_u64;
    big.body = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(1_000_000)
    .collect();
    let small = store.append_later(running(a, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
    let refused = store.accept(big.clone()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    // What was in the same batch is gone with it, or was committed before it; appended again, it is there once.
    drop(small.await);
    store.append(running(a, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
    assert_eq!(store.stats().failures, 1);
    // The new connection has the whole disk.
    let accepted = store.accept(big).await.unwrap().1;
    assert!(matches!(accepted[..], [Accepted::New(_)]), "{accepted:?}");
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.unfinished().await.unwrap().len(), 2);
    assert_eq!(store.load(a).await.unwrap().unwrap().entries.len(), 1);
}

#[tokio::test]
async fn a_commit_that_fails_answers_its_whole_batch() {
    let (_dir, store) = store();
    let a = job(&store, "hires", "a").await;
    // A violation that only the commit finds.
    let orphan = |db: &Writable| {
        Ok(db.execute_batch("PRAGMA defer_foreign_keys = ON; DELETE FROM deliveries")?)
    };
    let failed = store.inner.writer.write(Mark::Other, orphan).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    assert_eq!(store.stats().failures, 1);
    assert!(store.load(a).await.unwrap().is_some());
    store.append(running(a, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_gone_is_missed_until_it_is_back() {
    let (dir, store) = store();
    let a = job(&store, "hires", "a").await;
    let away = dir.path().join("away");
    fs::create_dir(&away).unwrap();
    let move_all = |from: &Path, to: &Path| {
        for name in ["store.db", "store.db-wal", "store.db-shm"] {
            if from.join(name).exists() {
                fs::rename(from.join(name), to.join(name)).unwrap();
            }
        }
    };
    move_all(dir.path(), &away);
    let fail = |_: &Writable| Err::<(), _>(StoreError::unavailable("pulled out"));
    assert!(store.inner.writer.write(Mark::Other, fail).await.is_err());
    for _ in 0..3 {
        let refused = store.append(running(a, vec![entry(1, "s", Kind::Fired)])).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        // It does not begin an empty one in its place.
        assert!(!dir.path().join("store.db").exists());
    }
    move_all(&away, dir.path());
    store.append(running(a, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.load(a).await.unwrap().unwrap().entries.len(), 1);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_named() {
    let (dir, store) = store();
    let (a, b) = (job(&store, "hires", "a").await, job(&store, "hires", "b").await);
    let c = job(&store, "hires", "c").await;
    for job in [a, b, c] {
        store.append(running(job, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
    }
    let database = schema::writer(&dir.path().join("store.db")).unwrap();
    database.execute("UPDATE journal SET format = 9 WHERE job = ?1", [a]).unwrap();
    database
        .execute(
            "UPDATE journal SET body = 's' || char(9) || '7' || char(9) || '{' WHERE job = ?1",
            [b],
        )
        .unwrap();
    database.execute("UPDATE journal SET body = 's' WHERE job = ?1", [c]).unwrap();
    for (job, words) in [
        (a, "format 9"),
        (b, "job 2 cannot be read: entry 1 is damaged"),
        (c, "job 3 cannot be read: entry 1 has no path"),
    ] {
        let refused = store.load(job).await.unwrap_err();
        assert!(matches!(refused, StoreError::Damaged(_)), "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn the_schema_refuses_what_must_not_be() {
    let (dir, store) = store();
    let a = job(&store, "hires", "a").await;
    store.append(running(a, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
    let database = schema::writer(&dir.path().join("store.db")).unwrap();
    for bad in [
        "UPDATE jobs SET status = 'lost'",
        "UPDATE jobs SET status = 'succeeded'",
        "UPDATE jobs SET finished_at = 1",
        "UPDATE jobs SET status = 'succeeded', finished_at = 1, wake_at = 2",
        "UPDATE jobs SET last_at = NULL",
        "UPDATE jobs SET delivery = 99",
        "UPDATE jobs SET recipe = NULL",
        "UPDATE jobs SET started_at = 'yesterday'",
        "UPDATE jobs SET dedupe = x'00'",
        "INSERT INTO journal (id, last, format, body) SELECT id, last, format, body FROM journal",
        "INSERT INTO journal (id, last, format, body) SELECT job << 24, last, format, body FROM journal",
        "INSERT INTO journal (id, last, format, body) SELECT id + 1, last, format, body FROM journal",
        "INSERT INTO dedupe SELECT * FROM dedupe",
        "UPDATE dedupe SET status = 'running'",
        "INSERT INTO effects VALUES (x'00', 'c', 'a', 1, 'p', NULL)",
        "UPDATE deliveries SET answered = 1000",
        "UPDATE recipes SET is_on = 1",
        "INSERT INTO pins VALUES ('colour', '0123456789abcdef', x'')",
        "DELETE FROM jobs",
        "DELETE FROM deliveries",
    ] {
        let refused = StoreError::from(database.execute(bad, []).expect_err(bad));
        assert!(matches!(refused, StoreError::Fault(_)), "{bad}: {refused}");
    }
}
