/* Config, inside: config.c has the tables and what must fit together, config_read.c the file and
 * the command line, config_device.c what stands for some devices alone, config_use.c what the
 * settings come to. */
#ifndef REEL_DAEMON_CONFIG_INTERNAL_H
#define REEL_DAEMON_CONFIG_INTERNAL_H

#include "daemon/config.h"

/* A line that stands for the command line, which may set again what it or the file has set. */
enum { REEL_LINE_OPTION = -1 };

enum { REEL_LOCATION_BYTES = REEL_SETTING_BYTES + 16 };

/* Set one from its text. `section` is that of the file, `NAME` or `NAME "PATTERN"`. */
enum reel_code reel_config_set(struct reel_config *config, const char *section, const char *key,
                               const char *text, int line, struct reel_error *err_out);

/* Where a setting was set: "FILE:LINE", "-o", or "" for a default. */
void reel_config_location(const struct reel_config *config, int line,
                          char out[REEL_LOCATION_BYTES]);

/* Note the line on which a setting stands. BAD_REQUEST where the file has it already. */
enum reel_code reel_config_note_line(int *line_at, const char *name, int line,
                                     struct reel_error *err_out);

/* config_device.c */

/* Set one of those that a device may have for itself: of all devices, or of a pattern's. */
enum reel_code reel_config_set_base(struct reel_config *config, const char *name, const char *text,
                                    int line, struct reel_error *err_out);
enum reel_code reel_config_set_override(struct reel_config *config, const char *section,
                                        const char *key, const char *text, int line,
                                        struct reel_error *err_out);

/* Whether the rules of each device agree, as far as the sections' patterns tell devices apart.
 * BAD_REQUEST with the lines of the settings that do not. */
enum reel_code reel_config_check_rules(const struct reel_config *config,
                                       struct reel_error *err_out);

/* The line of a setting that is not a device's; 0 where it was not set. */
int reel_config_line(const struct reel_config *config, const char *name);

/* config_use.c */

/* Let the files of TLS that have a relative path be those of $CREDENTIALS_DIRECTORY, where they are
 * there. */
void reel_config_find_credentials(struct reel_config *config);

/* The way of syncing of that name; false if there is none. */
bool reel_config_sync_way(const char *name, enum reel_sync_way *way_out);

#endif
