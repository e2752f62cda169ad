/* Metrics file: a temporary file, renamed. */
#include "daemon/metrics_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/setting.h"

/* The collector reads what ends in `.prom`. */
static const char temporary_end[] = ".tmp";

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/* Write a new file; one that a killed process left is overwritten. Its mode does not depend on the
 * umask. */
static enum reel_code write_new(const char *path, const struct reel_buffer *text,
                                struct reel_error *err_out)
{
    /* O_NONBLOCK: a pipe that somebody put there must not hold us up. */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    int errno_value = 0;

    if (fd < 0)
        return reel_error_errno(err_out, errno, "metrics.textfile: %s", path);
    if (fchmod(fd, 0644) != 0 || !write_all(fd, text->bytes, text->size))
        errno_value = errno ? errno : EIO;
    if (close(fd) != 0 && errno_value == 0)
        errno_value = errno;
    if (errno_value == 0)
        return REEL_OK;
    unlink(path); /* in vain or not: the next one overwrites it */
    return reel_error_errno(err_out, errno_value, "metrics.textfile: %s", path);
}

enum reel_code reel_metrics_file_write(const char *path, const struct reel_metrics *metrics,
                                       struct reel_error *err_out)
{
    char temporary[REEL_SETTING_BYTES + sizeof temporary_end];
    struct reel_exposition exposition = {.no_memory = false};
    enum reel_code code;

    snprintf(temporary, sizeof temporary, "%s%s", path, temporary_end);
    reel_metrics_expose(metrics, &exposition);
    if (exposition.no_memory)
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    else
        code = write_new(temporary, &exposition.text, err_out);
    if (code == REEL_OK && rename(temporary, path) != 0) {
        code = reel_error_errno(err_out, errno, "metrics.textfile: %s", path);
        unlink(temporary); /* as above */
    }
    reel_buffer_finish(&exposition.text);
    return code;
}
