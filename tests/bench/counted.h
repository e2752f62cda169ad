/* Counted: the calls that make a commit durable, counted and timed on their way to the kernel. A
 * program that includes this has its own fdatasync and so on, which SQLite uses as well. */
#ifndef REEL_TESTS_BENCH_COUNTED_H
#define REEL_TESTS_BENCH_COUNTED_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct counted {
    uint64_t file_syncs; /* of recordings, sidecars, folders, file systems */
    uint64_t catalog_syncs;
    uint64_t file_bytes; /* written, as handed to the kernel */
    uint64_t catalog_bytes;
    int64_t file_syncs_us;
    int64_t catalog_syncs_us;
};

static struct {
    struct counted now;
    bool no_head_start; /* sync_file_range does nothing */
} counted;

static inline int64_t monotonic_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static inline bool is_catalog(int fd)
{
    char link[64];
    char path[512];
    ssize_t bytes;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bytes = readlink(link, path, sizeof path - 1);
    path[bytes > 0 ? bytes : 0] = '\0';
    return strstr(path, "/catalog.db") != NULL;
}

static inline int counted_sync(long call, int fd)
{
    bool catalog = is_catalog(fd);
    int64_t began_us = monotonic_us();
    int result = (int)syscall(call, fd);
    int64_t took_us = monotonic_us() - began_us;

    *(catalog ? &counted.now.catalog_syncs : &counted.now.file_syncs) += 1;
    *(catalog ? &counted.now.catalog_syncs_us : &counted.now.file_syncs_us) += took_us;
    return result;
}

int fsync(int fd)
{
    return counted_sync(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return counted_sync(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
    return counted_sync(SYS_syncfs, fd);
}

int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags)
{
    int64_t began_us = monotonic_us();
    int result =
        counted.no_head_start ? 0 : (int)syscall(SYS_sync_file_range, fd, offset, bytes, flags);

    counted.now.file_syncs_us += monotonic_us() - began_us;
    return result;
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset)
{
    *(is_catalog(fd) ? &counted.now.catalog_bytes : &counted.now.file_bytes) += bytes;
    return syscall(SYS_pwrite64, fd, data, bytes, offset);
}

#endif
