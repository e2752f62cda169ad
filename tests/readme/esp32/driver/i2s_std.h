/* Stand-in for ESP-IDF's I2S driver: the part of its interface that the README uses, so that the
 * sketch there can be compiled and run on a PC. The microphone is standard input, 16-bit samples. */
#ifndef DRIVER_I2S_STD_H
#define DRIVER_I2S_STD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef int esp_err_t;
enum { ESP_OK = 0, ESP_ERR_TIMEOUT = 0x107 };
#define ESP_ERROR_CHECK(call) ((call) == ESP_OK ? (void)0 : abort())

typedef enum { GPIO_NUM_25 = 25, GPIO_NUM_26 = 26, GPIO_NUM_33 = 33 } gpio_num_t;
#define I2S_GPIO_UNUSED ((gpio_num_t)-1)

typedef struct i2s_channel_obj_t *i2s_chan_handle_t;
typedef enum { I2S_NUM_AUTO } i2s_port_t;
typedef enum { I2S_ROLE_MASTER } i2s_role_t;
typedef enum { I2S_DATA_BIT_WIDTH_32BIT = 32 } i2s_data_bit_width_t;
typedef enum { I2S_SLOT_MODE_MONO = 1 } i2s_slot_mode_t;

typedef struct {
    i2s_port_t id;
    i2s_role_t role;
} i2s_chan_config_t;

typedef struct {
    struct {
        uint32_t sample_rate_hz;
    } clk_cfg;
    struct {
        i2s_data_bit_width_t data_bit_width;
        i2s_slot_mode_t slot_mode;
    } slot_cfg;
    struct {
        gpio_num_t mclk, bclk, ws, dout, din;
    } gpio_cfg;
} i2s_std_config_t;

#define I2S_CHANNEL_DEFAULT_CONFIG(port, channel_role) {.id = (port), .role = (channel_role)}
#define I2S_STD_CLK_DEFAULT_CONFIG(rate)               {.sample_rate_hz = (rate)}
#define I2S_STD_PHILIPS_SLOT_DEFAULT_CONFIG(bits, mode)                                           \
    {.data_bit_width = (bits), .slot_mode = (mode)}

esp_err_t i2s_new_channel(const i2s_chan_config_t *config, i2s_chan_handle_t *tx,
                          i2s_chan_handle_t *rx);
esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t channel, const i2s_std_config_t *config);
esp_err_t i2s_channel_enable(i2s_chan_handle_t channel);
esp_err_t i2s_channel_read(i2s_chan_handle_t channel, void *slots, size_t bytes, size_t *bytes_read,
                           uint32_t timeout_ms);

#endif
