-- Which SMS a delivery report is of, though its provider writes the id otherwise than when it took the SMS.

-- The parts before the last of an SMS that went in several; the last one's name is that of the SMS.
CREATE TABLE sms_parts (
    sms_id      TEXT   NOT NULL REFERENCES sms (id),
    -- 1, 2, 3 …
    part        BIGINT NOT NULL CHECK (part > 0),
    provider_id TEXT   NOT NULL,
    delivered   BIGINT NOT NULL DEFAULT 0 CHECK (delivered IN (0, 1)),
    failed      BIGINT NOT NULL DEFAULT 0 CHECK (failed IN (0, 1)),
    PRIMARY KEY (sms_id, part)
);
CREATE INDEX sms_parts_provider ON sms_parts (provider_id);
CREATE INDEX sms_parts_provider_alike ON sms_parts (LOWER(LTRIM(provider_id, '0')));
CREATE INDEX sms_provider_alike ON sms (LOWER(LTRIM(provider_id, '0')));
