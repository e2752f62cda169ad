/* Bus: the connection's life. What comes in is unpacked in bus_receive.c, what is published packed
 * in bus_publish.c. */
#include "io/bus.h"

#include <stdlib.h>
#include <string.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "io/bus_connect.h"
#include "io/bus_internal.h"
#include "io/loop.h"

/* How long a broker may be silent, and a connection take, before there is one. */
enum { ANSWER_US = 15000000 };

enum reel_code reel_bus_library_init(struct reel_error *err_out)
{
    if (mosquitto_lib_init() != MOSQ_ERR_SUCCESS)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "the MQTT library does not start");
    return REEL_OK;
}

void reel_bus_library_finish(void)
{
    mosquitto_lib_cleanup();
}

enum reel_code reel_bus_library_error(struct reel_error *err_out, int rc, const char *what)
{
    enum reel_code code = REEL_E_STALLED;

    if (rc == MOSQ_ERR_INVAL || rc == MOSQ_ERR_MALFORMED_UTF8 || rc == MOSQ_ERR_PAYLOAD_SIZE ||
        rc == MOSQ_ERR_OVERSIZE_PACKET || rc == MOSQ_ERR_MALFORMED_PACKET)
        code = REEL_E_BAD_REQUEST;
    if (rc == MOSQ_ERR_NOMEM)
        code = REEL_E_INTERNAL;
    return reel_error_set(err_out, code, NULL, "%s: %s", what, mosquitto_strerror(rc));
}

static int bus_set_up(struct reel_bus *bus, const struct reel_bus_config *config)
{
    struct mosquitto *m = bus->mosquitto;
    int rc = mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);

    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
    if (rc == MOSQ_ERR_SUCCESS && config->receive_maximum)
        rc = mosquitto_int_option(m, MOSQ_OPT_RECEIVE_MAXIMUM, config->receive_maximum);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_threaded_set(m, true);
    if (rc == MOSQ_ERR_SUCCESS && config->username)
        rc = mosquitto_username_pw_set(m, config->username, config->password);
    if (rc == MOSQ_ERR_SUCCESS && config->will_topic)
        rc = mosquitto_will_set_v5(m, config->will_topic, (int)strlen(config->will_payload),
                                   config->will_payload, 1, true, NULL);
    return rc;
}

enum reel_code reel_bus_create(const struct reel_bus_config *config,
                               const struct reel_bus_handlers *handlers, struct reel_bus **bus_out,
                               struct reel_error *err_out)
{
    struct reel_bus *bus = calloc(1, sizeof *bus);
    enum reel_code code;
    int rc;

    if (!bus)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    bus->handlers = *handlers;
    bus->port = config->port;
    bus->keepalive_s = config->keepalive_s;
    bus->session_expiry_s = config->session_expiry_s;
    bus->receive_maximum = config->receive_maximum;
    bus->shaken = !reel_bus_tls_wanted(config);
    bus->gate = bus->shaken ? NULL : config->gate;
    bus->host = strdup(config->host);
    bus->mosquitto = mosquitto_new(config->client_id, config->session_expiry_s == 0, bus);
    if (!bus->host || !bus->mosquitto) {
        reel_bus_destroy(&bus);
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "no connection object: %s",
                              "out of memory, or a client id that MQTT does not allow");
    }
    reel_bus_receive_set_up(bus);
    rc = bus_set_up(bus, config);
    code = rc == MOSQ_ERR_SUCCESS
               ? reel_bus_tls_set_up(&bus->tls, bus->mosquitto, config, err_out)
               : reel_bus_library_error(err_out, rc, "setting the connection up");
    if (code) {
        reel_bus_destroy(&bus);
        return code;
    }
    *bus_out = bus;
    return REEL_OK;
}

void reel_bus_destroy(struct reel_bus **bus)
{
    if (!*bus)
        return;
    (*bus)->down = true; /* no handler is called from here on */
    reel_bus_attempt_abandon(&(*bus)->attempt);
    if ((*bus)->mosquitto)
        mosquitto_destroy((*bus)->mosquitto);
    free((*bus)->host);
    free(*bus);
    *bus = NULL;
}

