/* Ingest, uploads in blocks: their beginning and their end, by request. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/describe.h"
#include "core/fields.h"
#include "core/object.h"
#include "core/tags.h"
#include "daemon/change.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"
#include "store/upload.h"

/* Ranges of missing blocks in one answer: who has sent those asks again. */
enum { RANGES_MAX = 1000, ID_TEXT_BYTES = 17, SUM_DIGITS = 64 };

/* What is asked by upload-begin. */
struct beginning {
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    uint64_t size_bytes;
    const char *sha256; /* the document's */
    bool overwrite;
    json_t *tags; /* owned; NULL: none */
};

static void read_names(struct reel_fields *fields, char device[REEL_NAME_BYTES],
                       char session[REEL_NAME_BYTES])
{
    reel_fields_need(fields, "device", reel_fields_name(fields, "device", device));
    reel_fields_need(fields, "session", reel_fields_name(fields, "session", session));
    if (fields->code == REEL_OK)
        session[reel_container_stem(session, strlen(session))] = '\0'; /* as in a topic */
}

static void check_sum(struct reel_fields *fields, const char *sha256)
{
    if (fields->code == REEL_OK &&
        (strlen(sha256) != SUM_DIGITS || strspn(sha256, "0123456789abcdef") != SUM_DIGITS))
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "sha256",
                         "must be 64 hexadecimal digits, in lower case");
}

static enum reel_code read_beginning(const struct reel_config *config, const json_t *document,
                                     struct beginning *out, struct reel_error *err_out)
{
    struct reel_fields fields = {.document = document, .err_out = err_out};
    json_t *tags = json_object_get(document, "tags");

    read_names(&fields, out->device, out->session);
    reel_fields_need(&fields, "size",
                     reel_fields_uint(&fields, "size", 1, INT64_MAX, &out->size_bytes));
    reel_fields_need(&fields, "sha256", reel_fields_text(&fields, "sha256", &out->sha256));
    check_sum(&fields, out->sha256);
    reel_fields_bool(&fields, "overwrite", &out->overwrite);
    if (fields.code != REEL_OK)
        return fields.code;
    if (out->size_bytes > config->upload_max_bytes)
        return reel_error_set(err_out, REEL_E_TOO_LARGE, "size",
                              "the file has %" PRIu64 " bytes, and %" PRIu64 " are taken",
                              out->size_bytes, config->upload_max_bytes);
    if (reel_ingest_check_overwrite(config, out->overwrite, err_out))
        return REEL_E_NOT_ALLOWED;
    return tags ? reel_tags_change(NULL, tags, false, &out->tags, err_out) : REEL_OK;
}

/* ---- upload-begin ---- */

/* Those under way, and what of them is still to come. */
static void count_open(struct reel_store *store, unsigned *count_out, uint64_t *wanted_bytes_out)
{
    struct reel_upload *upload = NULL;

    *count_out = 0;
    *wanted_bytes_out = 0;
    while ((upload = reel_store_upload_next(store, upload)) != NULL) {
        if (upload->block_bytes == 0)
            continue;
        (*count_out)++;
        *wanted_bytes_out += upload->blocks_wanted * upload->block_bytes;
    }
}

static enum reel_code check_room(struct reel_ingest *ingest, uint64_t size_bytes,
                                 struct reel_error *err_out)
{
    uint64_t most = ingest->links.config->upload_max_open;
    struct reel_error failure;
    uint64_t wanted_bytes;
    uint64_t free_bytes;
    unsigned count;

    count_open(ingest->store, &count, &wanted_bytes);
    if (count >= most)
        return reel_error_set(err_out, REEL_E_BUSY, "upload.max_open",
                              "%u uploads are under way, and no more are taken", count);
    if (reel_store_free_bytes(ingest->store, &free_bytes, &failure))
        return reel_ingest_fail(ingest, &failure);
    /* Once as it comes, and once as a recording. */
    if (free_bytes > wanted_bytes && (free_bytes - wanted_bytes) / 2 >= size_bytes)
        return REEL_OK;
    return reel_error_set(err_out, REEL_E_BUSY, "size",
                          "the disk has %" PRIu64 " bytes left, too few for the file", free_bytes);
}

