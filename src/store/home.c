/* Home: folders, lock, and whose catalog it is. */
#include "store/home.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/home_refuse.h"
#include "store/id.h"
#include "store/recovered.h"

static const char id_file[] = "store.id";

static enum reel_code keep_new_folder(const char *path, struct reel_error *err_out)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum reel_code code;

    if (fd < 0)
        return reel_error_errno(err_out, errno, "open folder %s", path);
    code = reel_disk_keep_folder(fd, path, true, err_out);
    close(fd);
    return code;
}

/* Each folder on the way to `dir`, and `dir` itself. */
static enum reel_code make_folders(const char *dir, int *fd_out, struct reel_error *err_out)
{
    char path[PATH_MAX];

    if (strlen(dir) >= sizeof path)
        return reel_error_set(err_out, REEL_E_STALLED, NULL, "store.dir is too long");
    for (size_t i = 1; dir[i]; i++) {
        if (dir[i] != '/')
            continue;
        memcpy(path, dir, i);
        path[i] = '\0';
        if (mkdir(path, 0755) == 0) {
            if (keep_new_folder(path, err_out) != REEL_OK)
                return REEL_E_STALLED;
        } else if (errno != EEXIST && errno != EROFS && errno != EACCES) {
            return reel_error_errno(err_out, errno, "make folder %s", path);
        }
    }
    return reel_disk_folder(AT_FDCWD, dir, fd_out, NULL, err_out);
}

