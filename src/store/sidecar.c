/* Sidecar: a recording as JSON text. */
#include "store/sidecar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sidecar_names.h"
#include "wire/message.h"

enum { SIDECAR_VERSION = 1 };

const char *const reel_run_kind_names[] = {
    [REEL_RUN_STORED] = "stored",
    [REEL_RUN_GAP] = "gap",
    [REEL_RUN_GAP_INFERRED] = "gap-inferred",
    [REEL_RUN_FORGOTTEN] = "forgotten",
    NULL,
};

const char *const reel_stretch_reason_names[] = {
    [REEL_STRETCH_FIRST] = "first",
    [REEL_STRETCH_NUMBERS] = "numbers",
    [REEL_STRETCH_BOOT] = "boot",
    [REEL_STRETCH_RESTART] = "restart",
    [REEL_STRETCH_JUMP] = "jump",
    [REEL_STRETCH_UNKNOWN] = "unknown",
    NULL,
};

/* jansson's integers are signed; every number of ours stays below 2^63. */
static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *number_or_null(bool has, uint64_t value)
{
    return has ? number(value) : json_null();
}

static json_t *encode_captured(const struct reel_recording *recording)
{
    if (!recording->has_captured)
        return json_null();
    return json_pack("[I,I]", (json_int_t)recording->captured_from_us,
                     (json_int_t)recording->captured_to_us);
}

/* What the recording is; json_pack answers NULL where a part of it is. */
static json_t *encode_head(const struct reel_recording *recording)
{
    const struct reel_format *format = &recording->format;
    char id[17];

    snprintf(id, sizeof id, "%016" PRIx64, recording->id);
    return json_pack(
        "{s:i,s:s,s:s,s:s,s:i,s:o,s:i,s:s,s:s,s:s,s:b,s:b,s:s,s:s,s:o,s:b,s:o}", "reel_sidecar",
        SIDECAR_VERSION, "id", id, "device", recording->device, "session", recording->session,
        "channels", (int)format->channels, "rate", number(format->rate), "sample_size",
        (int)format->sample_bytes, "encoding", reel_encoding_name(format->encoding), "state",
        reel_state_name(recording->state), "end_reason",
        reel_end_reason_name(recording->end_reason), "kept", recording->kept, "plain_growth",
        reel_sidecar_mark(recording).plain_growth, "sha256", recording->sha256, "part_of",
        recording->part_of, "part", number(recording->part), "continued", recording->continued,
        "tags", recording->tags ? json_deep_copy(recording->tags) : json_null());
}

/* How far it has come. */
static json_t *encode_numbers(const struct reel_recording *recording)
{
    return json_pack(
        "{s:o,s:o,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:s,s:b,s:o}", "frames", number(recording->frames),
        "rewrites", number(recording->rewrites), "started_us", (json_int_t)recording->started_us,
        "updated_us", (json_int_t)recording->updated_us, "captured_us", encode_captured(recording),
        "fragments", number(recording->fragments), "duplicates", number(recording->duplicates),
        "rejected", number(recording->rejected), "gap_frames", number(recording->gap_frames),
        "boot", recording->boot.text, "boot_is_uint", recording->boot.is_uint, "next_seq",
        number_or_null(recording->has_next_seq, recording->next_seq));
}

static json_t *encode_stretch(const struct reel_stretch *stretch)
{
    return json_pack("{s:o,s:s,s:s,s:b,s:o,s:o}", "epoch", number(stretch->epoch), "reason",
                     reel_stretch_reason_names[stretch->reason], "boot", stretch->boot.text,
                     "boot_is_uint", stretch->boot.is_uint, "first_seq",
                     number_or_null(stretch->has_seq, stretch->first_seq), "first_frame",
                     number_or_null(stretch->has_frame, stretch->first_frame));
}

/* Append the object, which is released, as far as its last brace: more members follow. */
static bool append_open(json_t *object, struct reel_buffer *out)
{
    bool appended = object && reel_document_encode(object, REEL_DOCUMENT_JSON, NULL, 0, out);

    json_decref(object);
    out->size -= appended;
    return appended;
}

