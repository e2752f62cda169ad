/* Config: the tables of settings, and what must fit together. */
#include "daemon/config.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config_internal.h"
#include "wire/topic.h"

#define TEXT_SETTING(name, member, text) REEL_TEXT_SETTING(name, struct reel_config, member, text)
#define NUMBER_SETTING(name, member, least, most, standard)                                        \
    REEL_NUMBER_SETTING(name, struct reel_config, member, least, most, standard)

#define GIB (1024 * REEL_MIB)
#define EIB (GIB * GIB)

static const struct reel_setting settings[] = {
    TEXT_SETTING("broker.host", broker_host, "localhost"),
    NUMBER_SETTING("broker.port", broker_port, 1, 65535, 1883),
    TEXT_SETTING("broker.username", broker_username, ""),
    TEXT_SETTING("broker.password_file", broker_password_file, ""),
    TEXT_SETTING("broker.cafile", broker_cafile, ""),
    TEXT_SETTING("broker.cert", broker_cert, ""),
    TEXT_SETTING("broker.key", broker_key, ""),
    TEXT_SETTING("broker.psk_identity", broker_psk_identity, ""),
    TEXT_SETTING("broker.psk_file", broker_psk_file, ""),
    TEXT_SETTING("broker.prefix", broker_prefix, "reel/v1"),
    TEXT_SETTING("broker.reply_allow", broker_reply_allow, ""),
    NUMBER_SETTING("broker.keepalive_s", broker_keepalive_s, 5, 65535, 300),
    TEXT_SETTING("sink.name", sink_name, ""),
    TEXT_SETTING("store.dir", store_dir, "/var/lib/reel"),
    TEXT_SETTING("store.sync", store_sync, "auto"),
    NUMBER_SETTING("session.idle_timeout_s", session_idle_timeout_s, 1, 31536000, 30),
    NUMBER_SETTING("session.max_duration_s", session_max_duration_s, 0, 31536000, 0),
    NUMBER_SETTING("hermes.enabled", hermes_enabled, 0, 1, 0),
    TEXT_SETTING("hermes.sites", hermes_sites, ""),
    NUMBER_SETTING("hermes.max_duration_s", hermes_max_duration_s, 1, 31536000, 900),
    NUMBER_SETTING("ingest.commit_interval_ms", ingest_commit_interval_ms, 0, 60000, 1000),
    NUMBER_SETTING("ingest.commit_bytes", ingest_commit_bytes, 4096, GIB, 16 * REEL_MIB),
    NUMBER_SETTING("limits.max_fragment_bytes", max_fragment_bytes, 1024, 256 * REEL_MIB, REEL_MIB),
    NUMBER_SETTING("limits.max_gap_s", max_gap_s, 0, 31536000, 3600),
    NUMBER_SETTING("limits.max_gap_bytes", max_gap_bytes, 0, 64 * GIB, 256 * REEL_MIB),
    NUMBER_SETTING("limits.max_response_bytes", max_response_bytes, 65536, 128 * REEL_MIB,
                   8 * REEL_MIB),
    NUMBER_SETTING("limits.max_upload_bytes", max_upload_bytes, 1024, 255 * REEL_MIB,
                   64 * REEL_MIB),
    NUMBER_SETTING("limits.max_recordings_open", max_recordings_open, 1, 1000000, 20000),
    NUMBER_SETTING("limits.new_recordings_per_minute", new_recordings_per_minute, 1, 1000000, 600),
    TEXT_SETTING("upload.formats", upload_formats_text, "wav"),
    NUMBER_SETTING("upload.overwrite", upload_overwrite, 0, 1, 1),
    NUMBER_SETTING("upload.max_audio_bytes", upload_max_audio_bytes, 1024, 1024 * GIB, GIB),
    NUMBER_SETTING("upload.max_bytes", upload_max_bytes, 1024, 1024 * GIB, 16 * GIB),
    NUMBER_SETTING("upload.block_bytes", upload_block_bytes, 4096, 16 * REEL_MIB, 256 * REEL_KIB),
    NUMBER_SETTING("upload.expire_s", upload_expire_s, 1, 31536000, 86400),
    NUMBER_SETTING("upload.max_open", upload_max_open, 1, 10000, 64),
    NUMBER_SETTING("quarantine.max_bytes", quarantine_max_bytes, 0, 1024 * GIB, 64 * REEL_MIB),
    NUMBER_SETTING("retention.min_free_bytes", retention_min_free_bytes, 0, EIB, 0),
    NUMBER_SETTING("log.level", log_level, 3, 7, 6),
};
enum { SETTINGS = sizeof settings / sizeof settings[0] };
static_assert((size_t)SETTINGS <= (size_t)REEL_SETTINGS_MAX, "each has its line");

