-- The fourth format: the jobs of one business fact, found at once among a million.

CREATE INDEX jobs_of_once ON jobs (recipe, once_key);
