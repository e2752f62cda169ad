-- The step from version 3 of the catalog to version 4 (see index.sql): what a device's recordings
-- come to, and who is silent.

DROP TRIGGER usage_insert;
DROP TRIGGER usage_delete;
DROP TRIGGER usage_update;
DROP TABLE usage;

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

INSERT INTO usage
    SELECT '', count(*),
        coalesce(sum(1024 + (frames * channels * sample_bytes + 1) / 2 * 2), 0),
        coalesce(sum(frames & 0x7fffffffffff), 0), coalesce(sum(fragments & 0x7fffffffffff), 0),
        coalesce(sum(rejected & 0x7fffffffffff), 0), coalesce(sum(gap_frames & 0x7fffffffffff), 0),
        coalesce(max(updated_us), 0)
    FROM recording WHERE state = 'complete';
INSERT INTO usage
    SELECT device, count(*), sum(1024 + (frames * channels * sample_bytes + 1) / 2 * 2),
        sum(frames & 0x7fffffffffff), sum(fragments & 0x7fffffffffff),
        sum(rejected & 0x7fffffffffff), sum(gap_frames & 0x7fffffffffff), max(updated_us)
    FROM recording WHERE state = 'complete' GROUP BY device;

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

CREATE INDEX quarantine_device ON quarantine (device);

-- Devices of which it was told that nothing came for device.silent_after_s, and not yet that they
-- are back: so that it is told once, whatever restarts meanwhile.
CREATE TABLE silent (
    device   TEXT PRIMARY KEY NOT NULL,
    heard_us INTEGER NOT NULL -- before the silence
) STRICT, WITHOUT ROWID;
