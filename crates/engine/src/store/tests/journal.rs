//! Journals: gapless, in the order of time, whole or not at all.

use super::*;

#[tokio::test]
async fn a_journal_comes_back_as_it_was_appended() {
    let (dir, store) = store();
    let a = job(&store, "hires", "a").await;
    let opened = Kind::Opened { version: "v1".into(), tables: "t".into(), properties: "p".into() };
    let entries = vec![
        entry(1, "", opened),
        entry(2, "employee", started()),
        entry(3, "documents[2].upload", Kind::Fired),
    ];
    store.append(running(a, entries[..1].to_vec())).await.unwrap();
    let waiting =
        Append { standing: standing(Status::Waiting), ..running(a, entries[1..].to_vec()) };
    store.append(waiting).await.unwrap();
    drop(store);
    let loaded = Store::open(dir.path()).unwrap().load(a).await.unwrap().unwrap();
    assert_eq!(loaded.entries, entries);
    assert_eq!(loaded.row.standing, standing(Status::Waiting));
    assert_eq!(loaded.row.version.as_deref(), Some("v1"));
    assert_eq!(loaded.row.entries, 3);
}

/// A month's salary is a twelfth of a year's: the journal must give back the very number.
#[tokio::test]
async fn numbers_come_back_to_the_last_bit() {
    let (_dir, store) = store();
    let a = job(&store, "hires", "a").await;
    let twelfths: Vec<f64> = (1..2000).map(|n| f64::from(n * 1201) / 12.0).collect();
    let output = Arc::new(json!(twelfths));
    let kind = Kind::Succeeded { output: output.clone(), recovered: false, warnings: Vec::new() };
    let mut append = running(a, vec![entry(1, "s", kind)]);
    append.settle = Some((effect("k"), Some(output.clone())));
    store.append(append.clone()).await.unwrap();
    assert!(*store.load(a).await.unwrap().unwrap().entries == *append.entries);
    assert!(store.find_effect(effect("k")).await.unwrap().unwrap().output == Some(output));
}

