/* Sidecar, the reading half. A file may be damaged or edited: everything is checked. */
#include "store/sidecar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/sidecar_names.h"
#include "wire/topic.h"

static enum reel_code wrong(const char *field, struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, field, "sidecar: %s is missing or wrong",
                          field);
}

static bool read_number(const json_t *value, uint64_t most, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > most)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

/* Null, or a number. */
static bool read_optional(const json_t *value, bool *has_out, uint64_t *out)
{
    *has_out = !json_is_null(value);
    return !*has_out || read_number(value, REEL_NUMBER_MAX, out);
}

static bool read_time(const json_t *value, int64_t *out)
{
    *out = json_integer_value(value);
    return json_is_integer(value);
}

static bool read_text(const json_t *value, char *out, size_t capacity)
{
    const char *text = json_string_value(value);

    if (!text || strlen(text) >= capacity)
        return false;
    snprintf(out, capacity, "%s", text);
    return true;
}

static bool read_flag(const json_t *value, bool *out)
{
    *out = json_is_true(value);
    return json_is_boolean(value);
}

/* Which of the words it is. */
static bool read_word(const json_t *value, const char *const *words, unsigned *out)
{
    const char *text = json_string_value(value);

    for (unsigned i = 0; text && words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool read_boot(const json_t *object, struct reel_boot *boot)
{
    return read_text(json_object_get(object, "boot"), boot->text, sizeof boot->text) &&
           read_flag(json_object_get(object, "boot_is_uint"), &boot->is_uint);
}

static bool read_run(const json_t *entry, struct reel_run *run)
{
    uint64_t fragment_frames;
    unsigned kind;

    if (!read_word(json_array_get(entry, 0), reel_run_kind_names, &kind) ||
        !read_number(json_array_get(entry, 1), REEL_NUMBER_MAX, &run->frames) ||
        !read_number(json_array_get(entry, 2), REEL_NUMBER_MAX, &run->seqs) ||
        !read_number(json_array_get(entry, 3), UINT32_MAX, &fragment_frames))
        return false;
    run->kind = (enum reel_run_kind)kind;
    run->fragment_frames = (uint32_t)fragment_frames;
    return true;
}

static bool read_runs(const json_t *entries, struct reel_stretch *stretch)
{
    const json_t *entry;
    size_t i;

    if (!json_is_array(entries))
        return false;
    json_array_foreach ((json_t *)(uintptr_t)entries, i, entry) {
        struct reel_run *run = reel_stretch_add_run(stretch);

        if (!run || !read_run(entry, run) || run->frames > REEL_NUMBER_MAX - stretch->frames ||
            run->seqs > REEL_NUMBER_MAX - stretch->seqs)
            return false;
        stretch->frames += run->frames;
        stretch->seqs += run->seqs;
    }
    stretch->runs_dirty_from = 0;
    return true;
}

static bool read_stretch(const json_t *entry, struct reel_stretch *stretch)
{
    unsigned reason;
    uint64_t epoch;

    if (!read_number(json_object_get(entry, "epoch"), UINT32_MAX, &epoch) ||
        !read_word(json_object_get(entry, "reason"), reel_stretch_reason_names, &reason) ||
        !read_boot(entry, &stretch->boot) ||
        !read_optional(json_object_get(entry, "first_seq"), &stretch->has_seq,
                       &stretch->first_seq) ||
        !read_optional(json_object_get(entry, "first_frame"), &stretch->has_frame,
                       &stretch->first_frame))
        return false;
    stretch->epoch = (uint32_t)epoch;
    stretch->reason = (enum reel_stretch_reason)reason;
    return read_runs(json_object_get(entry, "runs"), stretch);
}

/* The stretches must make up the file. */
static bool read_stretches(const json_t *entries, struct reel_recording *recording)
{
    uint64_t frames = 0;
    const json_t *entry;
    size_t i;

    if (!json_is_array(entries))
        return false;
    json_array_foreach ((json_t *)(uintptr_t)entries, i, entry) {
        struct reel_stretch *stretch = reel_recording_add_stretch(recording);

        if (!stretch)
            return false;
        stretch->start_frames = frames;
        if (!read_stretch(entry, stretch) || stretch->frames > REEL_NUMBER_MAX - frames)
            return false;
        frames += stretch->frames;
    }
    recording->stretches_dirty_from = 0;
    return frames == recording->frames;
}

static enum reel_code read_format(const json_t *document, struct reel_format *format,
                                  struct reel_error *err_out)
{
    const char *encoding = json_string_value(json_object_get(document, "encoding"));
    uint64_t channels;
    uint64_t rate;
    uint64_t sample_bytes;

    if (!encoding || !read_number(json_object_get(document, "channels"), UINT16_MAX, &channels) ||
        !read_number(json_object_get(document, "rate"), UINT32_MAX, &rate) ||
        !read_number(json_object_get(document, "sample_size"), UINT8_MAX, &sample_bytes))
        return wrong("format", err_out);
    format->encoding = reel_encoding_from_name(encoding);
    format->channels = (uint16_t)channels;
    format->rate = (uint32_t)rate;
    format->sample_bytes = (uint8_t)sample_bytes;
    if (format->encoding == REEL_ENCODING_COUNT)
        return wrong("encoding", err_out);
    return reel_format_check(format, err_out);
}

static bool read_names(const json_t *document, char device[REEL_NAME_BYTES],
                       char session[REEL_NAME_BYTES])
{
    return read_text(json_object_get(document, "device"), device, REEL_NAME_BYTES) &&
           read_text(json_object_get(document, "session"), session, REEL_NAME_BYTES) &&
           reel_name_valid(device, strlen(device)) && reel_name_valid(session, strlen(session));
}

static bool read_id(const json_t *document, uint64_t *id_out)
{
    const char *text = json_string_value(json_object_get(document, "id"));

    return text && strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16 &&
           sscanf(text, "%" SCNx64, id_out) == 1;
}

static bool read_state(const json_t *document, struct reel_recording *recording)
{
    static const char *const states[] = {"recording", "complete", NULL};
    const char *reason = json_string_value(json_object_get(document, "end_reason"));
    unsigned state;

    if (!reason || !read_word(json_object_get(document, "state"), states, &state))
        return false;
    recording->state = state == 0 ? REEL_STATE_RECORDING : REEL_STATE_COMPLETE;
    recording->end_reason = *reason ? reel_end_reason_from_name(reason) : REEL_END_NONE;
    return recording->end_reason != REEL_END_COUNT;
}

static bool read_captured(const json_t *value, struct reel_recording *recording)
{
    recording->has_captured = !json_is_null(value);
    return !recording->has_captured ||
           (read_time(json_array_get(value, 0), &recording->captured_from_us) &&
            read_time(json_array_get(value, 1), &recording->captured_to_us));
}

static bool read_tags(const json_t *value, struct reel_recording *recording)
{
    if (json_is_null(value))
        return true;
    if (!json_is_object(value))
        return false;
    recording->tags = json_deep_copy(value);
    return recording->tags != NULL;
}

static bool read_counters(const json_t *document, struct reel_recording *recording)
{
    const struct {
        const char *name;
        uint64_t *out;
    } counters[] = {
        {"frames", &recording->frames},       {"rewrites", &recording->rewrites},
        {"fragments", &recording->fragments}, {"duplicates", &recording->duplicates},
        {"rejected", &recording->rejected},   {"gap_frames", &recording->gap_frames},
    };

    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        if (!read_number(json_object_get(document, counters[i].name), REEL_NUMBER_MAX,
                         counters[i].out))
            return false;
    }
    return recording->gap_frames <= recording->frames;
}

/* Those of before parts were known have none of this. */
static bool read_part(const json_t *document, struct reel_recording *recording)
{
    const json_t *part_of = json_object_get(document, "part_of");

    if (!part_of)
        return true;
    return read_text(part_of, recording->part_of, sizeof recording->part_of) &&
           (recording->part_of[0] == '\0' ||
            reel_name_valid(recording->part_of, strlen(recording->part_of))) &&
           read_number(json_object_get(document, "part"), REEL_NUMBER_MAX, &recording->part) &&
           read_flag(json_object_get(document, "continued"), &recording->continued);
}

/* The field that is wrong, or NULL. */
static const char *read_body(const json_t *document, struct reel_recording *recording)
{
    if (!read_id(document, &recording->id))
        return "id";
    if (!read_state(document, recording))
        return "state";
    if (!read_counters(document, recording))
        return "frames";
    if (!read_flag(json_object_get(document, "kept"), &recording->kept))
        return "kept";
    if (!read_time(json_object_get(document, "started_us"), &recording->started_us) ||
        !read_time(json_object_get(document, "updated_us"), &recording->updated_us))
        return "started_us";
    if (!read_captured(json_object_get(document, "captured_us"), recording))
        return "captured_us";
    if (!read_part(document, recording))
        return "part_of";
    if (!read_boot(document, &recording->boot))
        return "boot";
    if (!read_optional(json_object_get(document, "next_seq"), &recording->has_next_seq,
                       &recording->next_seq))
        return "next_seq";
    if (!read_text(json_object_get(document, "sha256"), recording->sha256,
                   sizeof recording->sha256))
        return "sha256";
    if (!read_tags(json_object_get(document, "tags"), recording))
        return "tags";
    return read_stretches(json_object_get(document, "stretches"), recording) ? NULL : "stretches";
}

static enum reel_code read_document(const json_t *document, struct reel_recording *recording_out,
                                    bool *plain_growth_out, struct reel_error *err_out)
{
    struct reel_recording recording;
    struct reel_format format;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    const char *field;
    uint64_t version;
    bool plain_growth;

    if (!read_number(json_object_get(document, "reel_sidecar"), 1, &version) || version != 1)
        return wrong("reel_sidecar", err_out);
    if (!read_names(document, device, session))
        return wrong("session", err_out);
    if (!read_flag(json_object_get(document, "plain_growth"), &plain_growth))
        return wrong("plain_growth", err_out);
    if (read_format(document, &format, err_out) != REEL_OK)
        return REEL_E_BAD_REQUEST;
    reel_recording_init(&recording, device, session, &format, 0);
    field = read_body(document, &recording);
    if (field) {
        reel_recording_finish(&recording);
        return wrong(field, err_out);
    }
    *recording_out = recording;
    *plain_growth_out = plain_growth;
    return REEL_OK;
}

enum reel_code reel_sidecar_decode(const char *text, size_t bytes,
                                   struct reel_recording *recording_out, bool *plain_growth_out,
                                   struct reel_error *err_out)
{
    json_error_t error;
    json_t *document = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    enum reel_code code;

    if (!document && json_error_code(&error) == json_error_out_of_memory)
        return reel_error_errno(err_out, ENOMEM, "sidecar");
    if (!document)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "sidecar", "sidecar: %s", error.text);
    code = read_document(document, recording_out, plain_growth_out, err_out);
    json_decref(document);
    return code;
}
