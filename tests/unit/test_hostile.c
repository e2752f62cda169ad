/* Bytes that strangers could send: the golden messages cut at every byte, and changed at random.
 * Nothing may be read past its end (the sanitizers see to that), and what is taken must be whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "reel/ack.h"
#include "unit/promises.h"
#include "unit/vectors.h"

enum { ROUNDS_PER_VECTOR = 200 };

/* xorshift64*: the same bytes in every run. */
static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static void decode_all(const uint8_t *payload, size_t bytes, const struct reel_envelope *envelope)
{
    struct reel_recorder_range range;
    struct reel_recorder_ack ack = {.missing = {&range, 1, 0}};

    promises_of_fragment(payload, bytes, envelope);
    promises_of_document(payload, bytes);
    reel_recorder_ack_decode(payload, bytes, &ack);
}

static void cut(const struct vector *vector)
{
    bool is_wav = vector->bytes >= 4 && memcmp(vector->payload, "RIFF", 4) == 0;
    size_t step = vector->bytes > 4096 ? 997 : 1;

    for (size_t bytes = 0; bytes < vector->bytes; bytes += step) {
        uint8_t *exact = malloc(bytes ? bytes : 1);

        memcpy(exact, vector->payload, bytes);
        /* A WAV file that is cut short still holds the frames before the cut. */
        if (promises_of_fragment(exact, bytes, &vector->envelope) == REEL_OK && !is_wav &&
            vector_is_good(vector))
            fail_msg("%s is taken at %zu bytes", vector->name, bytes);
        decode_all(exact, bytes, &vector->envelope);
        free(exact);
    }
}

/* Bytes that mean much in MessagePack, JSON and WAV. */
static uint8_t interesting_byte(void)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                    0xc0, 0xc1, 0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcf,
                                    0xd3, 0xd4, 0xd8, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xff,
                                    '{',  '}',  '"',  '[',  '-',  '9',  'e',  '\\', ' '};
    uint64_t random = next_random();

    return random % 4 == 0 ? (uint8_t)(random >> 8) : bytes[(random >> 8) % sizeof bytes];
}

static size_t change(uint8_t *bytes, size_t size)
{
    size_t at = (size_t)(next_random() % size);
    size_t length = (size_t)(1 + next_random() % 8);

    if (length > size - at)
        length = size - at;
    switch (next_random() % 4) {
    case 0: /* one bit */
        bytes[at] ^= (uint8_t)(1u << next_random() % 8);
        return size;
    case 1: /* one byte */
        bytes[at] = interesting_byte();
        return size;
    case 2: /* a piece is missing */
        memmove(bytes + at, bytes + at + length, size - at - length);
        return size - length;
    default: /* a piece stands elsewhere */
        memmove(bytes + next_random() % (size - length + 1), bytes + at, length);
        return size;
    }
}

static void mutate(const struct vector *vector)
{
    if (vector->bytes == 0 || vector->bytes > 4096)
        return;
    random_state = UINT64_C(0x9e3779b97f4a7c15) + vector->bytes;
    for (int round = 0; round < ROUNDS_PER_VECTOR; round++) {
        size_t size = vector->bytes;
        uint8_t *bytes = malloc(size);
        uint8_t *exact;

        memcpy(bytes, vector->payload, size);
        for (uint64_t changes = 1 + next_random() % 4; changes > 0 && size > 0; changes--)
            size = change(bytes, size);
        exact = malloc(size ? size : 1);
        memcpy(exact, bytes, size);
        decode_all(exact, size, &vector->envelope);
        free(exact);
        free(bytes);
    }
}

static void every_cut_is_survived(void **state)
{
    (void)state;
    assert_in_range(vectors_each(cut), 100, 10000);
}

static void twenty_thousand_changes_are_survived(void **state)
{
    (void)state;
    assert_in_range(vectors_each(mutate), 100, 10000);
}

static void headers_of_every_kind_alone_are_survived(void **state)
{
    (void)state;
    for (unsigned head = 0; head < 256; head++) {
        for (unsigned filler = 0; filler < 256; filler += 51) {
            for (size_t bytes = 1; bytes < 24; bytes++) {
                uint8_t *exact = malloc(bytes);

                memset(exact, (int)filler, bytes);
                exact[0] = (uint8_t)head;
                decode_all(exact, bytes, NULL);
                free(exact);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_is_survived),
        cmocka_unit_test(twenty_thousand_changes_are_survived),
        cmocka_unit_test(headers_of_every_kind_alone_are_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
