//! Lists and counts: right, and as quick among many jobs as among few.

use super::{batch::miscounted, *};
use crate::store::{Count, JobQuery, history, writer::Mark};

/// Three recipes, statuses in turn, one job a minute.
async fn history() -> (TempDir, Store, Vec<JobId>) {
    let (dir, store) = store();
    let mut ids = Vec::new();
    for n in 0..12 {
        let recipe = ["hires", "leavers", "movers"][n % 3];
        let mut sent = intake(recipe, vec![new_job(&format!("p{n}"))]);
        sent.received_at = at(60 * i64::try_from(n).unwrap());
        sent.jobs[0].label = format!("Zoë Müller-{n} → Ängström");
        let accepted = store.accept(sent).await.unwrap().1;
        let [Accepted::New(id)] = accepted[..] else { panic!("{accepted:?}") };
        if n % 2 == 0 {
            finish(&store, id, 0, Status::Failed).await;
        }
        ids.push(id);
    }
    (dir, store, ids)
}

async fn listed(store: &Store, query: JobQuery) -> Vec<JobId> {
    store.jobs(query).await.unwrap().into_iter().map(|row| row.id).collect()
}

fn all() -> JobQuery {
    JobQuery { limit: 100, ..JobQuery::default() }
}

#[tokio::test]
async fn lists_are_newest_first_filtered_and_paged() {
    let (_dir, store, ids) = history().await;
    let pick = |wanted: &dyn Fn(usize) -> bool| -> Vec<JobId> {
        (0..12).rev().filter(|n| wanted(*n)).map(|n| ids[n]).collect()
    };
    let hires = || Some("hires".to_owned());
    assert_eq!(listed(&store, all()).await, pick(&|_| true));
    assert_eq!(listed(&store, JobQuery { recipe: hires(), ..all() }).await, pick(&|n| n % 3 == 0));
    let failed = || vec![Status::Failed];
    assert_eq!(
        listed(&store, JobQuery { statuses: failed(), ..all() }).await,
        pick(&|n| n % 2 == 0)
    );
    let both =
        JobQuery { recipe: hires(), statuses: vec![Status::Failed, Status::Running], ..all() };
    assert_eq!(listed(&store, both).await, pick(&|n| n % 6 == 0));
    let page = JobQuery { statuses: failed(), limit: 2, ..all() };
    assert_eq!(listed(&store, page.clone()).await, [ids[10], ids[8]]);
    assert_eq!(listed(&store, JobQuery { before: Some(ids[8]), ..page }).await, [ids[6], ids[4]]);
    let period = JobQuery { since: Some(at(120)), until: Some(at(300)), ..all() };
    assert_eq!(listed(&store, period.clone()).await, [ids[4], ids[3], ids[2]]);
    let period = JobQuery { recipe: hires(), ..period };
    assert_eq!(listed(&store, period).await, [ids[3]]);
    let later = JobQuery { since: Some(at(100_000)), ..all() };
    assert_eq!(listed(&store, later).await, []);
}

#[tokio::test]
async fn a_clock_that_stepped_back_hides_nothing() {
    let (_dir, store) = store();
    let mut ids = Vec::new();
    for (n, seconds) in [100, 200, 50, 300, 150].into_iter().enumerate() {
        let sent =
            Intake { received_at: at(seconds), ..intake("r", vec![new_job(&n.to_string())]) };
        let accepted = store.accept(sent).await.unwrap().1;
        let [Accepted::New(id)] = accepted[..] else { panic!("{accepted:?}") };
        ids.push(id);
    }
    let period = JobQuery { since: Some(at(100)), until: Some(at(300)), ..all() };
    assert_eq!(listed(&store, period).await, [ids[4], ids[1], ids[0]]);
}

