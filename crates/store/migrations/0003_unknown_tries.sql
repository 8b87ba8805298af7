-- How many tries of an SMS the gateway left without an answer: each may have been taken, so there are
-- few of them.
ALTER TABLE sms ADD COLUMN unknown_tries BIGINT NOT NULL DEFAULT 0;
