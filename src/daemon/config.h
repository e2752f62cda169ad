/* Config: the settings, from one INI file and `-o section.key=value` over it (architecture.md,
 * "Settings"; protocol.md, "Defaults"). */
#ifndef REEL_DAEMON_CONFIG_H
#define REEL_DAEMON_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/device_settings.h"
#include "core/setting.h"
#include "io/bus.h"
#include "store/store.h"
#include "wire/container.h"

/* How many settings there may be that are not a device's, and sections for devices. */
enum { REEL_SETTINGS_MAX = 64, REEL_OVERRIDES_MAX = 128 };

struct reel_config {
    char broker_host[REEL_SETTING_BYTES];
    uint64_t broker_port;
    char broker_username[REEL_SETTING_BYTES];
    char broker_password_file[REEL_SETTING_BYTES];
    char broker_cafile[REEL_SETTING_BYTES];
    char broker_cert[REEL_SETTING_BYTES];
    char broker_key[REEL_SETTING_BYTES];
    char broker_psk_identity[REEL_SETTING_BYTES];
    char broker_psk_file[REEL_SETTING_BYTES];
    char broker_prefix[REEL_SETTING_BYTES];
    char broker_reply_allow[REEL_SETTING_BYTES]; /* "" becomes {prefix}/reply/# */
    uint64_t broker_keepalive_s;
    char sink_name[REEL_NAME_BYTES];
    char store_dir[REEL_SETTING_BYTES];
    char store_sync[REEL_SETTING_BYTES]; /* auto, files, filesystem */
    uint64_t session_idle_timeout_s;
    uint64_t session_max_duration_s;       /* 0: none */
    uint64_t hermes_enabled;               /* 0, 1 */
    char hermes_sites[REEL_SETTING_BYTES]; /* parted by commas; "": all */
    uint64_t hermes_max_duration_s;
    uint64_t ingest_commit_interval_ms;
    uint64_t ingest_commit_bytes;
    uint64_t max_fragment_bytes;
    uint64_t max_gap_s;
    uint64_t max_gap_bytes;
    uint64_t max_response_bytes;
    uint64_t max_upload_bytes;
    uint64_t max_recordings_open;
    uint64_t new_recordings_per_minute;
    char upload_formats_text[REEL_SETTING_BYTES]; /* upload.formats */
    reel_containers upload_formats;               /* the same, read by reel_config_finish */
    uint64_t upload_overwrite;                    /* 0, 1 */
    uint64_t upload_max_audio_bytes;
    uint64_t upload_max_bytes;
    uint64_t upload_block_bytes;
    uint64_t upload_expire_s;
    uint64_t upload_max_open;
    uint64_t quarantine_max_bytes;
    uint64_t retention_min_free_bytes;
    uint64_t log_level; /* as reel_log_priority */

    struct reel_device_settings base;                   /* of all devices ... */
    struct reel_override overrides[REEL_OVERRIDES_MAX]; /* ... and of some, in the file's order */
    size_t overrides_count;

    const char *path;             /* of the file, borrowed; NULL: there was none */
    int lines[REEL_SETTINGS_MAX]; /* where each stands in it, in the table's order; 0: nowhere */
};

/* The defaults; `sink.name` is the host's name, each bad character replaced by '-'. */
void reel_config_default(struct reel_config *config);

/* Read an INI file over `config`, which borrows `path`. BAD_REQUEST for what is wrong in it, with
 * "FILE:LINE: ..." and the setting as field; STALLED if it cannot be read. On failure `config` is
 * half changed. */
enum reel_code reel_config_read(struct reel_config *config, const char *path,
                                struct reel_error *err_out);

/* Set one from "section.key=value", over what the file says. */
enum reel_code reel_config_option(struct reel_config *config, const char *assignment,
                                  struct reel_error *err_out);

/* Fill in what follows from other settings, check what must fit together. */
enum reel_code reel_config_finish(struct reel_config *config, struct reel_error *err_out);

/* What holds for a device, by all sections that are for it. */
void reel_config_device(const struct reel_config *config, const char *device,
                        struct reel_device_settings *settings_out);
void reel_config_rules(const struct reel_config *config, const char *device,
                       struct reel_rules *rules_out);
/* max_bytes is the device's own: 0 where no section for it has one. */
void reel_config_retention(const struct reel_config *config, const char *device,
                           struct reel_retention *retention_out);

/* Read the first line of `broker.password_file` into `out`; a relative path is looked up in
 * $CREDENTIALS_DIRECTORY first. "" where no file is set. */
enum reel_code reel_config_password(const struct reel_config *config, char *out, size_t capacity,
                                    struct reel_error *err_out);

/* What the settings say of a connection (client id, session and will are the caller's) and of the
 * store. The results borrow from `config`, `password` and `log`. */
void reel_config_bus(const struct reel_config *config, const char *password,
                     struct reel_bus_config *bus_out);
void reel_config_store(const struct reel_config *config, const struct reel_log *log,
                       struct reel_store_config *store_out);

#endif
