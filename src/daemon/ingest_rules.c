/* Ingest, rules: what section `rules` of the settings says of a fragment, before anything of it is
 * stored, and of a whole recording. What a device may still store is remembered, so that the store
 * is not asked for each fragment. */
#include "core/rules.h"

#include "core/wav_header.h"
#include "daemon/ingest_audio.h"

enum { SECOND_US = 1000000 };

void reel_ingest_rules_forget(struct reel_ingest *ingest, const char *device)
{
    struct reel_budget *budget = reel_devices_find(ingest->budgets, device);

    if (budget)
        reel_devices_forget(ingest->budgets, budget);
}

/* Without memory the store is asked each time. */
static void remember(struct reel_ingest *ingest, const char *device, uint64_t left_bytes)
{
    struct reel_budget *budget = reel_devices_find(ingest->budgets, device);

    if (!budget)
        budget = reel_devices_add(ingest->budgets, device);
    if (budget)
        budget->left_bytes = left_bytes;
}

/* Ask the store whether the device has room for `more`. */
static enum reel_code check_usage(struct reel_ingest *ingest, const char *device,
                                  const struct reel_rules *rules, const struct reel_usage *more,
                                  struct reel_error *err_out)
{
    struct reel_usage usage;
    struct reel_error failure;
    enum reel_code code;

    if (rules->max_bytes == 0 && rules->max_recordings == 0)
        return REEL_OK;
    if (reel_store_usage(ingest->store, device, &usage, &failure))
        return reel_ingest_fail(ingest, &failure);
    code = reel_rules_check_usage(rules, &usage, more, err_out);
    if (code == REEL_OK && rules->max_bytes)
        remember(ingest, device, rules->max_bytes - usage.bytes - more->bytes);
    return code;
}

/* The same for bytes alone, out of what is remembered while that lasts. */
static enum reel_code spend(struct reel_ingest *ingest, const char *device,
                            const struct reel_rules *rules, uint64_t bytes,
                            struct reel_error *err_out)
{
    const struct reel_usage more = {.bytes = bytes};
    struct reel_budget *budget;

    if (rules->max_bytes == 0 || bytes == 0)
        return REEL_OK;
    budget = reel_devices_find(ingest->budgets, device);
    if (!budget || budget->left_bytes < bytes)
        return check_usage(ingest, device, rules, &more, err_out);
    budget->left_bytes -= bytes;
    return REEL_OK;
}

/* ---- fragments ---- */

void reel_ingest_rules_hear(struct reel_ingest *ingest, struct reel_arrival *arrival)
{
    const struct reel_fragment *fragment = &arrival->fragment;
    uint64_t audio_us = (uint64_t)fragment->numbers.frames * SECOND_US / fragment->format.rate;

    reel_config_rules(ingest->links.config, arrival->topic.device, &arrival->rules);
    arrival->is_flood =
        !arrival->redelivered &&
        !reel_allowance_take(ingest->fragments, arrival->topic.device,
                             arrival->rules.max_fragments_per_s, audio_us, arrival->monotonic_us);
}

static enum reel_code check_flood(const struct reel_arrival *arrival, struct reel_error *err_out)
{
    if (!arrival->is_flood)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_NOT_ALLOWED, "rules.max_fragments_per_s",
                          "the device sends more than %llu fragments for a second of its audio",
                          (unsigned long long)arrival->rules.max_fragments_per_s);
}

enum reel_code reel_ingest_rules_begin(struct reel_ingest *ingest,
                                       const struct reel_arrival *arrival,
                                       struct reel_error *err_out)
{
    const struct reel_format *format = &arrival->fragment.format;
    uint64_t frames = arrival->fragment.numbers.frames;
    const struct reel_usage more = {1, reel_wav_file_bytes(format, frames)};
    enum reel_code code = check_flood(arrival, err_out);

    if (code == REEL_OK)
        code = reel_rules_check_format(&arrival->rules, format, err_out);
    if (code == REEL_OK)
        code = reel_rules_check_longest(&arrival->rules, format, frames, err_out);
    if (code == REEL_OK)
        code = check_usage(ingest, arrival->topic.device, &arrival->rules, &more, err_out);
    return code;
}

enum reel_code reel_ingest_rules_grow(struct reel_ingest *ingest,
                                      const struct reel_arrival *arrival,
                                      const struct reel_recording *recording,
                                      const struct reel_placement *placement,
                                      struct reel_error *err_out)
{
    const struct reel_format *format = &recording->format;
    uint64_t end_frame = placement->at_frame + arrival->fragment.numbers.frames;
    enum reel_code code;

    if (placement->row == REEL_PLACE_STORED)
        return REEL_OK;
    code = check_flood(arrival, err_out);
    if (code || end_frame <= recording->frames)
        return code;
    code = reel_rules_check_longest(&arrival->rules, format, end_frame, err_out);
    if (code)
        return code;
    return spend(ingest, recording->device, &arrival->rules,
                 reel_wav_file_bytes(format, end_frame) -
                     reel_wav_file_bytes(format, recording->frames),
                 err_out);
}

/* ---- whole recordings ---- */

enum reel_code reel_ingest_rules_whole(struct reel_ingest *ingest, const char *device,
                                       const struct reel_format *format, uint64_t frames,
                                       const struct reel_recording *replaced,
                                       struct reel_error *err_out)
{
    struct reel_usage more = {replaced ? 0 : 1, reel_wav_file_bytes(format, frames)};
    struct reel_rules rules;
    enum reel_code code;

    reel_config_rules(ingest->links.config, device, &rules);
    code = reel_rules_check_whole(&rules, format, frames, err_out);
    if (code)
        return code;
    if (replaced) {
        uint64_t old_bytes = reel_wav_file_bytes(&replaced->format, replaced->frames);

        more.bytes -= more.bytes < old_bytes ? more.bytes : old_bytes;
    }
    reel_ingest_rules_forget(ingest, device);
    return check_usage(ingest, device, &rules, &more, err_out);
}
