/* The opponent of a download: answers the same requests with the same blocks, from memory.
 *
 *   bench_blocks PORT PREFIX FILE
 *
 * What the broker moves for it is what the broker can move. It reads FILE, says so in a line of
 * JSON once it hears requests, and goes on until it is killed. */
#include <jansson.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bench/demand.h"

enum { BLOCK_BYTES = 64 * 1024, TOPIC_BYTES = 256 };

struct blocks {
    const char *prefix;
    uint8_t *bytes;
    size_t size;
};

static void load_file(struct blocks *blocks, const char *path)
{
    struct stat status;
    FILE *file = fopen(path, "re");

    demand(file != NULL && fstat(fileno(file), &status) == 0, path);
    blocks->size = (size_t)status.st_size;
    blocks->bytes = malloc(blocks->size);
    demand(blocks->bytes != NULL && fread(blocks->bytes, 1, blocks->size, file) == blocks->size,
           path);
    fclose(file);
}

static void on_connect(struct mosquitto *m, void *user, int rc, int flags,
                       const mosquitto_property *properties)
{
    const struct blocks *blocks = user;
    char topic[TOPIC_BYTES];

    (void)flags;
    (void)properties;
    snprintf(topic, sizeof topic, "%s/request/download", blocks->prefix);
    demand(rc == 0 && mosquitto_subscribe(m, NULL, topic, 1) == 0, "connect");
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

/* With as many bytes of properties as the sink's answers have. */
static void send_block(struct mosquitto *m, const struct blocks *blocks, const char *reply,
                       size_t offset, size_t size)
{
    static const char *const names[] = {"status", "version", "from_frame", "to_frame",
                                        "size",   "offset",  "final"};
    mosquitto_property *properties = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        demand(mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, names[i],
                                                  "0123456789") == 0,
               "memory");
    demand(mosquitto_publish_v5(m, NULL, reply, (int)size, blocks->bytes + offset, 0, false,
                                properties) == 0,
           "publish");
    mosquitto_property_free_all(&properties);
}

static void on_message(struct mosquitto *m, void *user, const struct mosquitto_message *message,
                       const mosquitto_property *properties)
{
    const struct blocks *blocks = user;
    json_t *request = json_loadb(message->payload, (size_t)message->payloadlen, 0, NULL);
    size_t at = (size_t)json_integer_value(json_object_get(request, "offset"));
    size_t end = at + (size_t)json_integer_value(json_object_get(request, "length"));
    char *reply = NULL;

    demand(mosquitto_property_read_string(properties, MQTT_PROP_RESPONSE_TOPIC, &reply, false),
           "a request without a place for its answer");
    for (end = end < blocks->size ? end : blocks->size; at < end; at += BLOCK_BYTES)
        send_block(m, blocks, reply, at, end - at < BLOCK_BYTES ? end - at : BLOCK_BYTES);
    free(reply);
    json_decref(request);
}

int main(int argc, char **argv)
{
    struct blocks blocks = {.prefix = argc == 4 ? argv[2] : NULL};
    struct mosquitto *m;

    demand(blocks.prefix != NULL, "bench_blocks PORT PREFIX FILE");
    load_file(&blocks, argv[3]);
    demand(mosquitto_lib_init() == 0, "library");
    m = mosquitto_new("bench-blocks", true, &blocks);
    demand(m != NULL && mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5) == 0 &&
               mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1) == 0,
           "options");
    mosquitto_connect_v5_callback_set(m, on_connect);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_message_v5_callback_set(m, on_message);
    demand(mosquitto_connect(m, "127.0.0.1", atoi(argv[1]), 60) == 0, "connect");
    return mosquitto_loop_forever(m, -1, 1);
}
