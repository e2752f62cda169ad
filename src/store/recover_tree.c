/* Recover, the tree: names and sizes on disk, and the rows that go with them. */
#include "store/recover_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/recovered.h"
#include "wire/topic.h"

enum { KEY_BYTES = 2 * REEL_NAME_BYTES };

/* The entry of that name, made if it is new; NULL without memory. */
static struct found *find_or_make(struct found **all, const char *device, const char *session)
{
    char key[KEY_BYTES];
    size_t key_bytes = (size_t)snprintf(key, sizeof key, "%s/%s", device, session);
    size_t device_bytes = strlen(device);
    struct found *found;

    HASH_FIND(hh, *all, key, key_bytes, found);
    if (found)
        return found;
    found = calloc(1, sizeof *found + key_bytes + 1 + device_bytes + 1);
    if (!found)
        return NULL;
    memcpy(found->key, key, key_bytes + 1);
    found->session = found->key + device_bytes + 1;
    found->device = memcpy(found->key + key_bytes + 1, device, device_bytes + 1);
    HASH_ADD_KEYPTR(hh, *all, found->key, key_bytes, found);
    if (!found->hh.tbl) {
        free(found);
        return NULL;
    }
    return found;
}

/* The session in "session.suffix", into `session`; false where it is no such name. */
static bool session_of(const char *name, const char *suffix, char session[REEL_NAME_BYTES])
{
    size_t bytes = strlen(name);
    size_t suffix_bytes = strlen(suffix);

    if (bytes <= suffix_bytes || strcmp(name + bytes - suffix_bytes, suffix) != 0)
        return false;
    bytes -= suffix_bytes;
    if (!reel_name_valid(name, bytes))
        return false;
    memcpy(session, name, bytes);
    session[bytes] = '\0';
    return true;
}

static bool is_temporary(const char *name)
{
    size_t bytes = strlen(name);

    return name[0] == '.' && bytes > 4 && strcmp(name + bytes - 4, ".tmp") == 0;
}

int64_t reel_recover_modified_us(const struct stat *status)
{
    return status->st_mtim.tv_sec * INT64_C(1000000) + status->st_mtim.tv_nsec / 1000;
}

/* The tree under way. */
struct walk {
    struct recovery *recovery;
    struct found *all;
    bool has_folders;
};

/* What is no file and has such a name is in the way of the next that gets it. */
static enum reel_code remove_temporary(struct walk *walk, int folder_fd, const char *device,
                                       const char *name, struct reel_error *err_out)
{
    static const char why[] = "it is no file, and has the name of one";
    char from[2 * REEL_NAME_BYTES + 32];

    if (unlinkat(folder_fd, name, 0) == 0 || errno == ENOENT)
        return REEL_OK; /* the thread that unlinks may still be at it */
    if (errno != EISDIR)
        return reel_error_errno(err_out, errno, "remove %s/%s", device, name);
    snprintf(from, sizeof from, "recordings/%s/%s", device, name);
    if (reel_recovered_take(walk->recovery->home->dir_fd, from, from + sizeof "recordings", "", why,
                            walk->recovery->now_us, err_out) != REEL_OK)
        return REEL_E_STALLED;
    walk->recovery->report.recovered++;
    reel_log_write_about(walk->recovery->log, REEL_LOG_WARNING, REEL_LOG_OF(device, NULL),
                         "store: %s/%s goes to recovered/: %s", device, name, why);
    return REEL_OK;
}

/* Take one name of a device's folder in; what is none of ours is left alone. */
static enum reel_code note_file(void *user, int folder_fd, const char *device, const char *name,
                                struct reel_error *err_out)
{
    struct walk *walk = user;
    char session[REEL_NAME_BYTES];
    struct found *found = NULL;
    struct stat status;
    bool is_wav = session_of(name, ".wav", session);

