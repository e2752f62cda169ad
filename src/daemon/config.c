/* Config: one table of settings; everything else walks it. */
#include "daemon/config.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/loop.h"
#include "wire/topic.h"

enum kind { TEXT, NUMBER };

/* Of the 64 MiB that strangers can make the sink take: 20,000 open recordings take 20 without it.
 */
enum { HELD_MAX_BYTES = 12 << 20 };

struct setting {
    const char *name; /* section.key */
    enum kind kind;
    size_t offset;
    size_t capacity;                /* TEXT */
    uint64_t least, most, standard; /* NUMBER */
    const char *text;               /* TEXT: the default */
};

#define AT(member)   offsetof(struct reel_config, member)
#define ROOM(member) sizeof(((struct reel_config *)0)->member)
#define TEXT_SETTING(name, member, text)                                                           \
    {                                                                                              \
        name, TEXT, AT(member), ROOM(member), 0, 0, 0, text                                        \
    }
#define NUMBER_SETTING(name, member, least, most, standard)                                        \
    {                                                                                              \
        name, NUMBER, AT(member), 0, least, most, standard, NULL                                   \
    }

#define GIB (1024 * REEL_MIB)

static const struct setting settings[] = {
    TEXT_SETTING("broker.host", broker_host, "localhost"),
    NUMBER_SETTING("broker.port", broker_port, 1, 65535, 1883),
    TEXT_SETTING("broker.username", broker_username, ""),
    TEXT_SETTING("broker.password_file", broker_password_file, ""),
    TEXT_SETTING("broker.cafile", broker_cafile, ""),
    TEXT_SETTING("broker.cert", broker_cert, ""),
    TEXT_SETTING("broker.key", broker_key, ""),
    TEXT_SETTING("broker.prefix", broker_prefix, "reel/v1"),
    TEXT_SETTING("broker.reply_allow", broker_reply_allow, ""),
    NUMBER_SETTING("broker.keepalive_s", broker_keepalive_s, 5, 65535, 300),
    TEXT_SETTING("sink.name", sink_name, ""),
    TEXT_SETTING("store.dir", store_dir, "/var/lib/reel"),
    TEXT_SETTING("store.sync", store_sync, "auto"),
    NUMBER_SETTING("session.idle_timeout_s", session_idle_timeout_s, 1, 31536000, 30),
    NUMBER_SETTING("ingest.commit_interval_ms", ingest_commit_interval_ms, 0, 60000, 1000),
    NUMBER_SETTING("ingest.commit_bytes", ingest_commit_bytes, 4096, GIB, 4 * REEL_MIB),
    NUMBER_SETTING("limits.max_fragment_bytes", max_fragment_bytes, 1024, 256 * REEL_MIB, REEL_MIB),
    NUMBER_SETTING("limits.max_gap_s", max_gap_s, 0, 31536000, 3600),
    NUMBER_SETTING("limits.max_gap_bytes", max_gap_bytes, 0, 64 * GIB, 256 * REEL_MIB),
    NUMBER_SETTING("limits.max_response_bytes", max_response_bytes, 65536, 128 * REEL_MIB,
                   8 * REEL_MIB),
    NUMBER_SETTING("limits.max_upload_bytes", max_upload_bytes, 1024, 255 * REEL_MIB,
                   64 * REEL_MIB),
    NUMBER_SETTING("limits.max_recordings_open", max_recordings_open, 1, 1000000, 20000),
    NUMBER_SETTING("limits.new_recordings_per_minute", new_recordings_per_minute, 1, 1000000, 600),
    NUMBER_SETTING("quarantine.max_bytes", quarantine_max_bytes, 0, 1024 * GIB, 64 * REEL_MIB),
    NUMBER_SETTING("log.level", log_level, 3, 7, 6),
};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

static void put_text(struct reel_config *config, const struct setting *setting, const char *text)
{
    /* The callers have checked that it fits. */
    memcpy((char *)config + setting->offset, text, strlen(text) + 1);
}

