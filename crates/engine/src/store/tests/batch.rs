//! What is written once for a batch is what each request would have written: sums, moments and words.

use futures_util::future::join_all;

use super::*;
use crate::store::{JobQuery, Keep, history, purge, writer::Mark};

/// Returns how many counts are not what counting the jobs would give.
pub(super) async fn miscounted(store: &Store) -> i64 {
    let counted = |db: &rusqlite::Connection| {
        let sql = "SELECT (SELECT count(*) FROM (SELECT recipe, status, count(*), sum(bytes) FROM jobs GROUP BY 1, 2
                       EXCEPT SELECT * FROM counts))
                   + (SELECT count(*) FROM (SELECT * FROM counts WHERE jobs > 0 OR bytes > 0
                       EXCEPT SELECT recipe, status, count(*), sum(bytes) FROM jobs GROUP BY 1, 2))";
        Ok(db.query_row(sql, [], |row| row.get::<_, i64>(0))?)
    };
    store.read(counted).await.unwrap()
}

/// A round of requests at once: deliveries with new and known events, and for some jobs an entry, an end, or what is refused.
async fn round(store: &Store, random: &mut Random, refused: &mut usize) {
    let deliveries: Vec<_> = (0..random.below(4))
        .map(|_| {
            let recipe = format!("r{}", random.below(3));
            let jobs = (0..random.below(4)).map(|_| {
                let mut job = new_job(&format!("k{}", random.below(60)));
                job.attention = (random.below(5) == 0).then(|| "look".into());
                job
            });
            store.accept(intake(&recipe, jobs.collect()))
        })
        .collect();
    let mut appends = Vec::new();
    for job in store.unfinished().await.unwrap() {
        let next = job.entries + 1;
        let append = match random.below(6) {
            0 => Append {
                standing: standing(Status::Waiting),
                ..running(job.id, vec![entry(next, "s", started())])
            },
            1 => running(
                job.id,
                vec![entry(next, "s", Kind::Fired), entry(next + 1, "s", started())],
            ),
            2 => Append {
                standing: standing(Status::Failed),
                ..running(job.id, vec![entry(next, "", finished(Status::Failed))])
            },
            3 => {
                *refused += 1;
                running(job.id, vec![entry(next + 9, "s", Kind::Fired)])
            }
            _ => continue,
        };
        appends.push(store.append(append));
    }
    let (accepted, appended) = tokio::join!(join_all(deliveries), join_all(appends));
    assert!(accepted.iter().all(Result::is_ok), "{accepted:?}");
    let gaps = appended.iter().filter(|outcome| matches!(outcome, Err(StoreError::Gap { .. })));
    assert_eq!(gaps.count(), appended.iter().filter(|outcome| outcome.is_err()).count());
}

#[tokio::test]
async fn counts_are_what_counting_would_give_whatever_was_done_and_refused() {
    let (mut refused, mut purged, mut cut) = (0, 0, 0);
    for seed in 1..=5 {
        let (dir, store) = store();
        let mut random = Random(seed * 0x9e37_79b9);
        for number in 0..40 {
            round(&store, &mut random, &mut refused).await;
            if number % 10 == 5 {
                cut += store.cut(at(100)).await.unwrap();
            }
            if number % 10 == 9 {
                let bytes = Some(store.size().await.unwrap().finished / 2);
                purged += store.purge(Keep { bytes, ..Keep::default() }).await.unwrap().jobs;
            }
            store.rebuild_standings(|row, _| row.standing.clone()).await.unwrap();
            assert_eq!(miscounted(&store).await, 0, "seed {seed}, round {number}");
        }
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(miscounted(&store).await, 0);
        let kept = store.jobs(JobQuery { limit: 1000, ..JobQuery::default() }).await.unwrap();
        let counted: u64 = store.counts().await.unwrap().iter().map(|count| count.jobs).sum();
        assert_eq!(kept.len() as u64, counted);
        // Each is found by its own words, and none by those of one that is gone.
        let search = JobQuery { search: Some("label".into()), limit: 1000, ..JobQuery::default() };
        assert_eq!(store.jobs(search).await.unwrap().len(), kept.len());
    }
    assert!(refused > 20 && purged > 20 && cut > 5, "{refused}, {purged}, {cut}");
}

