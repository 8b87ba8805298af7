-- Callers whom a fictitious number has never called: what they leave must not bury the dealers' calls.

-- Whether a fictitious number and somebody have called before; also found by this when they call back.
CREATE INDEX legs_of_dealer ON legs (fictitious_number, dealer);

-- 1: nobody had called the caller with that number when the ticket was last counted.
ALTER TABLE tickets ADD COLUMN stranger BIGINT NOT NULL DEFAULT 0 CHECK (stranger IN (0, 1));
UPDATE tickets SET stranger = 1 WHERE NOT EXISTS (SELECT 1 FROM legs
    WHERE legs.fictitious_number = tickets.fictitious_number AND legs.dealer = tickets.dealer
    AND (legs.direction <> 'back' OR legs.answered_at IS NOT NULL));

-- Which of a shopper's SMS that are due goes first: 0, about a dealer; 1, about a stranger; 2, several
-- calls told in one.
ALTER TABLE sms ADD COLUMN precedence BIGINT NOT NULL DEFAULT 0 CHECK (precedence IN (0, 1, 2));
-- What the last kind tells of: how many calls; the number they called, NULL if there are several;
-- whether a dealer is among the callers, and whether anybody can be called back.
ALTER TABLE sms ADD COLUMN calls BIGINT NOT NULL DEFAULT 0 CHECK (calls >= 0);
ALTER TABLE sms ADD COLUMN calls_number TEXT;
ALTER TABLE sms ADD COLUMN calls_of_dealers BIGINT NOT NULL DEFAULT 0 CHECK (calls_of_dealers IN (0, 1));
ALTER TABLE sms ADD COLUMN calls_returnable BIGINT NOT NULL DEFAULT 0 CHECK (calls_returnable IN (0, 1));

-- Strangers' calls missed since then, and until when an operator need not be told of them again.
ALTER TABLE shoppers ADD COLUMN strangers BIGINT NOT NULL DEFAULT 0 CHECK (strangers >= 0);
ALTER TABLE shoppers ADD COLUMN strangers_since BIGINT;
ALTER TABLE shoppers ADD COLUMN strangers_told BIGINT;
