-- The ninth format: a job touches fewer pages, and the statements that every job runs need no temporary tables and no
-- journals of their own.

-- The writer adds up what a batch changes and writes it once.
DROP TRIGGER job_counted;
DROP TRIGGER job_recounted;
DROP TRIGGER job_uncounted;

-- One index of the jobs that are over instead of three: the oldest of a recipe, whole or cut.
CREATE INDEX jobs_over ON jobs (recipe, cut, finished_at) WHERE finished_at IS NOT NULL;
DROP INDEX jobs_to_purge;
DROP INDEX jobs_to_purge_of_recipe;
DROP INDEX jobs_to_cut;

-- Deliveries go with the last of their jobs. Only those that never had one are looked for by their age.
ALTER TABLE deliveries ADD COLUMN alone INTEGER NOT NULL DEFAULT 0 CHECK (alone IN (0, 1));
UPDATE deliveries SET alone = 1 WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.delivery = deliveries.id);
CREATE INDEX deliveries_alone ON deliveries (received_at) WHERE alone = 1;
DROP INDEX deliveries_by_time;

-- By job, in the order of acceptance: an effect is settled on a page that others are settled on, too, and the hash, which
-- may be anywhere, is written once.
ALTER TABLE effects RENAME TO effects_before;
CREATE TABLE effects (
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    connection TEXT NOT NULL,
    action TEXT NOT NULL,
    job INTEGER NOT NULL,
    path TEXT NOT NULL,
    -- JSON, once it is done.
    output TEXT,
    PRIMARY KEY (job, hash)
) STRICT, WITHOUT ROWID;
INSERT INTO effects SELECT hash, connection, action, job, path, output FROM effects_before ORDER BY job, hash;
DROP TABLE effects_before;

-- The rows of a job lie together in the order of acceptance, each whole on its page: not, as in an index, in pieces, of
-- which a few fit a page on every level.
ALTER TABLE journal RENAME TO journal_before;
CREATE TABLE journal (
    -- The job and the number of the row's first entry in one: 24 bits are for the entry.
    id INTEGER PRIMARY KEY,
    job INTEGER GENERATED ALWAYS AS (id >> 24) VIRTUAL,
    first INTEGER GENERATED ALWAYS AS (id & 0xffffff) VIRTUAL CHECK (first >= 1),
    last INTEGER NOT NULL CHECK (last >= first),
    format INTEGER NOT NULL CHECK (format >= 1),
    -- A line for each entry: its path, its moment and what happened (JSON), with tabs between them. Text, or packed.
    body ANY NOT NULL CHECK (typeof(body) = 'text' OR typeof(body) = 'blob')
) STRICT;
INSERT INTO journal (id, last, format, body)
    SELECT job << 24 | first, last, format, body FROM journal_before ORDER BY job, first;
DROP TABLE journal_before;
CREATE TRIGGER job_kept BEFORE DELETE ON jobs
    WHEN EXISTS (SELECT 1 FROM journal WHERE id BETWEEN old.id << 24 AND old.id << 24 | 0xffffff) BEGIN
    SELECT raise(ABORT, 'the job has a journal');
END;

-- A list of more than two texts is made a temporary table whenever a row is checked; comparisons are not. What is stored
-- stays as it is, so the text of the tables alone is changed, as https://sqlite.org/lang_altertable.html has it.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
    'CHECK (status IN
        (''queued'', ''running'', ''waiting'', ''needs_attention'', ''succeeded'', ''failed'', ''skipped'', ''cancelled''))',
    'CHECK (status = ''queued'' OR status = ''running'' OR status = ''waiting'' OR status = ''needs_attention''
        OR status = ''succeeded'' OR status = ''failed'' OR status = ''skipped'' OR status = ''cancelled'')'),
    '(status IN (''succeeded'', ''failed'', ''skipped'', ''cancelled''))',
    '(status = ''succeeded'' OR status = ''failed'' OR status = ''skipped'' OR status = ''cancelled'')'),
    'status NOT IN (''succeeded'', ''failed'', ''skipped'', ''cancelled'') OR entries > 0',
    'finished_at IS NULL OR entries > 0')
WHERE type = 'table' AND name IN ('jobs', 'dedupe');
PRAGMA writable_schema = RESET;
