-- When each exchange last found that what a call writes can be written, and committed.
CREATE TABLE rehearsals (
    -- The exchange's name; empty: who only looked.
    owner TEXT   NOT NULL PRIMARY KEY,
    at    BIGINT NOT NULL
);
