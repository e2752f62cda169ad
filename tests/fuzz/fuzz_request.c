/* Fuzz: a request, as the daemon reads it before it looks into the store: the document, the
 * question of `list` and of `rejects`, their cursors, the view of `download`. The input: a byte
 * that chooses (confined to a device or not), then the payload. */
#include "core/cursor.h"
#include "core/query_plan.h"
#include "core/tags.h"
#include "core/view.h"
#include "fuzz/fuzz.h"

static void list(const json_t *document, const char *device)
{
    const struct reel_cursor row = {1.5, -7, "mic1", "s1", 12};
    struct reel_error err = {.code = REEL_OK};
    char text[REEL_CURSOR_TEXT_BYTES];
    struct reel_list_plan plan;
    struct reel_cursor again;
    enum reel_code code = reel_list_plan_decode(document, device, &plan, &err);

    if (code != REEL_OK) {
        assert_error(code, &err);
        return;
    }
    assert_in_range(plan.limit, 1, REEL_LIST_LIMIT_MAX);
    assert_true(!device || (plan.has_device && strcmp(plan.device, device) == 0));
    assert_true(json_object_size(plan.tags) <= REEL_TAGS_MAX);
    reel_cursor_encode(&plan, &row, text);
    assert_true(reel_cursor_decode(text, &plan, &again));
    assert_int_equal(again.rowid, row.rowid);
    reel_list_plan_finish(&plan);
}

static void rejects(const json_t *document, const char *device)
{
    struct reel_error err = {.code = REEL_OK};
    char text[REEL_CURSOR_TEXT_BYTES];
    struct reel_rejects_plan plan;
    uint64_t again;
    enum reel_code code = reel_rejects_plan_decode(document, device, &plan, &err);

    if (code != REEL_OK) {
        assert_error(code, &err);
        return;
    }
    assert_in_range(plan.limit, 1, REEL_LIST_LIMIT_MAX);
    assert_true(!device || (plan.has_device && strcmp(plan.device, device) == 0));
    reel_rejects_cursor_encode(&plan, 77, text);
    assert_true(reel_rejects_cursor_decode(text, &plan, &again));
    assert_int_equal(again, 77);
}

/* The parts lie in the view, and are no more than one request may cost. */
static void parts(const struct reel_view *view, const struct reel_download *download)
{
    struct reel_view_part part;
    uint64_t cursor = 0, bytes = 0, count = 0;

    while (reel_view_next_part(view, download, &cursor, &part)) {
        assert_true(part.bytes == 0 || part.offset_bytes + part.bytes <= view->size_bytes);
        assert_true(part.bytes == 0 ||
                    part.final == (part.offset_bytes + part.bytes == view->size_bytes));
        bytes += part.bytes;
        count++;
    }
    assert_true(count > 0 && count <= REEL_DOWNLOAD_BLOCKS_MAX);
    if (reel_download_is_whole(download))
        assert_int_equal(bytes, view->size_bytes);
    else
        assert_true(bytes <= REEL_DOWNLOAD_LENGTH_MAX);
}

/* The version of a view leads to the same view. */
static void again_by_version(const struct reel_view *view, const struct reel_recording *recording)
{
    struct reel_download download = {.has_version = true};
    struct reel_view again;
    bool same = false;

    reel_view_version(view, download.version);
    assert_int_equal(reel_view_make(&download, recording, &again, NULL), REEL_OK);
    assert_int_equal(again.from_frame, view->from_frame);
    assert_int_equal(again.to_frame, view->to_frame);
    assert_int_equal(again.size_bytes, view->size_bytes);
    assert_int_equal(reel_view_compare(&again, recording, &same, NULL), REEL_OK);
    assert_true(same);
}

static void download(const json_t *document, uint8_t choice)
{
    struct reel_recording recording = {
        .id = 0x1122334455667788,
        .frames = choice & 2 ? 5000000000 : 1234,
        .rewrites = 3,
        .format = {.rate = 16000, .channels = 1, .sample_bytes = choice & 4 ? 3 : 1},
    };
    struct reel_error err = {.code = REEL_OK};
    struct reel_download wanted;
    struct reel_view view;
    enum reel_code code = reel_download_decode(document, &wanted, &err);

    if (code == REEL_OK) {
        if (reel_tags_change(NULL, json_object_get(document, "tags"), true, &recording.tags, &err))
            assert_int_equal(err.code, REEL_E_BAD_REQUEST);
        code = reel_view_make(&wanted, &recording, &view, &err);
        if (code == REEL_OK) {
            assert_true(view.from_frame <= view.to_frame && view.to_frame <= recording.frames);
            parts(&view, &wanted);
            again_by_version(&view, &recording);
        }
        json_decref(recording.tags);
        reel_download_finish(&wanted);
    }
    if (code != REEL_OK)
        assert_error(code, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input input = {data, bytes};
    uint8_t choice = input_byte(&input);
    const char *device = choice & 1 ? "mic1" : NULL;
    enum reel_document_kind kind;
    struct reel_error err = {.code = REEL_OK};
    json_t *document = NULL;
    enum reel_code code = reel_document_decode(input.at, input.left, &document, &kind, &err);

    promises_of_document(input.at, input.left);
    if (code != REEL_OK) {
        assert_error(code, &err);
        return 0;
    }
    list(document, device);
    rejects(document, device);
    download(document, choice);
    json_decref(document);
    return 0;
}
