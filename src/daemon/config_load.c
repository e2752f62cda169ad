/* Config, loading: which files there are, the command line over them, and the checks of it all. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config_internal.h"

/* ---- files ---- */

static int is_settings(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* FILE.d, where there is one. */
static void read_folder(struct reel_config *config, const char *file,
                        struct reel_complaints *complaints)
{
    char folder[2 * REEL_SETTING_BYTES];
    char path[2 * REEL_SETTING_BYTES + NAME_MAX + 1];
    struct dirent **entries;
    int count;

    if (snprintf(folder, sizeof folder, "%s.d", file) >= (int)sizeof folder)
        return; /* FILE itself was too long, and that was told */
    count = scandir(folder, &entries, is_settings, by_name);
    if (count < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            reel_complain(complaints, folder, "%s: the sink's user must be able to read it",
                          strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        reel_config_read(config, path, complaints);
        free(entries[i]);
    }
    free(entries);
}

/* ---- the command line ---- */

enum reel_code reel_config_option(struct reel_config *config, const char *assignment,
                                  struct reel_error *err_out)
{
    const char *equals = strchr(assignment, '=');
    char name[REEL_SETTING_BYTES];
    char *point = NULL;

    if (equals && (size_t)(equals - assignment) < sizeof name) {
        memcpy(name, assignment, (size_t)(equals - assignment));
        name[equals - assignment] = '\0';
        point = strrchr(name, '.'); /* a key has none in it, a pattern may */
    }
    if (!point)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "it takes section.key=value, not \"%s\"", assignment);
    *point = '\0';
    return reel_config_set(config, name, point + 1, equals + 1, REEL_LINE_OPTION, err_out);
}

static void read_all(struct reel_config *config, const struct reel_config_sources *sources,
                     struct reel_complaints *complaints)
{
    const char *file = sources->file ? sources->file : REEL_CONFIG_FILE;
    struct reel_error error;

    if (sources->file || access(file, F_OK) == 0)
        reel_config_read(config, file, complaints);
    read_folder(config, file, complaints);
    for (size_t i = 0; i < sources->assignments_count; i++) {
        if (reel_config_option(config, sources->assignments[i], &error))
            reel_complain(complaints, "-o", "%s", error.message);
    }
}

struct reel_config *reel_config_load(const struct reel_config_sources *sources,
                                     struct reel_complaints *complaints)
{
    struct reel_config *config = calloc(1, sizeof *config);

    if (!config) {
        reel_complain(complaints, "", "out of memory");
        return NULL;
    }
    reel_config_default(config);
    read_all(config, sources, complaints);
    reel_config_finish(config, complaints);
    if (complaints->count > 0)
        reel_config_destroy(&config);
    return config;
}
