/* Recover, names: those of a folder, in the order in which their files lie on the disk. A folder of
 * many is read in the order of hashes, by which each stat and each read would be somewhere else. */
#include "store/recover_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct name {
    ino_t inode;
    size_t at; /* in the text */
};

/* All names of a folder, each with its end. */
struct names {
    struct name *items;
    size_t count;
    size_t capacity;
    char *text;
    size_t text_bytes;
    size_t text_capacity;
};

/* Room for one more item and `bytes` more of text. */
static bool make_room(struct names *names, size_t bytes)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity > 0 ? 2 * names->capacity : 64;
        void *items = reallocarray(names->items, capacity, sizeof *names->items);

        if (!items)
            return false;
        names->items = items;
        names->capacity = capacity;
    }
    if (bytes > names->text_capacity - names->text_bytes) {
        size_t capacity = 2 * names->text_capacity + 1024 + bytes;
        char *text = realloc(names->text, capacity);

        if (!text)
            return false;
        names->text = text;
        names->text_capacity = capacity;
    }
    return true;
}

static bool add(struct names *names, const struct dirent *entry)
{
    size_t bytes = strlen(entry->d_name) + 1;

    if (!make_room(names, bytes))
        return false;
    names->items[names->count++] = (struct name){entry->d_ino, names->text_bytes};
    memcpy(names->text + names->text_bytes, entry->d_name, bytes);
    names->text_bytes += bytes;
    return true;
}

static enum reel_code read_names(DIR *stream, const char *folder, struct names *names,
                                 struct reel_error *err_out)
{
    for (;;) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(stream);
        if (entry && add(names, entry))
            continue;
        if (entry)
            return reel_error_errno(err_out, ENOMEM, "read folder %s", folder);
        return errno == 0 ? REEL_OK : reel_error_errno(err_out, errno, "read folder %s", folder);
    }
}

static int compare(const void *left, const void *right)
{
    const struct name *a = left;
    const struct name *b = right;

    return (a->inode > b->inode) - (a->inode < b->inode);
}

enum reel_code reel_recover_each_name(int fd, const char *folder, reel_recover_name_fn *each,
                                      void *user, struct reel_error *err_out)
{
    DIR *stream = fdopendir(fd);
    struct names names = {0};
    enum reel_code code;

    if (!stream) {
        reel_error_errno(err_out, errno, "read folder %s", folder);
        close(fd);
        return REEL_E_STALLED;
    }
    code = read_names(stream, folder, &names, err_out);
    if (code == REEL_OK && names.count > 0)
        qsort(names.items, names.count, sizeof *names.items, compare);
    for (size_t i = 0; code == REEL_OK && i < names.count; i++)
        code = each(user, dirfd(stream), folder, names.text + names.items[i].at, err_out);
    closedir(stream);
    free(names.items);
    free(names.text);
    return code;
}
