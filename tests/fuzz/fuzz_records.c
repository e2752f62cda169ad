/* Fuzz: what is read back from disks and by firmware: a spool's records, the head of a WAV file, an
 * acknowledgement. The input: a byte that chooses which, then its bytes. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/spool_record.h"
#include "core/wav_header.h"
#include "reel/ack.h"
#include "fuzz/fuzz.h"

/* Set the sum of the record at the beginning right: no fuzzer finds one. */
static void put_sum(uint8_t *bytes, size_t size)
{
    size_t record_bytes = size >= REEL_SPOOL_HEAD_BYTES ? reel_spool_record_bytes(bytes) : 0;

    if (record_bytes == 0 || record_bytes > size)
        return;
    uint64_t sum = XXH64(bytes + 12, record_bytes - 12, 0);
    for (size_t i = 0; i < sizeof sum; i++)
        bytes[4 + i] = (uint8_t)(sum >> (8 * i));
}

/* What was read, written again, is read as the same. */
static void encode(const struct reel_spool_record *record, uint8_t *out)
{
    if (record->kind == REEL_SPOOL_LANE)
        reel_spool_lane_encode(&record->lane, out);
    else
        reel_spool_fragment_encode(&record->fragment, out);
}

static void assert_encodes(const struct reel_spool_record *record)
{
    uint8_t *once = malloc(record->bytes), *twice = malloc(record->bytes);
    struct reel_spool_record again;

    encode(record, once);
    assert_true(reel_spool_record_decode(once, record->bytes, &again));
    assert_int_equal(again.kind, record->kind);
    assert_int_equal(again.bytes, record->bytes);
    encode(&again, twice);
    assert_memory_equal(once, twice, record->bytes);
    once[record->bytes - 1] ^= 1;
    assert_false(reel_spool_record_decode(once, record->bytes, &again));
    free(once);
    free(twice);
}

static void spool(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size ? size : 1);
    struct reel_spool_record record;
    size_t next;

    if (size > 0)
        memcpy(bytes, data, size);
    put_sum(bytes, size);
    for (size_t at = reel_spool_record_find(bytes, size, 0); at < size;
         at = reel_spool_record_find(bytes, size, next)) {
        assert_true(reel_spool_record_decode(bytes + at, size - at, &record));
        assert_in_range(record.bytes, REEL_SPOOL_HEAD_BYTES, size - at);
        assert_encodes(&record);
        next = at + record.bytes;
    }
    free(bytes);
}

static void wav_head(const uint8_t *bytes, size_t size)
{
    struct reel_wav_info info;

    if (!reel_wav_parse(bytes, size, &info))
        return;
    assert_int_equal(reel_format_check(&info.format, NULL), REEL_OK);
    assert_in_range(info.data_offset, 12, size);
    assert_true(!info.device[0] || reel_name_valid(info.device, strlen(info.device)));
    assert_true(!info.session[0] || reel_name_valid(info.session, strlen(info.session)));
}

static void acknowledgement(const uint8_t *bytes, size_t size)
{
    struct reel_recorder_range ranges[3];
    struct reel_recorder_ack ack = {
        .missing = {ranges, 1, 0},
        .missing_frames = {ranges + 1, 1, 0},
        .lost = {ranges + 2, 1, 0},
    };

    if (!reel_recorder_ack_decode(bytes, size, &ack))
        return;
    assert_true(memchr(ack.device, '\0', sizeof ack.device) != NULL);
    assert_true(memchr(ack.session, '\0', sizeof ack.session) != NULL);
    assert_true(memchr(ack.boot, '\0', sizeof ack.boot) != NULL);
    assert_true(memchr(ack.code, '\0', sizeof ack.code) != NULL);
    assert_true(memchr(ack.message, '\0', sizeof ack.message) != NULL);
    if (ack.ok && ack.has_seq && ack.seq < UINT64_MAX)
        assert_int_equal(reel_recorder_ack_fate(&ack, ack.seq + 1), REEL_RECORDER_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static void (*const decoders[])(const uint8_t *bytes, size_t size) = {spool, wav_head,
                                                                          acknowledgement};
    struct input input = {data, bytes};
    uint8_t choice = input_byte(&input);

    decoders[choice % 3](input.at, input.left);
    return 0;
}
