/* Fuzz: the guard. What it lets pass msgpack-c unpacks whole, within the memory that hostile.py
 * allows one allocation, and it is one value of tokens; packed again it passes again. */
#include <msgpack.h>

#include "wire/guard.h"
#include "fuzz/fuzz.h"

/* The tokens at the reader's end, one value, nested; how many there are. */
static size_t walk(struct reel_token_reader *reader, unsigned depth)
{
    struct reel_token token;
    size_t count = 1;
    uint64_t inside = 0;

    assert_true(depth <= REEL_NESTING_MAX);
    assert_true(reel_token_next(reader, &token));
    if (token.kind == REEL_TOKEN_ARRAY || token.kind == REEL_TOKEN_MAP)
        inside = token.kind == REEL_TOKEN_MAP ? 2ull * token.count : token.count;
    for (uint64_t i = 0; i < inside; i++)
        count += walk(reader, depth + 1);
    return count;
}

static void unpacks(const uint8_t *data, size_t bytes)
{
    msgpack_unpacked unpacked;
    msgpack_sbuffer packed;
    msgpack_packer packer;
    size_t offset = 0;

    msgpack_unpacked_init(&unpacked);
    assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)data, bytes, &offset),
                     MSGPACK_UNPACK_SUCCESS);
    assert_int_equal(offset, bytes);
    msgpack_sbuffer_init(&packed);
    msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
    assert_int_equal(msgpack_pack_object(&packer, unpacked.data), 0);
    assert_int_equal(reel_guard_check((uint8_t *)packed.data, packed.size, NULL), REEL_OK);
    msgpack_sbuffer_destroy(&packed);
    msgpack_unpacked_destroy(&unpacked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct reel_token_reader skipped = {data, data + bytes}, walked = skipped;
    struct reel_error err = {.code = REEL_OK}, again = {.code = REEL_OK};
    enum reel_code code = reel_guard_check(data, bytes, &err);

    assert_int_equal(reel_guard_check(data, bytes, &again), code);
    assert_string_equal(err.message, again.message);
    if (code != REEL_OK) {
        assert_int_equal(code, REEL_E_BAD_REQUEST);
        assert_error(code, &err);
        return 0;
    }
    assert_true(reel_token_skip(&skipped));
    assert_ptr_equal(skipped.at, data + bytes);
    assert_in_range(walk(&walked, 0), 1, bytes);
    assert_ptr_equal(walked.at, data + bytes);
    unpacks(data, bytes);
    return 0;
}