    if (is_temporary(name))
        return remove_temporary(walk, folder_fd, device, name, err_out);
    if (!is_wav && !session_of(name, ".json", session))
        return REEL_OK;
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return reel_error_errno(err_out, errno, "stat %s/%s", device, name);
    found = find_or_make(&walk->all, device, session);
    if (!found)
        return reel_error_errno(err_out, ENOMEM, "recovery");
    if (reel_recover_tell(walk->recovery, HASH_COUNT(walk->all), 0, err_out) != REEL_OK)
        return REEL_E_STALLED;
    if (!S_ISREG(status.st_mode)) {
        *(is_wav ? &found->wav_blocked : &found->sidecar_blocked) = true;
    } else if (is_wav) {
        found->has_wav = true;
        found->file_bytes = (uint64_t)status.st_size;
        found->file_us = reel_recover_modified_us(&status);
    } else {
        found->has_sidecar = true;
        found->sidecar_us = reel_recover_modified_us(&status);
    }
    return REEL_OK;
}

static enum reel_code note_folder(struct walk *walk, const char *name, struct reel_error *err_out)
{
    int root_fd = walk->recovery->home->recordings_fd;
    int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return reel_error_errno(err_out, errno, "open folder %s", name);
    /* Names that a killed process did not sync: a syncfs of the store's disk does not reach these.
     */
    if (!reel_disk_syncfs_reaches(root_fd, fd) && fsync(fd) != 0) {
        reel_error_errno(err_out, errno, "sync folder %s", name);
        close(fd);
        return REEL_E_STALLED;
    }
    return reel_recover_each_name(fd, name, note_file, walk, err_out);
}

static enum reel_code note_files(struct walk *walk, struct reel_error *err_out)
{
    struct folders folders;
    struct inodes *inodes;
    enum reel_code code = reel_recover_folders(walk->recovery, &folders, err_out);

    if (code != REEL_OK)
        return code;
    walk->has_folders = folders.any;
    inodes = reel_recover_inodes_start(walk->recovery, &folders);
    for (size_t i = 0; code == REEL_OK && i < folders.count; i++)
        code = note_folder(walk, folders.items[i].name, err_out);
    reel_recover_inodes_stop(inodes);
    free(folders.items);
    return code;
}

struct rows {
    struct walk *walk;
    bool no_memory;
};

static bool note_row(const struct reel_catalog_file *file, void *user)
{
    struct rows *rows = user;
    struct found *found = find_or_make(&rows->walk->all, file->device, file->session);

    rows->no_memory = !found;
    if (!found)
        return false;
    found->row = file->open ? ROW_OPEN : ROW_COMPLETE;
    found->fits = found->has_wav && found->file_bytes == file->bytes;
    return true;
}

static enum reel_code note_rows(struct walk *walk, struct reel_error *err_out)
{
    struct rows rows = {.walk = walk};
    enum reel_code code =
        reel_catalog_each_file(walk->recovery->home->catalog, note_row, &rows, err_out);

    return rows.no_memory ? reel_error_errno(err_out, ENOMEM, "recovery") : code;
}

/* Without a single folder it is no recordings/ of this catalog's, but the place where a disk is to
 * be mounted, say: going on would drop every row. */
static enum reel_code check_presence(const struct walk *walk, struct reel_error *err_out)
{
    const struct reel_home *home = walk->recovery->home;
    enum reel_code code = REEL_OK;
    uint64_t known = 0;
    uint64_t open;

    if (!walk->has_folders && !home->rebuild)
        code = reel_catalog_counts(home->catalog, &known, &open, err_out);
    if (code != REEL_OK || known == 0)
        return code;
    return reel_error_set(err_out, REEL_E_NOT_FOUND, "store.dir",
                          "%s/recordings is empty, the catalog knows %" PRIu64
                          " recordings: is its disk mounted? If they are gone: reeld --reindex",
                          home->dir, known);
}

enum reel_code reel_recover_tree(struct recovery *recovery, struct found **found_out,
                                 struct reel_error *err_out)
{
    struct walk walk = {.recovery = recovery};
    enum reel_code code = note_files(&walk, err_out);

    if (code == REEL_OK)
        code = check_presence(&walk, err_out);
    if (code == REEL_OK)
        code = note_rows(&walk, err_out);
    if (code != REEL_OK) {
        reel_recover_tree_free(&walk.all);
        return code;
    }
    *found_out = walk.all;
    return REEL_OK;
}

void reel_recover_tree_free(struct found **all)
{
    struct found *found;
    struct found *after;

    HASH_ITER (hh, *all, found, after) {
        HASH_DEL(*all, found);
        free(found);
    }
}