static int connect_properties(const struct reel_bus *bus, mosquitto_property **properties)
{
    int rc = MOSQ_ERR_SUCCESS;

    if (bus->session_expiry_s)
        rc = mosquitto_property_add_int32(properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                          bus->session_expiry_s);
    if (rc == MOSQ_ERR_SUCCESS && bus->receive_maximum)
        rc = mosquitto_property_add_int16(properties, MQTT_PROP_RECEIVE_MAXIMUM,
                                          bus->receive_maximum);
    return rc;
}

enum reel_code reel_bus_connect(struct reel_bus *bus, struct reel_error *err_out)
{
    struct reel_bus_target target = {
        .mosquitto = bus->mosquitto,
        .host = strdup(bus->host),
        .port = bus->port,
        .keepalive_s = bus->keepalive_s,
        .gate = bus->gate,
        .tls = bus->tls,
    };
    enum reel_code code;

    if (!target.host || connect_properties(bus, &target.properties) != MOSQ_ERR_SUCCESS)
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    else
        code = reel_bus_attempt_start(&target, &bus->attempt, err_out);
    if (code) {
        mosquitto_property_free_all(&target.properties);
        free(target.host);
        return code;
    }
    bus->mosquitto = NULL;
    bus->awaited = 1;
    bus->heard_us = reel_monotonic_us();
    return REEL_OK;
}

const struct reel_bus_terms *reel_bus_terms(const struct reel_bus *bus)
{
    return &bus->terms;
}

const char *reel_bus_reason_text(int reason)
{
    return mosquitto_reason_string(reason);
}

bool reel_bus_filter_valid(const char *filter, size_t bytes)
{
    return mosquitto_sub_topic_check2(filter, bytes) == MOSQ_ERR_SUCCESS;
}

bool reel_bus_accepted(const struct reel_bus *bus)
{
    return bus->accepted;
}

int reel_bus_refusal(const struct reel_bus *bus)
{
    return bus->refusal;
}

bool reel_bus_refuses_user(const struct reel_bus *bus)
{
    int refusal = reel_bus_refusal(bus);

    return refusal == MQTT_RC_BAD_USERNAME_OR_PASSWORD || refusal == MQTT_RC_NOT_AUTHORIZED ||
           refusal == CONNACK_REFUSED_BAD_USERNAME_PASSWORD ||
           refusal == CONNACK_REFUSED_NOT_AUTHORIZED;
}

int reel_bus_fd(const struct reel_bus *bus)
{
    if (bus->down)
        return -1;
    return bus->attempt ? reel_bus_attempt_fd(bus->attempt) : mosquitto_socket(bus->mosquitto);
}

static bool usable(const struct reel_bus *bus)
{
    return !bus->down && !bus->attempt;
}

bool reel_bus_wants_write(const struct reel_bus *bus)
{
    return usable(bus) && mosquitto_want_write(bus->mosquitto) &&
           !reel_bus_tls_waits(bus->mosquitto);
}

/* The connection has come about, or failed to. */
static void attempt_end(struct reel_bus *bus)
{
    char reason[REEL_BUS_REASON_BYTES];

    if (!reel_bus_attempt_reap(&bus->attempt, &bus->mosquitto, reason, sizeof reason))
        return;
    reel_bus_receive_set_up(bus);
    bus->heard_us = reel_monotonic_us();
    if (reason[0])
        reel_bus_lost(bus, reason, false);
}

bool reel_bus_read(struct reel_bus *bus)
{
    uint64_t before = bus->received;

    if (!bus->down && bus->attempt)
        attempt_end(bus);
    if (!usable(bus))
        return false;
    reel_bus_failed(bus, mosquitto_loop_read(bus->mosquitto, 1));
    if (bus->awaited > 0 && bus->received != before)
        bus->heard_us = reel_monotonic_us();
    return !bus->down && bus->received != before;
}

/* Let the kernel gather what is written into full segments, or send what it has gathered. It is no
 * matter if it cannot. */
