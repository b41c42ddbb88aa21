//! A long history, made in seconds: one real job, copied by SQL as often as is asked.

use std::path::Path;

use rusqlite::Connection;

/// How many jobs one transaction makes.
const SLICE: i64 = 50_000;

/// Copies the first job of a store that nobody has open until there are so many.
pub(crate) fn fill(store: &Path, jobs: i64) {
    let database = Connection::open(store).unwrap();
    database
        .execute_batch(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA foreign_keys = OFF",
        )
        .unwrap();
    let mut done: i64 =
        database.query_row("SELECT max(id) FROM jobs", [], |row| row.get(0)).unwrap();
    while done < jobs {
        let until = jobs.min(done + SLICE);
        // Bodies are not read: a part of each keeps the file at a size that fits the machine.
        database
            .execute_batch(&format!(
                "BEGIN;
                 CREATE TEMP TABLE numbers AS
                     WITH RECURSIVE n (i) AS (SELECT {done} + 1 UNION ALL SELECT i + 1 FROM n WHERE i < {until}) SELECT i FROM n;
                 INSERT INTO deliveries (id, recipe, received_at, headers, query, body, size, verdict, answered)
                     SELECT i, recipe, received_at + i, headers, query, substr(body, 1, 200), size, verdict, answered
                     FROM numbers, deliveries WHERE deliveries.id = 1;
                 INSERT INTO jobs (id, recipe, delivery, event_index, accepted_at, order_key, once_key, label, dedupe, bytes,
                         status, note, started_at, finished_at, entries, last_at, version)
                     SELECT i, recipe, i, 0, accepted_at + i, 'recipe copy: ' || i, 'copy/' || i, 'Copy ' || i, randomblob(32), bytes,
                         status, note, started_at + i, finished_at + i, entries, last_at, version
                     FROM numbers, jobs WHERE jobs.id = 1;
                 INSERT INTO dedupe (recipe, hash, job) SELECT recipe, dedupe, i FROM numbers JOIN jobs ON jobs.id = i;
                 INSERT INTO effects (hash, connection, action, job, path, output)
                     SELECT randomblob(32), connection, action, i, path, output FROM numbers, effects WHERE job = 1;
                 INSERT INTO journal (id, last, format, body)
                     SELECT i << 24 | first, last, format, body FROM numbers, journal WHERE job = 1;
                 INSERT INTO search (rowid, words) SELECT i, 'Copy ' || i FROM numbers;
                 UPDATE counts SET jobs = jobs + {until} - {done}, bytes = bytes * (jobs + {until} - {done}) / jobs
                     WHERE jobs > 0;
                 DROP TABLE numbers;
                 COMMIT"
            ))
            .unwrap();
        done = until;
    }
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}