static void name_after_host(char out[REEL_NAME_BYTES])
{
    char host[REEL_NAME_BYTES] = "";

    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
        memcpy(host, "sink", sizeof "sink");
    for (size_t i = 0; host[i]; i++) {
        bool fits = reel_name_valid(host + i, 1) || (i > 0 && strchr("._-", host[i]));

        if (!fits)
            host[i] = i > 0 ? '-' : 'x';
    }
    memcpy(out, host, sizeof host);
}

void reel_config_default(struct reel_config *config)
{
    memset(config, 0, sizeof *config);
    reel_settings_default(settings, SETTINGS, config);
    reel_settings_default(reel_device_settings_table, REEL_DEVICE_SETTINGS, &config->base);
    name_after_host(config->sink_name);
}

enum reel_code reel_config_set(struct reel_config *config, const char *section, const char *key,
                               const char *text, int line, struct reel_error *err_out)
{
    char name[REEL_SETTING_BYTES];
    enum reel_code code;
    size_t at;

    if (strchr(section, '"'))
        return reel_config_set_override(config, section, key, text, line, err_out);
    snprintf(name, sizeof name, "%s.%s", section, key);
    at = reel_settings_find(settings, SETTINGS, name);
    if (at == SETTINGS)
        return reel_config_set_base(config, name, text, line, err_out);
    code = reel_config_note_line(&config->lines[at], name, line, err_out);
    return code ? code : reel_setting_set(&settings[at], config, text, err_out);
}

int reel_config_line(const struct reel_config *config, const char *name)
{
    size_t at = reel_settings_find(settings, SETTINGS, name);

    return at < SETTINGS ? config->lines[at] : 0;
}

static bool prefix_valid(const char *prefix)
{
    size_t length = strlen(prefix);

    return length > 0 && length <= 64 && prefix[0] != '/' && prefix[length - 1] != '/' &&
           prefix[0] != '$' && !strpbrk(prefix, "+# \t");
}

static enum reel_code check_tls(const struct reel_config *config, struct reel_error *err_out)
{
    if ((config->broker_cert[0] != '\0') != (config->broker_key[0] != '\0'))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.key",
                              "broker.cert and broker.key go together");
    if (config->broker_cert[0] && !config->broker_cafile[0])
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.cafile",
                              "a client certificate needs broker.cafile too");
    if ((config->broker_psk_identity[0] != '\0') != (config->broker_psk_file[0] != '\0') ||
        (config->broker_psk_file[0] && config->broker_cafile[0]))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.psk_file",
                              "broker.psk_identity and broker.psk_file go together, and not with "
                              "broker.cafile");
    return REEL_OK;
}

enum reel_code reel_config_finish(struct reel_config *config, struct reel_error *err_out)
{
    enum reel_sync_way way;

    if (!prefix_valid(config->broker_prefix))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.prefix",
                              "broker.prefix must be a topic of at most 64 characters without "
                              "wildcards, spaces, a leading $ or a slash at either end");
    if (strpbrk(config->hermes_sites, "/+#"))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "hermes.sites",
                              "hermes.sites are levels of a topic, parted by commas: no wildcard "
                              "is among them, and no slash");
    if (!reel_name_valid(config->sink_name, strlen(config->sink_name)))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "sink.name",
                              "sink.name must be 1 to 64 of A-Z a-z 0-9 . _ -, "
                              "the first a letter or digit");
    if (config->store_dir[0] == '\0')
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "store.dir", "store.dir is empty");
    if (!reel_config_sync_way(config->store_sync, &way))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "store.sync",
                              "store.sync must be auto, files or filesystem");
    if (check_tls(config, err_out))
        return REEL_E_BAD_REQUEST;
    if (!reel_containers_parse(config->upload_formats_text, &config->upload_formats))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "upload.formats",
                              "upload.formats must be a list of wav, flac, ogg, aiff, mp3");
    if (config->broker_reply_allow[0] == '\0')
        snprintf(config->broker_reply_allow, sizeof config->broker_reply_allow, "%.64s/reply/#",
                 config->broker_prefix);
    reel_config_find_credentials(config);
    return reel_config_check_rules(config, err_out);
}
