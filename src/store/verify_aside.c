/* Verify, the list of what recovery put aside: what lies in the folders under recovered/, links
 * among it, and what its index says of each. */
#include "store/verify_internal.h"

#include <errno.h>
#include <fts.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/disk.h"

enum { INDEX_BYTES_MAX = 64 * 1024 * 1024 };

static const char index_name[] = "recovered/index.jsonl";

/* Put one line of the index into `reasons`, or tell of what is lost; one that a crash cut short
 * tells nothing. */
static void note_line(struct verification *verification, const char *line, size_t bytes,
                      json_t *reasons)
{
    json_t *entry = json_loadb(line, bytes, 0, NULL);
    const char *file = json_string_value(json_object_get(entry, "file"));
    const char *from = json_string_value(json_object_get(entry, "from"));
    const char *why = json_string_value(json_object_get(entry, "why"));

    if (file) {
        json_object_set(reasons, file, json_object_get(entry, "why"));
    } else if (from && why) {
        verification->report.lost++;
        verification->watch->lost(verification->watch->user, from, why);
    }
    json_decref(entry);
}

/* File to reason, as far as there is an index that can be read. */
static json_t *read_index(struct verification *verification)
{
    json_t *reasons = json_object();
    size_t bytes;
    char *text;

    if (!reasons || reel_disk_load(verification->dir_fd, index_name, INDEX_BYTES_MAX, &text, &bytes,
                                   NULL) != REEL_OK)
        return reasons;
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "\n");

        note_line(verification, at, length, reasons);
        at += length + (at[length] == '\n');
    }
    free(text);
    return reasons;
}

static void tell(struct verification *verification, const json_t *reasons, const char *file)
{
    const char *why = json_string_value(json_object_get(reasons, file));

    if (strcmp(file, index_name) == 0)
        return;
    verification->report.put_aside++;
    verification->watch->put_aside(verification->watch->user, file, why ? why : "");
}

static bool is_folder(const FTSENT *entry)
{
    return entry->fts_info == FTS_D || entry->fts_info == FTS_DP;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum reel_code walk(struct verification *verification, FTS *files, const json_t *reasons,
                           struct reel_error *err_out)
{
    size_t prefix_bytes = strlen(verification->dir) + 1;
    FTSENT *entry;

    while (errno = 0, (entry = fts_read(files))) {
        if (entry->fts_info == FTS_NS && entry->fts_level == 0)
            return REEL_OK; /* nothing was ever put aside */
        if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS)
            return reel_error_errno(err_out, entry->fts_errno, "read folder recovered");
        if (!is_folder(entry) && entry->fts_level > 0)
            tell(verification, reasons, entry->fts_path + prefix_bytes);
    }
    return errno == 0 ? REEL_OK : reel_error_errno(err_out, errno, "read folder recovered");
}

enum reel_code reel_verify_put_aside(struct verification *verification, struct reel_error *err_out)
{
    char path[PATH_MAX];
    char *const roots[] = {path, NULL};
    json_t *reasons = read_index(verification);
    enum reel_code code;
    FTS *files;

    snprintf(path, sizeof path, "%s/recovered", verification->dir);
    files = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    code = files ? walk(verification, files, reasons, err_out)
                 : reel_error_errno(err_out, errno, "read folder recovered");
    if (files)
        fts_close(files);
    json_decref(reasons);
    return code;
}
