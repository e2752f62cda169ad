/* Config: the settings, from an INI file, those of the folder beside it over that, and `-o
 * section.key=value` over all (architecture.md, "Settings"; protocol.md, "Defaults"). */
#ifndef REEL_DAEMON_CONFIG_H
#define REEL_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/device_settings.h"
#include "core/setting.h"
#include "daemon/complaints.h"
#include "io/bus.h"
#include "store/store.h"
#include "wire/container.h"

/* How many settings there may be that are not a device's, and sections for devices. */
enum { REEL_SETTINGS_MAX = 96, REEL_OVERRIDES_MAX = 128 };

/* Lines are counted through all files, in the order in which they are read. */
enum { REEL_CONFIG_FILES_MAX = 32 };
struct reel_config_file {
    char path[REEL_SETTING_BYTES];
    int lines_before;
};

/* Where settings come from. All is borrowed. */
struct reel_config_sources {
    const char *file; /* NULL: REEL_CONFIG_FILE, where there is one */
    const char *const *assignments;
    size_t assignments_count;
};
#define REEL_CONFIG_FILE "/etc/reel/reeld.conf"

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
    uint64_t homeassistant_enabled; /* 0, 1 */
    char homeassistant_prefix[REEL_SETTING_BYTES];
    char metrics_textfile[REEL_SETTING_BYTES]; /* "": none */
    uint64_t log_level;                        /* as reel_log_priority */

    struct reel_device_settings base;                   /* of all devices ... */
    struct reel_override overrides[REEL_OVERRIDES_MAX]; /* ... and of some, in the file's order */
    size_t overrides_count;
    uint64_t least_silent_after_s; /* of all devices, by reel_config_finish; 0: none is watched */

    struct reel_config_file files[REEL_CONFIG_FILES_MAX];
    size_t files_count;
    int lines_count;              /* of all files */
    int lines[REEL_SETTINGS_MAX]; /* where each stands, in the table's order; 0: nowhere */
};

/* The defaults; `sink.name` is the host's name, each bad character replaced by '-'. */
void reel_config_default(struct reel_config *config);

/* Read all of it: FILE, what is in FILE.d and ends in ".conf" by the order of names, then the
 * assignments, each over what was before. Every mistake becomes a complaint with "FILE:LINE: ..."
 * or "-o: ...". NULL if there are any; else the caller's to destroy. */
struct reel_config *reel_config_load(const struct reel_config_sources *sources,
                                     struct reel_complaints *complaints);
void reel_config_destroy(struct reel_config **config); /* accepts a pointer to NULL */

/* The table of the settings that are not a device's. */
const struct reel_setting *reel_config_settings(size_t *count_out);

/* Give `config` what can change only by a restart as `running` has it. `tell` hears of each setting
 * that differs, but for those that stand nowhere in both and have their defaults. */
typedef void reel_config_change_fn(void *user, const struct reel_setting *setting, const char *was,
                                   const char *is);
void reel_config_keep_fixed(const struct reel_config *running, struct reel_config *config,
                            reel_config_change_fn *tell, void *user);

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
