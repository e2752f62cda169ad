/* Replay bus: io/bus.h without a broker: what comes in is a capture's, what goes out is counted. A
 * program that includes this has no other bus. Like the real one it holds acknowledgements back
 * until reel_bus_write. */
#ifndef REEL_TESTS_BENCH_REPLAY_BUS_H
#define REEL_TESTS_BENCH_REPLAY_BUS_H

#include <sys/eventfd.h>

#include "bench/capture.h"
#include "io/bus.h"

/* What is played, and what became of it. One at a time. */
struct replay {
    const struct capture *capture;
    const char *response_topic; /* with each message; NULL: none */
    int ended_fd;               /* an eventfd, raised when all were handed over */
    /* Messages were acknowledged, all told so many; NULL: nobody is to be told. */
    void (*acknowledged)(void *user, uint64_t count);
    void *user;

    const struct captured *at; /* the last that was handed over */
    uint64_t taken;            /* messages handed over ... */
    uint64_t written;          /* ... and acknowledged */
    uint64_t writes;           /* times that any were */
    uint64_t publications;
    int readable_fd; /* always */
};

static struct replay *replaying;

struct reel_bus {
    struct reel_bus_handlers handlers;
    bool connected;
};

enum reel_code reel_bus_create(const struct reel_bus_config *config,
                               const struct reel_bus_handlers *handlers, struct reel_bus **bus_out,
                               struct reel_error *err_out)
{
    (void)config;
    (void)err_out;
    *bus_out = calloc(1, sizeof **bus_out);
    demand(*bus_out != NULL, "memory");
    (*bus_out)->handlers = *handlers;
    return REEL_OK;
}

void reel_bus_destroy(struct reel_bus **bus)
{
    free(*bus);
    *bus = NULL;
}

enum reel_code reel_bus_connect(struct reel_bus *bus, struct reel_error *err_out)
{
    (void)bus;
    (void)err_out;
    return REEL_OK;
}

bool reel_bus_filter_valid(const char *filter, size_t bytes)
{
    (void)filter;
    (void)bytes;
    return true;
}

bool reel_bus_accepted(const struct reel_bus *bus)
{
    return bus->connected;
}

int reel_bus_refusal(const struct reel_bus *bus)
{
    (void)bus;
    return 0;
}

bool reel_bus_refuses_user(const struct reel_bus *bus)
{
    (void)bus;
    return false;
}

int reel_bus_fd(const struct reel_bus *bus)
{
    (void)bus;
    return replaying->readable_fd;
}

bool reel_bus_wants_write(const struct reel_bus *bus)
{
    (void)bus;
    return replaying->written < replaying->taken;
}

static inline void bus_let_in(struct reel_bus *bus)
{
    static const int granted[] = {1, 1};

    bus->connected = true;
    bus->handlers.connected(bus->handlers.user, false);
    bus->handlers.subscribed(bus->handlers.user, granted, sizeof granted / sizeof granted[0]);
}

bool reel_bus_read(struct reel_bus *bus)
{
    const struct captured *next;
    struct reel_bus_message message = {.qos = 1, .response_topic = replaying->response_topic};

    if (!bus->connected) {
        bus_let_in(bus);
        return true;
    }
    next = capture_next(replaying->capture, replaying->at);
    if (!next)
        return false;
    message.topic = next->topic;
    message.payload = captured_payload(next);
    message.payload_bytes = next->payload_bytes;
    message.packet_id = (uint16_t)(replaying->taken % UINT16_MAX + 1);
    replaying->at = next;
    replaying->taken++;
    bus->handlers.message(bus->handlers.user, &message);
    if (replaying->taken == replaying->capture->size.fragments)
        demand(eventfd_write(replaying->ended_fd, 1) == 0, "eventfd");
    return true;
}

void reel_bus_write(struct reel_bus *bus)
{
    (void)bus;
    if (replaying->written == replaying->taken)
        return;
    replaying->written = replaying->taken;
    replaying->writes++;
    if (replaying->acknowledged)
        replaying->acknowledged(replaying->user, replaying->written);
}

void reel_bus_misc(struct reel_bus *bus)
{
    (void)bus;
}

enum reel_code reel_bus_subscribe(struct reel_bus *bus, const char *const *filters, size_t count,
                                  bool retained, struct reel_error *err_out)
{
    (void)bus;
    (void)filters;
    (void)retained;
    (void)err_out;
    demand(count == 2, "the filters that the replay bus grants");
    return REEL_OK;
}

enum reel_code reel_bus_unsubscribe(struct reel_bus *bus, const char *const *filters, size_t count,
                                    struct reel_error *err_out)
{
    (void)bus;
    (void)filters;
    (void)count;
    (void)err_out;
    return REEL_OK;
}

enum reel_code reel_bus_publish(struct reel_bus *bus, const struct reel_bus_publication *what,
                                int *publication_id_out, struct reel_error *err_out)
{
    (void)bus;
    (void)what;
    (void)publication_id_out;
    (void)err_out;
    replaying->publications++;
    return REEL_OK;
}

void reel_bus_disconnect(struct reel_bus *bus)
{
    (void)bus;
}

/* Begin to play `capture` from its first message on. */
static inline void replay_begin(struct replay *replay, const struct capture *capture, int ended_fd)
{
    *replay = (struct replay){
        .capture = capture,
        .ended_fd = ended_fd,
        .readable_fd = eventfd(1, EFD_CLOEXEC),
    };
    demand(replay->readable_fd >= 0, "eventfd");
    replaying = replay;
}

static inline void replay_end(struct replay *replay)
{
    demand(close(replay->readable_fd) == 0, "eventfd");
    replaying = NULL;
}

#endif
