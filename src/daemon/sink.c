/* Sink: ingest, responder, hasher, importer and remover, each on its thread; the first waits for
 * signals. */
#include "daemon/sink.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon/change.h"
#include "daemon/config_share.h"
#include "daemon/hasher.h"
#include "daemon/importer.h"
#include "daemon/ingest.h"
#include "daemon/notice.h"
#include "daemon/reload.h"
#include "daemon/remover.h"
#include "daemon/responder.h"
#include "daemon/service.h"
#include "daemon/worker.h"
#include "io/loop.h"
#include "io/wake.h"

enum { NOTICES_MAX = 65536, NOTICES_MAX_BYTES = 12 << 20, JOBS_MAX = 4 };
enum { CHANGES_MAX = 1024, CHANGES_MAX_BYTES = 4 << 20 };
enum { DISCARDS_MAX = 65536 };

/* Each with its thread, in the order in which they end: ingest commits, and tells the responder the
 * last. */
enum { INGEST, RESPONDER, HASHER, REMOVER, IMPORTER, WORKERS };

struct reel_sink {
    struct reel_config_share *settings;
    const struct reel_config_sources *sources;
    char store_dir[REEL_SETTING_BYTES];
    struct reel_log *log;
    struct reel_service service;
    struct reel_counters counters;
    struct reel_turns turns;
    struct reel_bus_gate *gate;
    struct reel_mailbox *notices;
    struct reel_mailbox *changes;
    struct reel_mailbox *jobs;
    struct reel_mailbox *hashes;
    struct reel_mailbox *discards;
    struct reel_mailbox *import_jobs;
    struct reel_mailbox *imports;
    struct reel_reader *reader;
    struct reel_ingest *ingest;
    struct reel_responder *responder;
    struct reel_hasher hasher;
    struct reel_importer importer;
    struct reel_remover remover;
    struct reel_worker workers[WORKERS];
    int ended_fd; /* a worker ended by itself */
    /* Each with a descriptor: of two signals the kernel gives the lower number first, however often
     * that one comes. */
    int end_fd;    /* SIGTERM, SIGINT */
    int reload_fd; /* SIGHUP */
};

static enum reel_code run_ingest(void *sink, struct reel_error *err_out)
{
    return reel_ingest_run(((struct reel_sink *)sink)->ingest, err_out);
}

static enum reel_code run_responder(void *sink, struct reel_error *err_out)
{
    return reel_responder_run(((struct reel_sink *)sink)->responder, err_out);
}

static enum reel_code run_hasher(void *sink, struct reel_error *err_out)
{
    (void)err_out;
    reel_hasher_run(&((struct reel_sink *)sink)->hasher);
    return REEL_OK;
}

static enum reel_code run_remover(void *sink, struct reel_error *err_out)
{
    (void)err_out;
    reel_remover_run(&((struct reel_sink *)sink)->remover);
    return REEL_OK;
}

static enum reel_code run_importer(void *sink, struct reel_error *err_out)
{
    (void)err_out;
    reel_importer_run(&((struct reel_sink *)sink)->importer);
    return REEL_OK;
}

/* Those two alone end by themselves. */
static enum reel_code open_workers(struct reel_sink *sink, struct reel_error *err_out)
{
    enum reel_code (*const run[WORKERS])(void *, struct reel_error *) = {
        [INGEST] = run_ingest,   [RESPONDER] = run_responder, [HASHER] = run_hasher,
        [REMOVER] = run_remover, [IMPORTER] = run_importer,
    };

