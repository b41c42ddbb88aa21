//! Copies: whole, of one moment, and put back with what is known since.

use std::{fs, path::PathBuf};

use super::*;
use crate::store::{InPlace, Restoring};

async fn copy(dir: &TempDir, store: &Store) -> PathBuf {
    let to = dir.path().join("copy.db");
    store.backup(to.clone()).await.unwrap();
    to
}

fn restore(dir: &TempDir, copy: &std::path::Path) -> (InPlace, Store) {
    let restoring = Restoring::prepare(dir.path(), copy).unwrap();
    let in_place = restoring.in_place.clone();
    restoring.replace(at(0)).unwrap();
    (in_place, Store::open(dir.path()).unwrap())
}

#[tokio::test]
async fn a_copy_is_all_of_one_moment_and_works_like_the_store() {
    let (dir, store) = store();
    let a = job(&store, "hires", "a").await;
    store.append(running(a, vec![entry(1, "s", started())])).await.unwrap();
    let copied = store.load(a).await.unwrap();
    let path = copy(&dir, &store).await;
    assert!(store.backup(path.clone()).await.is_err(), "it wrote over a copy");
    job(&store, "hires", "b").await;
    let elsewhere = tempfile::tempdir().unwrap();
    let (in_place, restored) = restore(&elsewhere, &path);
    assert_eq!(in_place, InPlace::Nothing);
    assert_eq!(restored.load(a).await.unwrap(), copied);
    assert_eq!(restored.unfinished().await.unwrap().len(), 1);
    let query = super::super::JobQuery {
        search: Some("a@example.com".into()),
        limit: 9,
        ..Default::default()
    };
    assert_eq!(restored.jobs(query).await.unwrap().len(), 1);
    for (name, value) in [("auto_vacuum", 2.into()), ("journal_mode", "wal".to_owned().into())] {
        let found = restored
            .read(move |db| {
                Ok(db.pragma_query_value(None, name, |row| {
                    row.get::<_, rusqlite::types::Value>(0)
                })?)
            })
            .await
            .unwrap();
        assert_eq!(found, value, "{name}");
    }
}

#[tokio::test]
async fn what_was_done_since_a_copy_stays_done_and_what_nobody_knows_is_unsure() {
    let (dir, store) = store();
    let waits = job(&store, "hires", "waits").await;
    let path = copy(&dir, &store).await;
    // Since then: its write is claimed and not settled; another job is over, a third is not.
    let mut append = running(waits, vec![entry(1, "s", started())]);
    append.claim = Some(claim("fog", "s"));
    store.append(append).await.unwrap();
    let over = job(&store, "hires", "over").await;
    let mut append = running(over, vec![entry(1, "s", started())]);
    append.claim = Some(claim("done", "s"));
    append.settle = Some((effect("done"), Some(Arc::new(json!(7)))));
    store.append(append).await.unwrap();
    finish(&store, over, 1, Status::Succeeded).await;
    let lost = job(&store, "hires", "lost").await;
    drop(store);
    let (in_place, store) = restore(&dir, &path);
    assert!(matches!(in_place, InPlace::Store { came: 2, went_on: 1, .. }), "{in_place:?}");

    let again = store.accept(intake("hires", vec![new_job("over")])).await.unwrap().1;
    assert_eq!(again, [Accepted::Repeat { job: over, status: Status::Succeeded }]);
    let again = store.accept(intake("hires", vec![new_job("lost")])).await.unwrap().1;
    let [Accepted::New(new)] = again[..] else { panic!("{again:?}") };
    assert!(new > lost, "a number is given out twice");
    let asks = |key: &str| {
        let mut append = running(waits, vec![entry(1, "s", started())]);
        append.claim = Some(claim(key, "s"));
        store.append(append)
    };
    assert_eq!(asks("done").await, Ok(Claimed::Done(Arc::new(json!(7)))));
    // The same step of the same job: its own claim is no permission, for that was another time.
    assert_eq!(asks("fog").await, Ok(Claimed::Unsure(JobId(0))));
}

#[tokio::test]
async fn nothing_is_changed_until_a_copy_is_put_in_place() {
    let (dir, store) = store();
    job(&store, "hires", "a").await;
    let path = copy(&dir, &store).await;
    assert!(Restoring::prepare(dir.path(), &path).is_err(), "the store is in use");
    job(&store, "hires", "b").await;
    drop(store);
    let before = fs::read(dir.path().join("store.db")).unwrap();
    drop(Restoring::prepare(dir.path(), &path).unwrap());
    assert!(fs::read(dir.path().join("store.db")).unwrap() == before);
    assert!(!dir.path().join("restore.part").exists());
    // A database of another program is none of ours, and neither is half of one.
    let other = dir.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    fs::write(dir.path().join("half.db"), &fs::read(&path).unwrap()[..8192]).unwrap();
    for name in ["other.db", "half.db"] {
        let refused = Restoring::prepare(dir.path(), &dir.path().join(name)).unwrap_err();
        assert!(refused.to_string().contains(name), "{refused}");
    }
    assert_eq!(Store::open(dir.path()).unwrap().unfinished().await.unwrap().len(), 2);
}
