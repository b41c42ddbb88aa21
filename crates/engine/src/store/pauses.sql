-- The fifth format: when nothing was done for jobs, because their recipe or the whole service was off.

CREATE TABLE pauses (
    -- Empty: the service.
    recipe TEXT NOT NULL,
    since INTEGER NOT NULL,
    -- NULL: it is off now.
    until INTEGER,
    PRIMARY KEY (recipe, since),
    CHECK (until IS NULL OR until >= since)
) STRICT, WITHOUT ROWID;
