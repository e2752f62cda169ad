/* Recorder: sources, cutter, spool, and when to sync. */
#include "cli/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"
#include "io/loop.h"
#include "io/wake.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    /* What a power cut may take of live audio, and so the cost to a flash of syncing. */
    SYNC_US = 1000000,
    SYNC_BYTES = 1024 * 1024,
    FULL_US = 200000,        /* before the spool is tried again */
    PIPE_BYTES = 1024 * 1024 /* what a pipe holds while the disk is slow */
};

struct recording_state {
    struct reel_recorder *recorder;
    struct reel_recording *recording;
    uint32_t lane;
    uint64_t next_seq; /* fragments below are in the spool already */
    int64_t sync_us;
    bool full;
};

void reel_recorder_source(const char *path, struct reel_spool_source *source_out)
{
    struct stat status;
    char *whole = strcmp(path, "-") == 0 ? NULL : realpath(path, NULL);

    *source_out = (struct reel_spool_source){0};
    if (whole && stat(whole, &status) == 0 && S_ISREG(status.st_mode)) {
        source_out->path_hash = XXH64(whole, strlen(whole), 0) | 1;
        source_out->bytes = (uint64_t)status.st_size;
        source_out->modified_ns =
            (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    }
    free(whole);
}

static enum reel_code published(const struct reel_spool_lane *lane, bool whole,
                                struct reel_error *err_out)
{
    if (!whole)
        return reel_error_set(err_out, REEL_E_CONFLICT, NULL,
                              "the file of %s has been published already, but for what was lost "
                              "from the spool: --session publishes it anew",
                              lane->session);
    reel_report_note("the file of %s has been published already: --session publishes it anew",
                     lane->session);
    return REEL_OK;
}

/* Open the source and find what the spool has of it: the same cuts give the same fragments. */
static enum reel_code begin(struct recording_state *state, bool *whole_out,
                            struct reel_error *err_out)
{
    struct reel_recorder *recorder = state->recorder;
    struct reel_cutter *cutter = &state->recording->cutter;
    struct reel_spool_lane lane = {0};
    enum reel_code code;

    atomic_store(&recorder->opening, true);
    code = reel_cutter_open(cutter, recorder->raw, recorder->fragment_ms, err_out);
    atomic_store(&recorder->opening, false);
    if (code)
        return code;
    if (reel_source_guessed(cutter->source) && !recorder->quiet)
        reel_source_guess_note();
    strcpy(lane.device, recorder->device);
    strcpy(lane.session, state->recording->session);
    lane.boot = cutter->boot;
    lane.fragment_frames = cutter->fragment_frames;
    reel_recorder_source(cutter->path, &lane.source);
    if (reel_spool_done(recorder->spool, &lane, whole_out))
        return published(&lane, *whole_out, err_out);
    code = reel_spool_lane_open(recorder->spool, &lane, err_out);
    if (!code)
        code = reel_cutter_resume(cutter, lane.boot, lane.fragment_frames, err_out);
    state->lane = lane.number;
    state->next_seq = lane.next_seq;
    *whole_out = lane.ended;
    if (reel_source_fd(cutter->source) >= 0)
        fcntl(reel_source_fd(cutter->source), F_SETPIPE_SZ, PIPE_BYTES); /* as far as it is let */
    return code;
}

static enum reel_code sync_due(struct recording_state *state, bool now, struct reel_error *err_out)
{
    struct reel_spool *spool = state->recorder->spool;
    uint64_t bytes = reel_spool_unsynced(spool);
    int64_t now_us = reel_monotonic_us();
    enum reel_code code;

    if (bytes == 0) {
        state->sync_us = now_us + SYNC_US;
        return REEL_OK;
    }
    if (!now && bytes < SYNC_BYTES && now_us < state->sync_us)
        return REEL_OK;
    code = reel_spool_sync(spool, err_out);
    state->sync_us = reel_monotonic_us() + SYNC_US;
    reel_wake_raise(state->recorder->news);
    return code;
}

/* Wait for the source, as long as nothing else is to be done. False: not yet. */
static bool ready(struct recording_state *state)
{
    struct reel_cutter *cutter = &state->recording->cutter;
    int64_t now_us = reel_monotonic_us(), next_us = reel_cutter_next_us(cutter);
    struct pollfd wait[2] = {{.fd = state->recorder->wake, .events = POLLIN},
                             {.fd = reel_source_fd(cutter->source), .events = POLLIN}};

    if (atomic_load(&state->recorder->stop) || (wait[1].fd < 0 && next_us <= now_us))
        return true;
    if (next_us > now_us)
        wait[1].fd = -1;
    else
        next_us = INT64_MAX;
    reel_poll(wait, 2, next_us < state->sync_us ? next_us : state->sync_us);
    return wait[1].revents != 0;
}

static void full_begins(struct recording_state *state, const struct reel_error *error, bool live)
{
    if (!state->full)
        reel_report_note("%s: %s", error->message,
                         live ? "new audio is left out until there is room"
                              : "waiting until there is room");
    state->full = true;
}

/* The end of live audio was left out: a fragment without audio behind it shows the gap. */
static enum reel_code keep_end(struct recording_state *state, struct reel_error *err_out)
{
    struct reel_cut cut;
    enum reel_code code = reel_cutter_end(&state->recording->cutter, reel_wall_us(), &cut, err_out);

    if (code)
        return code;
    code = reel_spool_append(state->recorder->spool, state->lane, &cut, err_out);
    free(cut.payload);
    return code == REEL_E_BUSY ? REEL_OK : code; /* a full disk: what was left out is told */
}

/* Live audio does not wait for room: it is left out, and its numbers show a gap. */
static enum reel_code keep(struct recording_state *state, const struct reel_cut *cut,
                           struct reel_error *err_out)
{
    struct reel_recorder *recorder = state->recorder;
    bool live = reel_source_live(state->recording->cutter.source);
    struct reel_error error;
    enum reel_code code;

    if (cut->seq < state->next_seq)
        return REEL_OK;
    while ((code = reel_spool_append(recorder->spool, state->lane, cut, &error)) == REEL_E_BUSY) {
        struct pollfd wait = {.fd = recorder->wake, .events = POLLIN};

        full_begins(state, &error, live);
        code = sync_due(state, !live, &error);
        if (code) {
            *err_out = error;
            return code;
        }
        if (!live && atomic_load(&recorder->stop))
            return REEL_OK; /* to be read again another time */
        if (live) {
            state->recording->left_out_frames += cut->frames;
            return cut->end ? keep_end(state, err_out) : REEL_OK;
        }
        reel_poll(&wait, 1, reel_monotonic_us() + FULL_US);
    }
    if (!code && state->full)
        reel_report_note("the spool has room again");
    state->full = state->full && code;
    if (code)
        *err_out = error;
    return code;
}

/* One turn: read, keep, sync. */
static enum reel_code turn(struct recording_state *state, struct reel_error *err_out)
{
    struct reel_cutter *cutter = &state->recording->cutter;
    struct reel_error error = {0};
    enum reel_code code = REEL_OK, keeping = REEL_OK;
    struct reel_cut cut = {0};

    if (ready(state))
        code = reel_cutter_read(cutter, reel_monotonic_us(), reel_wall_us(), &cut, err_out);
    if (cut.payload)
        keeping = keep(state, &cut, &error);
    free(cut.payload);
    if (!keeping)
        keeping = sync_due(state, cutter->ended, &error);
    if (keeping)
        *err_out = error;
    return keeping ? keeping : code;
}

static void record(struct reel_recorder *recorder, struct reel_recording *recording)
{
    struct recording_state state = {.recorder = recorder, .recording = recording};
    struct reel_cutter *cutter = &recording->cutter;
    struct reel_error error = {0};
    bool whole = false;
    enum reel_code code = begin(&state, &whole, &error);

    state.sync_us = reel_monotonic_us() + SYNC_US;
    while (!code && !whole && !cutter->ended) {
        if (atomic_load(&recorder->stop)) {
            cutter->stop = reel_source_live(cutter->source);
            if (!cutter->stop)
                break;
        }
        code = turn(&state, &error);
    }
    if (code != REEL_E_STALLED)
        reel_spool_sync(recorder->spool, code ? NULL : &error);
    recorder->unread = recorder->unread || (!code && !whole && !cutter->ended);
    if (code || error.code)
        recording->error = error;
    if (recording->left_out_frames)
        reel_report_note("%.1f s of %s were left out: the spool was full",
                         (double)recording->left_out_frames / cutter->format.rate,
                         recording->session);
    reel_cutter_finish(cutter);
}

static void *run(void *user)
{
    struct reel_recorder *recorder = user;

    size_t i;

    for (i = 0; i < recorder->count && !atomic_load(&recorder->stop); i++) {
        record(recorder, &recorder->recordings[i]);
        reel_wake_raise(recorder->news);
    }
    recorder->unread = recorder->unread || i < recorder->count;
    atomic_store(&recorder->ended, true);
    reel_wake_raise(recorder->news);
    return NULL;
}

enum reel_code reel_recorder_start(struct reel_recorder *recorder, struct reel_error *err_out)
{
    int status;

    recorder->wake = reel_wake_open();
    recorder->news = reel_wake_open();
    if (recorder->wake < 0 || recorder->news < 0)
        return reel_error_errno(err_out, errno, "eventfd");
    status = pthread_create(&recorder->thread, NULL, run, recorder);
    return status ? reel_error_errno(err_out, status, "a thread") : REEL_OK;
}

void reel_recorder_stop(struct reel_recorder *recorder)
{
    atomic_store(&recorder->stop, true);
    reel_wake_raise(recorder->wake);
}

void reel_recorder_join(struct reel_recorder *recorder)
{
    pthread_join(recorder->thread, NULL);
    close(recorder->wake);
    close(recorder->news);
}
