/* Bus: one connection to the broker, MQTT 5, driven from a poll loop. This is the only user of
 * mosquitto.h; nothing of it shows here.
 *
 * The library runs in its "threaded" mode without its thread (facts.md): what it queues, PUBACKs
 * among it, leaves only in reel_bus_write. So a caller that writes only after a commit has held
 * its acknowledgements back; one that destroys the bus instead has never sent them. An object
 * lives for one connection: after a disconnect make a new one, so that nothing queued in the old
 * one is carried over. One thread uses it. */
#ifndef REEL_IO_BUS_H
#define REEL_IO_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/fragment.h"

struct reel_bus;
struct reel_bus_gate;

struct reel_bus_config {
    const char *host;
    int port;
    const char *username; /* NULL: none */
    const char *password; /* NULL: none */
    const char *cafile;   /* NULL: no TLS by certificates */
    const char *cert;     /* NULL: no client certificate */
    const char *key;
    const char *psk;      /* NULL: no TLS by a pre-shared key; else hexadecimal digits */
    const char *psk_file; /* NULL, or the file whose first line they are */
    const char *psk_identity;
    const char *client_id; /* NULL: a random one */
    int keepalive_s;
    uint32_t session_expiry_s; /* 0: clean start, and the session ends with the connection */
    uint16_t receive_maximum;  /* 0: the broker's default */
    const char *will_topic;    /* NULL: no will; else QoS 1, retained */
    const char *will_payload;
    /* Passed by one connection after the other, where they use TLS: the library sets it up at the
     * first that does, and not under a lock of its own. NULL where one thread alone connects, and
     * waits for the end of each attempt or for its own. */
    struct reel_bus_gate *gate;
};

/* What the broker said when it let us in; where it did not, what MQTT 5 has then. */
struct reel_bus_terms {
    uint32_t packet_max_bytes; /* 0: no bound */
    uint32_t session_expiry_s; /* what was asked for, or less */
    uint16_t receive_maximum;
    int qos_maximum;
    bool retain;
};

/* What came in. All is borrowed for the call. */
struct reel_bus_message {
    const char *topic;
    const uint8_t *payload;
    size_t payload_bytes;
    int qos;
    bool retain;
    uint16_t packet_id;         /* 0 at QoS 0 */
    const char *response_topic; /* NULL if none */
    const uint8_t *correlation; /* NULL if none */
    size_t correlation_bytes;
    struct reel_envelope envelope; /* Content Type, user properties */
};

/* Strings are borrowed until reel_bus_publish returns. */
struct reel_bus_publication {
    const char *topic;
    const void *payload;
    size_t payload_bytes;
    int qos;
    bool retain;
    uint32_t expiry_s;          /* 0: none */
    const char *content_type;   /* NULL: none */
    const char *response_topic; /* NULL: none */
    const uint8_t *correlation; /* NULL: none */
    size_t correlation_bytes;
    const struct reel_property *properties;
    size_t properties_count;
};

/* Called from within reel_bus_read, reel_bus_write and reel_bus_misc; any may be NULL. They may
 * publish and subscribe, but not destroy the bus. */
struct reel_bus_handlers {
    void *user;
    /* CONNACK: accepted. `session_present`: the broker kept the session of an earlier one. */
    void (*connected)(void *user, bool session_present);
    /* SUBACK: `granted[i]` is the QoS of the i-th filter, 128 and above a refusal. */
    void (*subscribed)(void *user, const int *granted, size_t count);
    void (*message)(void *user, const struct reel_bus_message *message);
    /* A publication at QoS 1 was acknowledged. `refusal`: the broker's reason code where it said
     * no, else 0. */
    void (*published)(void *user, int publication_id, int refusal);
    /* The connection was refused or has ended; `taken_over`: another client came with our id.
     * Called once at most. */
    void (*disconnected)(void *user, const char *reason, bool taken_over);
};

/* Set the library up, once, before the first bus and before threads; and take it down. */
enum reel_code reel_bus_library_init(struct reel_error *err_out);
void reel_bus_library_finish(void);

