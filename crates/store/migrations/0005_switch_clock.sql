-- How far the switch's clock was ahead of the exchange's when the call began: its records are in its own
-- time.
ALTER TABLE calls ADD COLUMN switch_ahead_ms BIGINT NOT NULL DEFAULT 0;