#[tokio::test]
async fn words_their_beginnings_and_numbers_are_found() {
    let (_dir, store, ids) = history().await;
    let search = |text: &str| JobQuery { search: Some(text.into()), ..all() };
    assert_eq!(listed(&store, search("zoe mull 7")).await, [ids[7]]);
    assert_eq!(listed(&store, search("p3@example.com")).await, [ids[3]]);
    assert_eq!(listed(&store, search("ANGSTROM")).await.len(), 12);
    assert_eq!(listed(&store, search("nobody")).await, []);
    assert_eq!(listed(&store, search("\" OR 1 --")).await, []);
    assert_eq!(listed(&store, search("→")).await, []);
    assert_eq!(listed(&store, search("  ")).await.len(), 12);
    let narrow = JobQuery {
        recipe: Some("hires".into()),
        statuses: vec![Status::Failed],
        before: Some(ids[6]),
        ..search("zoe")
    };
    assert_eq!(listed(&store, narrow).await, [ids[0]]);
    // The third job, and the third person.
    assert_eq!(listed(&store, search(&ids[2].to_string())).await, [ids[3], ids[2]]);
}

#[tokio::test]
async fn counts_are_kept_along() {
    let (_dir, store, ids) = history().await;
    let count = |recipe: &str, status, jobs| Count { recipe: recipe.into(), status, jobs };
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.len(), 6);
    assert!(counts.contains(&count("hires", Status::Failed, 2)));
    store.append(running(ids[3], vec![entry(1, "s", Kind::Fired)])).await.unwrap();
    let counts = store.counts().await.unwrap();
    assert!(counts.contains(&count("hires", Status::Queued, 1)));
    assert!(counts.contains(&count("hires", Status::Running, 1)));
    assert_eq!(miscounted(&store).await, 0);
}

/// Each list takes a bounded number of the database's steps, however long the history is.
#[tokio::test]
async fn lists_of_a_long_history_take_few_steps() {
    const JOBS: u32 = 100_000;
    let (_dir, store) = store();
    let first = job(&store, "r0", "first").await;
    let fill = move |db: &Writable| {
        db.execute(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             INSERT INTO jobs (recipe, delivery, event_index, accepted_at, once_key, label, dedupe, entries, last_at,
                 status, note, finished_at)
             SELECT 'r' || (n % 5), (SELECT id FROM deliveries), 0, n, 'once', 'label ' || n, zeroblob(32), 1, n,
                 iif(n % 1000 = 7, 'failed', 'succeeded'), '', n FROM n",
            [JOBS],
        )?;
        db.execute("INSERT INTO counts SELECT recipe, status, count(*), 0 FROM jobs WHERE id > 1 GROUP BY 1, 2", [])?;
        db.execute(
            "INSERT INTO search (rowid, words) SELECT id, label || iif(id % 20000 = 1, ' rare', '') FROM jobs",
            [],
        )?;
        Ok(())
    };
    store.inner.writer.write(Mark::Other, fill).await.unwrap();
    let hires = JobQuery { recipe: Some("r2".into()), limit: 20, ..JobQuery::default() };
    let failed =
        JobQuery { statuses: vec![Status::Failed, Status::NeedsAttention], ..hires.clone() };
    let queries = [
        JobQuery { limit: 20, ..JobQuery::default() },
        hires.clone(),
        failed.clone(),
        JobQuery { recipe: None, ..failed.clone() },
        JobQuery { before: Some(JobId(first.0 + 50_000)), ..failed.clone() },
        JobQuery { search: Some("rare".into()), recipe: None, ..hires.clone() },
        JobQuery { search: Some("lab".into()), ..hires },
    ];
    for query in queries {
        let asked = query.clone();
        let (rows, steps) = store
            .read(move |db| {
                history::STEPS.set(0);
                let rows = history::jobs(db, &asked)?;
                Ok((rows.len(), history::STEPS.get()))
            })
            .await
            .unwrap();
        assert!(rows > 0, "{query:?}");
        assert!(steps > 0 && steps < 10_000, "{steps} steps for {query:?}");
    }
}