static enum reel_code begin_new(struct reel_ingest *ingest, const struct beginning *beginning,
                                struct reel_upload **held_out, struct reel_error *err_out)
{
    int64_t now_us = reel_wall_us();
    struct reel_upload upload = {
        .state = REEL_UPLOAD_RECEIVING,
        .overwrite = beginning->overwrite,
        .size_bytes = beginning->size_bytes,
        .begun_us = now_us,
        .updated_us = now_us,
    };
    struct reel_error failure;
    enum reel_code code = check_room(ingest, beginning->size_bytes, err_out);

    if (code != REEL_OK)
        return code;
    memcpy(upload.device, beginning->device, sizeof upload.device);
    memcpy(upload.session, beginning->session, sizeof upload.session);
    memcpy(upload.sha256, beginning->sha256, SUM_DIGITS + 1);
    upload.tags = json_incref(beginning->tags);
    if (!reel_upload_use_blocks(&upload, ingest->links.config->upload_block_bytes))
        code = reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    else if (reel_store_upload_add(ingest->store, &upload, held_out, &failure))
        code = reel_ingest_fail(ingest, &failure);
    if (code != REEL_OK)
        reel_upload_finish(&upload);
    return code;
}

/* The same file once more: go on with it, as it is wished for now. */
static enum reel_code go_on(struct reel_ingest *ingest, const struct beginning *beginning,
                            struct reel_upload *upload)
{
    struct reel_error failure;

    if (upload->overwrite == beginning->overwrite && reel_tags_equal(upload->tags, beginning->tags))
        return REEL_OK;
    upload->overwrite = beginning->overwrite;
    json_decref(upload->tags);
    upload->tags = json_incref(beginning->tags);
    if (reel_store_upload_touch(ingest->store, upload, &failure))
        return reel_ingest_fail(ingest, &failure);
    return REEL_OK;
}

static bool is_same(const struct reel_upload *upload, const struct beginning *beginning)
{
    return upload->block_bytes > 0 && upload->size_bytes == beginning->size_bytes &&
           strcmp(upload->sha256, beginning->sha256) == 0;
}

static json_t *missing_of(const struct reel_upload *upload)
{
    json_t *ranges = json_array();
    uint64_t block = 0;

    while (block < upload->blocks && json_array_size(ranges) < RANGES_MAX) {
        uint64_t first = block;

        while (block < upload->blocks && !reel_upload_has_block(upload, block))
            block++;
        if (block > first)
            reel_array_append(&ranges,
                              json_pack("[I,I]", (json_int_t)first, (json_int_t)(block - 1)));
        while (block < upload->blocks && reel_upload_has_block(upload, block))
            block++;
    }
    return ranges;
}

static json_t *describe(const struct reel_upload *upload, uint64_t expire_s)
{
    struct reel_object object;
    char id[ID_TEXT_BYTES];

    snprintf(id, sizeof id, "%016" PRIx64, upload->id);
    reel_object_init(&object);
    reel_object_put_text(&object, "upload", id);
    reel_object_put_text(&object, "device", upload->device);
    reel_object_put_text(&object, "session", upload->session);
    reel_object_put_uint(&object, "size", upload->size_bytes);
    reel_object_put_uint(&object, "block_size", upload->block_bytes);
    reel_object_put(&object, "missing", missing_of(upload));
    reel_object_put_time_or_null(&object, "expires_at", true,
                                 upload->updated_us + (int64_t)expire_s * 1000000);
    return reel_object_take(&object);
}

static enum reel_code begin(struct reel_ingest *ingest, const struct beginning *beginning,
                            json_t **data_out, struct reel_error *err_out)
{
    struct reel_upload *upload =
        reel_store_upload_of(ingest->store, beginning->device, beginning->session);
    enum reel_code code;

    if (upload && is_same(upload, beginning)) {
        code = reel_ingest_may_replace(ingest, beginning->device, beginning->session,
                                       beginning->overwrite, err_out);
        if (code == REEL_OK)
            code = go_on(ingest, beginning, upload);
    } else {
        code = reel_ingest_may_upload(ingest, beginning->device, beginning->session,
                                      beginning->overwrite, err_out);
        if (code == REEL_OK)
            code = begin_new(ingest, beginning, &upload, err_out);
    }
    if (code == REEL_OK)
        *data_out = describe(upload, ingest->links.config->upload_expire_s);
    return code;
}

