/* Query plan: the filters, the sort and the page that a request names. */
#include "core/query_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cursor.h"
#include "core/fields.h"

static const char *const state_names[] = {
    [REEL_STATE_RECORDING] = "recording",
    [REEL_STATE_COMPLETE] = "complete",
};

/* In the order of enum reel_sort, each ascending and descending. */
static const char *const sort_names[] = {"started",   "-started", "duration",
                                         "-duration", "name",     "-name"};

static bool decode_device(struct reel_fields *fields, const char *confined_device,
                          char device[REEL_NAME_BYTES])
{
    bool has_device = reel_fields_name(fields, "device", device);

    if (!confined_device)
        return has_device;
    if (has_device && strcmp(device, confined_device) != 0)
        reel_fields_fail(fields, REEL_E_NOT_ALLOWED, "device",
                         "the request's topic confines it to another device");
    snprintf(device, REEL_NAME_BYTES, "%s", confined_device);
    return true;
}

static bool decode_end_reason(struct reel_fields *fields, enum reel_end_reason *out)
{
    const char *const names[] = {
        reel_end_reason_name(REEL_END_END),
        reel_end_reason_name(REEL_END_IDLE),
        reel_end_reason_name(REEL_END_UPLOAD),
        reel_end_reason_name(REEL_END_LIMIT),
    };
    size_t index;

    if (!reel_fields_choice(fields, "end_reason", names, sizeof names / sizeof names[0], &index))
        return false;
    *out = reel_end_reason_from_name(names[index]);
    return true;
}

/* Strings and numbers, as a fragment's tags are. */
static bool tags_are_good(json_t *tags)
{
    const char *name;
    json_t *value;

    if (!json_is_object(tags) || json_object_size(tags) > REEL_TAGS_MAX)
        return false;
    json_object_foreach (tags, name, value) {
        if (!json_is_string(value) && !json_is_number(value))
            return false;
    }
    return true;
}

static void decode_tags(struct reel_fields *fields, struct reel_list_plan *plan)
{
    json_t *tags = json_object_get(fields->document, "tags");

    if (!tags || fields->code != REEL_OK)
        return;
    if (!tags_are_good(tags))
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "tags",
                         "tags must be a map of at most %d names to strings or numbers",
                         REEL_TAGS_MAX);
    else if (json_object_size(tags) > 0)
        plan->tags = json_incref(tags);
}

static void decode_filters(struct reel_fields *fields, const char *confined_device,
                           struct reel_list_plan *plan)
{
    size_t state;

    plan->has_device = decode_device(fields, confined_device, plan->device);
    plan->has_session_prefix = reel_fields_name(fields, "session", plan->session_prefix);
    plan->has_state = reel_fields_choice(fields, "state", state_names, 2, &state);
    if (plan->has_state)
        plan->state = (enum reel_state)state;
    plan->has_min_duration = reel_fields_seconds(fields, "min_duration", &plan->min_duration_s);
    plan->has_max_duration = reel_fields_seconds(fields, "max_duration", &plan->max_duration_s);
    plan->has_since = reel_fields_time(fields, "since", &plan->since_us);
    plan->has_until = reel_fields_time(fields, "until", &plan->until_us);
    plan->has_rate = reel_fields_uint(fields, "rate", 1, REEL_RATE_MAX, &plan->rate);
    plan->has_channels =
        reel_fields_uint(fields, "channels", 1, REEL_CHANNELS_MAX, &plan->channels);
    plan->has_sample_bytes = reel_fields_uint(fields, "sample_size", 1, 8, &plan->sample_bytes);
    plan->has_end_reason = decode_end_reason(fields, &plan->end_reason);
    plan->has_gaps = reel_fields_bool(fields, "has_gaps", &plan->gaps);
    plan->has_kept = reel_fields_bool(fields, "kept", &plan->kept);
    decode_tags(fields, plan);
}

static void decode_sort(struct reel_fields *fields, struct reel_list_plan *plan)
{
    size_t index;

    if (!reel_fields_choice(fields, "sort", sort_names, sizeof sort_names / sizeof sort_names[0],
                            &index))
        return;
    plan->sort = (enum reel_sort)(index / 2);
    plan->descending = index % 2 == 1;
}

static uint32_t decode_limit(struct reel_fields *fields)
{
    uint64_t limit = REEL_LIST_LIMIT_DEFAULT;

    reel_fields_uint(fields, "limit", 1, REEL_LIST_LIMIT_MAX, &limit);
    return (uint32_t)limit;
}

static void wrong_cursor(struct reel_fields *fields)
{
    reel_fields_fail(fields, REEL_E_BAD_REQUEST, "cursor",
                     "cursor is none that was given in answer to this question");
}

