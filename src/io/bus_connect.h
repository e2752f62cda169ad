/* Bus, inside: the way to a connected socket, on a thread of its own: looking the name up and
 * connecting block, the one for as long as a name server is silent, the other for minutes, and
 * neither can be called off. Who waits for them must still be able to end. */
#ifndef REEL_IO_BUS_CONNECT_H
#define REEL_IO_BUS_CONNECT_H

#include <mosquitto.h>

#include "base/err.h"
#include "io/bus.h"
#include "io/bus_tls.h"

struct reel_bus_attempt;

/* What an attempt needs. All but the gate is its own until it is over. */
struct reel_bus_target {
    struct mosquitto *mosquitto;
    char *host;
    int port;
    int keepalive_s;
    mosquitto_property *properties;
    struct reel_bus_gate *gate; /* NULL: none */
    struct reel_bus_tls tls;
};

/* Begin. On success `target`'s pointers belong to the attempt. */
enum reel_code reel_bus_attempt_start(const struct reel_bus_target *target,
                                      struct reel_bus_attempt **attempt_out,
                                      struct reel_error *err_out);

/* Readable when it is over. */
int reel_bus_attempt_fd(const struct reel_bus_attempt *attempt);

/* Whether it is over: then `*mosquitto_out` is the caller's again, connected (CONNECT is queued)
 * or, if `reason_out` is not "", not; and the attempt is gone. The library's log and its user data
 * were the attempt's: set them anew. */
bool reel_bus_attempt_reap(struct reel_bus_attempt **attempt, struct mosquitto **mosquitto_out,
                           char *reason_out, size_t reason_bytes);

/* Want it no more: it ends when it can, and takes the connection object with it. Accepts NULL. */
void reel_bus_attempt_abandon(struct reel_bus_attempt **attempt);

#endif
