/* WAV, gathering: what goes behind the end of a file waits in memory, until the batch is synced or
 * the file is looked at, and is then written with one call. A fragment is a few kilobytes, and to
 * the kernel a call costs more than what it carries. */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "store/disk.h"
#include "store/wav_internal.h"

/* All that waits, for all files. What is larger than the second is written at once: to copy it
 * would cost more than a call. */
enum { ARENA_BYTES = 8 << 20, PART_BYTES_MAX = WAV_SLICE_BYTES / 2 };

/* What one write brought. */
struct part {
    struct part *next;
    size_t bytes;
    uint8_t data[];
};

/* What waits for one file. */
struct reel_wav_waiting {
    struct reel_wav *wav;
    struct reel_wav_waiting *prev, *next;
    uint64_t offset; /* where it goes in the file */
    uint64_t bytes;
    struct part *first, *last;
};

/* Both stand in the arena, which is empty again once nothing waits. */
struct reel_wav_gathering {
    struct reel_wav_waiting *list;
    size_t used_bytes;
    alignas(max_align_t) uint8_t arena[ARENA_BYTES];
};

struct reel_wav_gathering *reel_wav_gathering_create(void)
{
    struct reel_wav_gathering *gathering = malloc(sizeof *gathering);

    if (gathering) {
        gathering->list = NULL;
        gathering->used_bytes = 0;
    }
    return gathering;
}

uint64_t reel_wav_waiting_bytes(const struct reel_wav *wav)
{
    return wav->waiting ? wav->waiting->bytes : 0;
}

void reel_wav_forget_waiting(struct reel_wav *wav)
{
    struct reel_wav_gathering *gathering = wav->files->gathering;

    if (!wav->waiting)
        return;
    DL_DELETE(gathering->list, wav->waiting);
    wav->waiting = NULL;
    if (!gathering->list)
        gathering->used_bytes = 0;
}

static enum reel_code write_parts(const struct reel_wav_waiting *waiting, int fd,
                                  struct reel_error *err_out)
{
    const struct reel_wav *wav = waiting->wav;
    uint8_t *slice = wav->files->slice;
    uint64_t offset = waiting->offset;
    size_t filled = 0;

    for (const struct part *part = waiting->first; part; part = part->next) {
        if (filled + part->bytes > WAV_SLICE_BYTES) {
            if (reel_disk_write(fd, slice, filled, offset, wav->name, err_out) != REEL_OK)
                return REEL_E_STALLED;
            offset += filled;
            filled = 0;
        }
        memcpy(slice + filled, part->data, part->bytes);
        filled += part->bytes;
    }
    return reel_disk_write(fd, slice, filled, offset, wav->name, err_out);
}

enum reel_code reel_wav_put_waiting(struct reel_wav *wav, struct reel_error *err_out)
{
    int fd;

    if (!wav->waiting)
        return REEL_OK;
    if (reel_wav_open_to_write(wav, &fd, err_out) != REEL_OK ||
        write_parts(wav->waiting, fd, err_out) != REEL_OK)
        return REEL_E_STALLED;
    reel_wav_forget_waiting(wav);
    return REEL_OK;
}

enum reel_code reel_wav_files_put_waiting(struct reel_wav_files *files, struct reel_error *err_out)
{
    while (files->gathering->list) {
        if (reel_wav_put_waiting(files->gathering->list->wav, err_out) != REEL_OK)
            return REEL_E_STALLED;
    }
    return REEL_OK;
}

/* Room in the arena; NULL where it is full. */
static void *take_room(struct reel_wav_gathering *gathering, size_t bytes)
{
    size_t rounded_bytes =
        (bytes + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    void *room = gathering->arena + gathering->used_bytes;

    if (rounded_bytes > ARENA_BYTES - gathering->used_bytes)
        return NULL;
    gathering->used_bytes += rounded_bytes;
    return room;
}

/* Let it wait; false where there is no room. */
static bool add_part(struct reel_wav *wav, uint64_t offset, const void *data, size_t bytes)
{
    struct reel_wav_gathering *gathering = wav->files->gathering;
    size_t head_bytes = wav->waiting ? 0 : sizeof *wav->waiting;
    uint8_t *room = take_room(gathering, head_bytes + sizeof(struct part) + bytes);
    struct part *part;

    if (!room)
        return false;
    part = (struct part *)(void *)(room + head_bytes);
    if (!wav->waiting) {
        wav->waiting = (struct reel_wav_waiting *)(void *)room;
        *wav->waiting = (struct reel_wav_waiting){.wav = wav, .offset = offset, .first = part};
        DL_APPEND(gathering->list, wav->waiting);
    } else {
        wav->waiting->last->next = part;
    }
    part->next = NULL;
    part->bytes = bytes;
    memcpy(part->data, data, bytes);
    wav->waiting->last = part;
    wav->waiting->bytes += bytes;
    return true;
}

enum reel_code reel_wav_append(struct reel_wav *wav, uint64_t offset, const void *data,
                               uint64_t bytes, struct reel_error *err_out)
{
    bool small = bytes <= PART_BYTES_MAX;
    int fd;

    if (small && add_part(wav, offset, data, (size_t)bytes))
        return REEL_OK;
    if (small) {
        if (reel_wav_files_put_waiting(wav->files, err_out) != REEL_OK)
            return REEL_E_STALLED;
        if (add_part(wav, offset, data, (size_t)bytes))
            return REEL_OK;
    }
    if (reel_wav_put_waiting(wav, err_out) != REEL_OK ||
        reel_wav_open_to_write(wav, &fd, err_out) != REEL_OK)
        return REEL_E_STALLED;
    return reel_disk_write(fd, data, bytes, offset, wav->name, err_out);
}
