/* Ingest: the loop and its duties, the store's failures. */
#include "daemon/ingest.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/events.h"
#include "daemon/ingest_audio.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"

enum { SECOND_US = 1000000, READS_AT_ONCE = 4096 };
enum { TURN_WAIT_US = SECOND_US / 20 };

/* ---- the store ---- */

static void open_store(struct reel_ingest *ingest)
{
    struct reel_service_opening opening = {.watchdog = &ingest->watchdog,
                                           .end_fd = ingest->links.stop_fd};
    struct reel_store_config config;
    struct reel_error error;

    reel_config_store(ingest->links.config, ingest->links.log, &config);
    config.catalog_suspect = ingest->suspect;
    config.progress = reel_service_progress;
    config.progress_user = &opening;
    if (reel_store_open(&config, reel_wall_us(), &ingest->store, NULL, &error)) {
        reel_log_write(ingest->links.log,
                       error.errno_value == ECANCELED ? REEL_LOG_NOTICE : REEL_LOG_ERROR,
                       "the store does not open: %s", error.message);
        reel_turns_take(ingest->links.turns);
        reel_backoff_wait(&ingest->backoff, REEL_STORE_WAIT_MOST_US, reel_monotonic_us());
        reel_ingest_tell(ingest, error.message);
        return;
    }
    reel_turns_take(ingest->links.turns);
    reel_log_write(ingest->links.log, REEL_LOG_NOTICE, "the store is open again");
}

/* Once the reader has let go of the old one. */
static void try_store(struct reel_ingest *ingest)
{
    if (reel_turns_behind(ingest->links.turns))
        ingest->backoff.next_us = reel_monotonic_us() + TURN_WAIT_US;
    else
        open_store(ingest);
}

/* Without it: what is asked is turned away. */
static void wait_for_store(struct reel_ingest *ingest)
{
    reel_ingest_changes(ingest);
    if (reel_monotonic_us() >= ingest->backoff.next_us)
        try_store(ingest);
}

/* Invariant 6: the batch is not acknowledged, the connection is dropped without another write, the
 * work is done anew. */
static void give_up_batch(struct reel_ingest *ingest)
{
    reel_log_write(ingest->links.log, REEL_LOG_ERROR, "a batch could not be stored: %s",
                   ingest->failure.message);
    reel_count(&ingest->links.counters->commit_failures, 1);
    reel_bus_destroy(&ingest->bus);
    reel_ingest_drop(ingest);
    reel_ingest_drop_deletions(ingest, &ingest->failure);
    reel_ingest_hermes_forget(ingest);
    reel_store_close(ingest->store);
    ingest->store = NULL;
    reel_turns_take(ingest->links.turns);
    ingest->suspect = ingest->failure.code == REEL_E_INTERNAL;
    ingest->failed = false;
    reel_ingest_disconnect(ingest, ingest->failure.message);
}

/* ---- the loop ---- */

/* Complete what has not been heard of for session.idle_timeout_s while it could be heard. */
static void complete_idle(struct reel_ingest *ingest, int64_t now_us)
{
    int64_t timeout_us = (int64_t)ingest->links.config->session_idle_timeout_s * SECOND_US;
    struct reel_entry *entry;
    int64_t heard_us;

    if (!ingest->subscribed || now_us - ingest->subscribed_us < timeout_us)
        return;
    while (!ingest->failed && !reel_batch_full(ingest, INT64_MIN) &&
           (entry = reel_store_oldest(ingest->store, &heard_us)) != NULL &&
           now_us - heard_us >= timeout_us) {
        const struct reel_recording *head = reel_entry_recording(entry);
        struct reel_error error;

        reel_batch_open(&ingest->batch, now_us);
        if (reel_store_get(ingest->store, head->device, head->session, &entry, &error)) {
            reel_ingest_fail(ingest, &error);
            return;
        }
        reel_store_touch(ingest->store, entry, now_us);
        reel_ingest_complete(ingest, entry, REEL_END_IDLE, reel_wall_us());
    }
}

static int64_t idle_deadline_us(struct reel_ingest *ingest)
{
    int64_t timeout_us = (int64_t)ingest->links.config->session_idle_timeout_s * SECOND_US;
    int64_t heard_us;

    if (!ingest->subscribed || !reel_store_oldest(ingest->store, &heard_us))
        return INT64_MAX;
    return (heard_us > ingest->subscribed_us ? heard_us : ingest->subscribed_us) + timeout_us;
}

