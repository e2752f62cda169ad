/* Service: sd_notify's messages. Without a manager each is a call that does nothing. */
#include "daemon/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "core/figure.h"
#include "io/loop.h"

#define WAIT_ON "EXTEND_TIMEOUT_USEC=90000000\n"

enum { LINE_BYTES = 512, SECOND_US = 1000000, RATE_US = 5 * SECOND_US, REPORTS = 4 };
enum { LOOK_US = SECOND_US / 20 };

/* "recording: 3 open, 12.5 fragments/s (400.0 kB/s), 63.2 GB free" */
static void describe_recording(const struct reel_service *service,
                               const struct reel_service_news *news, int64_t monotonic_us,
                               char line[LINE_BYTES])
{
    double took_s = (double)(monotonic_us - service->since_us) / SECOND_US;
    double per_s = service->since_us && took_s > 0 ? 1 / took_s : 0;
    double fragments = (double)(news->fragments - service->fragments) * per_s;
    double bytes = (double)(news->fragment_bytes - service->fragment_bytes) * per_s;
    char rate[REEL_FIGURE_BYTES];
    char room[REEL_FIGURE_BYTES + 16] = "";

    reel_figure_bytes((uint64_t)bytes, rate);
    if (news->disk_free_bytes > 0) {
        memcpy(room, ", ", 3);
        reel_figure_bytes(news->disk_free_bytes, room + 2);
        strcat(room, " free");
    }
    snprintf(line, LINE_BYTES, "recording: %" PRIu64 " open, %.1f fragments/s (%s/s)%s%s%.200s",
             news->recordings_open, fragments, rate, room, news->reason[0] ? "; " : "",
             news->reason);
}

void reel_service_tell(struct reel_service *service, const struct reel_service_news *news,
                       int64_t monotonic_us)
{
    bool begins = news->state != REEL_SERVICE_CONNECTING && !service->ready;
    char line[LINE_BYTES];

    if (news->state == REEL_SERVICE_RECORDING)
        describe_recording(service, news, monotonic_us, line);
    else
        snprintf(line, sizeof line, "%s: %.200s",
                 news->state == REEL_SERVICE_STALLED ? "stalled" : "waiting for the broker",
                 news->reason[0] ? news->reason : "not connected yet");
    sd_notifyf(0, "%sSTATUS=%s", begins ? "READY=1\n" : "", line);
    service->ready = service->ready || begins;
    if (!service->since_us || monotonic_us - service->since_us >= RATE_US) {
        service->since_us = monotonic_us;
        service->fragments = news->fragments;
        service->fragment_bytes = news->fragment_bytes;
    }
}

void reel_service_reloading(const struct reel_service *service)
{
    if (service->ready)
        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, reel_monotonic_us());
}

void reel_service_reloaded(const struct reel_service *service)
{
    if (service->ready)
        sd_notify(0, "READY=1");
}

void reel_service_end(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=ending");
}

void reel_watchdog_init(struct reel_watchdog *watchdog)
{
    uint64_t allowed_us;

    *watchdog = (struct reel_watchdog){0};
    if (sd_watchdog_enabled(0, &allowed_us) > 0 && allowed_us / REPORTS > 0)
        watchdog->interval_us = (int64_t)(allowed_us / REPORTS);
}

void reel_watchdog_feed(struct reel_watchdog *watchdog, int64_t monotonic_us)
{
    if (!watchdog->interval_us || monotonic_us < watchdog->next_us)
        return;
    watchdog->next_us = monotonic_us + watchdog->interval_us;
    sd_notify(0, "WATCHDOG=1");
}

int64_t reel_watchdog_due_us(const struct reel_watchdog *watchdog)
{
    return watchdog->interval_us ? watchdog->next_us : INT64_MAX;
}

void reel_service_open(void)
{
    sd_notify(0, WAIT_ON "STATUS=opening the store");
}

static void tell_progress(uint64_t done, uint64_t total)
{
    if (total > 0)
        sd_notifyf(0, WAIT_ON "STATUS=going through the recordings: %" PRIu64 " of %" PRIu64, done,
                   total);
    else
        sd_notifyf(0, WAIT_ON "STATUS=going through the recordings: %" PRIu64 " found", done);
}

bool reel_service_progress(void *opening, uint64_t done, uint64_t total)
{
    struct reel_service_opening *told = opening;
    struct pollfd end = {.fd = told->end_fd, .events = POLLIN};
    int64_t now_us = reel_monotonic_us();

    if (told->watchdog)
        reel_watchdog_feed(told->watchdog, now_us);
    if (now_us >= told->look_us) {
        told->look_us = now_us + LOOK_US;
        if (reel_poll(&end, 1, 0) > 0)
            return false;
    }
    if (now_us >= told->next_us) {
        told->next_us = now_us + SECOND_US;
        tell_progress(done, total);
    }
    return true;
}
