/* Config, inside: config_table.c has the table of settings, config.c sets and compares them,
 * config_load.c finds the files, config_read.c reads one, config_device.c has what stands for some
 * devices alone, config_check.c what must fit together, config_use.c what the settings come to. */
#ifndef REEL_DAEMON_CONFIG_INTERNAL_H
#define REEL_DAEMON_CONFIG_INTERNAL_H

#include "daemon/config.h"

/* A line that stands for the command line, which may set again what it or a file has set. */
enum { REEL_LINE_OPTION = -1 };

enum { REEL_LOCATION_BYTES = REEL_SETTING_BYTES + 16 };

/* config.c */

/* Set one from its text. `section` is that of the file, `NAME` or `NAME "PATTERN"`; `line` counts
 * through all files. */
enum reel_code reel_config_set(struct reel_config *config, const char *section, const char *key,
                               const char *text, int line, struct reel_error *err_out);

/* Where a setting was set: "FILE:LINE", "-o", or "" for a default. */
void reel_config_location(const struct reel_config *config, int line,
                          char out[REEL_LOCATION_BYTES]);

/* The line of a setting that is not a device's; 0 where it was not set. */
int reel_config_line(const struct reel_config *config, const char *name);

/* Note the line on which a setting stands. BAD_REQUEST where the same file has it already. */
enum reel_code reel_config_note_line(const struct reel_config *config, int *line_at,
                                     const char *name, int line, struct reel_error *err_out);

/* BAD_REQUEST: there is no such setting, but perhaps one that is meant. */
enum reel_code reel_config_unknown(const char *name, struct reel_error *err_out);

/* The host's name, each character that a name may not have replaced. */
void reel_config_name_after_host(char out[REEL_NAME_BYTES]);

/* config_load.c */

/* Set one from "section.key=value", over what files say. */
enum reel_code reel_config_option(struct reel_config *config, const char *assignment,
                                  struct reel_error *err_out);

/* config_read.c */

/* Read one file over `config`; what is wrong in it becomes complaints. */
void reel_config_read(struct reel_config *config, const char *path,
                      struct reel_complaints *complaints);

/* config_device.c */

/* Set one of those that a device may have for itself: of all devices, or of a pattern's. */
enum reel_code reel_config_set_base(struct reel_config *config, const char *name, const char *text,
                                    int line, struct reel_error *err_out);
enum reel_code reel_config_set_override(struct reel_config *config, const char *section,
                                        const char *key, const char *text, int line,
                                        struct reel_error *err_out);

/* Complain where the rules of a device do not agree, as far as the sections' patterns tell devices
 * apart, with the lines of the settings that do not. */
void reel_config_check_rules(const struct reel_config *config, struct reel_complaints *complaints);

/* config_check.c */

/* Fill in what follows from other settings, complain of what does not fit together. */
void reel_config_finish(struct reel_config *config, struct reel_complaints *complaints);

/* config_use.c */

/* Let the files of TLS that have a relative path be those of $CREDENTIALS_DIRECTORY, where they are
 * there. */
void reel_config_find_credentials(struct reel_config *config);

/* The way of syncing of that name; false if there is none. */
bool reel_config_sync_way(const char *name, enum reel_sync_way *way_out);

#endif
