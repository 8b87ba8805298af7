-- What becomes of an SMS after the gateway, how long it is of use, and what nobody knows of it.

-- When it was meant to go out, whatever its tries did to not_before: a shopper's SMS leave in this
-- order.
ALTER TABLE sms ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;
-- After that it is not sent any more; NULL: it always is.
ALTER TABLE sms ADD COLUMN expires_at BIGINT;
-- Whether a try may have been taken although nobody said so.
ALTER TABLE sms ADD COLUMN fate_unknown BIGINT NOT NULL DEFAULT 0 CHECK (fate_unknown IN (0, 1));
-- What the provider calls it; delivery reports come under this name.
ALTER TABLE sms ADD COLUMN provider_id TEXT;
ALTER TABLE sms ADD COLUMN delivered_at BIGINT;
-- The SMS that an operator sent in its stead.
ALTER TABLE sms ADD COLUMN retried_as TEXT REFERENCES sms (id);

UPDATE sms SET due_at = not_before;
-- Those that wait expire as if written today with the usual settings: after six hours.
UPDATE sms SET expires_at = created_at + 21600000 WHERE status IN ('queued', 'sending');

-- Whether an earlier SMS of the same shopper still waits.
CREATE INDEX sms_waiting_of_shopper ON sms (shopper_id, due_at, id)
    WHERE status IN ('queued', 'sending');
-- How many a shopper was sent of late.
CREATE INDEX sms_sent_to_shopper ON sms (shopper_id, sent_at);
-- Which SMS a delivery report is of.
CREATE INDEX sms_provider ON sms (provider_id) WHERE provider_id IS NOT NULL;
