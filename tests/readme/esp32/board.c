/* The board: runs the README's `record` on a PC. board URI DEVICE SESSION <SAMPLES; it ends with
 * the samples, once all is sent. */
#include <mosquitto.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "esp_random.h"
#include "mqtt_client.h"

struct esp_mqtt_client {
    struct mosquitto *mosquitto;
    char host[64];
    int port;
    int number; /* of the next message */
    int away_from;
    int away_to;
};

struct i2s_channel_obj_t {
    bool configured;
    bool enabled;
};

static struct esp_mqtt_client board_client;
static struct i2s_channel_obj_t board_microphone;

void record(const char *broker_uri, const char *device, const char *session);

static void fail(const char *what)
{
    fprintf(stderr, "board: %s\n", what);
    exit(1);
}

uint32_t esp_random(void)
{
    uint32_t number;

    if (getrandom(&number, sizeof number, 0) != sizeof number)
        fail("getrandom");
    return number;
}

esp_err_t i2s_new_channel(const i2s_chan_config_t *config, i2s_chan_handle_t *tx,
                          i2s_chan_handle_t *rx)
{
    if (tx || !rx || config->role != I2S_ROLE_MASTER)
        fail("this board has a microphone only");
    *rx = &board_microphone;
    return ESP_OK;
}

esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t channel, const i2s_std_config_t *config)
{
    channel->configured = config->slot_cfg.data_bit_width == I2S_DATA_BIT_WIDTH_32BIT &&
                          config->clk_cfg.sample_rate_hz == 16000;
    return ESP_OK;
}

esp_err_t i2s_channel_enable(i2s_chan_handle_t channel)
{
    channel->enabled = channel->configured;
    return ESP_OK;
}

static void end(void)
{
    struct mosquitto *mosquitto = board_client.mosquitto;

    mosquitto_disconnect(mosquitto); /* leaves after what was published */
    while (mosquitto_loop(mosquitto, 100, 1) == MOSQ_ERR_SUCCESS)
        continue;
    mosquitto_destroy(mosquitto);
    mosquitto_lib_cleanup();
    exit(0);
}

esp_err_t i2s_channel_read(i2s_chan_handle_t channel, void *slots, size_t bytes, size_t *bytes_read,
                           uint32_t timeout_ms)
{
    int32_t *out = slots;
    int16_t sample;

    (void)timeout_ms;
    if (!channel->enabled)
        fail("the microphone is read before it is enabled");
    for (*bytes_read = 0; *bytes_read < bytes; *bytes_read += sizeof *out) {
        if (fread(&sample, sizeof sample, 1, stdin) != 1)
            end();
        *out++ = sample * 65536 + 0x5A00; /* the lower bits are the microphone's, not the README's */
    }
    return ESP_OK;
}

esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t *config)
{
    const char *away = getenv("AWAY");

    board_client.away_from = board_client.away_to = -1;
    if (sscanf(config->broker.address.uri, "mqtt://%63[^:]:%d", board_client.host,
               &board_client.port) != 2)
        fail("no address of a broker");
    if (away && sscanf(away, "%d-%d", &board_client.away_from, &board_client.away_to) != 2)
        fail("AWAY is FROM-TO");
    return &board_client;
}

static void on_connect(struct mosquitto *mosquitto, void *user, int rc)
{
    (void)mosquitto;
    *(bool *)user = rc == 0;
}

esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t client)
{
    bool connected = false;

    mosquitto_lib_init();
    client->mosquitto = mosquitto_new(NULL, true, &connected);
    if (!client->mosquitto)
        fail("mosquitto_new");
    mosquitto_connect_callback_set(client->mosquitto, on_connect);
    if (mosquitto_connect(client->mosquitto, client->host, client->port, 60))
        fail("no broker there");
    while (!connected) {
        if (mosquitto_loop(client->mosquitto, 1000, 1))
            fail("the broker does not want us");
    }
    mosquitto_connect_callback_set(client->mosquitto, NULL);
    return ESP_OK;
}

int esp_mqtt_client_publish(esp_mqtt_client_handle_t client, const char *topic, const char *data,
                            int bytes, int qos, int retain)
{
    int number = client->number++;

    if (number >= client->away_from && number <= client->away_to)
        return -1;
    if (mosquitto_publish(client->mosquitto, NULL, topic, bytes, data, qos, retain != 0) ||
        mosquitto_loop(client->mosquitto, 0, 1))
        fail("not published");
    return qos > 0 ? number : 0;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        fail("usage: board URI DEVICE SESSION <SAMPLES");
    record(argv[1], argv[2], argv[3]);
    return 1; /* it does not return */
}
