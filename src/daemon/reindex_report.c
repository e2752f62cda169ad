/* Reindex, told: how far it is, and how fast. */
#include "daemon/reindex_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "io/loop.h"
#include "store/store.h"

enum { DRAW_INTERVAL_US = 100000, TELL_INTERVAL_US = 1000000 };

struct told {
    bool terminal;
    bool drawn; /* a line of progress stands there now */
    int64_t next_us;
    int64_t began_us; /* with the first recording, which comes when all names are found */
};

static void tell(struct told *told, uint64_t done, uint64_t total, int64_t now_us)
{
    const char *begin = told->terminal ? "\r\033[K" : "";
    const char *end = told->terminal ? "" : "\n";
    double took_s = (double)(now_us - told->began_us) / 1e6;

    if (total == 0)
        fprintf(stderr, "%s%" PRIu64 " recordings found%s", begin, done, end);
    else
        fprintf(stderr, "%s%" PRIu64 " of %" PRIu64 " recordings, %.0f a second%s", begin, done,
                total, took_s > 0 ? (double)done / took_s : 0, end);
    fflush(stderr);
    told->drawn = told->terminal;
}

static bool progress(void *user, uint64_t done, uint64_t total)
{
    struct told *told = user;
    int64_t now_us = reel_monotonic_us();

    if (total > 0 && told->began_us == 0)
        told->began_us = now_us;
    if (now_us < told->next_us && (total == 0 || done < total))
        return true;
    told->next_us = now_us + (told->terminal ? DRAW_INTERVAL_US : TELL_INTERVAL_US);
    tell(told, done, total, now_us);
    return true;
}

enum reel_code reel_reindex_report_run(const struct reel_config *config, const struct reel_log *log,
                                       struct reel_error *err_out)
{
    struct told told = {.terminal = isatty(STDERR_FILENO)};
    struct reel_store_config store;
    struct reel_store_report report;
    enum reel_code code;

    reel_config_store(config, log, &store);
    store.progress = progress;
    store.progress_user = &told;
    told.next_us = reel_monotonic_us() + TELL_INTERVAL_US;
    code = reel_store_reindex(&store, reel_wall_us(), &report, err_out);
    if (told.drawn)
        fputs("\n", stderr);
    if (code != REEL_OK)
        return code;
    printf("%" PRIu64 " recordings in the catalog, %" PRIu64 " of them open, %" PRIu64
           " recovered\n",
           report.recordings, report.open, report.recovered);
    if (fflush(stdout) != 0)
        return reel_error_errno(err_out, errno, "write to standard output");
    return REEL_OK;
}
