/* Quarantine: a file for each payload, its row in the catalog. What a batch puts there is synced
 * before the commit that covers it, what it removes is unlinked after; so a crash leaves at most
 * files without a row, which the next start removes. */
#include "store/quarantine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/disk.h"

static bool add_id(struct reel_id_list *list, uint64_t id)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        uint64_t *ids = reallocarray(list->ids, capacity, sizeof *ids);

        if (!ids)
            return false;
        list->ids = ids;
        list->capacity = capacity;
    }
    list->ids[list->count++] = id;
    return true;
}

/* Remove a row now and its file with the commit. `bytes` is what the file takes. */
static enum reel_code stage_removal(struct reel_quarantine *quarantine, uint64_t quarantine_id,
                                    uint64_t bytes, struct reel_error *err_out)
{
    enum reel_code code;

    if (!add_id(&quarantine->removed, quarantine_id))
        return reel_quarantine_no_memory(err_out);
    code = reel_catalog_reject_remove(quarantine->catalog, quarantine_id, err_out);
    if (code == REEL_OK) {
        quarantine->count--;
        quarantine->bytes -= bytes;
    }
    return code;
}

static bool has_room(const struct reel_quarantine *quarantine, uint64_t bytes)
{
    return quarantine->bytes <= quarantine->max_bytes &&
           bytes <= quarantine->max_bytes - quarantine->bytes &&
           quarantine->count < REEL_QUARANTINE_ROWS_MAX;
}

static bool is_of_batch(const struct reel_quarantine *quarantine, uint64_t quarantine_id)
{
    return quarantine->batch_first_id != 0 && quarantine_id >= quarantine->batch_first_id;
}

/* Let the oldest go until there is room, or until none is left that may go. */
static enum reel_code make_room(struct reel_quarantine *quarantine, uint64_t bytes,
                                struct reel_error *err_out)
{
    while (!has_room(quarantine, bytes)) {
        struct reel_error error;
        uint64_t id, freed_bytes;
        enum reel_code code = reel_catalog_reject_oldest(
            quarantine->catalog, quarantine->searched_to, &id, &freed_bytes, &error);

        if (code == REEL_E_NOT_FOUND || (code == REEL_OK && is_of_batch(quarantine, id))) {
            quarantine->searched_to = INT64_MAX;
            return REEL_OK;
        }
        if (code != REEL_OK) {
            if (err_out)
                *err_out = error;
            return code;
        }
        quarantine->searched_to = id;
        code = stage_removal(quarantine, id, freed_bytes, err_out);
        if (code != REEL_OK)
            return code;
    }
    return REEL_OK;
}

/* Where a payload comes from: memory, or a file. */
struct source {
    const void *payload;
    int from_fd;
    const char *name; /* NULL: memory */
};

static enum reel_code write_payload(struct reel_quarantine *quarantine, uint64_t id, uint64_t bytes,
                                    const struct source *source, struct reel_error *err_out)
{
    if (!add_id(&quarantine->written, id))
        return reel_quarantine_no_memory(err_out);
    if (source->name)
        return reel_payload_link(quarantine->fd, id, source->from_fd, source->name, bytes, err_out);
    return reel_payload_write(quarantine->fd, id, source->payload, bytes, err_out);
}

static enum reel_code put(struct reel_quarantine *quarantine, const struct reel_reject *reject,
                          const struct source *source, uint64_t *quarantine_id_out,
                          struct reel_error *err_out)
{
    uint64_t bytes = reject->bytes, id;
    bool fits = bytes <= quarantine->max_bytes && reel_disk_allows(bytes);
    enum reel_code code = make_room(quarantine, fits ? bytes : 0, err_out);

    if (code != REEL_OK)
        return code;
    fits = fits && quarantine->bytes <= quarantine->max_bytes - bytes;
    code = reel_catalog_reject_add(quarantine->catalog, reject, fits, &id, err_out);
    if (code == REEL_OK && fits)
        code = write_payload(quarantine, id, bytes, source, err_out);
    if (code != REEL_OK)
        return code;
    if (quarantine->batch_first_id == 0)
        quarantine->batch_first_id = id;
    quarantine->count++;
    quarantine->bytes += fits ? bytes : 0;
    *quarantine_id_out = id;
    return REEL_OK;
}

enum reel_code reel_quarantine_put(struct reel_quarantine *quarantine,
                                   const struct reel_reject *reject, const void *payload,
                                   uint64_t *quarantine_id_out, struct reel_error *err_out)
{
    const struct source source = {.payload = payload};

    return put(quarantine, reject, &source, quarantine_id_out, err_out);
}

enum reel_code reel_quarantine_put_file(struct reel_quarantine *quarantine,
                                        const struct reel_reject *reject, int from_fd,
                                        const char *name, uint64_t *quarantine_id_out,
                                        struct reel_error *err_out)
{
    const struct source source = {.from_fd = from_fd, .name = name};

    return put(quarantine, reject, &source, quarantine_id_out, err_out);
}

enum reel_code reel_quarantine_take(struct reel_quarantine *quarantine, uint64_t quarantine_id,
                                    struct reel_buffer *payload_out, struct reel_error *err_out)
{
    size_t before = payload_out->size;
    bool has_payload;
    enum reel_code code =
        reel_catalog_reject_find(quarantine->catalog, quarantine_id, NULL, &has_payload, err_out);

    if (code != REEL_OK)
        return code;
    if (!has_payload)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, "quarantine_id",
                              "the payload was not kept");
    code = reel_payload_read(quarantine->fd, quarantine_id, payload_out, err_out);
    if (code == REEL_OK)
        code = stage_removal(quarantine, quarantine_id, payload_out->size - before, err_out);
    return code;
}

enum reel_code reel_quarantine_sync(struct reel_quarantine *quarantine, struct reel_error *err_out)
{
    const struct reel_id_list *written = &quarantine->written;
    enum reel_code code = REEL_OK;

    if (written->count == 0)
        return REEL_OK;
    if (quarantine->syncfs && reel_sync_whole(quarantine->sync, written->count))
        return syncfs(quarantine->fd) == 0
                   ? REEL_OK
                   : reel_error_errno(err_out, errno, "sync the file system of quarantine");
    for (size_t i = 0; i < written->count && code == REEL_OK; i++)
        code = reel_payload_sync(quarantine->fd, written->ids[i], err_out);
    if (code == REEL_OK && fsync(quarantine->fd) != 0)
        code = reel_error_errno(err_out, errno, "sync the folder quarantine");
    return code;
}

enum reel_code reel_quarantine_committed(struct reel_quarantine *quarantine,
                                         struct reel_error *err_out)
{
    enum reel_code code = REEL_OK;

    for (size_t i = 0; i < quarantine->removed.count && code == REEL_OK; i++)
        code = reel_payload_remove(quarantine->fd, quarantine->removed.ids[i], err_out);
    quarantine->removed.count = 0;
    quarantine->written.count = 0;
    quarantine->batch_first_id = 0;
    quarantine->searched_to = 0;
    return code;
}

void reel_quarantine_totals(const struct reel_quarantine *quarantine, uint64_t *count_out,
                            uint64_t *bytes_out)
{
    *count_out = quarantine->count;
    *bytes_out = quarantine->bytes;
}
