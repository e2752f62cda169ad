-- The catalog of a store of reel: catalog.db, version 4.
--
-- Normative: a new catalog is made by exactly these statements; one of an earlier version is
-- brought up step by step (src/store/catalog_schema.c). The catalog is an index: it is rebuilt
-- from sidecars and WAV files (`reeld --reindex`), and only reeld writes it. Other programs may
-- read it at any time (SQLite in WAL mode; open it read-only).
--
-- Times (_us) are microseconds since 1970 UTC. Lengths (_frames, frames) count frames. Unsigned
-- 64-bit numbers that need the top bit (ids, hashes) stand as the INTEGER of the same bits. A
-- number that was never sent is NULL.

PRAGMA application_id = 1919247724; -- "reel" in ASCII
PRAGMA user_version = 4;

-- What concerns the store as a whole. store_id: random, tells that a catalog is this folder's.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES ('store_id', random());

-- One row a recording. The first group of columns seldom changes and holds all that is indexed;
-- the second changes with every batch that appends, so nothing in it is indexed while a recording
-- grows.
CREATE TABLE recording (
    recording    INTEGER PRIMARY KEY, -- the catalog's own key, also in stretch and run
    id           INTEGER NOT NULL,    -- random; tells it from an earlier one of the same name
    device       TEXT NOT NULL,
    session      TEXT NOT NULL,
    rate         INTEGER NOT NULL CHECK (rate BETWEEN 1 AND 768000),
    channels     INTEGER NOT NULL CHECK (channels BETWEEN 1 AND 64),
    sample_bytes INTEGER NOT NULL CHECK (sample_bytes IN (1, 2, 3, 4, 8)),
    encoding     TEXT NOT NULL CHECK (encoding IN ('pcm', 'float', 'alaw', 'ulaw')),
    state        TEXT NOT NULL CHECK (state IN ('recording', 'complete')),
    end_reason   TEXT CHECK (end_reason IN ('end', 'idle', 'upload', 'limit')),
    started_us   INTEGER NOT NULL,
    -- A fragment in quarantine that the next one may confirm: what it is, and its numbers.
    candidate               TEXT CHECK (candidate IN ('jump', 'conflict')),
    candidate_quarantine_id INTEGER,
    candidate_seq           INTEGER,
    candidate_frame         INTEGER,
    candidate_frames        INTEGER,
    candidate_end           INTEGER,
    candidate_boot          TEXT,
    candidate_boot_is_uint  INTEGER,
    -- A recording that grew past session.max_duration_s goes on in others, its parts: which session
    -- this one goes on with (NULL: it is that of its own name) and as which part of it.
    part_of      TEXT,
    part         INTEGER NOT NULL DEFAULT 1,
    -- 1: its numbers go on from those of an earlier recording, so what is below its first stretch
    -- is not lost.
    continued    INTEGER NOT NULL DEFAULT 0 CHECK (continued IN (0, 1)),
    kept         INTEGER NOT NULL CHECK (kept IN (0, 1)),
    tags         TEXT,                -- a JSON object

    frames           INTEGER NOT NULL CHECK (frames >= 0), -- length of the file, gaps included
    duration_s       REAL NOT NULL,                        -- frames / rate, to sort and filter by
    rewrites         INTEGER NOT NULL, -- how often audio before the end was rewritten
    updated_us       INTEGER NOT NULL,
    captured_from_us INTEGER,
    captured_to_us   INTEGER,
    fragments        INTEGER NOT NULL, -- stored
    duplicates       INTEGER NOT NULL, -- repeats
    rejected         INTEGER NOT NULL, -- quarantined
    gap_frames       INTEGER NOT NULL, -- silence that stands for audio that is missing
    boot             TEXT NOT NULL,    -- of the newest epoch; '' where none was sent
    boot_is_uint     INTEGER NOT NULL,
    next_seq         INTEGER,          -- of the newest epoch
    sha256           TEXT,             -- of the complete file; NULL until made

    UNIQUE (device, session)
) STRICT;

