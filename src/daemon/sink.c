/* Sink: ingest, responder, hasher, importer and remover, made, handed to each other, and taken down
 * in reverse order. */
#include "daemon/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sink_internal.h"
#include "io/loop.h"

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
        .notices = sink->boxes.notices,
        .changes = sink->boxes.changes,
        .jobs = sink->boxes.jobs,
        .hashes = sink->boxes.hashes,
        .discards = sink->boxes.discards,
        .import_jobs = sink->boxes.import_jobs,
        .imports = sink->boxes.imports,
        .gate = sink->gate,
        .stop_fd = sink->workers[REEL_SINK_INGEST].stop_fd,
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
        .notices = sink->boxes.notices,
        .changes = sink->boxes.changes,
        .reader = sink->reader,
        .gate = sink->gate,
        .stop_fd = sink->workers[REEL_SINK_RESPONDER].stop_fd,
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
    sink->hasher = (struct reel_hasher){
        .store_dir = sink->store_dir,
        .log = sink->log,
        .jobs = sink->boxes.jobs,
        .hashes = sink->boxes.hashes,
        .stop_fd = sink->workers[REEL_SINK_HASHER].stop_fd,
    };
    sink->remover = (struct reel_remover){
        .store_dir = sink->store_dir,
        .log = sink->log,
        .counters = &sink->counters,
        .discards = sink->boxes.discards,
        .stop_fd = sink->workers[REEL_SINK_REMOVER].stop_fd,
    };
    sink->importer = (struct reel_importer){
        .store_dir = sink->store_dir,
        .log = sink->log,
        .jobs = sink->boxes.import_jobs,
        .imports = sink->boxes.imports,
        .stop_fd = sink->workers[REEL_SINK_IMPORTER].stop_fd,
    };
    return follow(sink, &sink->importer.settings, err_out);
}

static enum reel_code create_all(struct reel_sink *sink, const char *password,
                                 struct reel_error *err_out)
{
    enum reel_code code;

    sink->gate = reel_bus_gate_create();
    code = sink->gate ? reel_sink_open_workers(sink, err_out)
                      : reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    if (code == REEL_OK)
        code = reel_mailboxes_init(&sink->boxes, err_out);
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

void reel_sink_destroy(struct reel_sink **sink)
{
    struct reel_sink *gone = *sink;

    if (!gone)
        return;
    reel_responder_destroy(&gone->responder);
    reel_reader_close(gone->reader);
    reel_ingest_destroy(&gone->ingest);
    reel_mailboxes_finish(&gone->boxes);
    reel_sink_close_workers(gone);
    reel_bus_gate_release(&gone->gate);
    free(gone);
    *sink = NULL;
}
