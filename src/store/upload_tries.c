/* Upload, tries: a file that grows by a byte before each, and goes after it. */
#include "store/upload_tries.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void reel_upload_tries_name(uint64_t id, char out[REEL_UPLOAD_TRIES_BYTES])
{
    snprintf(out, REEL_UPLOAD_TRIES_BYTES, "%016" PRIx64 ".tries", id);
}

bool reel_upload_parse_tries(const char *name, uint64_t *id_out)
{
    char again[REEL_UPLOAD_TRIES_BYTES];
    uint64_t id = strtoull(name, NULL, 16);

    reel_upload_tries_name(id, again);
    if (strcmp(name, again) != 0)
        return false;
    *id_out = id;
    return true;
}

static void path_of(const char *dir, uint64_t id, char out[PATH_MAX])
{
    char name[REEL_UPLOAD_TRIES_BYTES];

    reel_upload_tries_name(id, name);
    snprintf(out, PATH_MAX, "%s/uploads/%s", dir, name);
}

enum reel_code reel_upload_tries_begin(const char *dir, uint64_t id, struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;
    char path[PATH_MAX];
    struct stat status;
    int fd;

    path_of(dir, id, path);
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return reel_error_errno(err_out, errno, "make %s", path);
    if (fstat(fd, &status) != 0)
        code = reel_error_errno(err_out, errno, "stat %s", path);
    else if (status.st_size >= REEL_UPLOAD_TRIES_MAX)
        code = reel_error_set(err_out, REEL_E_BAD_REQUEST, NULL,
                              "the sink has ended %d times while it read the file",
                              REEL_UPLOAD_TRIES_MAX);
    else if (write(fd, "+", 1) != 1)
        code = reel_error_errno(err_out, errno, "write %s", path);
    close(fd); /* nothing rests on it: see the header */
    return code;
}

void reel_upload_tries_end(const char *dir, uint64_t id)
{
    char path[PATH_MAX];

    path_of(dir, id, path);
    (void)unlink(path); /* what is left is one try more, or recovery's */
}
