-- The third format: what people did, and which versions a recipe has had.

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    -- The name of the token, or of the user at the command line.
    who TEXT NOT NULL CHECK (who <> ''),
    -- `page`, `api` or `command line`.
    via TEXT NOT NULL,
    -- A stable word, such as `job.retry`.
    what TEXT NOT NULL,
    -- What it was done to: a job's number, a recipe, a token.
    target TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE TABLE versions (
    recipe TEXT NOT NULL,
    -- The hash of its text, which is a pin.
    version TEXT NOT NULL CHECK (length(version) = 16),
    -- When it first took effect.
    since INTEGER NOT NULL,
    PRIMARY KEY (recipe, version)
) STRICT, WITHOUT ROWID;
