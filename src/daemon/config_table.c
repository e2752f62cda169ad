/* Config, the table: every setting that is not a device's, with all there is to say of it. README,
 * manual and the file of defaults are made of it (tests/tools/make_settings.py). */
#include <assert.h>

#include "daemon/config_internal.h"

#define TEXT_SETTING(name, member, text, change, about)                                            \
    REEL_TEXT_SETTING(name, struct reel_config, member, text, REEL_SETTING_##change, about)
#define NUMBER_SETTING(name, member, least, most, standard, change, about)                         \
    REEL_NUMBER_SETTING(name, struct reel_config, member, least, most, standard,                   \
                        REEL_SETTING_##change, about)

#define GIB (1024 * REEL_MIB)
#define EIB (GIB * GIB)

static const struct reel_setting settings[] = {
    TEXT_SETTING("broker.host", broker_host, "localhost", RESTART,
                 "where the broker is: a name or an address"),
    NUMBER_SETTING("broker.port", broker_port, 1, 65535, 1883, RESTART,
                   "its port; 8883 is usual with TLS"),
    TEXT_SETTING("broker.username", broker_username, "", RESTART,
                 "the sink's user at the broker; none: it gives no name"),
    TEXT_SETTING("broker.password_file", broker_password_file, "", RESTART,
                 "a file whose first line is the password; a relative path is looked up in "
                 "`$CREDENTIALS_DIRECTORY` first"),
    TEXT_SETTING("broker.cafile", broker_cafile, "", RESTART,
                 "TLS: a file of the authorities that may have signed the broker's certificate; a "
                 "relative path as above; none: no TLS"),
    TEXT_SETTING(
        "broker.cert", broker_cert, "", RESTART,
        "TLS: the sink's own certificate, where the broker asks for one; with `broker.key`"),
    TEXT_SETTING("broker.key", broker_key, "", RESTART, "TLS: the key of that certificate"),
    TEXT_SETTING("broker.psk_identity", broker_psk_identity, "", RESTART,
                 "TLS by a key that both sides have, in the place of `broker.cafile`: whose it is"),
    TEXT_SETTING("broker.psk_file", broker_psk_file, "", RESTART,
                 "TLS: a file whose first line is that key, in hexadecimal digits"),
    TEXT_SETTING("broker.prefix", broker_prefix, "reel/v1", RESTART, "what all topics stand under"),
    TEXT_SETTING("broker.reply_allow", broker_reply_allow, "", RESTART,
                 "where answers to requests over all devices may go, topic filters separated by "
                 "commas or spaces; none: `{broker.prefix}/reply/#`"),
    NUMBER_SETTING("broker.keepalive_s", broker_keepalive_s, 5, 65535, 300, RESTART,
                   "how long the connection may be silent before broker and sink look whether the "
                   "other is there"),
    TEXT_SETTING("sink.name", sink_name, "", RESTART,
                 "its name in its client ids, status and metrics, another for each sink of a "
                 "broker; none: the host's name"),
    TEXT_SETTING("store.dir", store_dir, "/var/lib/reel", RESTART, "where recordings are"),
    TEXT_SETTING("store.sync", store_sync, "auto", RESTART,
                 "how files are made durable: `files` one by one, `filesystem` by one syncfs, "
                 "`auto` by what each cost"),
    NUMBER_SETTING("session.idle_timeout_s", session_idle_timeout_s, 1, 31536000, 30, LIVE,
                   "a recording that is silent for so long is complete"),
    NUMBER_SETTING("session.max_duration_s", session_max_duration_s, 0, 31536000, 0, LIVE,
                   "a recording that would grow longer goes on in another; 0: it does not"),
    NUMBER_SETTING("hermes.enabled", hermes_enabled, 0, 1, 0, RESTART,
                   "1: frames of satellites (Hermes) are taken; 0: they are not"),
    TEXT_SETTING("hermes.sites", hermes_sites, "", LIVE,
                 "of which sites they are taken, separated by commas; none: of all"),
    NUMBER_SETTING("hermes.max_duration_s", hermes_max_duration_s, 1, 31536000, 900, LIVE,
                   "how long a recording of theirs may be"),
    NUMBER_SETTING("ingest.commit_interval_ms", ingest_commit_interval_ms, 0, 60000, 1000, LIVE,
                   "how long audio may wait to be made durable: shorter acknowledges sooner, "
                   "longer wears flash less"),
    NUMBER_SETTING("ingest.commit_bytes", ingest_commit_bytes, 4096, GIB, 16 * REEL_MIB, LIVE,
                   "a commit does not wait any longer for more than this"),
    NUMBER_SETTING("limits.max_fragment_bytes", max_fragment_bytes, 1024, 256 * REEL_MIB, REEL_MIB,
                   LIVE, "the largest fragment that is taken"),
    NUMBER_SETTING("limits.max_gap_s", max_gap_s, 0, 31536000, 3600, LIVE,
                   "the longest gap that is filled with silence"),
    NUMBER_SETTING("limits.max_gap_bytes", max_gap_bytes, 0, 64 * GIB, 256 * REEL_MIB, LIVE,
                   "the most silence that one gap is filled with"),
    NUMBER_SETTING("limits.max_response_bytes", max_response_bytes, 65536, 128 * REEL_MIB,
                   8 * REEL_MIB, LIVE,
                   "the largest answer in one message; what is longer comes in blocks"),
    NUMBER_SETTING("limits.max_upload_bytes", max_upload_bytes, 1024, 255 * REEL_MIB, 64 * REEL_MIB,
                   LIVE, "the largest file that is taken in one message"),
    NUMBER_SETTING(
        "limits.max_recordings_open", max_recordings_open, 1, 1000000, 20000, LIVE,
        "how many recordings may be under way; more are refused as `busy`, those begun go on"),
    NUMBER_SETTING("limits.new_recordings_per_minute", new_recordings_per_minute, 1, 1000000, 600,
                   LIVE, "how many recordings a device may begin a minute"),
    TEXT_SETTING("upload.formats", upload_formats_text, "wav", LIVE,
                 "kinds of file that are taken: any of `wav`, `flac`, `ogg`, `aiff`, `mp3`"),
    NUMBER_SETTING("upload.overwrite", upload_overwrite, 0, 1, 1, LIVE,
                   "0: an upload replaces no recording, also where it asks to; for devices that "
                   "may upload, but not delete"),
    NUMBER_SETTING("upload.max_audio_bytes", upload_max_audio_bytes, 1024, 1024 * GIB, GIB, LIVE,
                   "what a file may become that is smaller itself, as a compressed one is"),
    NUMBER_SETTING("upload.max_bytes", upload_max_bytes, 1024, 1024 * GIB, 16 * GIB, LIVE,
                   "the largest file that is taken in blocks"),
    NUMBER_SETTING("upload.block_bytes", upload_block_bytes, 4096, 16 * REEL_MIB, 256 * REEL_KIB,
                   LIVE, "how large the blocks of a file are"),
    NUMBER_SETTING("upload.expire_s", upload_expire_s, 1, 31536000, 86400, LIVE,
                   "an upload in blocks is given up after so long without one"),
    NUMBER_SETTING("upload.max_open", upload_max_open, 1, 10000, 64, LIVE,
                   "how many uploads in blocks may be under way"),
    NUMBER_SETTING("quarantine.max_bytes", quarantine_max_bytes, 0, 1024 * GIB, 64 * REEL_MIB, LIVE,
                   "how much of what was refused is kept to be looked at, the oldest out first"),
    NUMBER_SETTING("retention.min_free_bytes", retention_min_free_bytes, 0, EIB, 0, LIVE,
                   "room that is kept free on the disk: the recordings that ended longest ago are "
                   "deleted for it, but for kept ones; 0: none"),
    NUMBER_SETTING("homeassistant.enabled", homeassistant_enabled, 0, 1, 0, RESTART,
                   "1: sink and devices show in Home Assistant by themselves"),
    TEXT_SETTING("homeassistant.prefix", homeassistant_prefix, "homeassistant", RESTART,
                 "where Home Assistant's discovery listens"),
    TEXT_SETTING("metrics.textfile", metrics_textfile, "", RESTART,
                 "the metrics also as a file for node_exporter's textfile collector, such as "
                 "`/run/reel/metrics.prom`; none: no file"),
    NUMBER_SETTING(
        "log.level", log_level, 3, 7, 6, LIVE,
        "how much is logged, as syslog counts: 3 errors, 4 warnings, 6 what happens, 7 all"),
};
enum { SETTINGS = sizeof settings / sizeof settings[0] };
static_assert((size_t)SETTINGS <= (size_t)REEL_SETTINGS_MAX, "each has its line");

const struct reel_setting *reel_config_settings(size_t *count_out)
{
    *count_out = SETTINGS;
    return settings;
}
