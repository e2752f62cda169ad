/* Config, reading: lines of the INI file and assignments of the command line to settings. */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config_internal.h"

struct reading {
    struct reel_config *config;
    FILE *file;
    int line;                /* the one that was read last, from 1 on */
    bool is_over;            /* it was read to its end */
    struct reel_error error; /* the first */
    int failed_line;         /* 0: none */
};

/* inih's reader, which counts: its handler is not told the line. */
static char *read_line(char *out, int capacity, void *user)
{
    struct reading *reading = user;
    char *line = fgets(out, capacity, reading->file);

    if (line && reading->is_over)
        reading->line++;
    if (line)
        reading->is_over = strchr(line, '\n') != NULL;
    return line;
}

/* inih's handler: 0 is an error, and ini_parse_stream then returns the number of the first such
 * line. */
static int on_line(void *user, const char *section, const char *key, const char *text)
{
    struct reading *reading = user;
    struct reel_error error;

    if (reel_config_set(reading->config, section, key, text, reading->line, &error) == REEL_OK)
        return 1;
    if (reading->failed_line == 0) {
        reading->error = error;
        reading->failed_line = reading->line;
    }
    return 0;
}

enum reel_code reel_config_read(struct reel_config *config, const char *path,
                                struct reel_error *err_out)
{
    struct reading reading = {.config = config, .line = 0, .is_over = true};
    int line;

    reading.file = fopen(path, "re");
    if (!reading.file)
        return reel_error_errno(err_out, errno, "%s", path);
    config->path = path;
    line = ini_parse_stream(read_line, &reading, on_line, &reading);
    if (fclose(reading.file) != 0)
        return reel_error_errno(err_out, errno, "%s", path);
    if (line == 0)
        return REEL_OK;
    if (reading.failed_line == 0 || line < reading.failed_line)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "%s:%d: neither [section] nor key = value", path, line);
    return reel_error_set(err_out, REEL_E_BAD_REQUEST, reading.error.field, "%s:%d: %s", path,
                          reading.failed_line, reading.error.message);
}

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
                              "-o takes section.key=value, not \"%s\"", assignment);
    *point = '\0';
    return reel_config_set(config, name, point + 1, equals + 1, REEL_LINE_OPTION, err_out);
}

void reel_config_location(const struct reel_config *config, int line, char out[REEL_LOCATION_BYTES])
{
    if (line > 0)
        snprintf(out, REEL_LOCATION_BYTES, "%s:%d", config->path, line);
    else
        snprintf(out, REEL_LOCATION_BYTES, "%s", line == REEL_LINE_OPTION ? "-o" : "");
}

enum reel_code reel_config_note_line(int *line_at, const char *name, int line,
                                     struct reel_error *err_out)
{
    if (line > 0 && *line_at > 0)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, name, "%s stands on line %d already",
                              name, *line_at);
    *line_at = line;
    return REEL_OK;
}
