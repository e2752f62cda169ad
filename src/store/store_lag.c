/* Store, what may say less than the recording holds, for a while: its file's header, its sidecar.
 * Both are written when a recording completes, and of growing ones once they have lagged behind for
 * long enough. */
#include <inttypes.h>
#include <utlist.h>

#include "store/store_internal.h"

/* A growing file's header is this much behind at most, its sidecar that much. */
#define HEADER_INTERVAL_US        INT64_C(5000000)
#define SIDECAR_INTERVAL_US       INT64_C(60000000)
#define LARGE_SIDECAR_INTERVAL_US INT64_C(10000000)

static const int64_t lag_most_us[LAG_KINDS] = {
    [LAG_HEADER] = HEADER_INTERVAL_US,
    [LAG_SIDECAR] = SIDECAR_INTERVAL_US,
};

static bool since(int64_t then_us, int64_t interval_us, int64_t now_us)
{
    return now_us - then_us >= interval_us || now_us < then_us;
}

void reel_store_note_lag(struct reel_store *store, struct reel_entry *entry, enum lag_kind kind,
                         int64_t now_us)
{
    struct lag *lag = &entry->lags[kind];

    if (lag->lagging)
        return;
    lag->lagging = true;
    lag->since_us = now_us;
    DL_APPEND2(store->lagging[kind], entry, lags[kind].prev, lags[kind].next);
}

void reel_store_catch_up(struct reel_store *store, struct reel_entry *entry, enum lag_kind kind)
{
    if (entry->lags[kind].lagging)
        DL_DELETE2(store->lagging[kind], entry, lags[kind].prev, lags[kind].next);
    entry->lags[kind].lagging = false;
}

int64_t reel_store_lag_due_in_us(const struct reel_store *store, enum lag_kind kind, int64_t now_us)
{
    const struct reel_entry *entry = store->lagging[kind];

    if (!entry)
        return INT64_MAX;
    if (since(entry->lags[kind].since_us, lag_most_us[kind], now_us))
        return 0;
    return entry->lags[kind].since_us + lag_most_us[kind] - now_us;
}

static enum reel_code write_header(struct reel_store *store, struct reel_entry *entry,
                                   struct reel_error *err_out)
{
    struct reel_wav *wav;

    if (reel_store_wav(store, entry, &wav, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (reel_wav_frames(wav) != entry->recording.frames)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL,
                              "%s: %" PRIu64 " frames, and %" PRIu64 " in the file", entry->key,
                              entry->recording.frames, reel_wav_frames(wav));
    if (reel_wav_header(wav, &entry->recording, err_out) != REEL_OK)
        return REEL_E_STALLED;
    entry->header_frames = entry->recording.frames;
    reel_store_catch_up(store, entry, LAG_HEADER);
    return REEL_OK;
}

enum reel_code reel_store_write_headers(struct reel_store *store, int64_t now_us,
                                        struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    struct reel_entry *entry;

    DL_FOREACH2(store->touched, entry, touched_next)
    {
        if (reel_entry_is_complete(entry) && (entry->unsealed || entry->noted))
            code = write_header(store, entry, err_out);
        if (code != REEL_OK)
            return code;
    }
    while (code == REEL_OK && reel_store_lag_due_in_us(store, LAG_HEADER, now_us) == 0)
        code = write_header(store, store->lagging[LAG_HEADER], err_out);
    return code;
}

enum reel_code reel_store_settle_headers(struct reel_store *store, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    struct reel_entry *entry;

    DL_FOREACH (store->open, entry) {
        if (code == REEL_OK && entry->header_frames != entry->recording.frames)
            code = write_header(store, entry, err_out);
    }
    return code;
}

/* Whether the sidecar says less than the recording, and how old it may become so. */
static bool sidecar_lags(const struct reel_entry *entry, int64_t *age_most_us_out)
{
    bool prompt = entry->sidecar_mark.plain_growth || reel_entry_is_complete(entry);

    *age_most_us_out = 0;
    if (!entry->has_sidecar)
        return true;
    if (reel_sidecar_mark(&entry->recording).digest != entry->sidecar_mark.digest) {
        *age_most_us_out = prompt ? 0 : LARGE_SIDECAR_INTERVAL_US;
        return true;
    }
    *age_most_us_out = SIDECAR_INTERVAL_US;
    return entry->recording.frames != entry->sidecar_frames;
}

static enum reel_code write_sidecar(struct reel_store *store, struct reel_entry *entry,
                                    int64_t now_us, struct reel_error *err_out)
{
    if (reel_sidecars_write(store->sidecars, &entry->recording, err_out) != REEL_OK)
        return REEL_E_STALLED;
    entry->sidecar_mark = reel_sidecar_mark(&entry->recording);
    entry->sidecar_frames = entry->recording.frames;
    entry->sidecar_us = now_us;
    entry->has_sidecar = true;
    entry->noted = false;
    reel_store_catch_up(store, entry, LAG_SIDECAR);
    return REEL_OK;
}

/* Of one that is not about to change: it may have been shed. */
static enum reel_code write_sidecar_at_rest(struct reel_store *store, struct reel_entry *entry,
                                            int64_t now_us, struct reel_error *err_out)
{
    enum reel_code code = reel_store_unshed(store, entry, err_out);

    if (code == REEL_OK)
        code = write_sidecar(store, entry, now_us, err_out);
    if (code == REEL_OK)
        reel_store_shed(store);
    return code;
}

enum reel_code reel_store_write_sidecars(struct reel_store *store, int64_t now_us,
                                         struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    struct reel_entry *entry;
    int64_t age_most_us;

    DL_FOREACH2(store->touched, entry, touched_next)
    {
        if (!sidecar_lags(entry, &age_most_us))
            continue;
        if (!since(entry->sidecar_us, age_most_us, now_us))
            reel_store_note_lag(store, entry, LAG_SIDECAR, now_us);
        else if (write_sidecar(store, entry, now_us, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    while (code == REEL_OK && reel_store_lag_due_in_us(store, LAG_SIDECAR, now_us) == 0)
        code = write_sidecar_at_rest(store, store->lagging[LAG_SIDECAR], now_us, err_out);
    return code == REEL_OK ? reel_sidecars_flush(store->sidecars, err_out) : code;
}

enum reel_code reel_store_settle_sidecars(struct reel_store *store, int64_t now_us,
                                          struct reel_error *err_out)
{
    struct reel_entry *entry;

    DL_FOREACH (store->open, entry) {
        enum reel_code code = write_sidecar_at_rest(store, entry, now_us, err_out);

        if (code != REEL_OK)
            return code;
    }
    return reel_sidecars_flush(store->sidecars, err_out);
}