static void put_number(struct reel_config *config, const struct setting *setting, uint64_t value)
{
    memcpy((char *)config + setting->offset, &value, sizeof value);
}

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
    for (size_t i = 0; i < SETTINGS; i++) {
        if (settings[i].kind == TEXT)
            put_text(config, &settings[i], settings[i].text);
        else
            put_number(config, &settings[i], settings[i].standard);
    }
    name_after_host(config->sink_name);
}

static enum reel_code set_number(struct reel_config *config, const struct setting *setting,
                                 const char *value, struct reel_error *err_out)
{
    char *end = NULL;
    unsigned long long number;

    errno = 0;
    number = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno || number < setting->least ||
        number > setting->most)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, setting->name,
                              "%s must be a whole number from %llu to %llu", setting->name,
                              (unsigned long long)setting->least,
                              (unsigned long long)setting->most);
    put_number(config, setting, number);
    return REEL_OK;
}

static enum reel_code set_text(struct reel_config *config, const struct setting *setting,
                               const char *value, struct reel_error *err_out)
{
    if (strlen(value) >= setting->capacity)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, setting->name,
                              "%s is longer than %zu characters", setting->name,
                              setting->capacity - 1);
    put_text(config, setting, value);
    return REEL_OK;
}

static enum reel_code set(struct reel_config *config, const char *name, const char *value,
                          struct reel_error *err_out)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].name, name) != 0)
            continue;
        if (settings[i].kind == NUMBER)
            return set_number(config, &settings[i], value, err_out);
        return set_text(config, &settings[i], value, err_out);
    }
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, name, "there is no setting %s", name);
}

struct reading {
    struct reel_config *config;
    struct reel_error error; /* the first */
    bool failed;
};

/* inih's handler: 0 is an error, and ini_parse_file then returns the number of the first such
 * line. */
static int on_line(void *user, const char *section, const char *key, const char *value)
{
    struct reading *reading = user;
    struct reel_error error;
    char name[REEL_SETTING_BYTES];

    snprintf(name, sizeof name, "%s.%s", section, key);
    if (set(reading->config, name, value, &error) == REEL_OK)
        return 1;
    if (!reading->failed)
        reading->error = error;
    reading->failed = true;
    return 0;
}

enum reel_code reel_config_read(struct reel_config *config, const char *path,
                                struct reel_error *err_out)
{
    struct reading reading = {.config = config};
    FILE *file = fopen(path, "re");
    int line;

    if (!file)
        return reel_error_errno(err_out, errno, "%s", path);
    line = ini_parse_file(file, on_line, &reading);
    if (fclose(file) != 0)
        return reel_error_errno(err_out, errno, "%s", path);
    if (line == 0)
        return REEL_OK;
    if (!reading.failed)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "%s:%d: neither [section] nor key = value", path, line);
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, reading.error.field, "%s:%d: %s", path, line,
                          reading.error.message);
}

enum reel_code reel_config_option(struct reel_config *config, const char *assignment,
                                  struct reel_error *err_out)
{
    const char *equals = strchr(assignment, '=');
    char name[REEL_SETTING_BYTES];

    if (!equals || (size_t)(equals - assignment) >= sizeof name)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "-o takes section.key=value, not \"%s\"", assignment);
    memcpy(name, assignment, (size_t)(equals - assignment));
    name[equals - assignment] = '\0';
    return set(config, name, equals + 1, err_out);
}

static const char *const sync_ways[] = {
    [REEL_SYNC_AUTO] = "auto",
    [REEL_SYNC_FILES] = "files",
    [REEL_SYNC_FILE_SYSTEM] = "filesystem",
};
enum { SYNC_WAYS = sizeof sync_ways / sizeof sync_ways[0] };

/* SYNC_WAYS for what is none. */
static unsigned sync_way(const char *name)
{
    unsigned way = 0;

    while (way < SYNC_WAYS && strcmp(sync_ways[way], name) != 0)
        way++;
    return way;
}

