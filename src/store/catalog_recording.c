/* Catalog recording: the columns of table recording, from a struct and back. */
#include "store/catalog_internal.h"

#include <string.h>

#include "core/wav_header.h"

const char *const reel_catalog_states[2] = {"recording", "complete"};
const char *const reel_catalog_end_reasons[REEL_END_COUNT] = {NULL, "end", "idle", "upload",
                                                              "limit"};
const char *const reel_catalog_encodings[REEL_ENCODING_COUNT] = {"pcm", "float", "alaw", "ulaw"};
const char *const reel_catalog_stretch_reasons[REEL_STRETCH_UNKNOWN + 1] = {
    "first", "numbers", "boot", "restart", "jump", "unknown"};
const char *const reel_catalog_run_kinds[REEL_RUN_FORGOTTEN + 1] = {"stored", "gap", "inferred",
                                                                    "forgotten"};
static const char *const candidates[REEL_CANDIDATE_CONFLICT + 1] = {NULL, "jump", "conflict"};

static void bind_candidate(struct reel_statement *statement, const struct reel_candidate *candidate)
{
    const struct reel_numbers *numbers = &candidate->numbers;
    bool is = candidate->kind != REEL_CANDIDATE_NONE;

    reel_bind_text(statement, candidates[candidate->kind]);
    reel_bind_u64_if(statement, is, candidate->quarantine_id);
    reel_bind_u64_if(statement, is && numbers->has_seq, numbers->seq);
    reel_bind_u64_if(statement, is && numbers->has_frame, numbers->frame);
    reel_bind_u64_if(statement, is, numbers->frames);
    reel_bind_u64_if(statement, is, numbers->end);
    reel_bind_text(statement, is ? numbers->boot.text : NULL);
    reel_bind_u64_if(statement, is, numbers->boot.is_uint);
}

void reel_catalog_bind_settled(struct reel_statement *statement,
                               const struct reel_recording *recording, const char *tags)
{
    reel_bind_u64(statement, recording->id);
    reel_bind_text(statement, recording->device);
    reel_bind_text(statement, recording->session);
    reel_bind_u64(statement, recording->format.rate);
    reel_bind_u64(statement, recording->format.channels);
    reel_bind_u64(statement, recording->format.sample_bytes);
    reel_bind_text(statement, reel_catalog_encodings[recording->format.encoding]);
    reel_bind_text(statement, reel_catalog_states[recording->state]);
    reel_bind_text(statement, reel_catalog_end_reasons[recording->end_reason]);
    reel_bind_i64(statement, recording->started_us);
    bind_candidate(statement, &recording->candidate);
    reel_bind_text(statement, recording->part_of[0] ? recording->part_of : NULL);
    reel_bind_u64(statement, recording->part);
    reel_bind_u64(statement, recording->continued);
    reel_bind_u64(statement, recording->kept);
    reel_bind_text(statement, tags);
}

void reel_catalog_bind_growing(struct reel_statement *statement,
                               const struct reel_recording *recording)
{
    bool captured = recording->has_captured;

    reel_bind_u64(statement, recording->frames);
    reel_bind_real(statement, reel_recording_duration_s(recording));
    reel_bind_u64(statement, recording->rewrites);
    reel_bind_i64(statement, recording->updated_us);
    reel_bind_u64_if(statement, captured, (uint64_t)recording->captured_from_us);
    reel_bind_u64_if(statement, captured, (uint64_t)recording->captured_to_us);
    reel_bind_u64(statement, recording->fragments);
    reel_bind_u64(statement, recording->duplicates);
    reel_bind_u64(statement, recording->rejected);
    reel_bind_u64(statement, recording->gap_frames);
    reel_bind_text(statement, recording->boot.text);
    reel_bind_u64(statement, recording->boot.is_uint);
    reel_bind_u64_if(statement, recording->has_next_seq, recording->next_seq);
    reel_bind_text(statement, recording->sha256[0] ? recording->sha256 : NULL);
}

/* NULL everywhere but for a recording that has one. */
static void take_candidate(struct reel_statement *statement, struct reel_candidate *out)
{
    struct reel_numbers *numbers = &out->numbers;
    bool has_id, has_frames, has_end, has_uint;
    const char *boot;

    out->kind = (enum reel_candidate_kind)reel_take_name(statement, candidates,
                                                         REEL_CANDIDATE_CONFLICT + 1);
    out->quarantine_id = reel_take_u64_if(statement, &has_id);
    numbers->seq = reel_take_u64_if(statement, &numbers->has_seq);
    numbers->frame = reel_take_u64_if(statement, &numbers->has_frame);
    numbers->frames = (uint32_t)reel_take_u64_if(statement, &has_frames);
    numbers->end = reel_take_u64_if(statement, &has_end) != 0;
    boot = reel_take_text_if(statement);
    if (boot && strlen(boot) < sizeof numbers->boot.text)
        strcpy(numbers->boot.text, boot);
    numbers->boot.is_uint = reel_take_u64_if(statement, &has_uint) != 0;
    if (out->kind != REEL_CANDIDATE_NONE && !(has_id && has_frames && has_end && boot && has_uint))
        statement->contradicts = true;
}

