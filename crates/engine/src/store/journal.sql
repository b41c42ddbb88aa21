-- The seventh format: one row for all the entries that were appended at once.

CREATE TABLE journal (
    job INTEGER NOT NULL REFERENCES jobs (id),
    -- The numbers of its first and its last entry.
    first INTEGER NOT NULL CHECK (first >= 1),
    last INTEGER NOT NULL CHECK (last >= first),
    format INTEGER NOT NULL CHECK (format >= 1),
    -- A line for each entry: its path, its moment and what happened (JSON), with tabs between them.
    body TEXT NOT NULL,
    PRIMARY KEY (job, first)
) STRICT, WITHOUT ROWID;
INSERT INTO journal (job, first, last, format, body)
    SELECT job, seq, seq, format, path || char(9) || at || char(9) || body FROM entries;
DROP TABLE entries;
