-- The eighth format: deliveries that were refused, the newest of each recipe, so that a person sees why. Nothing of a
-- stranger's body is here, and of the headers hardly more than the names.

CREATE TABLE refused (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe TEXT NOT NULL,
    at INTEGER NOT NULL,
    answered INTEGER NOT NULL CHECK (answered BETWEEN 400 AND 599),
    reason TEXT NOT NULL,
    -- NULL: it was not read to its end.
    size INTEGER CHECK (size >= 0),
    sender TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- The names, with spaces between them.
    headers TEXT NOT NULL
) STRICT;
CREATE INDEX refused_of_recipe ON refused (recipe, id);
