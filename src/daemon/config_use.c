/* Config, its use: the password, and what the settings say of a connection and of the store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/config_internal.h"
#include "io/loop.h"

/* Of the 64 MiB that strangers can make the sink take: 20,000 open recordings take 20 without it.
 */
enum { HELD_MAX_BYTES = 12 << 20 };

static const char *const sync_ways[] = {
    [REEL_SYNC_AUTO] = "auto",
    [REEL_SYNC_FILES] = "files",
    [REEL_SYNC_FILE_SYSTEM] = "filesystem",
};
enum { SYNC_WAYS = sizeof sync_ways / sizeof sync_ways[0] };

bool reel_config_sync_way(const char *name, enum reel_sync_way *way_out)
{
    for (unsigned way = 0; way < SYNC_WAYS; way++) {
        if (strcmp(sync_ways[way], name) == 0) {
            *way_out = (enum reel_sync_way)way;
            return true;
        }
    }
    return false;
}

void reel_config_find_credentials(struct reel_config *config)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char *paths[] = {config->broker_cafile, config->broker_cert, config->broker_key,
                     config->broker_psk_file};
    char joined[REEL_SETTING_BYTES];

    for (size_t i = 0; folder && i < sizeof paths / sizeof paths[0]; i++) {
        if (paths[i][0] && paths[i][0] != '/' &&
            snprintf(joined, sizeof joined, "%s/%s", folder, paths[i]) < (int)sizeof joined &&
            access(joined, F_OK) == 0)
            memcpy(paths[i], joined, sizeof joined);
    }
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

static enum reel_code cannot_read(const char *path, int errno_value, struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.password_file",
                          "broker.password_file %.100s: %s: name a file with the password in its "
                          "first line that the sink's user may read",
                          path, strerror(errno_value));
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
        return cannot_read(path, errno, err_out);
    errno = 0;
    if (!fgets(out, (int)capacity, file))
        code = errno ? cannot_read(path, errno, err_out)
                     : reel_error_set(err_out, REEL_E_BAD_REQUEST, "broker.password_file",
                                      "broker.password_file %.120s is empty: the password must "
                                      "stand in its first line",
                                      path);
    out[strcspn(out, "\r\n")] = '\0';
    if (fclose(file) != 0 && code == REEL_OK)
        code = cannot_read(path, errno, err_out);
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
    bus_out->psk_file = or_null(config->broker_psk_file);
    bus_out->psk_identity = or_null(config->broker_psk_identity);
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
    (void)reel_config_sync_way(config->store_sync, &store_out->sync_way); /* it was checked */
    store_out->clock = reel_monotonic_us;
    store_out->held_max_bytes = HELD_MAX_BYTES;
    store_out->catalog_suspect = false;
    store_out->log = log;
    store_out->progress = NULL;
    store_out->progress_user = NULL;
}
