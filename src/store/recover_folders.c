/* Recover, folders: which of those in recordings/ are devices', each once. */
#include "store/recover_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/topic.h"

/* The listing under way. */
struct listing {
    struct recovery *recovery;
    struct folders folders;
};

static bool take_any(const struct reel_recording *recording, void *user)
{
    (void)recording;
    *(bool *)user = true;
    return false;
}

/* Whether the catalog has recordings of that device. */
static enum reel_code is_known(struct recovery *recovery, const char *device, bool *known_out,
                               struct reel_error *err_out)
{
    struct reel_list_plan plan = {.has_device = true, .sort = REEL_SORT_NAME, .limit = 1};
    struct reel_list_end end;

    *known_out = false;
    snprintf(plan.device, sizeof plan.device, "%s", device);
    return reel_catalog_list(recovery->home->catalog, &plan, NULL, take_any, known_out, &end,
                             err_out);
}

/* A folder that does not open. It is no empty one: recordings that the catalog knows may be on a
 * disk that is not there at the moment. Without any the others need not wait for it; what is in it
 * is indexed once it opens. */
static enum reel_code pass_over(struct listing *listing, const char *device, int errno_value,
                                struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    bool known = true;

    if (errno_value == ENOTDIR)
        return REEL_OK;
    listing->folders.any = true;
    if (errno_value == ENOENT || errno_value == ELOOP || errno_value == EACCES)
        code = is_known(listing->recovery, device, &known, err_out);
    if (code != REEL_OK)
        return code;
    if (known)
        return reel_error_errno(err_out, errno_value, "open folder %s", device);
    reel_log_write(listing->recovery->log, REEL_LOG_WARNING, "store: folder %s is passed over: %s",
                   device, strerror(errno_value));
    return REEL_OK;
}

/* The next of the list, zeroed; NULL without memory. */
static struct folder *add_folder(struct folders *folders)
{
    if (folders->count == folders->capacity) {
        size_t capacity = folders->capacity > 0 ? 2 * folders->capacity : 16;
        void *items = reallocarray(folders->items, capacity, sizeof *folders->items);

        if (!items)
            return NULL;
        folders->items = items;
        folders->capacity = capacity;
    }
    folders->any = true;
    return memset(&folders->items[folders->count++], 0, sizeof *folders->items);
}

/* `target` is what the name leads to, `status` what it is itself. */
static int look_at(int root_fd, const char *name, struct stat *status, struct stat *target)
{
    int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result =
        fd < 0 || fstat(fd, target) != 0 || fstatat(root_fd, name, status, AT_SYMLINK_NOFOLLOW) != 0
            ? errno
            : 0;

    if (fd >= 0)
        close(fd);
    return result;
}

static enum reel_code list_folder(void *user, int root_fd, const char *root, const char *name,
                                  struct reel_error *err_out)
{
    struct listing *listing = user;
    struct folder *folder;
    struct stat status;
    struct stat target;
    int errno_value;

    if (!reel_name_valid(name, strlen(name)))
        return REEL_OK;
    errno_value = look_at(root_fd, name, &status, &target);
    if (errno_value != 0)
        return pass_over(listing, name, errno_value, err_out);
    folder = add_folder(&listing->folders);
    if (!folder)
        return reel_error_errno(err_out, ENOMEM, "read folder %s", root);
    folder->device = target.st_dev;
    folder->inode = target.st_ino;
    folder->link = S_ISLNK(status.st_mode);
    snprintf(folder->name, sizeof folder->name, "%s", name);
    return REEL_OK;
}

/* The names of one folder stand together, the folder itself before links to it. */
static int compare(const void *left, const void *right)
{
    const struct folder *a = left;
    const struct folder *b = right;

    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    if (a->link != b->link)
        return a->link ? 1 : -1;
    return strcmp(a->name, b->name);
}

/* Of `count` names of one folder those stay under which the catalog has recordings; without any,
 * the first. `*kept_out` of them then stand at the beginning. */
static enum reel_code choose(struct recovery *recovery, struct folder *names, size_t count,
                             size_t *kept_out, struct reel_error *err_out)
{
    size_t kept = 0;

    for (size_t i = 0; count > 1 && i < count; i++) {
        struct folder name = names[i];
        bool known;
        enum reel_code code = is_known(recovery, name.name, &known, err_out);

        if (code != REEL_OK)
            return code;
        if (!known)
            continue;
        names[i] = names[kept];
        names[kept++] = name;
    }
    *kept_out = kept > 0 ? kept : 1;
    for (size_t i = *kept_out; i < count; i++)
        reel_log_write(recovery->log, REEL_LOG_WARNING,
                       "store: folder %s is passed over: it is the same as %s", names[i].name,
                       names[0].name);
    return REEL_OK;
}

static enum reel_code keep_each_once(struct recovery *recovery, struct folders *folders,
                                     struct reel_error *err_out)
{
    size_t kept = 0;
    size_t end;

    if (folders->count > 0)
        qsort(folders->items, folders->count, sizeof *folders->items, compare);
    for (size_t at = 0; at < folders->count; at = end) {
        struct folder *first = &folders->items[at];
        size_t chosen;
        enum reel_code code;

        for (end = at + 1; end < folders->count; end++) {
            if (folders->items[end].device != first->device ||
                folders->items[end].inode != first->inode)
                break;
        }
        code = choose(recovery, first, end - at, &chosen, err_out);
        if (code != REEL_OK)
            return code;
        memmove(&folders->items[kept], first, chosen * sizeof *first);
        kept += chosen;
    }
    folders->count = kept;
    return REEL_OK;
}

enum reel_code reel_recover_folders(struct recovery *recovery, struct folders *folders_out,
                                    struct reel_error *err_out)
{
    struct listing listing = {.recovery = recovery};
    int fd = openat(recovery->home->recordings_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum reel_code code;

    if (fd < 0)
        return reel_error_errno(err_out, errno, "open folder recordings");
    code = reel_recover_each_name(fd, "recordings", list_folder, &listing, err_out);
    if (code == REEL_OK)
        code = keep_each_once(recovery, &listing.folders, err_out);
    if (code != REEL_OK) {
        free(listing.folders.items);
        return code;
    }
    *folders_out = listing.folders;
    return REEL_OK;
}