static enum reel_code take_lock(struct reel_home *home, struct reel_error *err_out)
{
    home->lock_fd = openat(home->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (home->lock_fd < 0)
        return reel_error_errno(err_out, errno, "open %s/lock", home->dir);
    if (flock(home->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return REEL_OK;
    if (errno == EWOULDBLOCK) {
        reel_error_set(
            err_out, REEL_E_NOT_ALLOWED, "store.dir",
            "another sink has %s open: stop that, or give this one a store.dir of its own",
            home->dir);
        if (err_out)
            err_out->errno_value = EWOULDBLOCK; /* it may be let go */
        return REEL_E_NOT_ALLOWED;
    }
    return reel_error_errno(err_out, errno, "lock %s", home->dir);
}

/* NOT_FOUND where there is none, or nothing in it that is one. */
static enum reel_code read_id(const struct reel_home *home, uint64_t *id_out,
                              struct reel_error *err_out)
{
    enum reel_code code;
    size_t bytes;
    char *text;

    code = reel_disk_load(home->dir_fd, id_file, 64, &text, &bytes, err_out);
    if (code != REEL_OK)
        return code == REEL_E_TOO_LARGE ? REEL_E_NOT_FOUND : code;
    if (sscanf(text, "%16" SCNx64, id_out) != 1)
        code = REEL_E_NOT_FOUND;
    free(text);
    return code;
}

static enum reel_code write_id(const struct reel_home *home, uint64_t id,
                               struct reel_error *err_out)
{
    char text[32];
    int bytes = snprintf(text, sizeof text, "%016" PRIx64 "\n", id);

    return reel_disk_replace(home->dir_fd, id_file, text, (uint64_t)bytes, err_out);
}

static enum reel_code open_catalog(struct reel_home *home, struct reel_error *err_out)
{
    char path[PATH_MAX + 16];

    snprintf(path, sizeof path, "%s/catalog.db", home->dir);
    if (reel_catalog_renew_log(path, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_catalog_open(path, REEL_CATALOG_WRITE, &home->catalog, err_out);
}

static bool has_catalog(const struct reel_home *home)
{
    return faccessat(home->dir_fd, "catalog.db", F_OK, 0) == 0;
}

/* Put the catalog aside, its log with it, and the quarantine, whose files mean nothing to another
 * catalog. */
static enum reel_code set_aside(struct reel_home *home, int64_t now_us, const char *why,
                                struct reel_error *err_out)
{
    static const char *const suffixes[] = {".db", ".db-wal", ".db-shm"};
    enum reel_code code;

    reel_catalog_close(home->catalog);
    home->catalog = NULL;
    reel_log_write(home->log, REEL_LOG_WARNING, "store: the catalog goes to recovered/: %s", why);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char from[32];

        snprintf(from, sizeof from, "catalog%s", suffixes[i]);
        code =
            reel_recovered_take(home->dir_fd, from, "catalog", suffixes[i], why, now_us, err_out);
        if (code != REEL_OK && code != REEL_E_NOT_FOUND)
            return code;
    }
    code = reel_recovered_take(home->dir_fd, "quarantine", "quarantine", "", why, now_us, err_out);
    return code == REEL_E_NOT_FOUND ? REEL_OK : code;
}

/* A new catalog. Until it is complete it has an id of its own, so that one whose making was cut
 * short is not taken for this folder's. */
static enum reel_code make_catalog(struct reel_home *home, bool has_id, uint64_t id,
                                   struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    if (!has_id)
        code = reel_id_make(&id, err_out);
    if (code == REEL_OK && !has_id)
        code = write_id(home, id, err_out);
    home->rebuild = true;
    home->id = id;
    return code == REEL_OK ? open_catalog(home, err_out) : code;
}

enum reel_code reel_home_complete(struct reel_home *home, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    if (home->rebuild)
        code = reel_catalog_set_store_id(home->catalog, home->id, err_out);
    if (code == REEL_OK)
        code = reel_catalog_checkpoint(home->catalog, err_out);
    /* SQLite does not look at whether its own sync of a new log's folder failed. */
    if (code == REEL_OK)
        code = reel_disk_sync_folder(home->dir_fd, ".", err_out);
    if (code == REEL_OK)
        home->rebuild = false;
    return code;
}

/* The catalog that is there, if it is this folder's: NOT_FOUND with the reason otherwise. */
static enum reel_code try_catalog(struct reel_home *home, bool has_id, uint64_t id,
                                  struct reel_error *err_out)
{
    enum reel_code code = open_catalog(home, err_out);
    uint64_t catalog_id;

    if (code == REEL_OK)
        code = reel_catalog_store_id(home->catalog, &catalog_id, err_out);
    if (code == REEL_OK && home->suspect)
        code = reel_catalog_verify(home->catalog, err_out);
    if (code == REEL_E_INTERNAL) /* damaged */
        return REEL_E_NOT_FOUND;
    if (code != REEL_OK)
        return code;
    if (!has_id)
        return write_id(home, catalog_id, err_out);
    if (catalog_id != id)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, NULL, "it is another store's catalog");
    return REEL_OK;
}

static enum reel_code settle_catalog(struct reel_home *home, bool discard, int64_t now_us,
                                     struct reel_error *err_out)
{
    struct reel_error why = {0};
    uint64_t id = 0;
    enum reel_code code = read_id(home, &id, err_out);
    bool has_id = code == REEL_OK;

    if (code != REEL_OK && code != REEL_E_NOT_FOUND)
        return code;
    if (has_catalog(home)) {
        code = discard ? reel_error_set(&why, REEL_E_NOT_FOUND, NULL, "the store is reindexed")
                       : try_catalog(home, has_id, id, &why);
        if (code != REEL_E_NOT_FOUND) {
            if (code != REEL_OK && err_out)
                *err_out = why;
            return code;
        }
        if (set_aside(home, now_us, why.message, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return make_catalog(home, has_id, id, err_out);
}

static enum reel_code open_all(struct reel_home *home, bool discard, int64_t now_us,
                               struct reel_error *err_out)
{
    enum reel_code code = make_folders(home->dir, &home->dir_fd, err_out);

    if (code == REEL_OK)
        code = reel_home_check_owner(home->dir_fd, home->dir, err_out);
    if (code == REEL_OK)
        code = take_lock(home, err_out);
    if (code == REEL_OK)
        code = reel_disk_folder(home->dir_fd, "recordings", &home->recordings_fd, NULL, err_out);
    if (code == REEL_OK)
        code = settle_catalog(home, discard, now_us, err_out);
    return code;
}

enum reel_code reel_home_open(const struct reel_store_config *config, bool discard, int64_t now_us,
                              struct reel_home *home_out, struct reel_error *err_out)
{
    struct reel_home home = {.dir_fd = -1,
                             .recordings_fd = -1,
                             .lock_fd = -1,
                             .suspect = config->catalog_suspect,
                             .log = config->log};
    struct reel_error error = {0};
    enum reel_code code;

    home.dir = strdup(config->dir);
    if (!home.dir)
        return reel_error_errno(err_out, ENOMEM, "store.dir");
    code = open_all(&home, discard, now_us, &error);
    if (code != REEL_OK) {
        code = reel_home_advise(home.dir, &error);
        if (err_out)
            *err_out = error;
        reel_home_close(&home);
        return code;
    }
    *home_out = home;
    return REEL_OK;
}

void reel_home_close(struct reel_home *home)
{
    reel_catalog_close(home->catalog);
    if (home->recordings_fd >= 0)
        close(home->recordings_fd);
    if (home->lock_fd >= 0)
        close(home->lock_fd); /* which lets the lock go */
    if (home->dir_fd >= 0)
        close(home->dir_fd);
    free(home->dir);
    *home = (struct reel_home){.dir_fd = -1, .recordings_fd = -1, .lock_fd = -1};
}