/* Everything that decides which rows come, and in which order; not how many at once. */
static bool fingerprint_list(const struct reel_list_plan *plan, uint32_t *out)
{
    struct reel_hash hash;
    char *tags = NULL;

    reel_hash_init(&hash);
    reel_hash_text(&hash, plan->has_device, plan->device);
    reel_hash_text(&hash, plan->has_session_prefix, plan->session_prefix);
    reel_hash_uint(&hash, plan->has_state, plan->state);
    reel_hash_real(&hash, plan->has_min_duration, plan->min_duration_s);
    reel_hash_real(&hash, plan->has_max_duration, plan->max_duration_s);
    reel_hash_uint(&hash, plan->has_since, (uint64_t)plan->since_us);
    reel_hash_uint(&hash, plan->has_until, (uint64_t)plan->until_us);
    reel_hash_uint(&hash, plan->has_rate, plan->rate);
    reel_hash_uint(&hash, plan->has_channels, plan->channels);
    reel_hash_uint(&hash, plan->has_sample_bytes, plan->sample_bytes);
    reel_hash_uint(&hash, plan->has_end_reason, plan->end_reason);
    reel_hash_uint(&hash, plan->has_gaps, plan->gaps);
    reel_hash_uint(&hash, plan->has_kept, plan->kept);
    reel_hash_uint(&hash, true, plan->sort);
    reel_hash_uint(&hash, true, plan->descending);
    if (plan->tags) {
        tags = json_dumps(plan->tags, JSON_SORT_KEYS | JSON_COMPACT);
        if (!tags)
            return false;
    }
    reel_hash_text(&hash, tags != NULL, tags);
    free(tags);
    *out = hash.value;
    return true;
}

static void decode_cursor(struct reel_fields *fields, struct reel_list_plan *plan)
{
    const char *text;

    if (!fingerprint_list(plan, &plan->fingerprint)) {
        reel_fields_fail(fields, REEL_E_INTERNAL, NULL, "out of memory");
        return;
    }
    plan->has_cursor = reel_fields_text(fields, "cursor", &text);
    if (plan->has_cursor && !reel_cursor_decode(text, plan, &plan->cursor))
        wrong_cursor(fields);
}

enum reel_code reel_list_plan_decode(const json_t *request, const char *confined_device,
                                     struct reel_list_plan *out, struct reel_error *err_out)
{
    struct reel_fields fields = {.document = request, .err_out = err_out};
    struct reel_list_plan plan = {.sort = REEL_SORT_STARTED};

    decode_filters(&fields, confined_device, &plan);
    decode_sort(&fields, &plan);
    plan.limit = decode_limit(&fields);
    reel_fields_bool(&fields, "count", &plan.count);
    decode_cursor(&fields, &plan);
    if (fields.code == REEL_OK)
        *out = plan;
    else
        reel_list_plan_finish(&plan);
    return fields.code;
}

void reel_list_plan_finish(struct reel_list_plan *plan)
{
    json_decref(plan->tags);
    plan->tags = NULL;
}

static bool decode_code(struct reel_fields *fields, enum reel_code *out)
{
    const char *text;
    enum reel_code code;

    if (!reel_fields_text(fields, "code", &text))
        return false;
    code = reel_code_from_name(text);
    if (code == REEL_OK || code == REEL_CODE_COUNT) {
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "code",
                         "code must be the code of an error, such as bad-request or conflict");
        return false;
    }
    *out = code;
    return true;
}

static uint32_t fingerprint_rejects(const struct reel_rejects_plan *plan)
{
    struct reel_hash hash;

    reel_hash_init(&hash);
    reel_hash_text(&hash, plan->has_device, plan->device);
    reel_hash_text(&hash, plan->has_session, plan->session);
    reel_hash_uint(&hash, plan->has_code, plan->code);
    reel_hash_uint(&hash, plan->has_since, (uint64_t)plan->since_us);
    reel_hash_uint(&hash, plan->has_until, (uint64_t)plan->until_us);
    return hash.value;
}

enum reel_code reel_rejects_plan_decode(const json_t *request, const char *confined_device,
                                        struct reel_rejects_plan *out, struct reel_error *err_out)
{
    struct reel_fields fields = {.document = request, .err_out = err_out};
    struct reel_rejects_plan plan = {0};
    const char *cursor;

    plan.has_device = decode_device(&fields, confined_device, plan.device);
    plan.has_session = reel_fields_name(&fields, "session", plan.session);
    plan.has_code = decode_code(&fields, &plan.code);
    plan.has_since = reel_fields_time(&fields, "since", &plan.since_us);
    plan.has_until = reel_fields_time(&fields, "until", &plan.until_us);
    plan.limit = decode_limit(&fields);
    plan.fingerprint = fingerprint_rejects(&plan);
    plan.has_before = reel_fields_text(&fields, "cursor", &cursor);
    if (plan.has_before && !reel_rejects_cursor_decode(cursor, &plan, &plan.before_id))
        wrong_cursor(&fields);
    if (fields.code == REEL_OK)
        *out = plan;
    return fields.code;
}

enum reel_code reel_devices_plan_decode(const json_t *request, const char *confined_device,
                                        struct reel_devices_plan *out, struct reel_error *err_out)
{
    struct reel_fields fields = {.document = request, .err_out = err_out};
    struct reel_devices_plan plan = {.has_device = false};
    const char *cursor;

    plan.has_device = decode_device(&fields, confined_device, plan.device);
    plan.limit = decode_limit(&fields);
    if (reel_fields_text(&fields, "cursor", &cursor) &&
        !reel_devices_cursor_decode(cursor, plan.after))
        wrong_cursor(&fields);
    if (fields.code == REEL_OK)
        *out = plan;
    return fields.code;
}
