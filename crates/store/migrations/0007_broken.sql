-- A recording may also be `broken`, longer than its talk for one, or `changed` since it was proven. Neither engine can
-- widen a CHECK, so the table is made anew; nothing refers to it.
CREATE TABLE recordings_of_more_verdicts (
    leg_id          TEXT   NOT NULL PRIMARY KEY REFERENCES legs (id),
    call_id         TEXT   NOT NULL REFERENCES calls (id),
    path            TEXT   NOT NULL,
    duration_ms     BIGINT,
    bytes           BIGINT,
    channels        BIGINT,
    sha256          TEXT,
    verdict         TEXT   NOT NULL CHECK (verdict IN
        ('pending', 'ok', 'silent', 'one_sided', 'short', 'broken', 'repaired', 'changed', 'missing')),
    levels          TEXT,
    problem         TEXT,
    verified_at     BIGINT,
    archived_at     BIGINT,
    held_at         BIGINT,
    held_because    TEXT,
    deleted_at      BIGINT,
    deleted_because TEXT
);
INSERT INTO recordings_of_more_verdicts
SELECT leg_id, call_id, path, duration_ms, bytes, channels, sha256, verdict, levels, problem, verified_at, archived_at,
    held_at, held_because, deleted_at, deleted_because
FROM recordings;
DROP TABLE recordings;
ALTER TABLE recordings_of_more_verdicts RENAME TO recordings;
CREATE INDEX recordings_pending ON recordings (leg_id) WHERE verdict = 'pending';