static void gather(const struct reel_bus *bus, int on)
{
    int fd = mosquitto_socket(bus->mosquitto);

    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

/* Let the handshake come to its end, and hear the broker's word on it. Whether CONNECT may follow.
 */
static bool may_introduce(struct reel_bus *bus)
{
    bool shakes;

    if (bus->shaken)
        return true;
    shakes = reel_bus_tls_shakes(bus->mosquitto);
    bus->shaken = !shakes;
    if (!shakes && !reel_bus_tls_shaken(&bus->tls, bus->mosquitto))
        reel_bus_failed(bus, MOSQ_ERR_TLS);
    else
        reel_bus_failed(bus, mosquitto_loop_read(bus->mosquitto, 1));
    return bus->shaken && !bus->down;
}

void reel_bus_write(struct reel_bus *bus)
{
    bool many = bus->unwritten > 1;

    if (!usable(bus) || !may_introduce(bus))
        return;
    bus->unwritten = 0;
    /* The library writes each acknowledgement by itself, four bytes that would be a segment each,
     * for which the broker is woken up each time. */
    if (many)
        gather(bus, 1);
    reel_bus_failed(bus, mosquitto_loop_write(bus->mosquitto, 1));
    if (many && !bus->down)
        gather(bus, 0);
}

/* Whether an answer has been waited for long enough, and it does not lie there unread. */
static bool unanswered(const struct reel_bus *bus)
{
    struct pollfd fd = {.fd = reel_bus_fd(bus), .events = POLLIN};

    return bus->awaited > 0 && reel_monotonic_us() - bus->heard_us >= ANSWER_US &&
           reel_poll(&fd, 1, 0) == 0;
}

void reel_bus_misc(struct reel_bus *bus)
{
    if (bus->down)
        return;
    if (unanswered(bus))
        reel_bus_lost(bus, "no answer within 15 s", false);
    else if (usable(bus))
        reel_bus_failed(bus, mosquitto_loop_misc(bus->mosquitto));
}

/* Hand the library copies of the filters, which it wants to be able to change; its answer. */
static int with_copies(struct reel_bus *bus, const char *const *filters, size_t count,
                       int (*hand_over)(struct reel_bus *bus, int count, char *const *copies,
                                        int options),
                       int options)
{
    char *copies[REEL_BUS_FILTERS_MAX] = {NULL};
    int rc = count > REEL_BUS_FILTERS_MAX ? MOSQ_ERR_INVAL : MOSQ_ERR_SUCCESS;

    for (size_t i = 0; i < count && rc == MOSQ_ERR_SUCCESS; i++) {
        copies[i] = strdup(filters[i]);
        if (!copies[i])
            rc = MOSQ_ERR_NOMEM;
    }
    if (rc == MOSQ_ERR_SUCCESS)
        rc = hand_over(bus, (int)count, copies, options);
    for (size_t i = 0; i < REEL_BUS_FILTERS_MAX; i++)
        free(copies[i]);
    return rc;
}

static int hand_subscribe(struct reel_bus *bus, int count, char *const *copies, int options)
{
    return mosquitto_subscribe_multiple(bus->mosquitto, NULL, count, copies, 1, options, NULL);
}

static int hand_unsubscribe(struct reel_bus *bus, int count, char *const *copies, int options)
{
    (void)options;
    return mosquitto_unsubscribe_multiple(bus->mosquitto, NULL, count, copies, NULL);
}

enum reel_code reel_bus_subscribe(struct reel_bus *bus, const char *const *filters, size_t count,
                                  bool retained, struct reel_error *err_out)
{
    int options = MQTT_SUB_OPT_RETAIN_AS_PUBLISHED;
    int rc;

    options |= retained ? MQTT_SUB_OPT_SEND_RETAIN_ALWAYS : MQTT_SUB_OPT_SEND_RETAIN_NEVER;
    rc = with_copies(bus, filters, count, hand_subscribe, options);
    if (rc != MOSQ_ERR_SUCCESS)
        return reel_bus_library_error(err_out, rc, "subscribing");
    bus->awaited++;
    bus->heard_us = reel_monotonic_us();
    return REEL_OK;
}

enum reel_code reel_bus_unsubscribe(struct reel_bus *bus, const char *const *filters, size_t count,
                                    struct reel_error *err_out)
{
    int rc = with_copies(bus, filters, count, hand_unsubscribe, 0);

    return rc == MOSQ_ERR_SUCCESS ? REEL_OK : reel_bus_library_error(err_out, rc, "unsubscribing");
}

void reel_bus_disconnect(struct reel_bus *bus)
{
    if (usable(bus))
        reel_bus_failed(bus, mosquitto_disconnect_v5(bus->mosquitto, 0, NULL));
}
