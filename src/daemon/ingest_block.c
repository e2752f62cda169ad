/* Ingest, blocks: pieces of a file whose upload was begun by request, in any order, durable with
 * the batch that takes them. One that comes again is compared with what is there. */
#include "daemon/ingest_changes.h"
#include "store/upload.h"

/* Which upload it is of: another device's is none of its business. */
static enum reel_code find(const struct reel_ingest *ingest, const struct reel_topic *topic,
                           struct reel_upload **upload_out, struct reel_error *err_out)
{
    struct reel_upload *upload = reel_store_upload_of(ingest->store, topic->device, topic->session);

    if (!upload || upload->id != topic->upload || upload->block_bytes == 0)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, "upload",
                              "no such upload to %s/%s is under way", topic->device,
                              topic->session);
    *upload_out = upload;
    return REEL_OK;
}

/* Whether it is one of the file's blocks. */
static enum reel_code check_place(const struct reel_upload *upload, uint64_t offset,
                                  size_t payload_bytes, struct reel_error *err_out)
{
    uint64_t left_bytes;
    uint64_t wanted_bytes;

    if (offset >= upload->size_bytes)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "offset", "the file has %llu bytes",
                              (unsigned long long)upload->size_bytes);
    if (offset % upload->block_bytes != 0)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "offset",
                              "blocks begin at multiples of %llu",
                              (unsigned long long)upload->block_bytes);
    left_bytes = upload->size_bytes - offset;
    wanted_bytes = left_bytes < upload->block_bytes ? left_bytes : upload->block_bytes;
    if (payload_bytes != wanted_bytes)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "payload",
                              "this block has %llu bytes, and %zu came",
                              (unsigned long long)wanted_bytes, payload_bytes);
    return REEL_OK;
}

static enum reel_code compare(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                              struct reel_upload *upload, struct reel_error *err_out)
{
    const struct reel_bus_message *message = arrival->message;
    struct reel_error failure;
    bool equal;

    if (reel_store_upload_equal(ingest->store, upload, arrival->topic.offset, message->payload,
                                message->payload_bytes, &equal, &failure))
        return reel_ingest_fail(ingest, &failure);
    if (equal)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_CONFLICT, "payload",
                          "this block has come before, with other bytes");
}

static enum reel_code write(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                            struct reel_upload *upload, struct reel_error *err_out)
{
    const struct reel_bus_message *message = arrival->message;
    struct reel_error failure;
    enum reel_code code =
        reel_store_upload_write(ingest->store, upload, arrival->topic.offset, message->payload,
                                message->payload_bytes, &failure);

    if (code == REEL_E_TOO_LARGE) {
        *err_out = failure;
        return code;
    }
    if (code == REEL_OK)
        code = reel_store_upload_touch(ingest->store, upload, &failure);
    if (code != REEL_OK)
        return reel_ingest_fail(ingest, &failure);
    reel_upload_mark_block(upload, arrival->topic.offset / upload->block_bytes);
    upload->updated_us = arrival->wall_us;
    return REEL_OK;
}

static enum reel_code take(struct reel_ingest *ingest, const struct reel_arrival *arrival,
                           struct reel_error *err_out)
{
    const struct reel_bus_message *message = arrival->message;
    const struct reel_topic *topic = &arrival->topic;
    struct reel_upload *upload = NULL;
    enum reel_code code;

    if (arrival->topic_code != REEL_OK) {
        *err_out = arrival->topic_error;
        return arrival->topic_code;
    }
    if (message->retain)
        return reel_error_set(err_out, REEL_E_BAD_REQUEST, "retain",
                              "a block must not be published with the retain flag");
    code = find(ingest, topic, &upload, err_out);
    if (code == REEL_OK)
        code = check_place(upload, topic->offset, message->payload_bytes, err_out);
    if (code != REEL_OK)
        return code;
    if (reel_upload_has_block(upload, topic->offset / upload->block_bytes))
        return compare(ingest, arrival, upload, err_out);
    return write(ingest, arrival, upload, err_out);
}

void reel_ingest_block(struct reel_ingest *ingest, const struct reel_arrival *arrival)
{
    struct reel_error error;

    if (arrival->redelivered && !arrival->refused)
        return;
    if (take(ingest, arrival, &error) != REEL_OK && !ingest->failed)
        reel_ingest_refuse_upload(ingest, arrival, &error);
}
