/* Describe: recordings, acknowledgements and refusals as documents. */
#include "core/describe.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/object.h"
#include "core/wav_header.h"
#include "wire/message.h"

/* As it was sent: a uint as one, as far as a document's integers go. */
static void put_boot(struct reel_object *object, const struct reel_boot *boot)
{
    uint64_t number = boot->is_uint ? strtoull(boot->text, NULL, 10) : UINT64_MAX;

    if (number <= INT64_MAX)
        reel_object_put_uint(object, "boot", number);
    else
        reel_object_put_text_or_null(object, "boot", boot->text);
}

static void put_format(struct reel_object *object, const struct reel_format *format)
{
    reel_object_put_uint(object, "channels", format->channels);
    reel_object_put_uint(object, "rate", format->rate);
    reel_object_put_uint(object, "sample_size", format->sample_bytes);
    reel_object_put_text(object, "encoding", reel_encoding_name(format->encoding));
}

static void put_counts(struct reel_object *object, const struct reel_recording *recording)
{
    put_boot(object, &recording->boot);
    reel_object_put_uint_or_null(object, "next_seq", recording->has_next_seq, recording->next_seq);
    reel_object_put_uint(object, "fragments", recording->fragments);
    reel_object_put_uint(object, "duplicates", recording->duplicates);
    reel_object_put_uint(object, "rejected", recording->rejected);
    reel_object_put_uint(object, "gap_frames", recording->gap_frames);
}

json_t *reel_describe_recording(const struct reel_recording *recording)
{
    struct reel_object object;
    bool captured = recording->has_captured;

    reel_object_init(&object);
    reel_object_put(&object, "id", json_sprintf("%016" PRIx64, recording->id));
    reel_object_put_text(&object, "device", recording->device);
    reel_object_put_text(&object, "session", recording->session);
    reel_object_put_text(&object, "state", reel_state_name(recording->state));
    reel_object_put_text_or_null(&object, "end_reason",
                                 reel_end_reason_name(recording->end_reason));
    put_format(&object, &recording->format);
    reel_object_put_uint(&object, "frames", recording->frames);
    reel_object_put(&object, "duration", json_real(reel_recording_duration_s(recording)));
    reel_object_put_uint(&object, "bytes",
                         reel_wav_file_bytes(&recording->format, recording->frames));
    reel_object_put_time_or_null(&object, "started_at", true, recording->started_us);
    reel_object_put_time_or_null(&object, "updated_at", true, recording->updated_us);
    reel_object_put_time_or_null(&object, "captured_from", captured, recording->captured_from_us);
    reel_object_put_time_or_null(&object, "captured_to", captured, recording->captured_to_us);
    put_counts(&object, recording);
    reel_object_put_bool(&object, "kept", recording->kept);
    reel_object_put_text_or_null(&object, "part_of", recording->part_of);
    reel_object_put_uint(&object, "part", recording->part);
    reel_object_put(&object, "tags",
                    recording->tags ? json_incref(recording->tags) : json_object());
    return reel_object_take(&object);
}

static json_t *pair(uint64_t first, uint64_t second)
{
    json_t *array = json_array();

    reel_array_append(&array, json_integer((json_int_t)first));
    reel_array_append(&array, json_integer((json_int_t)second));
    return array;
}

typedef bool next_range_fn(const struct reel_recording *recording, struct reel_range_cursor *cursor,
                           struct reel_range *range_out);

/* An epoch, and the parts before whose numbers it goes on from. */
struct told {
    const struct reel_recording *recording;
    struct reel_epoch epoch;
    const struct reel_earlier_parts *earlier; /* NULL: none */
};

static struct told told_of(const struct reel_recording *recording, const struct reel_boot *boot,
                           const struct reel_earlier_parts *earlier)
{
    struct told told = {.recording = recording, .epoch = reel_recording_epoch(recording, boot)};

    if (reel_epoch_is_continued(recording, told.epoch))
        told.earlier = earlier;
    return told;
}

