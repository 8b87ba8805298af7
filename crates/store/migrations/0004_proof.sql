-- What is known of a recording beyond its verdict, and what became of its file; who attends to a call.

-- How loud each channel is: a JSON array, one {"rms_dbfs", "peak_dbfs"} a channel.
ALTER TABLE recordings ADD COLUMN levels TEXT;
-- Why the recording falls short, in words.
ALTER TABLE recordings ADD COLUMN problem TEXT;
-- When somebody looked last.
ALTER TABLE recordings ADD COLUMN verified_at BIGINT;
-- When the WAV became a FLAC.
ALTER TABLE recordings ADD COLUMN archived_at BIGINT;
-- Since when, and for what, it must not be deleted.
ALTER TABLE recordings ADD COLUMN held_at BIGINT;
ALTER TABLE recordings ADD COLUMN held_because TEXT;
-- When and why the file was deleted.
ALTER TABLE recordings ADD COLUMN deleted_at BIGINT;
ALTER TABLE recordings ADD COLUMN deleted_because TEXT;

-- The exchange that attends to the call; NULL: one that had no name yet.
ALTER TABLE calls ADD COLUMN owner TEXT;