-- One for each order of `list`, over all recordings and over those of one device, so that a page
-- costs the same however many there are. (By name is UNIQUE's own.)
CREATE INDEX recording_started ON recording (started_us);
CREATE INDEX recording_device_started ON recording (device, started_us);

-- And one for each filter by a value, in the order of their start: however few recordings have it,
-- a page comes by no other. Those of a session's beginning, which is a range, are gathered.
CREATE INDEX recording_session ON recording (session, started_us);
CREATE INDEX recording_rate ON recording (rate, started_us);
CREATE INDEX recording_channels ON recording (channels, started_us);
CREATE INDEX recording_sample_bytes ON recording (sample_bytes, started_us);
CREATE INDEX recording_end_reason ON recording (end_reason, started_us);
CREATE INDEX recording_kept ON recording (kept, started_us);

-- The duration of a recording that grows changes with every commit: kept in the index, each would
-- rewrite a page somewhere else in it. So only complete ones stand there; the few that grow are
-- found by recording_open and sorted for the question.
-- What else stands there puts those of a range of durations in the order of their start without a
-- look at their rows.
CREATE INDEX recording_duration ON recording (duration_s, recording, started_us, state)
    WHERE state = 'complete';
CREATE INDEX recording_device_duration
    ON recording (device, duration_s, recording, started_us, state) WHERE state = 'complete';
CREATE INDEX recording_gaps ON recording (started_us) WHERE state = 'complete' AND gap_frames > 0;
CREATE INDEX recording_open ON recording (device, session) WHERE state = 'recording';
CREATE INDEX recording_unhashed ON recording (recording)
    WHERE state = 'complete' AND sha256 IS NULL;
CREATE INDEX recording_candidate ON recording (candidate_quarantine_id)
    WHERE candidate_quarantine_id IS NOT NULL;
CREATE INDEX recording_part ON recording (device, part_of, part) WHERE part_of IS NOT NULL;

-- What retention may remove, what ended longest ago first.
CREATE INDEX recording_removable ON recording (updated_us) WHERE state = 'complete' AND kept = 0;
CREATE INDEX recording_device_removable ON recording (device, updated_us)
    WHERE state = 'complete' AND kept = 0;

-- The tags of all recordings, a row each, in the order of the recordings' start: kept by triggers,
-- so that no writer can forget it.
CREATE TABLE tag (
    name       TEXT NOT NULL,
    value      ANY NOT NULL, -- text or a number
    started_us INTEGER NOT NULL,
    recording  INTEGER NOT NULL,
    PRIMARY KEY (name, value, started_us, recording)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER tag_insert AFTER INSERT ON recording WHEN new.tags IS NOT NULL BEGIN
    INSERT OR IGNORE INTO tag (name, value, started_us, recording)
        SELECT key, atom, new.started_us, new.recording FROM json_each(new.tags)
        WHERE atom IS NOT NULL;
END;

CREATE TRIGGER tag_delete AFTER DELETE ON recording WHEN old.tags IS NOT NULL BEGIN
    DELETE FROM tag WHERE (name, value, started_us, recording) IN
        (SELECT key, atom, old.started_us, old.recording FROM json_each(old.tags));
END;

CREATE TRIGGER tag_update AFTER UPDATE OF tags, started_us ON recording
WHEN old.tags IS NOT new.tags OR old.started_us <> new.started_us BEGIN
    DELETE FROM tag WHERE (name, value, started_us, recording) IN
        (SELECT key, atom, old.started_us, old.recording FROM json_each(old.tags));
    INSERT OR IGNORE INTO tag (name, value, started_us, recording)
        SELECT key, atom, new.started_us, new.recording FROM json_each(new.tags)
        WHERE atom IS NOT NULL;
END;

-- What the complete recordings of each device come to, and all together (device ''): kept by
-- triggers, so that no writer can forget it. Those that grow are few and counted when asked.
CREATE TABLE usage (
    device     TEXT PRIMARY KEY NOT NULL,
    recordings INTEGER NOT NULL,
    bytes      INTEGER NOT NULL, -- of their WAV files
    -- Sums; no recording counts for more than 47 bits, so that a number that a damaged sidecar
    -- brought in overflows none.
    frames     INTEGER NOT NULL,
    fragments  INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    gap_frames INTEGER NOT NULL,
    -- When a fragment was last stored: one that nothing came for any more became complete later.
    -- What a clock that was ahead has left here gives way.
    heard_us   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO usage VALUES ('', 0, 0, 0, 0, 0, 0, 0);

CREATE TRIGGER usage_insert AFTER INSERT ON recording WHEN new.state = 'complete' BEGIN
    INSERT INTO usage
        SELECT name, 1, 1024 + (new.frames * new.channels * new.sample_bytes + 1) / 2 * 2,
            new.frames & 0x7fffffffffff, new.fragments & 0x7fffffffffff,
            new.rejected & 0x7fffffffffff, new.gap_frames & 0x7fffffffffff, new.updated_us
        FROM (SELECT new.device AS name UNION ALL SELECT '') WHERE true
        ON CONFLICT DO UPDATE
        SET (recordings, bytes, frames, fragments, rejected, gap_frames, heard_us) =
            (recordings + 1, bytes + excluded.bytes, frames + excluded.frames,
            fragments + excluded.fragments, rejected + excluded.rejected,
            gap_frames + excluded.gap_frames,
            iif(heard_us > new.updated_us, excluded.heard_us, max(heard_us, excluded.heard_us)));
END;

CREATE TRIGGER usage_delete AFTER DELETE ON recording WHEN old.state = 'complete' BEGIN
    UPDATE usage SET (recordings, bytes, frames, fragments, rejected, gap_frames) =
        (recordings - 1,
        bytes - 1024 - (old.frames * old.channels * old.sample_bytes + 1) / 2 * 2,
        frames - (old.frames & 0x7fffffffffff), fragments - (old.fragments & 0x7fffffffffff),
        rejected - (old.rejected & 0x7fffffffffff),
        gap_frames - (old.gap_frames & 0x7fffffffffff))
        WHERE device IN (old.device, '');
    DELETE FROM usage WHERE device = old.device AND recordings = 0;
END;

CREATE TRIGGER usage_update
AFTER UPDATE OF state, frames, fragments, rejected, gap_frames, updated_us ON recording
WHEN (old.state = 'complete' OR new.state = 'complete')
    AND (old.state, old.frames, old.fragments, old.rejected, old.gap_frames, old.updated_us)
        IS NOT (new.state, new.frames, new.fragments, new.rejected, new.gap_frames, new.updated_us)
BEGIN
    UPDATE usage SET (recordings, bytes, frames, fragments, rejected, gap_frames) =
        (recordings - 1,
        bytes - 1024 - (old.frames * old.channels * old.sample_bytes + 1) / 2 * 2,
        frames - (old.frames & 0x7fffffffffff), fragments - (old.fragments & 0x7fffffffffff),
        rejected - (old.rejected & 0x7fffffffffff),
        gap_frames - (old.gap_frames & 0x7fffffffffff))
        WHERE device IN (old.device, '') AND old.state = 'complete';
    INSERT INTO usage
        SELECT name, 1, 1024 + (new.frames * new.channels * new.sample_bytes + 1) / 2 * 2,
            new.frames & 0x7fffffffffff, new.fragments & 0x7fffffffffff,
            new.rejected & 0x7fffffffffff, new.gap_frames & 0x7fffffffffff,
            iif(old.fragments <> new.fragments, new.updated_us,
                iif(old.state = 'complete', 0, old.updated_us))
        FROM (SELECT new.device AS name UNION ALL SELECT '') WHERE new.state = 'complete'
        ON CONFLICT DO UPDATE
        SET (recordings, bytes, frames, fragments, rejected, gap_frames, heard_us) =
            (recordings + 1, bytes + excluded.bytes, frames + excluded.frames,
            fragments + excluded.fragments, rejected + excluded.rejected,
            gap_frames + excluded.gap_frames,
            iif(excluded.heard_us <> 0 AND heard_us > new.updated_us, excluded.heard_us,
                max(heard_us, excluded.heard_us)));
    DELETE FROM usage WHERE device = old.device AND recordings = 0;
END;

-- Stretches of a recording in file order (position from 0): within one, a fragment's number and
-- its place in the file go together. Its length is the sum over its runs.
CREATE TABLE stretch (
    recording    INTEGER NOT NULL REFERENCES recording ON DELETE CASCADE,
    position     INTEGER NOT NULL,
    epoch        INTEGER NOT NULL, -- grows with each run of the recorder
    reason       TEXT NOT NULL     -- why it began
                 CHECK (reason IN ('first', 'numbers', 'boot', 'restart', 'jump', 'unknown')),
    boot         TEXT NOT NULL,
    boot_is_uint INTEGER NOT NULL,
    first_seq    INTEGER, -- NULL: its fragments have no seq
    first_frame  INTEGER, -- NULL: its fragments have no frame
    start_frames INTEGER NOT NULL, -- its place in the file
    PRIMARY KEY (recording, position)
) STRICT, WITHOUT ROWID;

-- Fragments of a stretch that follow on from each other, and gaps, in order (position from 0).
CREATE TABLE run (
    recording       INTEGER NOT NULL,
    stretch         INTEGER NOT NULL, -- stretch.position
    position        INTEGER NOT NULL,
    kind            TEXT NOT NULL  -- inferred: a gap, its length inferred from seq;
                                   -- forgotten: audio and gaps not told apart any more
                    CHECK (kind IN ('stored', 'gap', 'inferred', 'forgotten')),
    frames          INTEGER NOT NULL,
    seqs            INTEGER NOT NULL, -- sequence numbers it covers
    fragment_frames INTEGER NOT NULL, -- of each fragment where all have one size, else 0
    PRIMARY KEY (recording, stretch, position),
    FOREIGN KEY (recording, stretch) REFERENCES stretch ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Refused payloads; the bytes are quarantine/{quarantine_id}.bin. An id is never used again.
CREATE TABLE quarantine (
    quarantine_id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic         TEXT NOT NULL,
    device        TEXT NOT NULL, -- '' where unknown or invalid
    session       TEXT NOT NULL, -- '' where unknown or invalid
    code          TEXT NOT NULL, -- the error: as in a response
    field         TEXT NOT NULL,
    message       TEXT NOT NULL,
    time_us       INTEGER NOT NULL,
    bytes         INTEGER NOT NULL,
    has_payload   INTEGER NOT NULL CHECK (has_payload IN (0, 1)) -- 0: only this row was kept
) STRICT;

CREATE INDEX quarantine_device ON quarantine (device);

-- Devices of which it was told that nothing came for device.silent_after_s, and not yet that they
-- are back: so that it is told once, whatever restarts meanwhile.
CREATE TABLE silent (
    device   TEXT PRIMARY KEY NOT NULL,
    heard_us INTEGER NOT NULL -- before the silence
) STRICT, WITHOUT ROWID;

-- Deleted recordings, for a day: repeats of what they held are acknowledged and dropped.
CREATE TABLE tombstone (
    tombstone  INTEGER PRIMARY KEY,
    id         INTEGER NOT NULL,
    device     TEXT NOT NULL,
    session    TEXT NOT NULL,
    deleted_us INTEGER NOT NULL,
    part_of    TEXT, -- as in recording
    UNIQUE (device, session)
) STRICT;

CREATE INDEX tombstone_deleted ON tombstone (deleted_us);
CREATE INDEX tombstone_part ON tombstone (device, part_of) WHERE part_of IS NOT NULL;

CREATE TABLE tombstone_boot (
    tombstone    INTEGER NOT NULL REFERENCES tombstone ON DELETE CASCADE,
    boot         TEXT NOT NULL,
    boot_is_uint INTEGER NOT NULL,
    next_seq     INTEGER,
    next_frame   INTEGER,
    first_frames INTEGER, -- so many frames it began with, those of number 0, have that hash: who
    first_hash   INTEGER, -- begins at 0 with others has restarted; NULL: not known
    PRIMARY KEY (tombstone, boot)
) STRICT, WITHOUT ROWID;

-- The messages that the last batches took in, a row for each batch that took any: 11 bytes each, the
-- packet id (2) and the hash of topic and payload (8), big-endian, and whether it was refused (1).
-- They tell a redelivery after a lost acknowledgement. The oldest rows go.
CREATE TABLE delivery (
    batch    INTEGER PRIMARY KEY,
    messages BLOB NOT NULL
) STRICT;

-- Uploads under way. What has come is uploads/{id}.part, what is made of it
-- recordings/{device}/.{id}.upload.tmp until it takes the recording's name, with id as 16
-- hexadecimal digits.
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
