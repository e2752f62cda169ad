/* Import, the file: libsndfile's virtual files, over pread. */
#include "store/import_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static sf_count_t get_bytes(void *user)
{
    struct reel_import_file *source = user;
    struct stat status;

    if (fstat(source->fd, &status) != 0) {
        source->errno_value = errno;
        return 0;
    }
    return (sf_count_t)status.st_size;
}

static sf_count_t seek_to(sf_count_t offset, int whence, void *user)
{
    struct reel_import_file *source = user;
    sf_count_t from = whence == SEEK_CUR ? source->at : whence == SEEK_END ? get_bytes(user) : 0;

    if (offset < -from || (offset > 0 && from > INT64_MAX - offset))
        return -1;
    source->at = from + offset;
    return source->at;
}

static void put_patches(const struct reel_import_file *source, uint8_t *bytes, uint64_t at,
                        uint64_t count)
{
    for (size_t i = 0; i < source->patches.count; i++) {
        const struct reel_import_patch *patch = &source->patches.items[i];

        for (size_t j = 0; j < patch->count; j++) {
            if (patch->at + j >= at && patch->at + j - at < count)
                bytes[patch->at + j - at] = patch->bytes[j];
        }
    }
}

static sf_count_t read_some(void *out, sf_count_t count, void *user)
{
    struct reel_import_file *source = user;
    sf_count_t have = 0;

    while (have < count) {
        ssize_t got = pread(source->fd, (uint8_t *)out + have, (size_t)(count - have),
                            (off_t)(source->at + have));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            source->errno_value = errno;
        if (got <= 0)
            break;
        have += got;
    }
    put_patches(source, out, (uint64_t)source->at, (uint64_t)have);
    source->at += have;
    return have;
}

static sf_count_t write_none(const void *bytes, sf_count_t count, void *user)
{
    (void)bytes, (void)count, (void)user;
    return 0;
}

static sf_count_t tell(void *user)
{
    return ((struct reel_import_file *)user)->at;
}

SNDFILE *reel_import_file_open(struct reel_import_file *source, int fd,
                               const struct reel_import_patches *patches, SF_INFO *info)
{
    SF_VIRTUAL_IO io = {get_bytes, seek_to, read_some, write_none, tell};

    *source = (struct reel_import_file){.fd = fd};
    if (patches)
        source->patches = *patches;
    return sf_open_virtual(&io, SFM_READ, info, source);
}
