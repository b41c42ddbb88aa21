//! Formats: a store of each earlier one becomes today's, whole or not at all.

use std::fs;

use rusqlite::Connection;

use super::*;
use crate::store::{rows::moment, schema::MIGRATIONS};

/// Rows as the first format had them, and every later one has: a job that is over and one that is not, with what is
/// known of them.
const ROWS: &str = "
    INSERT INTO recipes (name, is_on, version, first_started_at) VALUES ('hires', 1, '0123456789abcdef', 1);
    INSERT INTO pins VALUES ('recipe', '0123456789abcdef', x'6e616d65');
    INSERT INTO deliveries (recipe, received_at, headers, query, body, size, verdict, answered)
        VALUES ('hires', 5, '[]', '', x'789c030000000001', 0, 'events', 200);
    INSERT INTO jobs (recipe, delivery, event_index, accepted_at, once_key, label, dedupe, entries, last_at, status, note,
                      started_at, finished_at)
        VALUES ('hires', 1, 0, 5, 'once a', 'Ann', zeroblob(32), 1, 7, 'succeeded', '', 7, 7),
               ('hires', 1, 1, 5, 'once b', 'Bob', zeroblob(32), 1, 7, 'running', '', 7, NULL);
    INSERT INTO effects VALUES (zeroblob(32), 'goco', 'goco.create_employee', 1, 's', '7');
    INSERT INTO search (rowid, words) VALUES (1, 'Ann'), (2, 'Bob');";

/// Their journals until the seventh format.
const ENTRIES: &str = "
    INSERT INTO entries VALUES (1, 1, 's', 7, 1, '{\"kind\":\"fired\"}'), (2, 1, 's', 7, 1, '{\"kind\":\"fired\"}');";
/// Their journals until the ninth.
const JOURNAL: &str = "
    INSERT INTO journal (job, first, last, format, body)
        SELECT id, 1, 1, 1, 's' || char(9) || '7' || char(9) || '{\"kind\":\"fired\"}' FROM jobs;";

/// What is counted of them.
const COUNTS: &str =
    "INSERT INTO counts SELECT recipe, status, count(*), sum(bytes) FROM jobs GROUP BY 1, 2";

/// Makes a store of an earlier format.
fn earlier(dir: &TempDir, format: usize) {
    let database = Connection::open(dir.path().join("store.db")).unwrap();
    database.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL").unwrap();
    for migration in &MIGRATIONS[..format] {
        database.execute_batch(migration).unwrap();
    }
    database.pragma_update(None, "user_version", i64::try_from(format).unwrap()).unwrap();
    database.execute_batch(ROWS).unwrap();
    let journals = match format {
        ..7 => ENTRIES.to_owned(),
        7..9 => JOURNAL.to_owned(),
        9.. => {
            JOURNAL.replace("(job, first,", "(id,").replace("SELECT id, 1,", "SELECT id << 24 | 1,")
        }
    };
    database.execute_batch(&journals).unwrap();
    // Until the eighth format triggers counted.
    if format > 8 {
        database.execute_batch(COUNTS).unwrap();
    }
}

#[tokio::test]
async fn a_store_of_every_earlier_format_becomes_todays_with_all_that_it_holds() {
    for format in 1..=MIGRATIONS.len() {
        let dir = tempfile::tempdir().unwrap();
        earlier(&dir, format);
        let store = Store::open(dir.path()).unwrap();
        let found: Vec<_> = store.unfinished().await.unwrap();
        assert_eq!(found.iter().map(|row| row.label.as_str()).collect::<Vec<_>>(), ["Bob"]);
        let loaded = store.load(JobId(1)).await.unwrap().unwrap();
        let kept = Entry { at: moment(7), ..entry(1, "s", Kind::Fired) };
        assert_eq!((loaded.entries, loaded.row.cut), (vec![kept], false), "format {format}");
        assert_eq!(store.effects(JobId(1)).await.unwrap().len(), 1);
        assert!(store.recipe_states().await.unwrap()[0].on);
        assert_eq!(store.counts().await.unwrap().len(), 2);
        // It works as one that was made today.
        let new = job(&store, "hires", "c").await;
        store.append(running(new, vec![entry(1, "s", Kind::Fired)])).await.unwrap();
        store.sources().await.unwrap();
        assert_eq!(store.refused(None).await.unwrap(), []);
        store.audit(None, None, 9).await.unwrap();
        assert_eq!(store.cut(at(1)).await.unwrap(), 1);
        drop(store);
        let database = Connection::open(dir.path().join("store.db")).unwrap();
        let shape = |database: &Connection| -> Vec<(String, String)> {
            let sql = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
            let mut select = database.prepare(sql).unwrap();
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let fresh = tempfile::tempdir().unwrap();
        drop(Store::open(fresh.path()).unwrap());
        let fresh = Connection::open(fresh.path().join("store.db")).unwrap();
        assert_eq!(shape(&database), shape(&fresh), "format {format}");
    }
}

#[test]
fn a_change_of_format_that_fails_leaves_the_store_as_it_was() {
    for format in 1..MIGRATIONS.len() {
        let dir = tempfile::tempdir().unwrap();
        earlier(&dir, format);
        let path = dir.path().join("store.db");
        // What the last change adds is in its way.
        let database = Connection::open(&path).unwrap();
        database.execute_batch("CREATE INDEX jobs_over ON jobs (id)").unwrap();
        drop(database);
        let before = fs::read(&path).unwrap();
        let refused = Store::open(dir.path()).unwrap_err();
        assert!(refused.to_string().contains("index jobs_over"), "{refused}");
        assert!(fs::read(&path).unwrap() == before, "format {format} was changed");
    }
}