/* What a reason code of the broker's stands for, for an error's text. Static storage. */
const char *reel_bus_reason_text(int reason);

/* Whether it is a filter as MQTT has them: a wildcard is a whole level, `#` the last. */
bool reel_bus_filter_valid(const char *filter, size_t bytes);

/* Make a bus; nothing is sent. The config's strings are copied, the handlers too. BAD_REQUEST
 * (field "broker...") for a file or a key for TLS that cannot be used. */
enum reel_code reel_bus_create(const struct reel_bus_config *config,
                               const struct reel_bus_handlers *handlers, struct reel_bus **bus_out,
                               struct reel_error *err_out);

/* Close the socket, without a DISCONNECT and without writing what is queued. Accepts NULL. */
void reel_bus_destroy(struct reel_bus **bus);

/* For `gate`. Attempts to connect that are left behind use it beyond their bus, so each holds it;
 * it goes with the last that does. NULL if memory ran out; release accepts a pointer to NULL. */
struct reel_bus_gate *reel_bus_gate_create(void);
void reel_bus_gate_release(struct reel_bus_gate **gate);

/* Begin to look the host up, to connect and to say CONNECT; this does not block. What becomes of it
 * is told by `connected` or `disconnected`. Where the broker has not answered, or had nothing to
 * say, for 15 s before CONNACK and each SUBACK, that is a disconnection, too. */
enum reel_code reel_bus_connect(struct reel_bus *bus, struct reel_error *err_out);

/* Whether the broker has let us in. */
bool reel_bus_accepted(const struct reel_bus *bus);

/* On which terms. Borrowed; of use once `connected` was called. */
const struct reel_bus_terms *reel_bus_terms(const struct reel_bus *bus);

/* Why the broker refused to let us in, CONNACK's reason code; 0 where it did not. */
int reel_bus_refusal(const struct reel_bus *bus);

/* Whether it did because of who we are: the user's name, the password, or what the user may. */
bool reel_bus_refuses_user(const struct reel_bus *bus);

/* The descriptor for poll, the socket once there is one: ask anew each time. -1 when the connection
 * is down. */
int reel_bus_fd(const struct reel_bus *bus);

/* Whether reel_bus_write would send something. */
bool reel_bus_wants_write(const struct reel_bus *bus);

/* Take at most one packet from the socket. False if nothing whole was there or the connection is
 * down: with messages, call it until false, or until the batch is full. */
bool reel_bus_read(struct reel_bus *bus);

/* Send what is queued, as far as the socket takes it. */
void reel_bus_write(struct reel_bus *bus);

/* Keep alive: call it about once a second. What it queues leaves with the next write. */
void reel_bus_misc(struct reel_bus *bus);

/* Queue a SUBSCRIBE at QoS 1 with retain handling 2 (0 with `retained`: what is retained comes) and
 * "retain as published", so that a message published with the retain flag still shows it. */
enum reel_code reel_bus_subscribe(struct reel_bus *bus, const char *const *filters, size_t count,
                                  bool retained, struct reel_error *err_out);

/* Queue an UNSUBSCRIBE; it does no harm where there is no such subscription. */
enum reel_code reel_bus_unsubscribe(struct reel_bus *bus, const char *const *filters, size_t count,
                                    struct reel_error *err_out);

/* Queue a publication; the payload is copied. `*publication_id_out` (may be NULL) names it in
 * `published`. BAD_REQUEST for a topic or property that MQTT does not allow. */
enum reel_code reel_bus_publish(struct reel_bus *bus, const struct reel_bus_publication *what,
                                int *publication_id_out, struct reel_error *err_out);

/* Publications that are queued, or sent at QoS 1 and not acknowledged: they take memory. */
size_t reel_bus_pending(const struct reel_bus *bus);

/* Queue a DISCONNECT; write once more, then destroy. */
void reel_bus_disconnect(struct reel_bus *bus);

#endif