#[tokio::test]
async fn a_batch_with_a_refusal_keeps_the_words_and_moments_of_the_others() {
    let (_dir, store) = store();
    let a = job(&store, "hires", "a").await;
    let mut later = intake("hires", vec![new_job("berta")]);
    later.received_at = at(50);
    let gap = store.append(running(a, vec![entry(7, "s", Kind::Fired)]));
    // An earlier event does not set the moment back.
    let earlier = store.accept(intake("hires", vec![new_job("carla")]));
    let (accepted, refused, earlier) = tokio::join!(store.accept(later), gap, earlier);
    assert!(accepted.is_ok() && refused.is_err() && earlier.is_ok());
    let state = store.recipe_states().await.unwrap();
    assert_eq!(state.iter().map(|state| state.last_event_at).collect::<Vec<_>>(), [Some(at(50))]);
    for words in ["label berta", "label carla"] {
        let query = JobQuery { search: Some(words.into()), limit: 9, ..JobQuery::default() };
        assert_eq!(store.jobs(query).await.unwrap().len(), 1, "{words}");
    }
}

/// What one request says is there for what the same transaction asks: a purge and a count see the jobs before them.
#[tokio::test]
async fn what_is_not_written_yet_is_there_for_who_asks_in_the_same_batch() {
    let (_dir, store) = store();
    let (a, b) = (job(&store, "hires", "a").await, job(&store, "hires", "b").await);
    finish(&store, a, 0, Status::Succeeded).await;
    let end = Append {
        standing: standing(Status::Succeeded),
        ..running(b, vec![entry(1, "", finished(Status::Succeeded))])
    };
    let end = crate::store::append::Packed::new(end).unwrap();
    let both = move |db: &Writable| {
        crate::store::append::append(db, &end)?;
        purge::purge_slice(db, &Keep { bytes: Some(0), ..Keep::default() })?;
        db.settle()?;
        history::counts(db)
    };
    assert_eq!(store.inner.writer.write(Mark::Other, both).await.unwrap(), []);
    assert_eq!(miscounted(&store).await, 0);
}

/// A statement that every job runs makes no temporary table, and the oldest jobs are found without sorting.
#[tokio::test]
async fn the_plans_are_as_they_are_meant() {
    let (_dir, store) = store();
    let explained = |sql: String, column: usize| {
        let ask = move |db: &rusqlite::Connection| {
            let mut explain = db.prepare(&sql)?;
            let lines = explain.query_map([], |row| row.get::<_, String>(column))?;
            Ok(lines.collect::<Result<Vec<_>, _>>()?)
        };
        let store = store.clone();
        async move { store.read(ask).await.unwrap() }
    };
    for sql in [
        "UPDATE jobs SET status = 'succeeded', finished_at = 1, wake_at = NULL, bytes = 1 WHERE id = 1",
        "INSERT INTO jobs (recipe, delivery, event_index, accepted_at, once_key, label, dedupe, status, note)
             VALUES ('r', 1, 0, 1, 'o', 'l', zeroblob(32), 'queued', '')",
        "INSERT INTO dedupe (recipe, hash, job) VALUES ('r', zeroblob(32), 1)",
        "INSERT INTO journal (id, last, format, body) VALUES (1, 1, 1, '')",
        "UPDATE effects SET output = '' WHERE job = 1 AND hash = zeroblob(32)",
    ] {
        let steps = explained(format!("EXPLAIN {sql}"), 1).await;
        assert!(steps.len() > 10, "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("Ephemeral")), "{sql}: {steps:?}");
    }
    let over = (1..)
        .zip(["'r'", "0", "7", "9"])
        .fold(purge::over_sql(), |sql, (number, value)| sql.replace(&format!("?{number}"), value));
    let plan = explained(format!("EXPLAIN QUERY PLAN {over}"), 3).await;
    let by_index = "SEARCH jobs USING INDEX jobs_over (recipe=? AND cut=? AND finished_at<?)";
    assert_eq!(plan[0], by_index, "{plan:?}");
    assert!(!plan.iter().any(|line| line.contains("TEMP") || line.contains("SCAN")), "{plan:?}");
    let alone =
        "EXPLAIN QUERY PLAN SELECT id FROM deliveries WHERE alone = 1 AND received_at < 7 LIMIT 9";
    let plan = explained(alone.into(), 3).await;
    assert!(plan[0].contains("deliveries_alone (received_at<?)"), "{plan:?}");
}