/* Append the ranges of a walk as pairs [first, last], or [from, to) where `half_open`. */
static void append_ranges(json_t **array, const struct reel_recording *recording,
                          struct reel_epoch epoch, next_range_fn *next, bool half_open)
{
    struct reel_range_cursor cursor = {.epoch = epoch};
    struct reel_range range;

    while (*array && next(recording, &cursor, &range))
        reel_array_append(array, pair(range.first, half_open ? range.end : range.end - 1));
}

static json_t *ranges(const struct told *told, next_range_fn *next, bool half_open)
{
    json_t *array = json_array();

    for (size_t i = 0; told->earlier && i < told->earlier->count; i++) {
        const struct reel_recording *part = told->earlier->recordings[i];

        append_ranges(
            &array, part,
            reel_recording_epoch(part, &told->recording->stretches[told->epoch.first].boot), next,
            half_open);
    }
    append_ranges(&array, told->recording, told->epoch, next, half_open);
    return array;
}

/* What an acknowledgement and `info` say alike of an epoch. */
static void put_epoch(struct reel_object *object, const struct told *told)
{
    const struct told alone = {told->recording, told->epoch, NULL};
    uint64_t next_frame = 0;
    bool counts_frames = reel_epoch_next_frame(told->recording, told->epoch, &next_frame);

    reel_object_put_uint_or_null(object, "next_frame", counts_frames, next_frame);
    reel_object_put(object, "missing", ranges(told, reel_epoch_next_missing, false));
    reel_object_put(object, "missing_frames", ranges(told, reel_epoch_next_missing_frames, true));
    reel_object_put(object, "lost", ranges(&alone, reel_epoch_next_lost, false));
}

json_t *reel_describe_gap(const struct reel_recording *recording, const struct reel_gap *gap)
{
    struct reel_object object;
    json_t *seqs = gap->has_seq && gap->seqs > 0
                       ? pair(gap->first_seq, gap->first_seq + gap->seqs - 1)
                       : json_null();
    json_t *frames =
        gap->has_number ? pair(gap->number_frame, gap->number_frame + gap->frames) : json_null();

    reel_object_init(&object);
    reel_object_put_uint(&object, "from_frame", gap->from_frame);
    reel_object_put_uint(&object, "to_frame", gap->from_frame + gap->frames);
    reel_object_put_bool(&object, "inferred", gap->inferred);
    put_boot(&object, &recording->stretches[gap->stretch].boot);
    reel_object_put(&object, "missing", seqs);
    reel_object_put(&object, "missing_frames", frames);
    return reel_object_take(&object);
}

static json_t *describe_stretch(const struct reel_stretch *stretch)
{
    static const char *const reasons[] = {
        [REEL_STRETCH_FIRST] = "first", [REEL_STRETCH_NUMBERS] = "numbers",
        [REEL_STRETCH_BOOT] = "boot",   [REEL_STRETCH_RESTART] = "restart",
        [REEL_STRETCH_JUMP] = "jump",   [REEL_STRETCH_UNKNOWN] = "unknown",
    };
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_text(&object, "reason", reasons[stretch->reason]);
    reel_object_put_uint(&object, "epoch", stretch->epoch);
    put_boot(&object, &stretch->boot);
    reel_object_put_uint(&object, "from_frame", stretch->start_frames);
    reel_object_put_uint(&object, "to_frame", stretch->start_frames + stretch->frames);
    reel_object_put_uint_or_null(&object, "first_seq", stretch->has_seq, stretch->first_seq);
    reel_object_put_uint_or_null(&object, "seqs", stretch->has_seq, stretch->seqs);
    reel_object_put_uint_or_null(&object, "first_frame", stretch->has_frame, stretch->first_frame);
    return reel_object_take(&object);
}

static json_t *describe_stretches(const struct reel_recording *recording)
{
    json_t *array = json_array();

    for (size_t i = 0; array && i < recording->stretches_count; i++)
        reel_array_append(&array, describe_stretch(&recording->stretches[i]));
    return array;
}