static bool prefix_valid(const char *prefix)
{
    size_t length = strlen(prefix);

    return length > 0 && length <= 64 && prefix[0] != '/' && prefix[length - 1] != '/' &&
           prefix[0] != '$' && !strpbrk(prefix, "+# \t");
}

enum reel_code reel_config_finish(struct reel_config *config, struct reel_error *err_out)
{
    if (!prefix_valid(config->broker_prefix))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.prefix",
                              "broker.prefix must be a topic of at most 64 characters without "
                              "wildcards, spaces, a leading $ or a slash at either end");
    if (!reel_name_valid(config->sink_name, strlen(config->sink_name)))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "sink.name",
                              "sink.name must be 1 to 64 of A-Z a-z 0-9 . _ -, "
                              "the first a letter or digit");
    if (config->store_dir[0] == '\0')
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "store.dir", "store.dir is empty");
    if (sync_way(config->store_sync) == SYNC_WAYS)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "store.sync",
                              "store.sync must be auto, files or filesystem");
    if ((config->broker_cert[0] != '\0') != (config->broker_key[0] != '\0'))
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.key",
                              "broker.cert and broker.key go together");
    if (config->broker_cert[0] && !config->broker_cafile[0])
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.cafile",
                              "a client certificate needs broker.cafile too");
    if (config->broker_reply_allow[0] == '\0')
        snprintf(config->broker_reply_allow, sizeof config->broker_reply_allow, "%.64s/reply/#",
                 config->broker_prefix);
    return REEL_OK;
}

static FILE *open_secret(const char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char joined[2 * REEL_SETTING_BYTES];
    FILE *file = NULL;

    if (folder && path[0] != '/' &&
        snprintf(joined, sizeof joined, "%s/%s", folder, path) < (int)sizeof joined)
        file = fopen(joined, "re");
    return file ? file : fopen(path, "re");
}

enum reel_code reel_config_password(const struct reel_config *config, char *out, size_t capacity,
                                    struct reel_error *err_out)
{
    const char *path = config->broker_password_file;
    enum reel_code code = REEL_OK;
    FILE *file;

    out[0] = '\0';
    if (path[0] == '\0')
        return REEL_OK;
    file = open_secret(path);
    if (!file)
        return reel_error_errno(err_out, errno, "broker.password_file %s", path);
    if (!fgets(out, (int)capacity, file))
        code = reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.password_file",
                              "broker.password_file %s holds no password", path);
    out[strcspn(out, "\r\n")] = '\0';
    if (fclose(file) != 0 && code == REEL_OK)
        code = reel_error_errno(err_out, errno, "broker.password_file %s", path);
    return code;
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

void reel_config_bus(const struct reel_config *config, const char *password,
                     struct reel_bus_config *bus_out)
{
    memset(bus_out, 0, sizeof *bus_out);
    bus_out->host = config->broker_host;
    bus_out->port = (int)config->broker_port;
    bus_out->username = or_null(config->broker_username);
    bus_out->password = or_null(password);
    bus_out->cafile = or_null(config->broker_cafile);
    bus_out->cert = or_null(config->broker_cert);
    bus_out->key = or_null(config->broker_key);
    bus_out->keepalive_s = (int)config->broker_keepalive_s;
}

void reel_config_store(const struct reel_config *config, const struct reel_log *log,
                       struct reel_store_config *store_out)
{
    store_out->dir = config->store_dir;
    store_out->quarantine_max_bytes = config->quarantine_max_bytes;
    /* A batch is closed by the message that fills it, with which a candidate may come. Numbers of
     * one byte in an array may stand for samples of eight. */
    store_out->batch_max_bytes =
        config->ingest_commit_bytes + 2 * sizeof(double) * config->max_fragment_bytes;
    store_out->sync_way = (enum reel_sync_way)sync_way(config->store_sync);
    store_out->clock = reel_monotonic_us;
    store_out->held_max_bytes = HELD_MAX_BYTES;
    store_out->catalog_suspect = false;
    store_out->log = log;
}