#[tokio::test]
async fn a_gap_is_refused_and_says_where_to_go_on() {
    let (_dir, store) = store();
    let a = job(&store, "hires", "a").await;
    store.append(running(a, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
    let gap = store.append(running(a, vec![entry(3, "s", Kind::Fired)])).await;
    assert_eq!(gap, Err(StoreError::Gap { job: a, last: 1, found: 3 }));
    let within = vec![entry(2, "s", Kind::Fired), entry(4, "s", Kind::Fired)];
    assert!(matches!(store.append(running(a, within)).await, Err(StoreError::Fault(_))));
    assert_eq!(row(&store, a).await.entries, 1);
}

#[tokio::test]
async fn time_does_not_go_back_in_a_journal() {
    let (_dir, store) = store();
    let a = job(&store, "hires", "a").await;
    store.append(running(a, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
    let early = Entry { at: at(0), ..entry(2, "s", Kind::Fired) };
    assert!(matches!(
        store.append(running(a, vec![early.clone()])).await,
        Err(StoreError::Fault(_))
    ));
    let within = vec![entry(2, "s", Kind::Fired), Entry { seq: 3, ..early }];
    assert!(matches!(store.append(running(a, within)).await, Err(StoreError::Fault(_))));
    let same = Entry { at: at(1), ..entry(2, "s", Kind::Fired) };
    assert_eq!(store.append(running(a, vec![same])).await, Ok(Claimed::Mine));
}

#[tokio::test]
async fn the_same_append_again_changes_nothing() {
    let (_dir, store) = store();
    let a = job(&store, "hires", "a").await;
    let first = running(a, vec![entry(1, "s", Kind::Fired), entry(2, "s", started())]);
    store.append(first.clone()).await.unwrap();
    let stand = Append { standing: standing(Status::Waiting), ..running(a, Vec::new()) };
    store.append(stand).await.unwrap();
    assert_eq!(store.append(first.clone()).await, Ok(Claimed::Mine));
    assert_eq!(row(&store, a).await.standing.status, Status::Waiting);
    // What is new in a longer one is appended; what differs is a fault.
    let mut longer = first.clone();
    longer.entries = [&*first.entries, &[entry(3, "s", Kind::Fired)]].concat().into();
    assert_eq!(store.append(longer).await, Ok(Claimed::Mine));
    assert_eq!(row(&store, a).await.entries, 3);
    let mut other = first;
    Arc::make_mut(&mut other.entries)[1].path = StepPath("t".into());
    assert!(matches!(store.append(other).await, Err(StoreError::Fault(_))));
}

#[tokio::test]
async fn a_refused_append_leaves_no_trace_and_its_batch_alone() {
    let (_dir, store) = store();
    let (a, b) = (job(&store, "hires", "a").await, job(&store, "hires", "b").await);
    // Final without a moment: the schema refuses it after the entry and the claim were written.
    let mut bad = running(a, vec![entry(1, "s", started())]);
    bad.claim = Some(claim("k", "s"));
    bad.standing = Standing { finished_at: None, ..standing(Status::Failed) };
    let good = |seq| running(b, vec![entry(seq, "s", Kind::Fired)]);
    // All are queued before the first is waited for.
    let first = store.append_later(good(1)).await.unwrap();
    let refused = store.append_later(bad).await.unwrap();
    let last = store.append_later(good(2)).await.unwrap();
    assert_eq!(first.await, Ok(Claimed::Mine));
    let Err(StoreError::Fault(why)) = refused.await else { panic!("it was accepted") };
    assert!(why.contains("CHECK"), "{why}");
    assert_eq!(last.await, Ok(Claimed::Mine));
    assert_eq!(store.load(a).await.unwrap().unwrap().entries, []);
    assert_eq!(store.find_effect(effect("k")).await.unwrap(), None);
    assert_eq!(row(&store, b).await.entries, 2);
    assert_eq!(store.stats().failures, 0);
}

#[tokio::test]
async fn what_rides_along_keeps_its_order_also_when_nobody_waits() {
    let (dir, store) = store();
    let a = job(&store, "hires", "a").await;
    for seq in 1..=300 {
        drop(store.append_later(running(a, vec![entry(seq, "s", Kind::Fired)])).await.unwrap());
    }
    store.append(running(a, vec![entry(301, "s", Kind::Fired)])).await.unwrap();
    assert_eq!(row(&store, a).await.entries, 301);
    drop(store.append_later(running(a, vec![entry(302, "s", Kind::Fired)])).await.unwrap());
    drop(store);
    let loaded = Store::open(dir.path()).unwrap().load(a).await.unwrap().unwrap();
    assert_eq!(loaded.entries.len(), 302);
}

#[tokio::test]
async fn unfinished_jobs_come_in_order_of_acceptance() {
    let (dir, store) = store();
    let mut ids = Vec::new();
    for (n, recipe) in ["b", "a", "c", "a"].into_iter().enumerate() {
        ids.push(job(&store, recipe, &n.to_string()).await);
    }
    finish(&store, ids[2], 0, Status::Skipped).await;
    let wait = Append { standing: standing(Status::Waiting), ..running(ids[1], Vec::new()) };
    store.append(wait).await.unwrap();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let rows = store.unfinished().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [ids[0], ids[1], ids[3]]);
    assert_eq!(rows[1].standing.wake_at, Some(at(1000)));
}

#[tokio::test]
async fn a_standing_is_made_anew_from_the_journal() {
    let (_dir, store) = store();
    let (a, b) = (job(&store, "hires", "a").await, job(&store, "hires", "b").await);
    store.append(running(a, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
    finish(&store, b, 0, Status::Succeeded).await;
    let fold = |row: &JobRow, entries: &[Entry]| match entries {
        [] => row.standing.clone(),
        [.., Entry { kind: Kind::Finished { outcome }, .. }] => standing(outcome.status),
        _ => standing(Status::Running),
    };
    assert_eq!(store.rebuild_standings(fold).await.unwrap(), []);
    let wrong = Append { standing: standing(Status::Waiting), ..running(a, Vec::new()) };
    store.append(wrong).await.unwrap();
    assert_eq!(store.rebuild_standings(fold).await.unwrap(), [a]);
    assert_eq!(row(&store, a).await.standing, standing(Status::Running));
}
