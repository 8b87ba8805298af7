-- One text for SQLite and PostgreSQL: ids are UUIDs as text, times and lengths BIGINT milliseconds
-- (times since the epoch, UTC), flags BIGINT 0 or 1, because both engines and sqlx's `Any` driver
-- agree on these.

CREATE TABLE shoppers (
    id               TEXT   NOT NULL PRIMARY KEY,
    phone            TEXT   NOT NULL UNIQUE,
    name             TEXT,
    language         TEXT   NOT NULL CHECK (language IN ('cs', 'en')),
    active           BIGINT NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    pin              TEXT,
    pin_failures     BIGINT NOT NULL DEFAULT 0 CHECK (pin_failures >= 0),
    pin_locked_until BIGINT,
    -- The ticket number given last, so that the next one can be told however many have closed.
    last_ticket      BIGINT NOT NULL DEFAULT 0 CHECK (last_ticket BETWEEN 0 AND 99),
    created_at       BIGINT NOT NULL
);

-- The fictitious numbers. A number is its own key: people and the switch know it by nothing else.
CREATE TABLE numbers (
    number     TEXT   NOT NULL PRIMARY KEY,
    active     BIGINT NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    note       TEXT,
    created_at BIGINT NOT NULL
);

CREATE TABLE pairings (
    id                TEXT   NOT NULL PRIMARY KEY,
    shopper_id        TEXT   NOT NULL REFERENCES shoppers (id),
    fictitious_number TEXT   NOT NULL REFERENCES numbers (number),
    number            BIGINT NOT NULL CHECK (number BETWEEN 1 AND 999),
    project           TEXT,
    valid_from        BIGINT,
    valid_to          BIGINT,
    created_at        BIGINT NOT NULL,
    ended_at          BIGINT,
    CHECK (valid_to IS NULL OR valid_from IS NULL OR valid_to > valid_from)
);
-- A number belongs to one shopper at a time; also how a call to the number finds its shopper.
CREATE UNIQUE INDEX pairings_current_number ON pairings (fictitious_number) WHERE ended_at IS NULL;
-- An ID means one number at a time; also how a shopper's pairings are read, in the order of IDs.
CREATE UNIQUE INDEX pairings_current_id ON pairings (shopper_id, number) WHERE ended_at IS NULL;

CREATE TABLE tickets (
    id                TEXT   NOT NULL PRIMARY KEY,
    shopper_id        TEXT   NOT NULL REFERENCES shoppers (id),
    pairing_id        TEXT   NOT NULL REFERENCES pairings (id),
    number            BIGINT NOT NULL CHECK (number BETWEEN 1 AND 99),
    fictitious_number TEXT   NOT NULL,
    dealer            TEXT   NOT NULL,
    status            TEXT   NOT NULL
        CHECK (status IN ('open', 'called_back', 'reached', 'expired', 'cancelled')),
    missed            BIGINT NOT NULL CHECK (missed > 0),
    first_missed_at   BIGINT NOT NULL,
    last_missed_at    BIGINT NOT NULL,
    closed_at         BIGINT,
    CHECK ((status = 'open') = (closed_at IS NULL))
);
-- A dealer's misses of one number are one ticket; also how the second miss finds it.
CREATE UNIQUE INDEX tickets_open_dealer ON tickets (shopper_id, fictitious_number, dealer)
    WHERE status = 'open';
-- No two open tickets of a shopper share a number; also how a shopper's open tickets are read.
CREATE UNIQUE INDEX tickets_open_number ON tickets (shopper_id, number) WHERE status = 'open';
-- Which numbers of a shopper still rest.
CREATE INDEX tickets_closed ON tickets (shopper_id, closed_at);
-- Which open tickets have grown too old, and which belong to a pairing that ended.
CREATE INDEX tickets_open_age ON tickets (last_missed_at) WHERE status = 'open';
CREATE INDEX tickets_open_pairing ON tickets (pairing_id) WHERE status = 'open';
-- The list of tickets, newest first.
CREATE INDEX tickets_newest ON tickets (last_missed_at, id);

