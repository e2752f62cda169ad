-- The step from version 2 of the catalog to version 3 (see index.sql): an index for each filter of
-- `list`.

DROP INDEX recording_duration;
DROP INDEX recording_device_duration;

CREATE INDEX recording_session ON recording (session, started_us);
CREATE INDEX recording_rate ON recording (rate, started_us);
CREATE INDEX recording_channels ON recording (channels, started_us);
CREATE INDEX recording_sample_bytes ON recording (sample_bytes, started_us);
CREATE INDEX recording_end_reason ON recording (end_reason, started_us);
CREATE INDEX recording_kept ON recording (kept, started_us);

CREATE INDEX recording_duration ON recording (duration_s, recording, started_us, state)
    WHERE state = 'complete';
CREATE INDEX recording_device_duration
    ON recording (device, duration_s, recording, started_us, state) WHERE state = 'complete';
CREATE INDEX recording_gaps ON recording (started_us) WHERE state = 'complete' AND gap_frames > 0;

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

INSERT OR IGNORE INTO tag (name, value, started_us, recording)
    SELECT key, atom, started_us, recording FROM recording, json_each(tags)
    WHERE atom IS NOT NULL;
