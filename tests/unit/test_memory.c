/* Memory that runs out, in wire and core: each allocation fails once, and fails with all after it.
 * What comes of it is said as such, as far as jansson lets us know, and nothing leaks (the
 * sanitizers see to that). */
#include "unit/memory.h"

#include "core/describe.h"
#include "core/place.h"
#include "core/query_plan.h"
#include "core/view.h"
#include "unit/vectors.h"
#include "wire/message.h"

/* jansson 2.14 calls some of its own failures an invalid token. Where a single allocation fails it
 * may even drop characters and go on, which no caller can see: so a program ends where jansson gets
 * no memory (io/memory.h), and here nothing is asked then but that it does no harm. */
static void assert_outcome(enum reel_code code, const struct vector *vector)
{
    bool is_json = strncmp(vector->name, "json-", 5) == 0;

    if (!memory_failed)
        assert_int_equal(code, REEL_OK);
    else if (!is_json)
        assert_int_equal(code, REEL_E_STALLED);
    else if (memory_stays_out)
        assert_true(code == REEL_E_STALLED || code == REEL_E_BAD_REQUEST);
}

static void decode_fragment(const void *argument)
{
    const struct vector *vector = argument;
    struct reel_scratch scratch = {0};
    struct reel_fragment fragment;
    enum reel_code code =
        reel_fragment_decode(vector->payload, vector->bytes, NULL, &scratch, &fragment, NULL);

    memory_end();
    assert_outcome(code, vector);
    reel_fragment_finish(&fragment);
    reel_scratch_finish(&scratch);
}

static void decode_request(const void *argument)
{
    const struct vector *vector = argument;
    enum reel_document_kind kind;
    json_t *document = NULL;
    enum reel_code code =
        reel_document_decode(vector->payload, vector->bytes, &document, &kind, NULL);

    memory_end();
    assert_outcome(code, vector);
    json_decref(document);
}

static void encode_as(const json_t *document, enum reel_document_kind kind)
{
    struct reel_buffer buffer = {0};
    bool encoded = reel_document_encode(document, kind, "blob", 4, &buffer);

    memory_end();
    assert_int_equal(encoded, !memory_failed);
    if (!encoded)
        assert_int_equal(buffer.size, 0);
    reel_buffer_finish(&buffer);
}

static void encode_json(const void *argument)
{
    encode_as(argument, REEL_DOCUMENT_JSON);
}

static void encode_msgpack(const void *argument)
{
    encode_as(argument, REEL_DOCUMENT_MSGPACK);
}

static void make_responses(const void *argument)
{
    const struct reel_error error = {REEL_E_CONFLICT, "session", "is kept", 0};
    json_t *good = reel_response(NULL, argument);
    json_t *bad = reel_response_error(&error, argument);

    memory_end();
    assert_int_equal(good && bad, !memory_failed);
    json_decref(good);
    json_decref(bad);
}

/* What io/memory.h is there for, pinned: with a jansson that fails instead, it may go. */
static const char text[] = "{\"data\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\"}";
static unsigned altered;

static void load_text(const void *argument)
{
    json_t *loaded = json_loads(text, 0, NULL);

    memory_end();
    if (loaded && !json_equal(loaded, argument))
        altered++;
    json_decref(loaded);
}

/* --- core --- */

static void decode_plans(const void *argument)
{
    struct reel_download download = {0};
    struct reel_list_plan list = {0};
    struct reel_error err = {0};
    enum reel_code code = reel_list_plan_decode(argument, NULL, &list, &err);

    if (code == REEL_OK)
        code = reel_download_decode(argument, &download, &err);
    memory_end();
    assert_int_equal(code, memory_failed ? REEL_E_INTERNAL : REEL_OK);
    assert_int_equal(download.blocks_count, code == REEL_OK ? 3 : 0);
    reel_download_finish(&download);
    reel_list_plan_finish(&list);
}

static const struct reel_format format = {
    .rate = 10, .channels = 1, .sample_bytes = 1, .encoding = REEL_PCM};
static const struct reel_place_limits limits = {.max_gap_s = 100, .max_gap_bytes = 1 << 20};

/* The nth of: fragments that follow on, leave gaps, fill them in part, restart. */
static bool place_nth(struct reel_recording *recording, unsigned nth)
{
    static const uint64_t frames[] = {0, 10, 40, 20, 27, 80, 0, 10, 60, 30, 12};
    const struct reel_numbers numbers = {
        .has_frame = true,
        .frame = frames[nth],
        .frames = 5,
        .boot = {.text = {nth < 6 ? 'a' : 'b'}},
    };
    struct reel_placement placement;

    reel_place(recording, &numbers, &limits, &placement);
    return reel_place_apply(recording, &numbers, &placement, 1);
}

