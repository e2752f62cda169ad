/* Client: a connection to the broker that asks the sink and gets its answers, one thread, no
 * callback into the caller but from reel_client_run. */
#ifndef REEL_CLI_CLIENT_H
#define REEL_CLI_CLIENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "cli/options.h"
#include "io/bus.h"

struct reel_client;

/* How long to wait for the broker when connecting. */
#define REEL_CLIENT_CONNECT_US ((int64_t)10 * 1000000)

/* Who listens; any may be NULL. Called from within reel_client_run, and not later. */
struct reel_client_handlers {
    void *user;
    /* What came on the client's reply topic, or by a filter that it follows. */
    void (*message)(void *user, const struct reel_bus_message *message);
    /* The broker refused a publication at QoS 1 (an access list, a quota). */
    void (*refused)(void *user, int publication_id);
    /* The broker has one. */
    void (*published)(void *user, int publication_id);
};

/* What the client subscribes to besides its reply topic, at each connection. Borrowed. */
struct reel_client_follow {
    const char *const *filters;
    size_t count;
    bool retained; /* also what is retained now */
};

/* Make a client; nothing is sent. `common` is borrowed. Answers come on
 * {prefix}/reply/{name}/{random}; `reply_name` NULL stands for the user's name, or a random one
 * where there is none. What is asked by a topic that names a device is only answered under
 * reply/{device}, so that device must be the name then. */
enum reel_code reel_client_create(const struct reel_common *common, const char *reply_name,
                                  struct reel_client **client_out, struct reel_error *err_out);
void reel_client_destroy(struct reel_client **client); /* says good-bye; accepts NULL */

/* Both are kept over reconnections; set them before connecting. */
void reel_client_handle(struct reel_client *client, const struct reel_client_handlers *handlers);
void reel_client_follow(struct reel_client *client, const struct reel_client_follow *follow);

/* Connect and subscribe, or do so again: what was queued on an earlier connection is gone. Waits
 * until `deadline_us` (monotonic). STALLED: no broker; NOT_ALLOWED: it refuses us. */
enum reel_code reel_client_connect(struct reel_client *client, int64_t deadline_us,
                                   struct reel_error *err_out);

/* The connection is lost, and `err_out` says why: tell the user, and connect again, once a second
 * until it works or `give_up_us`. Signals end the program meanwhile. Errors as above. */
enum reel_code reel_client_reconnect(struct reel_client *client, int64_t give_up_us,
                                     struct reel_error *err_out);

/* Wait until something happens (a packet, one of `also` is ready, the deadline) and handle it.
 * `also` may be NULL. STALLED when the connection is lost: connect again. */
enum reel_code reel_client_run(struct reel_client *client, struct pollfd *also, size_t also_count,
                               int64_t deadline_us, struct reel_error *err_out);

/* Where answers to this client go. */
const char *reel_client_reply_topic(const struct reel_client *client);

/* Queue a publication; it leaves while reel_client_run runs. */
enum reel_code reel_client_publish(struct reel_client *client,
                                   const struct reel_bus_publication *what, int *publication_id_out,
                                   struct reel_error *err_out);

/* Queue a request over every device, or with `device` one confined to it. `*number_out` is what
 * reel_client_number says of its answers. `request` is borrowed; NULL asks nothing in particular.
 */
enum reel_code reel_client_request(struct reel_client *client, const char *op, const char *device,
                                   const json_t *request, uint32_t *number_out,
                                   struct reel_error *err_out);

/* The number of the request that a message answers, 0 if of none. */
uint32_t reel_client_number(const struct reel_bus_message *message);

/* The value of a user property of the message, NULL if it has none of that name. */
const char *reel_client_property(const struct reel_bus_message *message, const char *name);

/* What a sink under our prefix last said of itself, for an error's text: "" or ", ...". */
const char *reel_client_presence(const struct reel_client *client);

#endif
