/* Service: what the service manager is told, where there is one: that the sink is ready, in a line
 * what it does, and that its loop turns. */
#ifndef REEL_DAEMON_SERVICE_H
#define REEL_DAEMON_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum reel_service_state {
    REEL_SERVICE_CONNECTING, /* it cannot take anything in yet, or any more */
    REEL_SERVICE_STALLED,    /* nor can it, but for its disk: it waits for that itself */
    REEL_SERVICE_RECORDING,
};

/* What there is to tell. */
struct reel_service_news {
    enum reel_service_state state;
    const char *reason; /* printable, one line; "" for none */
    uint64_t recordings_open;
    uint64_t fragments; /* stored since the start, and their audio */
    uint64_t fragment_bytes;
    uint64_t disk_free_bytes; /* 0: not known */
};

/* What was told; all zero at first. One thread tells the news. */
struct reel_service {
    _Atomic bool ready; /* that it is was told */
    int64_t since_us;   /* monotonic: what follows was counted then */
    uint64_t fragments; /* ... to say how many a second */
    uint64_t fragment_bytes;
};

/* Tell the news. The sink is ready once it records, or is stalled: nothing more comes of waiting.
 */
void reel_service_tell(struct reel_service *service, const struct reel_service_news *news,
                       int64_t monotonic_us);

/* The settings are being read again, and have been taken over or not. A sink that is not ready yet
 * says neither. Any thread. */
void reel_service_reloading(const struct reel_service *service);
void reel_service_reloaded(const struct reel_service *service);

/* The sink is about to end. */
void reel_service_end(void);

/* The manager's watch over one loop: it ends a service that does not report in time. All zero is
 * one that nobody watches. */
struct reel_watchdog {
    int64_t interval_us; /* how often the loop reports: four times in the time that it has */
    int64_t next_us;     /* monotonic */
};

/* Find out whether the manager watches this process. */
void reel_watchdog_init(struct reel_watchdog *watchdog);

/* The loop turns: report that, if it is time. */
void reel_watchdog_feed(struct reel_watchdog *watchdog, int64_t monotonic_us);

/* When the loop must turn again; INT64_MAX where nobody watches. */
int64_t reel_watchdog_due_us(const struct reel_watchdog *watchdog);

/* The store is being opened. Many recordings that are mended, or a catalog that is made anew, may
 * take long, and turn no loop. */
struct reel_service_opening {
    struct reel_watchdog *watchdog; /* NULL: nothing to feed yet */
    int end_fd;                     /* readable when it is to end */
    int64_t look_us;                /* monotonic: when to look at that again */
    int64_t next_us;                /* monotonic: when to tell again */
};

/* Tell that it begins; the manager waits for a minute and a half. */
void reel_service_open(void);

/* Tell how far it is, at most once a second, and have the manager wait as long once more; false
 * when it is to end. It fits reel_store_progress_fn; `opening` is a struct reel_service_opening. */
bool reel_service_progress(void *opening, uint64_t done, uint64_t total);

#endif