enum { PLACED = 11 };

static void place_all(const void *argument)
{
    struct reel_recording recording;
    bool placed = true;

    (void)argument;
    reel_recording_init(&recording, "mic1", "s1", &format, 0);
    for (unsigned nth = 0; nth < PLACED && placed; nth++)
        placed = place_nth(&recording, nth);
    memory_end();
    assert_int_equal(placed, !memory_failed);
    reel_recording_finish(&recording);
}

static void describe_all(const void *argument)
{
    const struct reel_error error = {REEL_E_CONFLICT, "session", "is kept", 0};
    json_t *told[] = {
        reel_describe_recording(argument),
        reel_describe_info(argument),
        reel_describe_ack(argument, NULL, NULL),
        reel_describe_refusal(&error, "mic1", "s1", NULL),
    };
    bool whole = true;

    memory_end();
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        whole = whole && told[i];
        json_decref(told[i]);
    }
    assert_int_equal(whole, !memory_failed);
}

static void merge_tags(const void *argument)
{
    struct reel_recording recording;

    reel_recording_init(&recording, "mic1", "s1", &format, 0);
    reel_recording_merge_tags(&recording, (json_t *)(uintptr_t)argument);
    memory_end();
    if (!memory_failed)
        assert_true(json_equal(recording.tags, argument));
    assert_true(json_object_size(recording.tags) <= json_object_size(argument));
    reel_recording_finish(&recording);
}

static void try_vector(const char *name, void (*attempt)(const void *argument))
{
    struct vector vector;

    vector_load(&vector, name);
    memory_fails_each(attempt, &vector);
    vector_finish(&vector);
}

static void fragments_say_what_failed(void **state)
{
    (void)state;
    try_vector("python-full", decode_fragment);
    try_vector("json-base64", decode_fragment);
    try_vector("json-array", decode_fragment);
}

static void requests_say_what_failed(void **state)
{
    (void)state;
    try_vector("python-request", decode_request);
    try_vector("json-request", decode_request);
}

static void jansson_alters_what_it_has_no_memory_for(void **state)
{
    json_t *whole = json_loads(text, 0, NULL);

    (void)state;
    altered = 0;
    memory_fails_each(load_text, whole);
    assert_true(altered > 0);
    json_decref(whole);
}

static void a_document_is_whole_or_not_encoded(void **state)
{
    json_t *document = json_loads("{\"status\":\"ok\",\"data\":{\"a\":[1,2.5]}}", 0, NULL);

    (void)state;
    memory_fails_each(encode_json, document);
    memory_fails_each(encode_msgpack, document);
    json_decref(document);
}

static void a_response_is_whole_or_none(void **state)
{
    json_t *transaction = json_string("t");

    (void)state;
    memory_fails_each(make_responses, transaction);
    json_decref(transaction);
}

static void a_question_is_whole_or_refused(void **state)
{
    json_t *document = json_loads("{\"device\":\"mic1\",\"session\":\"s1\",\"tags\":{\"a\":1,"
                                  "\"b\":\"x\"},\"blocks\":[0,1,2]}",
                                  0, NULL);

    (void)state;
    memory_fails_each(decode_plans, document);
    json_decref(document);
}

static void a_fragment_that_was_not_placed_is_told(void **state)
{
    (void)state;
    memory_fails_each(place_all, NULL);
}

static void a_description_is_whole_or_none(void **state)
{
    struct reel_recording recording;

    (void)state;
    reel_recording_init(&recording, "mic1", "s1", &format, 0);
    for (unsigned nth = 0; nth < PLACED; nth++)
        assert_true(place_nth(&recording, nth));
    memory_fails_each(describe_all, &recording);
    reel_recording_finish(&recording);
}

static void tags_that_were_not_merged_harm_nothing(void **state)
{
    json_t *tags = json_loads("{\"site\":\"roof\",\"gain\":-3.5,\"machine\":7}", 0, NULL);

    (void)state;
    memory_fails_each(merge_tags, tags);
    json_decref(tags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_say_what_failed),
        cmocka_unit_test(requests_say_what_failed),
        cmocka_unit_test(jansson_alters_what_it_has_no_memory_for),
        cmocka_unit_test(a_document_is_whole_or_not_encoded),
        cmocka_unit_test(a_response_is_whole_or_none),
        cmocka_unit_test(a_question_is_whole_or_refused),
        cmocka_unit_test(a_fragment_that_was_not_placed_is_told),
        cmocka_unit_test(a_description_is_whole_or_none),
        cmocka_unit_test(tags_that_were_not_merged_harm_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
