/* The opponents that do nothing: subscribers that count what comes and forget it.
 *
 *   bench_null PORT FRAGMENTS [held]
 *
 * libmosquitto at QoS 1, with a session that outlives the connection. Alone, it runs on the
 * library's default loop, which acknowledges each message at once. `held`: on a poll loop over the
 * library's calls, which lets the acknowledgements go batch by batch, as large as the sink's by
 * default, though nothing was made durable.
 *
 * Prints a line of JSON when it has subscribed, and one with its figures when it has counted that
 * many. Times are of the monotonic clock. */
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <sys/resource.h>

#include "bench/demand.h"
#include "io/loop.h"

enum { BATCH_MESSAGES = 16384, BATCH_BYTES = 4 << 20, BATCH_US = 1000000, RECEIVE_MAXIMUM = 65535 };

struct null {
    uint64_t expected;
    uint64_t received;
    uint64_t bytes;
    int64_t first_us;
    int64_t last_us;
    uint64_t batch_messages;
    uint64_t batch_bytes;
    int64_t batch_since_us;
    bool over;
};

static void on_connect(struct mosquitto *m, void *user, int rc, int flags,
                       const mosquitto_property *properties)
{
    (void)user;
    (void)flags;
    (void)properties;
    demand(rc == 0 && mosquitto_subscribe(m, NULL, "reel/v1/audio/#", 1) == MOSQ_ERR_SUCCESS,
           "connect");
}

static void on_subscribe(struct mosquitto *m, void *user, int packet_id, int count,
                         const int *granted)
{
    (void)m;
    (void)user;
    (void)packet_id;
    demand(count == 1 && granted[0] == 1, "subscribe");
    printf("{\"ready\": true}\n");
    fflush(stdout);
}

static void on_message(struct mosquitto *m, void *user, const struct mosquitto_message *message)
{
    struct null *null = user;

    (void)m;
    if (null->received++ == 0)
        null->first_us = reel_monotonic_us();
    null->bytes += (uint64_t)message->payloadlen;
    if (null->batch_messages++ == 0)
        null->batch_since_us = reel_monotonic_us();
    null->batch_bytes += (uint64_t)message->payloadlen;
    if (null->received == null->expected)
        null->last_us = reel_monotonic_us();
}

/* As mosquitto_loop_forever, which ends only with the connection. */
static void run_at_once(struct mosquitto *m, const struct null *null)
{
    while (null->received < null->expected)
        demand(mosquitto_loop(m, -1, 1) == MOSQ_ERR_SUCCESS, "loop");
}

static bool batch_full(const struct null *null)
{
    return null->batch_messages >= BATCH_MESSAGES || null->batch_bytes >= BATCH_BYTES ||
           null->received == null->expected ||
           (null->batch_messages > 0 && reel_monotonic_us() - null->batch_since_us >= BATCH_US);
}

static void read_batch(struct mosquitto *m, const struct null *null)
{
    uint64_t before;

    do {
        before = null->received;
        demand(mosquitto_loop_read(m, 1) == MOSQ_ERR_SUCCESS, "read");
    } while (null->received != before && !batch_full(null));
}

static void run_held(struct mosquitto *m, struct null *null)
{
    while (null->received < null->expected || mosquitto_want_write(m)) {
        bool may_write = null->batch_messages == 0 && mosquitto_want_write(m);
        struct pollfd fd = {.fd = mosquitto_socket(m),
                            .events = (short)(POLLIN | (may_write ? POLLOUT : 0))};

        demand(poll(&fd, 1, 100) >= 0, "poll");
        if (fd.revents & POLLIN)
            read_batch(m, null);
        if (batch_full(null))
            null->batch_messages = null->batch_bytes = 0;
        if (null->batch_messages == 0 && mosquitto_want_write(m))
            demand(mosquitto_loop_write(m, 1) == MOSQ_ERR_SUCCESS, "write");
        demand(mosquitto_loop_misc(m) == MOSQ_ERR_SUCCESS, "misc");
    }
}

static struct mosquitto *connected(int port, struct null *null, bool held)
{
    mosquitto_property *properties = NULL;
    struct mosquitto *m = mosquitto_new("bench-null", false, null);

    demand(m != NULL, "memory");
    demand(mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5) == 0 &&
               mosquitto_int_option(m, MOSQ_OPT_RECEIVE_MAXIMUM, RECEIVE_MAXIMUM) == 0 &&
               mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1) == 0 &&
               mosquitto_threaded_set(m, held) == 0,
           "options");
    demand(mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                        UINT32_MAX) == 0 &&
               mosquitto_property_add_int16(&properties, MQTT_PROP_RECEIVE_MAXIMUM,
                                            RECEIVE_MAXIMUM) == 0,
           "memory");
    mosquitto_connect_v5_callback_set(m, on_connect);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_message_callback_set(m, on_message);
    demand(mosquitto_connect_bind_v5(m, "127.0.0.1", port, 300, NULL, properties) == 0, "connect");
    mosquitto_property_free_all(&properties);
    return m;
}

static long long used_us(struct timeval time)
{
    return (long long)time.tv_sec * 1000000 + time.tv_usec;
}

int main(int argc, char **argv)
{
    struct null null = {0};
    struct mosquitto *m;
    struct rusage usage;
    bool held = argc == 4 && strcmp(argv[3], "held") == 0;

    demand(argc == 3 || held, "bench_null PORT FRAGMENTS [held]");
    null.expected = strtoull(argv[2], NULL, 10);
    demand(null.expected > 0 && mosquitto_lib_init() == 0, argv[2]);
    m = connected(atoi(argv[1]), &null, held);
    if (held)
        run_held(m, &null);
    else
        run_at_once(m, &null);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"received\": %llu, \"bytes\": %llu, \"first_us\": %lld, \"last_us\": %lld, "
           "\"cpu_us\": %lld}\n",
           (unsigned long long)null.received, (unsigned long long)null.bytes,
           (long long)null.first_us, (long long)null.last_us,
           used_us(usage.ru_utime) + used_us(usage.ru_stime));
    mosquitto_disconnect(m);
    mosquitto_destroy(m);
    mosquitto_lib_cleanup();
    return 0;
}
