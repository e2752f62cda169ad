/* reeld: the recorder sink. Settings, then the sink, then its end. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include "base/log.h"
#include "daemon/check_broker.h"
#include "daemon/config.h"
#include "daemon/journal.h"
#include "daemon/options.h"
#include "daemon/reindex_report.h"
#include "daemon/sink.h"
#include "daemon/verify_report.h"
#include "io/bus.h"
#include "io/loop.h"
#include "io/memory.h"

enum { LARGE_BLOCK_BYTES = 1 << 20 };

/* What starting again does not mend has a status of its own, so that nobody tries. */
static int failed(const struct reel_log *log, const struct reel_error *error)
{
    reel_log_write(log, REEL_LOG_ERROR, "%s", error->message);
    if (error->code == REEL_E_CONFLICT)
        return REEL_EXIT_TAKEN_OVER;
    if (error->code == REEL_E_NOT_ALLOWED && error->errno_value != EWOULDBLOCK)
        return REEL_EXIT_CONFIG;
    return REEL_EXIT_FAILED;
}

static int reindex(const struct reel_config *config, const struct reel_log *log)
{
    struct reel_error error;

    return reel_reindex_report_run(config, log, &error) ? failed(log, &error) : REEL_EXIT_OK;
}

static int verify(const struct reel_config *config, const struct reel_log *log)
{
    struct reel_error error;
    bool well;

    if (reel_verify_report_run(config, &well, &error))
        return failed(log, &error);
    return well ? REEL_EXIT_OK : REEL_EXIT_FAILED;
}

static int check_broker(const struct reel_config *config, const char *password, bool as_json,
                        const struct reel_log *log)
{
    struct reel_error error;
    bool well = false;
    enum reel_code code = reel_bus_library_init(&error);

    if (code)
        return failed(log, &error);
    signal(SIGPIPE, SIG_IGN); /* a broker that is gone is an error of the write */
    code = reel_check_broker_run(config, password, as_json, &well, &error);
    reel_bus_library_finish();
    if (code)
        return failed(log, &error);
    return well ? REEL_EXIT_OK : REEL_EXIT_FAILED;
}

/* Takes `config` over. */
static int record(const struct reel_options *options, struct reel_config *config,
                  const char *password, struct reel_log *log)
{
    struct reel_sink_links links = {.sources = &options->sources, .password = password, .log = log};
    struct reel_sink *sink = NULL;
    struct reel_error error;
    int status = REEL_EXIT_OK;

    if (reel_config_share_create(config, &links.settings, &error))
        return failed(log, &error);
    if (reel_bus_library_init(&error) || reel_sink_create(&links, &sink, &error) ||
        reel_sink_run(sink, &error))
        status = failed(log, &error);
    reel_sink_destroy(&sink);
    reel_bus_library_finish();
    reel_config_share_destroy(&links.settings);
    return status;
}

/* Signals arrive as a descriptor; a broken pipe is an error of its write. */
static void block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* SIG_BLOCK from the beginning: one that comes while the settings are read for the first time has
 * them read again, and ends nobody. A manager would call that end a good one. */
static void mask_reload(int how)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(how, &signals, NULL);
}

/* Large messages and answers get memory of their own, which goes back when they do. Left to itself
 * the GNU library keeps room for the largest it has seen, in each thread's heap. */
static void return_large_blocks(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
#endif
}

/* What was asked for; takes `config` over. */
static int carry_out(const struct reel_options *options, struct reel_config *config,
                     struct reel_log *log)
{
    char password[REEL_SETTING_BYTES];
    struct reel_error error;
    bool records = !options->reindex && !options->verify && !options->check_broker;
    int status;

    if (!records)
        mask_reload(SIG_UNBLOCK);
    if (options->reindex) {
        status = reindex(config, log);
    } else if (options->verify) {
        status = verify(config, log);
    } else if (reel_config_password(config, password, sizeof password, &error)) {
        reel_log_write(log, REEL_LOG_ERROR, "%s", error.message);
        status = REEL_EXIT_CONFIG;
    } else if (options->check_broker) {
        status = check_broker(config, password, options->json, log);
    } else {
        return_large_blocks();
        block_signals();
        return record(options, config, password, log);
    }
    reel_config_destroy(&config);
    return status;
}

static int run(const struct reel_options *options, struct reel_config *config)
{
    struct reel_journal *journal;
    struct reel_log log;
    int status;

    reel_log_init(&log, (enum reel_log_priority)config->log_level);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of the write */
    journal = reel_journal_create(&log);
    status = carry_out(options, config, &log);
    reel_journal_destroy(&journal, &log);
    return status;
}

int main(int argc, char **argv)
{
    struct reel_options options;
    struct reel_config *config;
    int status;

    reel_memory_guard_json();
    mask_reload(SIG_BLOCK);
    status = reel_options_read(argc, argv, &options, &config);
    return status < 0 ? run(&options, config) : status;
}
