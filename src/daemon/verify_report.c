/* Verify, told: lines, progress, and the wait for a sink that may be writing. */
#include "daemon/verify_report.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "io/loop.h"
#include "store/verify.h"

enum { DRAW_INTERVAL_US = 100000, SETTLE_MORE_MS = 2000 };

struct told {
    bool terminal;
    bool drawn; /* a line of progress stands there now */
    int64_t next_us;
    uint64_t settle_ms;
};

static void wipe(struct told *told)
{
    if (told->drawn)
        fputs("\r\033[K", stderr);
    told->drawn = false;
}

static void differs(void *user, const char *where, enum reel_difference what, const char *how)
{
    wipe(user);
    printf("%s: %s: %s\n", where, reel_difference_name(what), how);
}

/* `file` has a stranger's name in it where somebody put it there. */
static void print_file(const char *what, const char *file, const char *why)
{
    char name[REEL_SETTING_BYTES];

    snprintf(name, sizeof name, "%s", file);
    for (char *at = name; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    printf("%s: %s%s%s\n", what, name, *why ? ": " : "", why);
}

static void put_aside(void *user, const char *file, const char *why)
{
    wipe(user);
    print_file("recovered", file, why);
}

static void lost(void *user, const char *file, const char *why)
{
    wipe(user);
    print_file("lost", file, why);
}

static void progress(void *user, const char *where, uint64_t done_bytes, uint64_t total_bytes)
{
    struct told *told = user;
    int64_t now_us = reel_monotonic_us();
    double share = total_bytes ? (double)done_bytes / (double)total_bytes : 1;

    if (!told->terminal || now_us < told->next_us)
        return;
    told->next_us = now_us + DRAW_INTERVAL_US;
    told->drawn = true;
    fprintf(stderr, "\r\033[K%s %d %%", where, (int)(share * 100));
    fflush(stderr);
}

/* A sink commits at this interval, and writes sidecars after that. */
static void settle(void *user)
{
    const struct told *told = user;
    int64_t deadline_us = reel_monotonic_us() + (int64_t)told->settle_ms * 1000;

    while (reel_monotonic_us() < deadline_us)
        reel_poll(NULL, 0, deadline_us);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void summary(const struct reel_verify_report *report)
{
    printf("%" PRIu64 " recording%s, %" PRIu64 " of them open, %" PRIu64
           " complete without a sum yet, %" PRIu64 " changing all the time; %" PRIu64
           " bytes compared with their sums; %" PRIu64 " payload%s in quarantine; %" PRIu64
           " file%s in recovered: %" PRIu64 " difference%s\n",
           report->recordings, plural(report->recordings), report->open, report->unhashed,
           report->unsettled, report->hashed_bytes, report->payloads, plural(report->payloads),
           report->put_aside, plural(report->put_aside), report->differences,
           plural(report->differences));
}

enum reel_code reel_verify_report_run(const struct reel_config *config, bool *well_out,
                                      struct reel_error *err_out)
{
    struct told told = {.terminal = isatty(STDERR_FILENO),
                        .settle_ms = config->ingest_commit_interval_ms + SETTLE_MORE_MS};
    const struct reel_verify_watch watch = {.user = &told,
                                            .differs = differs,
                                            .put_aside = put_aside,
                                            .lost = lost,
                                            .progress = progress,
                                            .settle = settle};
    struct reel_verify_report report;
    enum reel_code code = reel_verify_store(config->store_dir, &watch, &report, err_out);

    wipe(&told);
    if (code == REEL_OK)
        summary(&report);
    if (fflush(stdout) != 0 || ferror(stdout))
        return code ? code : reel_error_errno(err_out, errno, "write to standard output");
    *well_out = code == REEL_OK && report.differences == 0;
    return code;
}
