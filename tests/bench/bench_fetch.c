/* The client of a download: asks for a recording's samples part by part, a few parts under way.
 *
 *   bench_fetch PORT PREFIX DEVICE SESSION BYTES
 *
 * Asks whoever answers under PREFIX, the sink or its opponent (bench_blocks). Prints how long it
 * took and the SHA-256 of all bytes in their order, as a line of JSON. */
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <nettle/sha2.h>
#include <stdint.h>

#include "bench/demand.h"
#include "io/loop.h"

enum { PART_BYTES = 1 << 20, UNDER_WAY_BYTES = 4 * PART_BYTES, TOPIC_BYTES = 256 };

struct fetch {
    const char *prefix, *device, *session;
    char reply[TOPIC_BYTES];
    uint64_t bytes;
    uint64_t asked;
    uint64_t got;
    int64_t began_us;
    struct sha256_ctx sum;
};

static void ask(struct mosquitto *m, struct fetch *fetch)
{
    mosquitto_property *properties = NULL;
    char topic[TOPIC_BYTES], text[512];
    int size =
        snprintf(text, sizeof text,
                 "{\"device\": \"%s\", \"session\": \"%s\", \"format\": \"raw\", "
                 "\"offset\": %llu, \"length\": %d}",
                 fetch->device, fetch->session, (unsigned long long)fetch->asked, PART_BYTES);

    snprintf(topic, sizeof topic, "%s/request/download", fetch->prefix);
    demand(mosquitto_property_add_string(&properties, MQTT_PROP_RESPONSE_TOPIC, fetch->reply) == 0,
           "memory");
    demand(mosquitto_publish_v5(m, NULL, topic, size, text, 0, false, properties) == 0, "publish");
    mosquitto_property_free_all(&properties);
    fetch->asked += PART_BYTES;
}

static void ask_more(struct mosquitto *m, struct fetch *fetch)
{
    while (fetch->asked < fetch->bytes && fetch->asked - fetch->got < UNDER_WAY_BYTES)
        ask(m, fetch);
}

static void on_connect(struct mosquitto *m, void *user, int rc, int flags,
                       const mosquitto_property *properties)
{
    const struct fetch *fetch = user;

    (void)flags;
    (void)properties;
    demand(rc == 0 && mosquitto_subscribe(m, NULL, fetch->reply, 0) == 0, "connect");
}

static void on_subscribe(struct mosquitto *m, void *user, int packet_id, int count,
                         const int *granted)
{
    struct fetch *fetch = user;

    (void)packet_id;
    demand(count == 1 && granted[0] == 0, "subscribe");
    fetch->began_us = reel_monotonic_us();
    ask_more(m, fetch);
}

/* Blocks come in the order in which they were asked for; the sum tells. */
static void on_message(struct mosquitto *m, void *user, const struct mosquitto_message *message)
{
    struct fetch *fetch = user;

    demand(message->payloadlen > 0, "an empty block");
    sha256_update(&fetch->sum, (size_t)message->payloadlen, message->payload);
    fetch->got += (uint64_t)message->payloadlen;
    ask_more(m, fetch);
}

static void print_result(struct fetch *fetch)
{
    int64_t took_us = reel_monotonic_us() - fetch->began_us;
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_digest(&fetch->sum, sizeof digest, digest);
    printf("{\"bytes\": %llu, \"took_us\": %lld, \"sha256\": \"", (unsigned long long)fetch->got,
           (long long)took_us);
    for (size_t i = 0; i < sizeof digest; i++)
        printf("%02x", digest[i]);
    printf("\"}\n");
}

int main(int argc, char **argv)
{
    struct fetch fetch;
    struct mosquitto *m;

    demand(argc == 6, "bench_fetch PORT PREFIX DEVICE SESSION BYTES");
    fetch = (struct fetch){.prefix = argv[2], .device = argv[3], .session = argv[4]};
    fetch.bytes = strtoull(argv[5], NULL, 10);
    snprintf(fetch.reply, sizeof fetch.reply, "%s/reply/bench-fetch", fetch.prefix);
    sha256_init(&fetch.sum);
    demand(mosquitto_lib_init() == 0, "library");
    m = mosquitto_new("bench-fetch", true, &fetch);
    demand(m != NULL && mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5) == 0 &&
               mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1) == 0,
           "options");
    mosquitto_connect_v5_callback_set(m, on_connect);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_message_callback_set(m, on_message);
    demand(mosquitto_connect(m, "127.0.0.1", atoi(argv[1]), 60) == 0, "connect");
    while (fetch.got < fetch.bytes)
        demand(mosquitto_loop(m, 10000, 1) == 0, "loop");
    print_result(&fetch);
    mosquitto_disconnect(m);
    mosquitto_destroy(m);
    mosquitto_lib_cleanup();
    return 0;
}
