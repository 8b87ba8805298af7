-- A chain of all that was ever found out about a recording, so that what is changed afterwards is found.

-- SHA-256 of the .json beside the recording, as it was written; NULL: it never was.
ALTER TABLE recordings ADD COLUMN sidecar TEXT;
-- Whether it was proven before there was a chain, and has no link yet.
ALTER TABLE recordings ADD COLUMN unchained BIGINT NOT NULL DEFAULT 0 CHECK (unchained IN (0, 1));
UPDATE recordings SET unchained = 1 WHERE verdict <> 'pending';
CREATE INDEX recordings_unchained ON recordings (leg_id) WHERE unchained = 1;

-- One link for each thing that was found out about a recording, or done with it; never changed.
CREATE TABLE recording_links (
    -- The day of the recording, as in its path: 2026-11-22.
    day      TEXT   NOT NULL,
    -- 1, 2, 3 … within the day.
    sequence BIGINT NOT NULL,
    -- The hash of the link before.
    previous TEXT   NOT NULL,
    step     TEXT   NOT NULL CHECK (step IN ('proven', 'adopted', 'judged', 'archived', 'deleted')),
    at       BIGINT NOT NULL,
    call_id  TEXT   NOT NULL,
    leg_id   TEXT   NOT NULL,
    path     TEXT   NOT NULL,
    -- Of the file; NULL: there was none.
    sha256   TEXT,
    bytes    BIGINT,
    verdict  TEXT   NOT NULL,
    -- The checksum of the .json beside it; NULL: there was none.
    sidecar  TEXT,
    hash     TEXT   NOT NULL,
    PRIMARY KEY (day, sequence)
);
-- The links of a recording.
CREATE INDEX recording_links_of ON recording_links (leg_id, day, sequence);

-- The last link of each day; its row is also what two who add one wait for.
CREATE TABLE recording_days (
    day      TEXT   NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    hash     TEXT   NOT NULL
);
