-- The step from version 1 of the catalog to version 2 (see index.sql): parts and uploads, what the
-- recordings take, what retention may remove.

ALTER TABLE recording ADD COLUMN part_of TEXT;
ALTER TABLE recording ADD COLUMN part INTEGER NOT NULL DEFAULT 1;
ALTER TABLE recording ADD COLUMN continued INTEGER NOT NULL DEFAULT 0 CHECK (continued IN (0, 1));
ALTER TABLE tombstone ADD COLUMN part_of TEXT;
ALTER TABLE tombstone_boot ADD COLUMN first_frames INTEGER;
ALTER TABLE tombstone_boot ADD COLUMN first_hash INTEGER;

CREATE INDEX recording_part ON recording (device, part_of, part) WHERE part_of IS NOT NULL;

CREATE INDEX recording_removable ON recording (updated_us) WHERE state = 'complete' AND kept = 0;
CREATE INDEX recording_device_removable ON recording (device, updated_us)
    WHERE state = 'complete' AND kept = 0;

CREATE TABLE usage (
    device     TEXT PRIMARY KEY NOT NULL,
    recordings INTEGER NOT NULL,
    bytes      INTEGER NOT NULL -- of their WAV files
) STRICT, WITHOUT ROWID;

INSERT INTO usage (device, recordings, bytes) VALUES ('', 0, 0);

CREATE TRIGGER usage_insert AFTER INSERT ON recording WHEN new.state = 'complete' BEGIN
    INSERT INTO usage (device, recordings, bytes)
        SELECT name, 1, 1024 + (new.frames * new.channels * new.sample_bytes + 1) / 2 * 2
        FROM (SELECT new.device AS name UNION ALL SELECT '') WHERE true
        ON CONFLICT DO UPDATE
        SET (recordings, bytes) = (recordings + 1, bytes + excluded.bytes);
END;

CREATE TRIGGER usage_delete AFTER DELETE ON recording WHEN old.state = 'complete' BEGIN
    UPDATE usage SET (recordings, bytes) = (recordings - 1,
        bytes - 1024 - (old.frames * old.channels * old.sample_bytes + 1) / 2 * 2)
        WHERE device IN (old.device, '');
    DELETE FROM usage WHERE device = old.device AND recordings = 0;
END;

CREATE TRIGGER usage_update AFTER UPDATE OF state, frames ON recording
WHEN (old.state = 'complete' OR new.state = 'complete')
    AND (old.state <> new.state OR old.frames <> new.frames) BEGIN
    UPDATE usage SET (recordings, bytes) = (recordings - 1,
        bytes - 1024 - (old.frames * old.channels * old.sample_bytes + 1) / 2 * 2)
        WHERE device IN (old.device, '') AND old.state = 'complete';
    INSERT INTO usage (device, recordings, bytes)
        SELECT name, 1, 1024 + (new.frames * new.channels * new.sample_bytes + 1) / 2 * 2
        FROM (SELECT new.device AS name UNION ALL SELECT '') WHERE new.state = 'complete'
        ON CONFLICT DO UPDATE
        SET (recordings, bytes) = (recordings + 1, bytes + excluded.bytes);
    DELETE FROM usage WHERE device = old.device AND recordings = 0;
END;

INSERT INTO usage (device, recordings, bytes)
    SELECT device, count(*),
           sum(1024 + (frames * channels * sample_bytes + 1) / 2 * 2)
    FROM recording WHERE state = 'complete' GROUP BY device;
UPDATE usage SET (recordings, bytes) =
    (SELECT sum(recordings), sum(bytes) FROM usage) WHERE device = '';

CREATE INDEX tombstone_deleted ON tombstone (deleted_us);
CREATE INDEX tombstone_part ON tombstone (device, part_of) WHERE part_of IS NOT NULL;

CREATE TABLE upload (
    upload      INTEGER PRIMARY KEY,
    id          INTEGER NOT NULL UNIQUE, -- random; that of the recording which comes of it
    device      TEXT NOT NULL,
    session     TEXT NOT NULL,
    state       TEXT NOT NULL -- blocks come; all is here; the recording's row is there, its file
                              -- is still to take its place
                CHECK (state IN ('receiving', 'whole', 'installing')),
    size_bytes  INTEGER NOT NULL,
    block_bytes INTEGER NOT NULL, -- 0: it came in one message
    received    BLOB NOT NULL,    -- a bit a block, the lowest of a byte first
    sha256      TEXT,             -- that the client named
    overwrite   INTEGER NOT NULL CHECK (overwrite IN (0, 1)),
    tags        TEXT,             -- a JSON object
    begun_us    INTEGER NOT NULL,
    updated_us  INTEGER NOT NULL,
    -- Where the answer goes, for one that came in one message; NULL for the others, whose client
    -- asks again.
    reply_topic TEXT,
    correlation BLOB,
    UNIQUE (device, session)
) STRICT;
