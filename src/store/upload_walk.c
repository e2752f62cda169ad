/* Upload, the walk over a file's chunks. */
#include "store/upload_walk.h"

#include <inttypes.h>
#include <string.h>

#include "store/disk.h"
#include "wire/chunk.h"

enum { CHUNK_HEAD_BYTES = 8 };

enum reel_code reel_walk_bad(const struct reel_walk *walk, const char *what)
{
    return reel_error_set(walk->err_out, REEL_E_BAD_REQUEST, walk->field, "the %s file %s",
                          walk->kind, what);
}

uint64_t reel_walk_left(const struct reel_walk *walk)
{
    return walk->file_bytes - walk->at;
}

enum reel_code reel_walk_ends_early(const struct reel_walk *walk, uint64_t declared)
{
    return reel_error_set(walk->err_out, REEL_E_BAD_REQUEST, walk->field,
                          "the %s file ends early: its chunk %s declares %" PRIu64
                          " bytes, and %" PRIu64 " are there",
                          walk->kind, walk->id, declared, reel_walk_left(walk));
}

enum reel_code reel_walk_read(const struct reel_walk *walk, void *out, uint64_t bytes)
{
    if (reel_disk_read(walk->fd, out, bytes, walk->at, "an upload", walk->err_out) != REEL_OK)
        return REEL_E_STALLED;
    return REEL_OK;
}

uint64_t reel_walk_number(const struct reel_walk *walk, const uint8_t *at, size_t width)
{
    uint64_t value = 0;

    if (!walk->big_endian)
        return reel_little_endian(at, width);
    for (size_t i = 0; i < width; i++)
        value = value << 8 | at[i];
    return value;
}

bool reel_walk_enter(struct reel_walk *walk, enum reel_code *code)
{
    uint8_t head[CHUNK_HEAD_BYTES];

    if (reel_walk_left(walk) < sizeof head)
        return false;
    *code = reel_walk_read(walk, head, sizeof head);
    if (*code != REEL_OK)
        return false;
    reel_printable(walk->id, sizeof walk->id, (const char *)head, 4);
    walk->declared = reel_walk_number(walk, head + 4, 4);
    walk->at += sizeof head;
    return true;
}

bool reel_walk_is(const struct reel_walk *walk, const char *id)
{
    return strcmp(walk->id, id) == 0;
}

enum reel_code reel_walk_leave(struct reel_walk *walk)
{
    if (walk->declared > reel_walk_left(walk))
        return reel_walk_ends_early(walk, walk->declared);
    walk->at += walk->declared;
    if (walk->declared % 2 == 1 && reel_walk_left(walk) > 0)
        walk->at++;
    return REEL_OK;
}