json_t *reel_describe_info(const struct reel_recording *recording)
{
    struct told told = told_of(recording, NULL, NULL);
    struct reel_object object;

    reel_object_extend(&object, reel_describe_recording(recording));
    put_epoch(&object, &told);
    reel_object_put(&object, "stretches", describe_stretches(recording));
    reel_object_put_text_or_null(&object, "sha256", recording->sha256);
    return reel_object_take(&object);
}

json_t *reel_describe_ack(const struct reel_recording *recording, const struct reel_boot *boot,
                          const struct reel_earlier_parts *earlier)
{
    struct told told = told_of(recording, boot, earlier);
    uint64_t next_seq = 0;
    bool has_seq = reel_epoch_next_seq(recording, told.epoch, &next_seq) && next_seq > 0;
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_text(&object, "status", "ok");
    reel_object_put_text(&object, "device", recording->device);
    reel_object_put_text(&object, "session",
                         recording->part_of[0] ? recording->part_of : recording->session);
    put_boot(&object, boot ? boot : &recording->boot);
    reel_object_put_uint_or_null(&object, "seq", has_seq, next_seq - 1);
    reel_object_put_uint(&object, "frames", recording->frames);
    put_epoch(&object, &told);
    return reel_object_take(&object);
}

json_t *reel_describe_buried(const struct reel_tombstone *tombstone, const struct reel_boot *boot)
{
    struct reel_numbers next = {0};
    struct reel_object object;

    reel_tombstone_next(tombstone, boot, &next);
    reel_object_init(&object);
    reel_object_put_text(&object, "status", "ok");
    reel_object_put_text(&object, "device", tombstone->device);
    reel_object_put_text(&object, "session", tombstone->session);
    put_boot(&object, boot);
    reel_object_put_uint_or_null(&object, "seq", next.has_seq && next.seq > 0, next.seq - 1);
    reel_object_put_uint(&object, "frames", 0);
    reel_object_put_uint_or_null(&object, "next_frame", next.has_frame, next.frame);
    reel_object_put(&object, "missing", json_array());
    reel_object_put(&object, "missing_frames", json_array());
    reel_object_put(&object, "lost", json_array());
    return reel_object_take(&object);
}

/* How many ranges an epoch may have to tell of: every other run is a gap at most. */
static size_t ranges_most(const struct reel_recording *recording, const struct reel_boot *boot)
{
    struct reel_epoch epoch = reel_recording_epoch(recording, boot);
    size_t most = epoch.end - epoch.first;

    for (size_t i = epoch.first; i < epoch.end; i++)
        most += recording->stretches[i].runs_count / 2;
    return most;
}

size_t reel_describe_ack_bytes(const struct reel_recording *recording, const struct reel_boot *boot,
                               const struct reel_earlier_parts *earlier)
{
    enum { PLAIN_BYTES = 384, RANGE_BYTES = 48 }; /* a range: two numbers, in two lists */
    size_t ranges = ranges_most(recording, boot);

    for (size_t i = 0; earlier && i < earlier->count; i++)
        ranges += ranges_most(earlier->recordings[i], boot);
    return PLAIN_BYTES + ranges * RANGE_BYTES;
}

json_t *reel_describe_refusal(const struct reel_error *error, const char *device,
                              const char *session, const struct reel_numbers *numbers)
{
    struct reel_object object;

    reel_object_extend(&object, reel_response_error(error, NULL));
    if (*device)
        reel_object_put_text(&object, "device", device);
    if (*session)
        reel_object_put_text(&object, "session", session);
    if (numbers && *numbers->boot.text)
        put_boot(&object, &numbers->boot);
    if (numbers && numbers->has_seq)
        reel_object_put_uint(&object, "seq", numbers->seq);
    if (numbers && numbers->has_frame)
        reel_object_put_uint(&object, "frame", numbers->frame);
    return reel_object_take(&object);
}
