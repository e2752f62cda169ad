/* Upload: the struct, and what can be done to one. */
#include "store/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utlist.h>

#include "store/disk.h"
#include "store/id.h"
#include "store/store_internal.h"
#include "store/upload_files.h"
#include "store/uploads.h"

enum { COMPARE_BYTES = 64 * 1024 };

bool reel_upload_use_blocks(struct reel_upload *upload, uint64_t block_bytes)
{
    uint64_t blocks = upload->size_bytes / block_bytes + (upload->size_bytes % block_bytes != 0);
    uint8_t *received = calloc((size_t)(blocks / 8 + 1), 1);

    if (!received)
        return false;
    free(upload->received);
    upload->received = received;
    upload->block_bytes = block_bytes;
    upload->blocks = blocks;
    upload->blocks_wanted = blocks;
    return true;
}

bool reel_upload_has_block(const struct reel_upload *upload, uint64_t block)
{
    return upload->received[block / 8] >> block % 8 & 1;
}

void reel_upload_mark_block(struct reel_upload *upload, uint64_t block)
{
    if (reel_upload_has_block(upload, block))
        return;
    upload->received[block / 8] |= (uint8_t)(1u << block % 8);
    upload->blocks_wanted--;
}

void reel_upload_finish(struct reel_upload *upload)
{
    free(upload->received);
    json_decref(upload->tags);
    free(upload->reply_topic);
    free(upload->correlation);
    upload->received = NULL;
    upload->tags = NULL;
    upload->reply_topic = NULL;
    upload->correlation = NULL;
}

enum reel_code reel_store_upload_touch(struct reel_store *store, struct reel_upload *upload,
                                       struct reel_error *err_out)
{
    upload->dirty = true;
    return reel_store_outcome(store, reel_store_begin(store, err_out));
}

static enum reel_code add(struct reel_store *store, struct reel_upload *held,
                          struct reel_error *err_out)
{
    enum reel_code code = reel_store_begin(store, err_out);

    if (code == REEL_OK && held->id == 0)
        code = reel_id_make(&held->id, err_out);
    return code == REEL_OK
               ? reel_uploads_descriptor(store->uploads, held, O_CREAT | O_EXCL, err_out)
               : code;
}

enum reel_code reel_store_upload_add(struct reel_store *store, const struct reel_upload *upload,
                                     struct reel_upload **held_out, struct reel_error *err_out)
{
    struct reel_upload *held = malloc(sizeof *held);
    enum reel_code code;

    if (!held)
        return reel_store_outcome(store, reel_error_errno(err_out, ENOMEM, "upload"));
    *held = *upload;
    held->fd = -1;
    held->rowid = 0;
    held->gone = false;
    held->new_file = false;
    held->dirty = true;
    code = add(store, held, err_out);
    if (code != REEL_OK) {
        free(held);
        return reel_store_outcome(store, code);
    }
    DL_APPEND(store->uploads->list, held);
    *held_out = held;
    return REEL_OK;
}

enum reel_code reel_store_upload_write(struct reel_store *store, struct reel_upload *upload,
                                       uint64_t offset, const void *bytes, size_t count,
                                       struct reel_error *err_out)
{
    struct reel_error error;
    enum reel_code code = reel_uploads_descriptor(store->uploads, upload, 0, &error);

    if (code == REEL_OK)
        code = reel_disk_write(upload->fd, bytes, count, offset, "uploads/", &error);
    if (code == REEL_OK)
        return code;
    if (reel_upload_too_large(&error))
        code = REEL_E_TOO_LARGE;
    else
        reel_store_outcome(store, code);
    if (err_out)
        *err_out = error;
    return code;
}

enum reel_code reel_store_upload_equal(struct reel_store *store, struct reel_upload *upload,
                                       uint64_t offset, const void *bytes, size_t count,
                                       bool *equal_out, struct reel_error *err_out)
{
    const uint8_t *at = bytes;
    uint8_t slice[COMPARE_BYTES];
    enum reel_code code = reel_uploads_descriptor(store->uploads, upload, 0, err_out);

    *equal_out = true;
    while (code == REEL_OK && count > 0 && *equal_out) {
        size_t portion = count < sizeof slice ? count : sizeof slice;

        code = reel_disk_read(upload->fd, slice, portion, offset, "uploads/", err_out);
        *equal_out = code == REEL_OK && memcmp(slice, at, portion) == 0;
        at += portion;
        offset += portion;
        count -= portion;
    }
    return reel_store_outcome(store, code == REEL_E_NOT_FOUND ? REEL_E_STALLED : code);
}

static enum reel_code quarantine(struct reel_store *store, const struct reel_upload *upload,
                                 const struct reel_reject *reject, uint64_t *quarantine_id_out,
                                 struct reel_error *err_out)
{
    char name[REEL_UPLOAD_PART_BYTES];

    reel_upload_part_name(upload->id, name);
    return reel_quarantine_put_file(store->quarantine, reject, store->uploads->fd, name,
                                    quarantine_id_out, err_out);
}

enum reel_code reel_store_upload_drop(struct reel_store *store, struct reel_upload *upload,
                                      const struct reel_reject *reject, uint64_t *quarantine_id_out,
                                      struct reel_error *err_out)
{
    enum reel_code code = reel_store_begin(store, err_out);

    if (code == REEL_OK && reject)
        code = quarantine(store, upload, reject, quarantine_id_out, err_out);
    upload->gone = true;
    return reel_store_outcome(store, code);
}

struct reel_upload *reel_store_upload_next(struct reel_store *store, struct reel_upload *after)
{
    struct reel_upload *upload = after ? after->next : store->uploads->list;

    while (upload && (upload->gone || upload->state == REEL_UPLOAD_INSTALLING))
        upload = upload->next;
    return upload;
}

struct reel_upload *reel_store_upload_find(struct reel_store *store, uint64_t id)
{
    struct reel_upload *upload = NULL;

    while ((upload = reel_store_upload_next(store, upload)) != NULL && upload->id != id)
        continue;
    return upload;
}

struct reel_upload *reel_store_upload_of(struct reel_store *store, const char *device,
                                         const char *session)
{
    struct reel_upload *upload = NULL;

    while ((upload = reel_store_upload_next(store, upload)) != NULL &&
           (strcmp(upload->device, device) != 0 || strcmp(upload->session, session) != 0))
        continue;
    return upload;
}

bool reel_store_next_discard(struct reel_store *store, struct reel_discard *discard_out)
{
    struct reel_uploads *uploads = store->uploads;

    if (uploads->discards_count == 0)
        return false;
    *discard_out = uploads->discards[--uploads->discards_count];
    return true;
}
