-- The first format of the store. Moments are nanoseconds since 1970 in UTC; `datetime(at / 1000000000, 'unixepoch')`
-- shows one. A later format is another file, never a change of this one.

CREATE TABLE recipes (
    name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    is_on INTEGER NOT NULL DEFAULT 0 CHECK (is_on IN (0, 1)),
    -- The last version that passed the check; it runs when the file on disk is broken.
    version TEXT,
    first_started_at INTEGER,
    last_event_at INTEGER,
    CHECK (is_on = 0 OR first_started_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- What jobs pin, by content: recipe texts, tables, properties.
CREATE TABLE pins (
    kind TEXT NOT NULL CHECK (kind IN ('recipe', 'tables', 'properties')),
    hash TEXT NOT NULL CHECK (length(hash) = 16),
    content BLOB NOT NULL,
    PRIMARY KEY (kind, hash)
) STRICT;

-- One HTTP request or poll answer as it came. AUTOINCREMENT: an id is never given out twice.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    headers TEXT NOT NULL,
    query TEXT NOT NULL,
    body BLOB NOT NULL,
    size INTEGER NOT NULL CHECK (size >= 0),
    verdict TEXT NOT NULL,
    answered INTEGER NOT NULL CHECK (answered BETWEEN 100 AND 599)
) STRICT;
CREATE INDEX deliveries_of_recipe ON deliveries (recipe);
CREATE INDEX deliveries_by_time ON deliveries (received_at);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe TEXT NOT NULL,
    delivery INTEGER NOT NULL REFERENCES deliveries (id),
    event_index INTEGER NOT NULL CHECK (event_index >= 0),
    accepted_at INTEGER NOT NULL,
    -- With its scope: the same text in two recipes of a group, another one in recipes that share nothing.
    order_key TEXT,
    once_key TEXT NOT NULL,
    label TEXT NOT NULL,
    -- The job whose step at `parent_path` called it.
    parent INTEGER,
    parent_path TEXT,
    -- Why a person had to look at it at once; a fact of intake, not of the journal.
    attention TEXT,
    repeats INTEGER NOT NULL DEFAULT 0 CHECK (repeats >= 0),
    dedupe BLOB NOT NULL CHECK (length(dedupe) = 32),
    -- Facts of the journal kept where an append can check them without reading it.
    entries INTEGER NOT NULL DEFAULT 0 CHECK (entries >= 0),
    last_at INTEGER,
    version TEXT,
    bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    -- The cached fold of the journal.
    status TEXT NOT NULL CHECK (status IN
        ('queued', 'running', 'waiting', 'needs_attention', 'succeeded', 'failed', 'skipped', 'cancelled')),
    wake_at INTEGER,
    note TEXT NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    CHECK ((parent IS NULL) = (parent_path IS NULL)),
    CHECK ((finished_at IS NOT NULL) = (status IN ('succeeded', 'failed', 'skipped', 'cancelled'))),
    CHECK (wake_at IS NULL OR finished_at IS NULL),
    CHECK ((entries = 0) = (last_at IS NULL)),
    CHECK (status NOT IN ('succeeded', 'failed', 'skipped', 'cancelled') OR entries > 0)
) STRICT;
-- History by recipe or status; the id is the index's last part, so each pair comes out newest first.
CREATE INDEX jobs_of_recipe ON jobs (recipe, status);
CREATE INDEX jobs_of_order ON jobs (order_key) WHERE order_key IS NOT NULL;
CREATE INDEX jobs_of_parent ON jobs (parent) WHERE parent IS NOT NULL;
CREATE INDEX jobs_by_time ON jobs (accepted_at);
CREATE INDEX jobs_of_delivery ON jobs (delivery);
CREATE INDEX jobs_to_purge ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_to_purge_of_recipe ON jobs (recipe, finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE entries (
    job INTEGER NOT NULL REFERENCES jobs (id),
    seq INTEGER NOT NULL CHECK (seq >= 1),
    path TEXT NOT NULL,
    at INTEGER NOT NULL,
    format INTEGER NOT NULL CHECK (format >= 1),
    body TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

-- Every event ever accepted, by the hash of its recipe and key. Never purged; `job` may be gone.
CREATE TABLE dedupe (
    recipe TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    job INTEGER NOT NULL,
    -- How the job ended, once it is purged.
    status TEXT CHECK (status IN ('succeeded', 'failed', 'skipped', 'cancelled')),
    PRIMARY KEY (recipe, hash)
) STRICT, WITHOUT ROWID;

-- Every write ever claimed, by the hash of its connection, action and once key. Never purged; `job` may be gone.
CREATE TABLE effects (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    connection TEXT NOT NULL,
    action TEXT NOT NULL,
    job INTEGER NOT NULL,
    path TEXT NOT NULL,
    -- JSON, once it is done.
    output TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_of_job ON effects (job);

-- How many jobs each recipe has in each status and how many bytes they take, so that nothing is counted by reading.
CREATE TABLE counts (
    recipe TEXT NOT NULL,
    status TEXT NOT NULL,
    jobs INTEGER NOT NULL CHECK (jobs >= 0),
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (recipe, status)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER job_counted AFTER INSERT ON jobs BEGIN
    INSERT INTO counts VALUES (new.recipe, new.status, 1, new.bytes)
        ON CONFLICT DO UPDATE SET jobs = jobs + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER job_recounted AFTER UPDATE OF status, bytes ON jobs
    WHEN old.status <> new.status OR old.bytes <> new.bytes BEGIN
    UPDATE counts SET jobs = jobs - 1, bytes = bytes - old.bytes WHERE recipe = old.recipe AND status = old.status;
    INSERT INTO counts VALUES (new.recipe, new.status, 1, new.bytes)
        ON CONFLICT DO UPDATE SET jobs = jobs + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER job_uncounted AFTER DELETE ON jobs BEGIN
    UPDATE counts SET jobs = jobs - 1, bytes = bytes - old.bytes WHERE recipe = old.recipe AND status = old.status;
END;

-- What jobs are found by: words of the label and the event. Holds the index only, not the words again.
CREATE VIRTUAL TABLE search USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'unicode61 remove_diacritics 2'
);
