/* Quarantine's files: one a payload, named {id}.bin. */
#include "store/quarantine_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"

enum { FILE_NAME_BYTES = 32 };

enum reel_code reel_quarantine_no_memory(struct reel_error *err_out)
{
    return reel_error_set(err_out, REEL_E_STALLED, NULL, "quarantine: memory ran out");
}

static void file_name(uint64_t quarantine_id, char out[FILE_NAME_BYTES])
{
    snprintf(out, FILE_NAME_BYTES, "%" PRIu64 ".bin", quarantine_id);
}

bool reel_payload_parse_name(const char *name, uint64_t *quarantine_id_out)
{
    char again[FILE_NAME_BYTES];
    uint64_t id = strtoull(name, NULL, 10);

    file_name(id, again);
    if (strcmp(name, again) != 0)
        return false;
    *quarantine_id_out = id;
    return true;
}

enum reel_code reel_payload_remove(int fd, uint64_t quarantine_id, struct reel_error *err_out)
{
    char name[FILE_NAME_BYTES];

    file_name(quarantine_id, name);
    if (unlinkat(fd, name, 0) == 0 || errno == ENOENT)
        return REEL_OK;
    return reel_error_errno(err_out, errno, "remove quarantine/%s", name);
}

enum reel_code reel_payload_write(int fd, uint64_t quarantine_id, const void *payload,
                                  uint64_t bytes, struct reel_error *err_out)
{
    char name[FILE_NAME_BYTES];
    enum reel_code code;
    int file_fd;

    file_name(quarantine_id, name);
    file_fd = openat(fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (file_fd < 0)
        return reel_error_errno(err_out, errno, "make quarantine/%s", name);
    code = reel_disk_write(file_fd, payload, bytes, 0, name, err_out);
    if (close(file_fd) != 0 && code == REEL_OK)
        code = reel_error_errno(err_out, errno, "close quarantine/%s", name);
    return code;
}

enum reel_code reel_payload_link(int fd, uint64_t quarantine_id, int from_fd, const char *name,
                                 uint64_t bytes, struct reel_error *err_out)
{
    char to[FILE_NAME_BYTES], *data;
    enum reel_code code;
    size_t size;

    file_name(quarantine_id, to);
    if (linkat(from_fd, name, fd, to, 0) == 0)
        return REEL_OK;
    code = reel_disk_load(from_fd, name, bytes, &data, &size, err_out);
    if (code != REEL_OK)
        return REEL_E_STALLED;
    code = reel_payload_write(fd, quarantine_id, data, size, err_out);
    free(data);
    return code;
}

enum reel_code reel_payload_stands(int fd, uint64_t quarantine_id, uint64_t bytes, bool *stands_out,
                                   struct reel_error *err_out)
{
    char name[FILE_NAME_BYTES];
    struct stat info;

    file_name(quarantine_id, name);
    if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        *stands_out = S_ISREG(info.st_mode) && (uint64_t)info.st_size == bytes;
        return REEL_OK;
    }
    if (errno != ENOENT)
        return reel_error_errno(err_out, errno, "look at quarantine/%s", name);
    *stands_out = false;
    return REEL_OK;
}

enum reel_code reel_payload_read(int fd, uint64_t quarantine_id, struct reel_buffer *payload_out,
                                 struct reel_error *err_out)
{
    char name[FILE_NAME_BYTES], *data;
    enum reel_code code;
    size_t bytes;

    file_name(quarantine_id, name);
    code = reel_disk_load(fd, name, SIZE_MAX - 1, &data, &bytes, err_out);
    if (code == REEL_E_NOT_FOUND)
        return reel_error_set(err_out, code, "quarantine_id",
                              "the payload is not in quarantine any more");
    if (code != REEL_OK)
        return code;
    if (!reel_buffer_append(payload_out, data, bytes))
        code = reel_quarantine_no_memory(err_out);
    free(data);
    return code;
}

enum reel_code reel_payload_sync(int fd, uint64_t quarantine_id, struct reel_error *err_out)
{
    char name[FILE_NAME_BYTES];
    enum reel_code code = REEL_OK;
    int file_fd;

    file_name(quarantine_id, name);
    file_fd = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file_fd < 0)
        return reel_error_errno(err_out, errno, "open quarantine/%s", name);
    if (fdatasync(file_fd) != 0)
        code = reel_error_errno(err_out, errno, "sync quarantine/%s", name);
    close(file_fd);
    return code;
}

enum reel_code reel_quarantine_read(const char *dir, uint64_t quarantine_id,
                                    struct reel_buffer *payload_out, struct reel_error *err_out)
{
    char *path;
    enum reel_code code;
    int fd;

    if (asprintf(&path, "%s/quarantine", dir) < 0)
        return reel_quarantine_no_memory(err_out);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(path);
    if (fd < 0)
        return reel_error_errno(err_out, errno, "open the folder quarantine");
    code = reel_payload_read(fd, quarantine_id, payload_out, err_out);
    close(fd);
    return code;
}
