/* Bus, inside: TLS set up, and what went wrong with it. The library tells all that does alike ("A
 * TLS error occurred") and hands OpenSSL's words to its log; here they become what to do. */
#ifndef REEL_IO_BUS_TLS_H
#define REEL_IO_BUS_TLS_H

#include <stdbool.h>

#include "base/err.h"

struct mosquitto;
struct reel_bus_config;

enum { REEL_BUS_TLS_WRONG_BYTES = 200 };

struct reel_bus_tls {
    bool psk;
    bool hears; /* TLS is wanted, and the broker has not answered CONNECT yet */
    char wrong[REEL_BUS_TLS_WRONG_BYTES]; /* what to do, "" while nothing is wrong */
};

/* Whether the config asks for TLS. */
bool reel_bus_tls_wanted(const struct reel_bus_config *config);

/* Hand what the config has of TLS to the library. BAD_REQUEST, its field the setting at fault, for
 * files and keys that cannot be used. */
enum reel_code reel_bus_tls_set_up(struct reel_bus_tls *tls, struct mosquitto *m,
                                   const struct reel_bus_config *config,
                                   struct reel_error *err_out);

/* Whether the handshake is under way, which reading drives forward as well as writing; and whether
 * it waits for the broker then. */
bool reel_bus_tls_shakes(struct mosquitto *m);
bool reel_bus_tls_waits(struct mosquitto *m);

/* After the handshake, before CONNECT is written: whether the broker has shown that it knows our
 * key, where we have one. Then wait for what it says next, a tenth of a second at most, where the
 * handshake does not tell whether it takes our certificate (TLS 1.3): who writes to a broker that
 * has closed the connection does not get to read why. */
bool reel_bus_tls_shaken(struct reel_bus_tls *tls, struct mosquitto *m);

/* Take in an error of the library's log, from within its callback: the connection that it is about
 * is still there then. The first is what counts. Without TLS, and once the broker has answered, it
 * is about something else and passed over. */
void reel_bus_tls_hear(struct reel_bus_tls *tls, struct mosquitto *m, const char *line);

/* The broker has answered CONNECT: TLS stands on both sides, and what was heard is no reason for
 * what comes later. */
void reel_bus_tls_answered(struct reel_bus_tls *tls);

/* What was wrong, or `otherwise` if nothing was heard. */
const char *reel_bus_tls_reason(const struct reel_bus_tls *tls, const char *otherwise);

#endif