static void take_part(struct reel_statement *statement, struct reel_recording *out)
{
    const char *part_of = reel_take_text_if(statement);

    if (part_of && strlen(part_of) < sizeof out->part_of)
        strcpy(out->part_of, part_of);
    else if (part_of)
        statement->contradicts = true;
    out->part = reel_take_u64(statement);
    out->continued = reel_take_bool(statement);
}

void reel_catalog_take_tags(struct reel_statement *statement, json_t **out)
{
    const char *text = reel_take_text_if(statement);

    if (!text)
        return;
    *out = json_loads(text, 0, NULL);
    if (!json_is_object(*out))
        statement->contradicts = true;
}

static void take_sha256(struct reel_statement *statement, char out[65])
{
    const char *text = reel_take_text_if(statement);

    if (text && strlen(text) == 64)
        memcpy(out, text, 65);
    else if (text)
        statement->contradicts = true;
}

static void take_growing(struct reel_statement *statement, struct reel_recording *out)
{
    bool has_to;

    out->frames = reel_take_u64(statement);
    (void)reel_take_real(statement); /* the duration, which frames and rate tell */
    out->rewrites = reel_take_u64(statement);
    out->updated_us = reel_take_i64(statement);
    out->captured_from_us = (int64_t)reel_take_u64_if(statement, &out->has_captured);
    out->captured_to_us = (int64_t)reel_take_u64_if(statement, &has_to);
    if (has_to != out->has_captured)
        statement->contradicts = true;
    out->fragments = reel_take_u64(statement);
    out->duplicates = reel_take_u64(statement);
    out->rejected = reel_take_u64(statement);
    out->gap_frames = reel_take_u64(statement);
    reel_take_text(statement, out->boot.text, sizeof out->boot.text);
    out->boot.is_uint = reel_take_bool(statement);
    out->next_seq = reel_take_u64_if(statement, &out->has_next_seq);
    take_sha256(statement, out->sha256);
}

void reel_catalog_take_recording(struct reel_statement *statement, struct reel_recording *out)
{
    uint64_t rowid = reel_take_u64(statement), id = reel_take_u64(statement);
    char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];
    struct reel_format format;
    enum reel_state state;
    enum reel_end_reason end_reason;

    reel_take_text(statement, device, sizeof device);
    reel_take_text(statement, session, sizeof session);
    format.rate = (uint32_t)reel_take_max(statement, REEL_RATE_MAX);
    format.channels = (uint16_t)reel_take_max(statement, REEL_CHANNELS_MAX);
    format.sample_bytes = (uint8_t)reel_take_max(statement, 8);
    format.encoding =
        (enum reel_encoding)reel_take_name(statement, reel_catalog_encodings, REEL_ENCODING_COUNT);
    state = (enum reel_state)reel_take_name(statement, reel_catalog_states, 2);
    end_reason =
        (enum reel_end_reason)reel_take_name(statement, reel_catalog_end_reasons, REEL_END_COUNT);
    reel_recording_init(out, device, session, &format, reel_take_i64(statement));
    out->rowid = rowid;
    out->id = id;
    out->state = state;
    out->end_reason = end_reason;
    take_candidate(statement, &out->candidate);
    take_part(statement, out);
    out->kept = reel_take_bool(statement);
    reel_catalog_take_tags(statement, &out->tags);
    take_growing(statement, out);
}

void reel_catalog_mark_clean(struct reel_recording *recording)
{
    recording->stretches_dirty_from = recording->stretches_count;
    for (size_t i = 0; i < recording->stretches_count; i++) {
        recording->stretches[i].runs_dirty_from = recording->stretches[i].runs_count;
        recording->stretches[i].runs_saved = recording->stretches[i].runs_count;
    }
}

uint64_t reel_catalog_take_file_bytes(struct reel_statement *statement)
{
    uint64_t frames = reel_take_u64(statement);
    struct reel_format format = {0};

    format.channels = (uint8_t)reel_take_max(statement, REEL_CHANNELS_MAX);
    format.sample_bytes = (uint8_t)reel_take_max(statement, REEL_SAMPLE_BYTES_MAX);
    return reel_wav_file_bytes(&format, frames);
}
