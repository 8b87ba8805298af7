-- From when to when a side of a recording is missing, and by what that was judged.

-- A JSON array, one {"side", "from", "to", "missing"} a gap, in seconds; NULL: none was looked for, or there is none.
ALTER TABLE recordings ADD COLUMN gaps TEXT;
-- What FreeSWITCH had counted of each side's packets by the hang-up, as JSON; NULL: proven before anybody asked.
ALTER TABLE recordings ADD COLUMN media TEXT;