/* Refusals are told when they are durable: between batches. */
static void tell_rejected(struct reel_ingest *ingest, int64_t now_us)
{
    struct reel_rejection what;

    while (!ingest->batch.open && reel_reject_limit_due(ingest->rejects, now_us, &what)) {
        struct reel_notice *notice =
            reel_notice_event(what.device, what.session,
                              reel_event_rejected(what.device, what.session, &what.error,
                                                  what.quarantine_id, what.count, reel_wall_us()));

        if (!notice ||
            !reel_mailbox_post(ingest->links.notices, notice, reel_notice_bytes(notice))) {
            reel_notice_destroy(notice);
            reel_count(&ingest->links.counters->events_dropped, 1);
        }
    }
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

/* When headers or sidecars are due; an open batch brings them up itself. */
static int64_t due_us(const struct reel_ingest *ingest, int64_t now_us)
{
    int64_t due_in_us =
        ingest->batch.open ? INT64_MAX : reel_store_due_in_us(ingest->store, reel_wall_us());

    return due_in_us == INT64_MAX ? INT64_MAX : now_us + due_in_us;
}

/* What is due is written although no audio comes. No batch is begun for it: see may_read. */
static void bring_up(struct reel_ingest *ingest, int64_t now_us)
{
    if (!ingest->failed && due_us(ingest, now_us) <= now_us)
        reel_ingest_commit(ingest);
}

static int64_t next_deadline_us(struct reel_ingest *ingest)
{
    int64_t deadline_us;

    if (!ingest->store)
        return ingest->backoff.next_us;
    if ((ingest->deletions || ingest->shorts) && !ingest->batch.open)
        return 0;
    deadline_us = due_us(ingest, reel_monotonic_us());
    deadline_us = earlier(deadline_us, reel_batch_deadline_us(ingest));
    deadline_us = earlier(deadline_us, reel_ingest_retain_due_us(ingest));
    deadline_us = earlier(deadline_us, reel_ingest_silence_due_us(ingest));
    if (!ingest->bus)
        return earlier(deadline_us, ingest->backoff.next_us);
    deadline_us = earlier(deadline_us, reel_monotonic_us() + SECOND_US);
    deadline_us = earlier(deadline_us, idle_deadline_us(ingest));
    if (!ingest->batch.open)
        deadline_us = earlier(deadline_us, reel_reject_limit_next_us(ingest->rejects));
    return deadline_us;
}

/* No batch is begun while the answers to the last one wait for the broker to read them: where it
 * does not, what it sends waits in the socket, not in our memory. */
static bool may_read(const struct reel_ingest *ingest)
{
    return ingest->batch.messages > 0 || !reel_bus_wants_write(ingest->bus);
}

static void read_batch(struct reel_ingest *ingest)
{
    for (int i = 0; i < READS_AT_ONCE && !ingest->failed && !ingest->lost; i++) {
        if (reel_batch_full(ingest, INT64_MIN) || !reel_bus_read(ingest->bus))
            return;
    }
}

/* What is done between batches, each in batches of its own. */
static void work_between_batches(struct reel_ingest *ingest)
{
    reel_ingest_remove_shorts(ingest);
    reel_ingest_deletions(ingest);
    if (!ingest->failed)
        reel_ingest_uploads(ingest);
    reel_ingest_retain(ingest);
    reel_ingest_silence(ingest);
}

static void work(struct reel_ingest *ingest, bool readable)
{
    int64_t now_us;

    if (readable && may_read(ingest))
        read_batch(ingest);
    reel_ingest_hashing(ingest);
    reel_ingest_changes(ingest);
    now_us = reel_monotonic_us();
    if (!ingest->failed)
        complete_idle(ingest, now_us);
    bring_up(ingest, now_us);
    if (!ingest->failed &&
        (reel_batch_full(ingest, now_us) || (ingest->batch.open && ingest->lost)))
        reel_ingest_commit(ingest);
    work_between_batches(ingest);
    if (!ingest->failed && !ingest->lost) {
        reel_bus_misc(ingest->bus);
        if (!ingest->batch.open && reel_bus_wants_write(ingest->bus))
            reel_bus_write(ingest->bus);
        tell_rejected(ingest, now_us);
    }
    if (ingest->failed)
        give_up_batch(ingest);
    else if (ingest->lost)
        reel_ingest_disconnect(ingest, ingest->lost_reason);
}

/* Without a connection: what is due is written all the same. */
static void work_alone(struct reel_ingest *ingest)
{
    int64_t now_us = reel_monotonic_us();

    reel_ingest_changes(ingest);
    bring_up(ingest, now_us);
    if (!ingest->failed && reel_batch_full(ingest, now_us))
        reel_ingest_commit(ingest);
    work_between_batches(ingest);
    if (ingest->failed)
        give_up_batch(ingest);
    else if (now_us >= ingest->backoff.next_us)
        reel_ingest_connect(ingest);
}

/* One turn; false when it is time to end. */
static bool turn(struct reel_ingest *ingest)
{
    struct pollfd fds[6] = {
        {.fd = ingest->links.stop_fd, .events = POLLIN},
        {.fd = ingest->store ? reel_mailbox_fd(ingest->links.hashes) : -1, .events = POLLIN},
        {.fd = ingest->bus ? reel_bus_fd(ingest->bus) : -1},
        {.fd = reel_mailbox_fd(ingest->links.changes), .events = POLLIN},
        {.fd = ingest->store && !ingest->batch.open ? reel_mailbox_fd(ingest->links.imports) : -1,
         .events = POLLIN},
        {.fd = reel_config_follower_fd(ingest->links.settings), .events = POLLIN},
    };

    if (ingest->bus && may_read(ingest))
        fds[2].events |= POLLIN;
    if (ingest->bus && !ingest->batch.open && reel_bus_wants_write(ingest->bus))
        fds[2].events |= POLLOUT;
    reel_poll(fds, 6, earlier(next_deadline_us(ingest), reel_watchdog_due_us(&ingest->watchdog)));
    if (fds[0].revents)
        return false;
    reel_watchdog_feed(&ingest->watchdog, reel_monotonic_us());
    reel_ingest_settings(ingest);
    if (ingest->store && ingest->bus)
        work(ingest, fds[2].revents != 0);
    else if (ingest->store)
        work_alone(ingest);
    else
        wait_for_store(ingest);
    return !ingest->taken_over;
}

/* The last batch, then headers and sidecars as they should be found. */
static void settle(struct reel_ingest *ingest)
{
    struct reel_error error;

    reel_error_set(&error, REEL_E_STALLED, NULL, "the sink is ending: ask again");
    reel_ingest_drop_deletions(ingest, &error);
    reel_ingest_turn_waiting_away(ingest);
    if (!ingest->store)
        return;
    reel_ingest_commit(ingest);
    while (!ingest->failed && ingest->shorts)
        reel_ingest_remove_shorts(ingest);
    if (!ingest->failed && reel_store_settle(ingest->store, reel_wall_us(), &error))
        reel_ingest_fail(ingest, &error);
    if (ingest->failed) {
        reel_log_write(ingest->links.log, REEL_LOG_ERROR, "ending: %s", ingest->failure.message);
        reel_bus_destroy(&ingest->bus);
        return;
    }
    if (ingest->bus) {
        ingest->ending = true;
        reel_bus_disconnect(ingest->bus);
        reel_bus_write(ingest->bus);
    }
}

enum reel_code reel_ingest_run(struct reel_ingest *ingest, struct reel_error *err_out)
{
    while (turn(ingest))
        continue;
    settle(ingest);
    if (ingest->taken_over)
        return reel_error_set(err_out, REEL_E_CONFLICT, "sink.name",
                              "another client took over reeld-%s-ingest: two sinks have one name; "
                              "give each a sink.name of its own",
                              ingest->links.config->sink_name);
    return REEL_OK;
}

enum reel_code reel_ingest_create(const struct reel_ingest_links *links, struct reel_store *store,
                                  struct reel_ingest **ingest_out, struct reel_error *err_out)
{
    struct reel_ingest *ingest = calloc(1, sizeof *ingest);

    if (!ingest) {
        reel_store_close(store);
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    }
    ingest->links = *links;
    ingest->store = store;
    reel_backoff_reset(&ingest->backoff);
    reel_ingest_retain_init(ingest);
    reel_watchdog_init(&ingest->watchdog);
    ingest->acks = reel_acks_create();
    ingest->rejects = reel_reject_limit_create();
    ingest->beginnings = reel_rate_create(links->config->new_recordings_per_minute);
    ingest->parts = reel_part_memory_create();
    ingest->satellites = reel_satellites_create();
    ingest->fragments = reel_allowance_create();
    ingest->budgets = reel_devices_create(sizeof(struct reel_budget));
    if (!ingest->acks || !ingest->rejects || !ingest->beginnings || !ingest->parts ||
        !ingest->satellites || !ingest->fragments || !ingest->budgets ||
        reel_batch_init(&ingest->batch)) {
        reel_ingest_destroy(&ingest);
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    }
    *ingest_out = ingest;
    return REEL_OK;
}

void reel_ingest_destroy(struct reel_ingest **ingest)
{
    struct reel_ingest *gone = *ingest;

    if (!gone)
        return;
    reel_bus_destroy(&gone->bus);
    reel_acks_destroy(&gone->acks);
    reel_reject_limit_destroy(&gone->rejects);
    reel_rate_destroy(&gone->beginnings);
    reel_allowance_destroy(&gone->fragments);
    reel_devices_destroy(&gone->budgets);
    reel_part_memory_destroy(&gone->parts);
    reel_ingest_drop_deletions(gone, NULL);
    reel_satellites_destroy(&gone->satellites);
    reel_ingest_forget_shorts(gone);
    reel_batch_finish(&gone->batch);
    reel_redelivery_drop(&gone->redelivery);
    reel_scratch_finish(&gone->scratch);
    reel_scratch_finish(&gone->candidate_scratch);
    reel_store_close(gone->store);
    free(gone);
    *ingest = NULL;
}
