/* Replay sink: reeld's ingest as it is, on this thread, fed by a replay bus. */
#ifndef REEL_TESTS_BENCH_REPLAY_SINK_H
#define REEL_TESTS_BENCH_REPLAY_SINK_H

#include "bench/replay_bus.h"
#include "daemon/ingest.h"
#include "daemon/notice.h"
#include "io/loop.h"

struct replay_sink {
    struct reel_config *config;
    struct reel_log log;
    struct reel_counters counters;
    struct reel_turns turns;
    struct reel_mailbox *mailboxes[7];
    struct reel_ingest *ingest;
    int stop_fd;
};

enum { REPLAY_MAIL_MAX = 65536 };

static inline void release_notice(void *notice)
{
    reel_notice_destroy(notice);
}

static inline struct reel_store *open_replay_store(struct replay_sink *sink)
{
    struct reel_store_config config;
    struct reel_store *store;
    struct reel_error error;

    reel_config_store(sink->config, &sink->log, &config);
    demand_ok(reel_store_open(&config, reel_wall_us(), &store, NULL, &error), &error);
    return store;
}

/* Settings are the defaults but for `assignments` (section.key=value), NULL behind the last. */
static inline void replay_sink_open(struct replay_sink *sink, const char *const *assignments)
{
    struct reel_config_sources sources = {.file = "/dev/null", .assignments = assignments};
    struct reel_complaints complaints;
    struct reel_error error;

    memset(sink, 0, sizeof *sink);
    for (; assignments[sources.assignments_count]; sources.assignments_count++)
        continue;
    reel_complaints_init(&complaints);
    sink->config = reel_config_load(&sources, &complaints);
    demand(sink->config != NULL, complaints.texts[0]);
    reel_log_init(&sink->log, REEL_LOG_WARNING);
    for (size_t i = 0; i < sizeof sink->mailboxes / sizeof sink->mailboxes[0]; i++) {
        sink->mailboxes[i] = reel_mailbox_create(REPLAY_MAIL_MAX, SIZE_MAX);
        demand(sink->mailboxes[i] != NULL, "a mailbox");
    }
    sink->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    demand(sink->stop_fd >= 0, "eventfd");
    const struct reel_ingest_links links = {
        .config = sink->config,
        .password = "",
        .log = &sink->log,
        .counters = &sink->counters,
        .turns = &sink->turns,
        .notices = sink->mailboxes[0],
        .changes = sink->mailboxes[1],
        .jobs = sink->mailboxes[2],
        .hashes = sink->mailboxes[3],
        .import_jobs = sink->mailboxes[4],
        .imports = sink->mailboxes[5],
        .discards = sink->mailboxes[6],
        .stop_fd = sink->stop_fd,
    };
    demand_ok(reel_ingest_create(&links, open_replay_store(sink), &sink->ingest, &error), &error);
}

static inline void replay_sink_run(struct replay_sink *sink)
{
    struct reel_error error;

    demand_ok(reel_ingest_run(sink->ingest, &error), &error);
    demand(reel_counted(&sink->counters.commit_failures) == 0, "a commit failed");
}

static inline void replay_sink_close(struct replay_sink *sink)
{
    reel_ingest_destroy(&sink->ingest);
    reel_config_destroy(&sink->config);
    for (size_t i = 0; i < sizeof sink->mailboxes / sizeof sink->mailboxes[0]; i++)
        reel_mailbox_destroy(&sink->mailboxes[i], i == 0 ? release_notice : NULL);
    demand(close(sink->stop_fd) == 0, "eventfd");
}

#endif