    for (size_t i = 0; i < WORKERS; i++) {
        struct reel_worker *worker = &sink->workers[i];

        worker->run = run[i];
        worker->user = sink;
        if (i == INGEST || i == RESPONDER)
            worker->ended_fd = sink->ended_fd;
        if (reel_worker_open(worker, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return REEL_OK;
}

static enum reel_code open_descriptors(struct reel_sink *sink, struct reel_error *err_out)
{
    sigset_t end, reload;

    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGINT);
    sink->end_fd = signalfd(-1, &end, SFD_CLOEXEC | SFD_NONBLOCK);
    sigemptyset(&reload);
    sigaddset(&reload, SIGHUP);
    sink->reload_fd = signalfd(-1, &reload, SFD_CLOEXEC | SFD_NONBLOCK);
    sink->ended_fd = reel_wake_open();
    if (sink->end_fd < 0 || sink->reload_fd < 0 || sink->ended_fd < 0)
        return reel_error_errno(err_out, errno, "signalfd");
    return open_workers(sink, err_out);
}

static enum reel_code create_mailboxes(struct reel_sink *sink, struct reel_error *err_out)
{
    sink->notices = reel_mailbox_create(NOTICES_MAX, NOTICES_MAX_BYTES);
    sink->changes = reel_mailbox_create(CHANGES_MAX, CHANGES_MAX_BYTES);
    sink->jobs = reel_mailbox_create(JOBS_MAX, 0);
    sink->hashes = reel_mailbox_create(JOBS_MAX, 0);
    sink->import_jobs = reel_mailbox_create(JOBS_MAX, 0);
    sink->imports = reel_mailbox_create(JOBS_MAX, 0);
    sink->discards = reel_mailbox_create(DISCARDS_MAX, 0);
    if (!sink->notices || !sink->changes || !sink->jobs || !sink->hashes || !sink->import_jobs ||
        !sink->imports || !sink->discards)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    return REEL_OK;
}

/* Whether a sink without a store is of use: with a disk that fails and may be well later, or is not
 * there yet, it can still say why, and begins by itself; one that is to end ends as others do. */
static bool may_go_without(const struct reel_error *error)
{
    return error->code == REEL_E_NOT_FOUND || reel_error_may_pass(error) ||
           error->errno_value == ECANCELED;
}

/* Without one that it may go without `*store_out` is NULL. */
static enum reel_code open_store(struct reel_sink *sink, struct reel_store **store_out,
                                 struct reel_error *err_out)
{
    struct reel_service_opening opening = {.end_fd = sink->end_fd};
    struct reel_store_config config;
    struct reel_store_report report;
    struct reel_error error;
    enum reel_code code;

    reel_config_store(reel_config_share_newest(sink->settings), sink->log, &config);
    config.progress = reel_service_progress;
    config.progress_user = &opening;
    reel_service_open();
    code = reel_store_open(&config, reel_wall_us(), store_out, &report, &error);
    if (code == REEL_OK)
        reel_log_write(sink->log, REEL_LOG_INFO,
                       "store %s: %llu recordings, %llu open, %llu repaired, %llu recovered",
                       sink->store_dir, (unsigned long long)report.recordings,
                       (unsigned long long)report.open, (unsigned long long)report.repaired,
                       (unsigned long long)report.recovered);
    if (code == REEL_OK)
        return REEL_OK;
    *err_out = error;
    *store_out = NULL;
    return may_go_without(&error) ? REEL_OK : code;
}

static enum reel_code follow(struct reel_sink *sink, struct reel_config_follower **follower_out,
                             struct reel_error *err_out)
{
    *follower_out = reel_config_share_follower(sink->settings);
    return *follower_out ? REEL_OK : reel_error_errno(err_out, errno, "settings");
}

static enum reel_code create_ingest(struct reel_sink *sink, const char *password,
                                    struct reel_error *err_out)
{
    struct reel_ingest_links links = {
        .password = password,
        .log = sink->log,
        .counters = &sink->counters,
        .turns = &sink->turns,
        .notices = sink->notices,
        .changes = sink->changes,
        .jobs = sink->jobs,
        .hashes = sink->hashes,
        .discards = sink->discards,
        .import_jobs = sink->import_jobs,
        .imports = sink->imports,
        .gate = sink->gate,
        .stop_fd = sink->workers[INGEST].stop_fd,
    };
    struct reel_store *store;
    enum reel_code code;

    code = follow(sink, &links.settings, err_out);
    if (code)
        return code;
    links.config = links.settings->config;
    code = open_store(sink, &store, err_out);
    return code ? code : reel_ingest_create(&links, store, &sink->ingest, err_out);
}

static enum reel_code create_responder(struct reel_sink *sink, const char *password,
                                       struct reel_error *err_out)
{
    enum reel_code code = reel_reader_open(sink->store_dir, &sink->reader, err_out);
    struct reel_responder_links links = {
        .service = &sink->service,
        .password = password,
        .log = sink->log,
        .counters = &sink->counters,
        .turns = &sink->turns,
        .notices = sink->notices,
        .changes = sink->changes,
        .reader = sink->reader,
        .gate = sink->gate,
        .stop_fd = sink->workers[RESPONDER].stop_fd,
    };

    if (code == REEL_OK)
        code = follow(sink, &links.settings, err_out);
    if (code)
        return code;
    links.config = links.settings->config;
    sink->responder = reel_responder_create(&links);
    if (!sink->responder)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    return REEL_OK;
}

/* Those that only work for the others. */
static enum reel_code create_helpers(struct reel_sink *sink, struct reel_error *err_out)
{
    sink->hasher = (struct reel_hasher){sink->store_dir, sink->log, sink->jobs, sink->hashes,
                                        sink->workers[HASHER].stop_fd};
    sink->remover = (struct reel_remover){sink->store_dir, sink->log, &sink->counters,
                                          sink->discards, sink->workers[REMOVER].stop_fd};
    sink->importer = (struct reel_importer){
        .store_dir = sink->store_dir,
        .log = sink->log,
        .jobs = sink->import_jobs,
        .imports = sink->imports,
        .stop_fd = sink->workers[IMPORTER].stop_fd,
    };
    return follow(sink, &sink->importer.settings, err_out);
}

static enum reel_code create_all(struct reel_sink *sink, const char *password,
                                 struct reel_error *err_out)
{
    enum reel_code code;

    sink->gate = reel_bus_gate_create();
    code = sink->gate ? open_descriptors(sink, err_out)
                      : reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    if (code == REEL_OK)
        code = create_mailboxes(sink, err_out);
    if (code == REEL_OK)
        code = create_ingest(sink, password, err_out);
    if (code == REEL_OK)
        code = create_responder(sink, password, err_out);
    return code ? code : create_helpers(sink, err_out);
}

enum reel_code reel_sink_create(const struct reel_sink_links *links, struct reel_sink **sink_out,
                                struct reel_error *err_out)
{
    struct reel_sink *sink = calloc(1, sizeof *sink);
    enum reel_code code;

    if (!sink)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    sink->settings = links->settings;
    sink->sources = links->sources;
    sink->log = links->log;
    memcpy(sink->store_dir, reel_config_share_newest(sink->settings)->store_dir,
           sizeof sink->store_dir);
    code = create_all(sink, links->password, err_out);
    if (code) {
        reel_sink_destroy(&sink);
        return code;
    }
    *sink_out = sink;
    return REEL_OK;
}

/* Those first that the others hand work to. */
static enum reel_code start_all(struct reel_sink *sink, struct reel_error *err_out)
{
    for (size_t i = WORKERS; i-- > 0;) {
        if (reel_worker_start(&sink->workers[i], err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return REEL_OK;
}

static void reload(struct reel_sink *sink)
{
    const struct reel_reload again = {sink->sources, sink->settings, sink->log};

    reel_service_reloading(&sink->service);
    if (!reel_reload_run(&again))
        reel_service_reloaded(&sink->service);
}

static void take_reload(struct reel_sink *sink)
{
    struct signalfd_siginfo signal;

    if (read(sink->reload_fd, &signal, sizeof signal) == (ssize_t)sizeof signal)
        reload(sink);
}

static void wait_for_end(struct reel_sink *sink)
{
    struct pollfd fds[4] = {
        {.fd = sink->end_fd, .events = POLLIN},
        {.fd = sink->ended_fd, .events = POLLIN},
        {.fd = sink->reload_fd, .events = POLLIN},
        {.fd = reel_config_share_fd(sink->settings), .events = POLLIN},
    };

    while (reel_poll(fds, 4, INT64_MAX), !fds[0].revents && !fds[1].revents) {
        if (fds[2].revents)
            take_reload(sink);
        if (fds[3].revents && reel_config_share_followed(sink->settings))
            reel_service_reloaded(&sink->service);
    }
}

enum reel_code reel_sink_run(struct reel_sink *sink, struct reel_error *err_out)
{
    enum reel_code code = start_all(sink, err_out);

    if (code == REEL_OK)
        wait_for_end(sink);
    reel_service_end();
    for (size_t i = 0; i < WORKERS; i++)
        reel_worker_stop(&sink->workers[i]);
    for (size_t i = 0; i < WORKERS && code == REEL_OK; i++) {
        code = sink->workers[i].code;
        *err_out = sink->workers[i].error;
    }
    return code;
}

static void release_notice(void *notice)
{
    reel_notice_destroy(notice);
}

static void release_change(void *change)
{
    reel_change_destroy(change);
}

static void release_discard(void *discard)
{
    reel_discard_leave(discard);
    free(discard);
}

static void close_descriptor(int fd)
{
    if (fd > 0)
        close(fd);
}

void reel_sink_destroy(struct reel_sink **sink)
{
    struct reel_sink *gone = *sink;

    if (!gone)
        return;
    reel_responder_destroy(&gone->responder);
    reel_reader_close(gone->reader);
    reel_ingest_destroy(&gone->ingest);
    reel_mailbox_destroy(&gone->notices, release_notice);
    reel_mailbox_destroy(&gone->changes, release_change);
    reel_mailbox_destroy(&gone->jobs, free);
    reel_mailbox_destroy(&gone->hashes, free);
    reel_mailbox_destroy(&gone->import_jobs, free);
    reel_mailbox_destroy(&gone->imports, free);
    reel_mailbox_destroy(&gone->discards, release_discard);
    for (size_t i = 0; i < WORKERS; i++)
        reel_worker_close(&gone->workers[i]);
    close_descriptor(gone->end_fd);
    close_descriptor(gone->reload_fd);
    close_descriptor(gone->ended_fd);
    reel_bus_gate_release(&gone->gate);
    free(gone);
    *sink = NULL;
}
