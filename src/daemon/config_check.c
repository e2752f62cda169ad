/* Config, checks: what follows from other settings, and what must fit together. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config_internal.h"
#include "io/bus.h"
#include "wire/topic.h"
#include "wire/utf8.h"

struct check {
    const struct reel_config *config;
    struct reel_complaints *complaints;
};

/* Complain of a setting, where it stands; of a default, where the other one does. */
static void complain(const struct check *check, const char *name, const char *other,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

static void complain(const struct check *check, const char *name, const char *other,
                     const char *format, ...)
{
    char message[REEL_ERROR_MESSAGE_BYTES];
    char place[REEL_LOCATION_BYTES];
    int line = reel_config_line(check->config, name);
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (line == 0 && other)
        line = reel_config_line(check->config, other);
    reel_config_location(check->config, line, place);
    reel_complain(check->complaints, place, "%s", message);
}

static bool prefix_valid(const char *prefix)
{
    size_t length = strlen(prefix);

    return length > 0 && length <= 64 && prefix[0] != '/' && prefix[length - 1] != '/' &&
           prefix[0] != '$' && !strpbrk(prefix, "+#, ") && reel_utf8_clean(prefix, length);
}

static bool filters_valid(const char *filters)
{
    const char *filter;
    size_t bytes;

    while ((filter = reel_topic_next_filter(&filters, &bytes)) != NULL) {
        if (bytes > REEL_REPLY_TOPIC_MAX_BYTES || !reel_bus_filter_valid(filter, bytes))
            return false;
    }
    return true;
}

static void check_tls(const struct check *check)
{
    const struct reel_config *config = check->config;
    bool key_alone = config->broker_key[0] && !config->broker_cert[0];

    if ((config->broker_cert[0] != '\0') != (config->broker_key[0] != '\0'))
        complain(check, key_alone ? "broker.key" : "broker.cert", NULL,
                 "broker.cert and broker.key go together: %s is missing",
                 key_alone ? "broker.cert" : "broker.key");
    if (config->broker_cert[0] && !config->broker_cafile[0])
        complain(check, "broker.cafile", "broker.cert",
                 "a client certificate needs broker.cafile too");
    if ((config->broker_psk_identity[0] != '\0') != (config->broker_psk_file[0] != '\0') ||
        (config->broker_psk_file[0] && config->broker_cafile[0]))
        complain(check, "broker.psk_file", "broker.psk_identity",
                 "broker.psk_identity and broker.psk_file go together, and not with "
                 "broker.cafile");
}

static void check_broker(const struct check *check)
{
    const struct reel_config *config = check->config;

    if (config->broker_host[0] == '\0')
        complain(check, "broker.host", NULL, "broker.host is empty: name the broker's host");
    if (!prefix_valid(config->broker_prefix))
        complain(check, "broker.prefix", NULL,
                 "broker.prefix must be a topic of at most 64 characters without wildcards, "
                 "spaces, commas, a leading $ or a slash at either end");
    if (!filters_valid(config->broker_reply_allow))
        complain(check, "broker.reply_allow", NULL,
                 "broker.reply_allow are topic filters, parted by commas or spaces: + is a whole "
                 "level of one, # its last");
    if (!prefix_valid(config->homeassistant_prefix))
        complain(check, "homeassistant.prefix", NULL,
                 "homeassistant.prefix must be a topic of at most 64 characters without "
                 "wildcards, spaces, commas, a leading $ or a slash at either end");
    if (config->broker_password_file[0] && !config->broker_username[0])
        complain(check, "broker.password_file", NULL,
                 "broker.password_file is of no use without broker.username");
}

/* node_exporter's collector reads only what ends so, and the sink's folder is / as a service. */
static bool textfile_valid(const char *path)
{
    static const char end[] = ".prom";
    size_t length = strlen(path);

    return path[0] == '\0' || (path[0] == '/' && length >= sizeof end &&
                               strcmp(path + length - strlen(end), end) == 0);
}

static void check_texts(const struct check *check)
{
    const struct reel_config *config = check->config;
    enum reel_sync_way way;

    if (!textfile_valid(config->metrics_textfile))
        complain(check, "metrics.textfile", NULL,
                 "metrics.textfile must be a path from / on that ends in .prom");
    if (strpbrk(config->hermes_sites, "/+#"))
        complain(check, "hermes.sites", NULL,
                 "hermes.sites are levels of a topic, parted by commas: no wildcard is among "
                 "them, and no slash");
    if (!reel_name_valid(config->sink_name, strlen(config->sink_name)))
        complain(check, "sink.name", NULL,
                 "sink.name must be 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or digit");
    if (config->store_dir[0] == '\0')
        complain(check, "store.dir", NULL, "store.dir is empty");
    if (!reel_config_sync_way(config->store_sync, &way))
        complain(check, "store.sync", NULL, "store.sync must be auto, files or filesystem");
}

static uint64_t least_silent_after_s(const struct reel_config *config)
{
    uint64_t least_s = config->base.silent_after_s;

    for (size_t i = 0; i < config->overrides_count; i++) {
        uint64_t after_s = config->overrides[i].settings.silent_after_s;

        if (after_s > 0 && (least_s == 0 || after_s < least_s))
            least_s = after_s;
    }
    return least_s;
}

void reel_config_finish(struct reel_config *config, struct reel_complaints *complaints)
{
    const struct check check = {config, complaints};

    if (config->sink_name[0] == '\0')
        reel_config_name_after_host(config->sink_name);
    check_broker(&check);
    if (config->broker_reply_allow[0] == '\0')
        snprintf(config->broker_reply_allow, sizeof config->broker_reply_allow, "%.64s/reply/#",
                 config->broker_prefix);
    check_tls(&check);
    check_texts(&check);
    if (!reel_containers_parse(config->upload_formats_text, &config->upload_formats))
        complain(&check, "upload.formats", NULL,
                 "upload.formats must be a list of wav, flac, ogg, aiff, mp3");
    reel_config_find_credentials(config);
    reel_config_check_rules(config, complaints);
    config->least_silent_after_s = least_silent_after_s(config);
}