static bool append_text(const char *text, struct reel_buffer *out)
{
    return reel_buffer_append(out, text, strlen(text));
}

static bool append_run(const struct reel_run *run, bool first, struct reel_buffer *out)
{
    char text[96];

    snprintf(text, sizeof text, "%s[\"%s\",%" PRIu64 ",%" PRIu64 ",%" PRIu32 "]", first ? "" : ",",
             reel_run_kind_names[run->kind], run->frames, run->seqs, run->fragment_frames);
    return append_text(text, out);
}

/* There may be tens of thousands: a tree of them would take more than ten times their text. */
static bool append_stretch(const struct reel_stretch *stretch, bool first, struct reel_buffer *out)
{
    bool appended = append_text(first ? "" : ",", out) &&
                    append_open(encode_stretch(stretch), out) && append_text(",\"runs\":[", out);

    for (size_t i = 0; appended && i < stretch->runs_count; i++)
        appended = append_run(&stretch->runs[i], i == 0, out);
    return appended && append_text("]}", out);
}

static bool append_recording(const struct reel_recording *recording, struct reel_buffer *out)
{
    json_t *document = encode_head(recording);
    json_t *numbers = encode_numbers(recording);
    bool whole = document && numbers && json_object_update(document, numbers) == 0;
    bool appended;

    json_decref(numbers);
    if (!whole) {
        json_decref(document);
        return false;
    }
    appended = append_open(document, out) && append_text(",\"stretches\":[", out);
    for (size_t i = 0; appended && i < recording->stretches_count; i++)
        appended = append_stretch(&recording->stretches[i], i == 0, out);
    return appended && append_text("]}", out);
}

char *reel_sidecar_encode(const struct reel_recording *recording, size_t *bytes_out)
{
    struct reel_buffer text = {0};

    if (!append_recording(recording, &text) || !reel_buffer_append(&text, "", 1)) {
        reel_buffer_finish(&text);
        return NULL;
    }
    *bytes_out = text.size - 1;
    return (char *)text.bytes;
}

/* FNV-1a. */
static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < count; i++)
        digest = (digest ^ at[i]) * UINT64_C(0x100000001b3);
    return digest;
}

static uint64_t digest_tags(uint64_t digest, const json_t *tags)
{
    char *text = tags ? json_dumps(tags, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    if (text)
        digest = digest_bytes(digest, text, strlen(text));
    free(text);
    return digest;
}

/* Whether the last run's fragments differ in size: its growth then tells of frames, not of numbers.
 */
static bool grows_unevenly(const struct reel_recording *recording)
{
    const struct reel_stretch *last = recording->stretches_count > 0
                                          ? &recording->stretches[recording->stretches_count - 1]
                                          : NULL;

    return last && last->runs_count > 0 && last->runs[last->runs_count - 1].fragment_frames == 0;
}

struct reel_sidecar_mark reel_sidecar_mark(const struct reel_recording *recording)
{
    struct reel_sidecar_mark mark = {.digest = UINT64_C(0xcbf29ce484222325)};
    uint64_t runs = 0;

    for (size_t i = 0; i < recording->stretches_count; i++)
        runs += recording->stretches[i].runs_count;
    const uint64_t numbers[] = {
        (uint64_t)recording->state,
        (uint64_t)recording->end_reason,
        recording->kept,
        recording->rewrites,
        recording->gap_frames,
        recording->stretches_count,
        runs,
        grows_unevenly(recording),
    };

    mark.digest = digest_bytes(mark.digest, numbers, sizeof numbers);
    mark.digest = digest_bytes(mark.digest, recording->sha256, strlen(recording->sha256));
    mark.digest = digest_tags(mark.digest, recording->tags);
    mark.plain_growth = runs <= REEL_SIDECAR_RUNS_PROMPT;
    return mark;
}
