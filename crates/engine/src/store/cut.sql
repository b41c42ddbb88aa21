-- The sixth format: what jobs held may be cut to hashes before the jobs themselves go.

ALTER TABLE jobs ADD COLUMN cut INTEGER NOT NULL DEFAULT 0 CHECK (cut IN (0, 1));
-- The hash of a body that was cut.
ALTER TABLE deliveries ADD COLUMN cut BLOB CHECK (cut IS NULL OR length(cut) = 32);
CREATE INDEX jobs_to_cut ON jobs (finished_at) WHERE finished_at IS NOT NULL AND cut = 0;