CREATE TABLE calls (
    id                TEXT   NOT NULL PRIMARY KEY,
    service           TEXT   NOT NULL
        CHECK (service IN ('outbound_hotline', 'callback_hotline', 'fictitious_number')),
    -- Who called, unless withheld: of a stranger this is all there is.
    caller            TEXT,
    shopper_id        TEXT   REFERENCES shoppers (id),
    fictitious_number TEXT,
    dealer            TEXT,
    project           TEXT,
    started_at        BIGINT NOT NULL,
    answered_at       BIGINT,
    ended_at          BIGINT,
    talk_ms           BIGINT NOT NULL DEFAULT 0 CHECK (talk_ms >= 0),
    outcome           TEXT   CHECK (outcome IN
        ('answered', 'no_answer', 'busy', 'rejected', 'unreachable', 'abandoned', 'refused')),
    refusal           TEXT,
    hangup_cause      TEXT,
    ticket_id         TEXT   REFERENCES tickets (id),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
-- The list of calls, newest first.
CREATE INDEX calls_newest ON calls (started_at, id);
-- Calls that a crash left without an end: few, looked for at every start.
CREATE INDEX calls_open ON calls (started_at) WHERE ended_at IS NULL;

CREATE TABLE legs (
    id                TEXT   NOT NULL PRIMARY KEY,
    call_id           TEXT   NOT NULL REFERENCES calls (id),
    shopper_id        TEXT   REFERENCES shoppers (id),
    direction         TEXT   NOT NULL CHECK (direction IN ('out', 'back', 'return')),
    dialled           TEXT   NOT NULL,
    shown             TEXT   NOT NULL,
    fictitious_number TEXT   NOT NULL,
    dealer            TEXT,
    pairing_id        TEXT   NOT NULL REFERENCES pairings (id),
    ticket_id         TEXT   REFERENCES tickets (id),
    recording         TEXT   NOT NULL,
    started_at        BIGINT NOT NULL,
    answered_at       BIGINT,
    ended_at          BIGINT,
    talk_ms           BIGINT NOT NULL DEFAULT 0 CHECK (talk_ms >= 0),
    outcome           TEXT   CHECK (outcome IN
        ('answered', 'no_answer', 'busy', 'rejected', 'unreachable', 'abandoned', 'refused')),
    hangup_cause      TEXT,
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
-- The attempts of a call.
CREATE INDEX legs_of_call ON legs (call_id, started_at);
-- What a shopper has used of today's limits.
CREATE INDEX legs_of_shopper ON legs (shopper_id, started_at);

CREATE TABLE sms (
    id           TEXT   NOT NULL PRIMARY KEY,
    shopper_id   TEXT   NOT NULL REFERENCES shoppers (id),
    ticket_id    TEXT   REFERENCES tickets (id),
    recipient    TEXT   NOT NULL,
    text         TEXT   NOT NULL,
    segments     BIGINT NOT NULL CHECK (segments > 0),
    status       TEXT   NOT NULL CHECK (status IN
        ('queued', 'sending', 'sent', 'delivered', 'failed', 'skipped')),
    attempts     BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    not_before   BIGINT NOT NULL,
    -- Until when the worker that took it may be at it; after that another may take it.
    leased_until BIGINT,
    created_at   BIGINT NOT NULL,
    sent_at      BIGINT,
    error        TEXT,
    CHECK ((status = 'sending') = (leased_until IS NOT NULL))
);
-- What the worker looks for every moment: the few not yet dealt with, oldest first.
CREATE INDEX sms_waiting ON sms (not_before) WHERE status IN ('queued', 'sending');
-- The SMS of a ticket: to skip or refresh it, and for the list of tickets.
CREATE INDEX sms_of_ticket ON sms (ticket_id, created_at);
-- The list of SMS, newest first.
CREATE INDEX sms_newest ON sms (created_at, id);

-- One recording for each leg that was answered.
CREATE TABLE recordings (
    leg_id      TEXT   NOT NULL PRIMARY KEY REFERENCES legs (id),
    call_id     TEXT   NOT NULL REFERENCES calls (id),
    path        TEXT   NOT NULL,
    duration_ms BIGINT,
    bytes       BIGINT,
    channels    BIGINT,
    sha256      TEXT,
    verdict     TEXT   NOT NULL CHECK (verdict IN
        ('pending', 'ok', 'silent', 'one_sided', 'short', 'repaired', 'missing'))
);
-- The recordings still to be verified: few, looked for at every start.
CREATE INDEX recordings_pending ON recordings (leg_id) WHERE verdict = 'pending';
