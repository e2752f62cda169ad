/* Stand-in for esp-mqtt: the part of its interface that the README uses, over libmosquitto. */
#ifndef MQTT_CLIENT_H
#define MQTT_CLIENT_H

#include "driver/i2s_std.h"

typedef struct esp_mqtt_client *esp_mqtt_client_handle_t;

typedef struct {
    struct {
        struct {
            const char *uri; /* mqtt://HOST:PORT */
        } address;
    } broker;
} esp_mqtt_client_config_t;

esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t *config);

/* Unlike the real one it returns when the connection stands. */
esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t client);

/* Returns the message's id, -1 where it was lost: Wi-Fi is away for the messages whose numbers are
 * between those in the environment's AWAY ("10-12", from 0). */
int esp_mqtt_client_publish(esp_mqtt_client_handle_t client, const char *topic, const char *data,
                            int bytes, int qos, int retain);

#endif
