/* Config, listed: what settings there are, for programs. */
#ifndef REEL_DAEMON_CONFIG_LIST_H
#define REEL_DAEMON_CONFIG_LIST_H

#include <stdbool.h>
#include <stdio.h>

/* Write an array in JSON with an object for each setting: `name`, `kind` (text, number, list),
 * `default` (a text), `least` and `most` or `words`, `restart` (whether a change needs one),
 * `devices` (whether a section for devices may have it), `about`. False if it was not written. */
bool reel_config_list(FILE *file);

#endif