enum reel_code reel_ingest_upload_begin(struct reel_ingest *ingest, struct reel_change *change,
                                        json_t **data_out, struct reel_error *err_out)
{
    struct beginning beginning = {0};
    enum reel_code code =
        read_beginning(ingest->links.config, change->document, &beginning, err_out);

    if (code == REEL_OK)
        code = begin(ingest, &beginning, data_out, err_out);
    json_decref(beginning.tags);
    return code;
}

/* ---- upload-end ---- */

static void read_id(struct reel_fields *fields, uint64_t *id_out)
{
    const char *text = NULL;
    char again[ID_TEXT_BYTES];

    reel_fields_need(fields, "upload", reel_fields_text(fields, "upload", &text));
    if (fields->code != REEL_OK)
        return;
    *id_out = strtoull(text, NULL, 16);
    snprintf(again, sizeof again, "%016" PRIx64, *id_out);
    if (strcmp(text, again) != 0)
        reel_fields_fail(fields, REEL_E_BAD_REQUEST, "upload",
                         "must be the 16 hexadecimal digits that upload-begin gave");
}

/* It is under way no more: whether the recording is there that came of it, since the answer to who
 * asked before may have been lost. */
static enum reel_code find_installed(struct reel_ingest *ingest, const char *device,
                                     const char *session, uint64_t id, json_t **data_out,
                                     struct reel_error *err_out)
{
    struct reel_entry *entry;
    enum reel_code code = reel_ingest_get(ingest, device, session, &entry, err_out);

    if (code != REEL_OK && code != REEL_E_NOT_FOUND)
        return code;
    if (code == REEL_E_NOT_FOUND || reel_entry_recording(entry)->id != id)
        return reel_error_set(err_out, REEL_E_NOT_FOUND, "upload",
                              "no such upload to %s/%s is under way", device, session);
    *data_out = reel_describe_recording(reel_entry_recording(entry));
    return REEL_OK;
}

/* All is here: it goes to the importing thread once that is durable. */
static enum reel_code make_whole(struct reel_ingest *ingest, struct reel_upload *upload,
                                 struct reel_error *err_out)
{
    struct reel_error failure;

    if (upload->blocks_wanted > 0)
        return reel_error_set(err_out, REEL_E_CONFLICT, "missing",
                              "%" PRIu64 " of %" PRIu64 " blocks are missing",
                              upload->blocks_wanted, upload->blocks);
    if (upload->state == REEL_UPLOAD_WHOLE)
        return REEL_OK;
    upload->state = REEL_UPLOAD_WHOLE;
    upload->updated_us = reel_wall_us();
    if (reel_store_upload_touch(ingest->store, upload, &failure))
        return reel_ingest_fail(ingest, &failure);
    return REEL_OK;
}

enum reel_code reel_ingest_upload_end(struct reel_ingest *ingest, struct reel_change *change,
                                      json_t **data_out, struct reel_error *err_out)
{
    struct reel_fields fields = {.document = change->document, .err_out = err_out};
    char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];
    struct reel_upload *upload;
    uint64_t id = 0;
    enum reel_code code;

    read_names(&fields, device, session);
    read_id(&fields, &id);
    if (fields.code != REEL_OK)
        return fields.code;
    upload = reel_store_upload_of(ingest->store, device, session);
    if (!upload || upload->id != id || upload->block_bytes == 0)
        return find_installed(ingest, device, session, id, data_out, err_out);
    code = make_whole(ingest, upload, err_out);
    if (code == REEL_OK)
        code = reel_ingest_await_upload(ingest, id, change->answer, err_out);
    if (code == REEL_OK)
        change->answer = NULL; /* told when the recording is there */
    return code;
}
