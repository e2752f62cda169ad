/* Bus, inside: what bus.c, bus_receive.c and bus_publish.c share. */
#ifndef REEL_IO_BUS_INTERNAL_H
#define REEL_IO_BUS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "io/bus.h"
#include "io/bus_tls.h"

struct mosquitto;
struct reel_bus_attempt;

#define REEL_BUS_PAYLOAD_MAX_BYTES 268435455u /* of MQTT */
enum { REEL_BUS_FILTERS_MAX = 8, REEL_BUS_PROPERTIES_MAX = 64, REEL_BUS_REASON_BYTES = 200 };

struct reel_bus {
    struct mosquitto *mosquitto;      /* NULL while it is the attempt's */
    struct reel_bus_attempt *attempt; /* NULL but while connecting */
    struct reel_bus_handlers handlers;
    char *host;
    int port;
    int keepalive_s;
    uint32_t session_expiry_s;
    uint16_t receive_maximum;
    struct reel_bus_gate *gate;
    struct reel_bus_tls tls;
    bool shaken; /* TLS stands, or there is none */
    struct reel_bus_terms terms;
    bool down;         /* `disconnected` was called */
    bool accepted;     /* CONNACK let us in */
    int refusal;       /* CONNACK's reason code */
    int awaited;       /* CONNACK and SUBACKs that have not come yet */
    int64_t heard_us;  /* monotonic: when we began to wait for them, or something came then */
    uint64_t received; /* packets that a callback told of */
    size_t pending;    /* publications under way */
    size_t unwritten;  /* packets queued since the last write, about */
};

/* Hang the library's callbacks onto `bus->handlers`. */
void reel_bus_receive_set_up(struct reel_bus *bus);

/* Say what the library's `rc` means, met while `what`; returns the error's code. */
enum reel_code reel_bus_library_error(struct reel_error *err_out, int rc, const char *what);

/* Tell the handler, once, that the connection is lost. */
void reel_bus_lost(struct reel_bus *bus, const char *reason, bool taken_over);

/* Take the connection for lost if `rc` of the library says so, and tell the handler, once. */
void reel_bus_failed(struct reel_bus *bus, int rc);

#endif
