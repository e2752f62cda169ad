/* Memory that runs out: each allocation of jansson fails once. What comes of it is said as such, as
 * far as jansson lets us know, and nothing leaks (the sanitizers see to that). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/vectors.h"
#include "wire/message.h"

static long allocations_left;
static bool failed;

static void *allocate(size_t bytes)
{
    if (allocations_left-- > 0)
        return malloc(bytes);
    failed = true;
    return NULL;
}

/* Call `attempt` with one allocation more each time, until it does without a failure. */
static void with_every_failure(void (*attempt)(const void *argument), const void *argument)
{
    long most = 0;

    do {
        allocations_left = most++;
        failed = false;
        json_set_alloc_funcs(allocate, free);
        attempt(argument);
        json_set_alloc_funcs(malloc, free);
    } while (failed && most < 10000);
    assert_false(failed);
    assert_true(most > 1);
}

/* jansson 2.14 calls some of its own failures an invalid token; the rest is said as it is. */
static void assert_outcome(enum reel_code code, const struct vector *vector)
{
    bool is_json = strncmp(vector->name, "json-", 5) == 0;

    if (!failed)
        assert_int_equal(code, REEL_OK);
    else if (!is_json)
        assert_int_equal(code, REEL_E_STALLED);
    else
        assert_true(code == REEL_E_STALLED || code == REEL_E_BAD_REQUEST);
}

static void decode_fragment(const void *argument)
{
    const struct vector *vector = argument;
    struct reel_scratch scratch = {0};
    struct reel_fragment fragment;
    enum reel_code code =
        reel_fragment_decode(vector->payload, vector->bytes, NULL, &scratch, &fragment, NULL);

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

    assert_outcome(code, vector);
    json_decref(document);
}

static void encode_document(const void *argument)
{
    struct reel_buffer buffer = {0};
    bool encoded = reel_document_encode(argument, REEL_DOCUMENT_JSON, "blob", 4, &buffer);

    assert_int_equal(encoded, !failed);
    if (!encoded)
        assert_int_equal(buffer.size, 0);
    reel_buffer_finish(&buffer);
}

static void make_responses(const void *argument)
{
    const struct reel_error error = {REEL_E_CONFLICT, "session", "is kept"};
    json_t *good = reel_response(NULL, argument);
    json_t *bad = reel_response_error(&error, argument);

    assert_int_equal(good && bad, !failed);
    json_decref(good);
    json_decref(bad);
}

static void try_vector(const char *name, void (*attempt)(const void *argument))
{
    struct vector vector;

    vector_load(&vector, name);
    with_every_failure(attempt, &vector);
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

static void a_document_is_whole_or_not_encoded(void **state)
{
    json_t *document = json_loads("{\"status\":\"ok\",\"data\":{\"a\":[1,2.5]}}", 0, NULL);

    (void)state;
    with_every_failure(encode_document, document);
    json_decref(document);
}

static void a_response_is_whole_or_none(void **state)
{
    json_t *transaction = json_string("t");

    (void)state;
    with_every_failure(make_responses, transaction);
    json_decref(transaction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_say_what_failed),
        cmocka_unit_test(requests_say_what_failed),
        cmocka_unit_test(a_document_is_whole_or_not_encoded),
        cmocka_unit_test(a_response_is_whole_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
