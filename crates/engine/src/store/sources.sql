-- Where events come from that nobody sends: polls, schedules and catch-up, one for each recipe.
CREATE TABLE sources (
    recipe TEXT NOT NULL PRIMARY KEY CHECK (recipe <> ''),
    -- Which trigger with which settings the cursor belongs to.
    identity TEXT NOT NULL,
    -- JSON; NULL before anything was read.
    cursor TEXT,
    next_at INTEGER,
    last_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    error TEXT,
    CHECK ((error IS NULL) = (failures = 0))
) STRICT, WITHOUT ROWID;
