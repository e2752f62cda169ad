/* WAV headers against bytes written down from the specifications: RIFF WAVE (Microsoft, mmreg.h),
 * RF64 (EBU Tech 3306), bext (EBU Tech 3285 version 1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/timestamp.h"
#include "core/wav_header.h"

#define UNKNOWN_4 0xFF, 0xFF, 0xFF, 0xFF

static const struct reel_format speech = {16000, 1, 2, REEL_PCM};

static struct reel_recording example(struct reel_format format)
{
    struct reel_recording recording = {
        .id = 0x0123456789abcdefull,
        .device = "mic-1",
        .session = "2026-01-02",
        .format = format,
    };

    assert_true(reel_time_parse("2026-01-02T03:04:05.500000Z", &recording.started_us));
    return recording;
}

static uint64_t little_endian(const uint8_t *at, int bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

static void test_view_pcm_is_the_classic_44_bytes(void **state)
{
    static const uint8_t expected[44] = {
        'R',  'I',  'F', 'F', 0x38, 0,    0, 0, 'W', 'A', 'V', 'E', /* 36 + 20 */
        'f',  'm',  't', ' ', 16,   0,    0, 0, 1,   0,   1,   0,   /* PCM, one channel */
        0x80, 0x3E, 0,   0,   0x00, 0x7D, 0, 0, 2,   0,   16,  0,   /* 16000, 32000 bytes/s */
        'd',  'a',  't', 'a', 20,   0,    0, 0,
    };
    uint8_t header[REEL_WAV_VIEW_HEADER_MAX];

    (void)state;
    assert_int_equal(reel_wav_view_header(&speech, 10, NULL, 0, header), 44);
    assert_memory_equal(header, expected, sizeof expected);
}

static void test_view_counts_the_pad_byte_in_riff_only(void **state)
{
    const struct reel_format bytes = {8000, 1, 1, REEL_PCM};
    uint8_t header[REEL_WAV_VIEW_HEADER_MAX];

    (void)state;
    assert_int_equal(reel_wav_view_header(&bytes, 3, NULL, 0, header), 44);
    assert_int_equal(little_endian(header + 4, 4), 36 + 3 + 1);
    assert_int_equal(little_endian(header + 40, 4), 3);
}

static void test_view_float_has_cbsize_and_fact(void **state)
{
    static const uint8_t expected[58] = {
        'R',  'I',  'F', 'F', 90,   0,    0,    0, 'W', 'A', 'V', 'E', /* 58 - 8 + 40 */
        'f',  'm',  't', ' ', 18,   0,    0,    0, 3,   0,   2,   0,   /* IEEE float, stereo */
        0x80, 0xBB, 0,   0,   0x00, 0xDC, 0x05, 0, 8,   0,   32,  0,
        0,    0,                                                     /* 48000, 384000, cbSize 0 */
        'f',  'a',  'c', 't', 4,    0,    0,    0, 5,   0,   0,   0, /* 5 frames */
        'd',  'a',  't', 'a', 40,   0,    0,    0,
    };
    const struct reel_format format = {48000, 2, 4, REEL_FLOAT};
    uint8_t header[REEL_WAV_VIEW_HEADER_MAX];

    (void)state;
    assert_int_equal(reel_wav_view_header(&format, 5, NULL, 0, header), 58);
    assert_memory_equal(header, expected, sizeof expected);
}

static void test_view_companded_tags(void **state)
{
    uint8_t header[REEL_WAV_VIEW_HEADER_MAX];

    (void)state;
    reel_wav_view_header(&(struct reel_format){8000, 1, 1, REEL_ALAW}, 1, NULL, 0, header);
    assert_int_equal(little_endian(header + 20, 2), 6);
    reel_wav_view_header(&(struct reel_format){8000, 1, 1, REEL_ULAW}, 1, NULL, 0, header);
    assert_int_equal(little_endian(header + 20, 2), 7);
}

static void test_view_of_many_channels_is_extensible(void **state)
{
    static const uint8_t fmt[48] = {
        'f',  'm',  't',  ' ',  40,   0,    0,    0, 0xFE, 0xFF, 8,  0, /* EXTENSIBLE, 8 channels */
        0x80, 0xBB, 0,    0,    0x00, 0x94, 0x11, 0, 24,   0,    24, 0, /* 48000, 1152000, 24, 24 */
        22,   0,    24,   0,    0,    0,    0,    0, /* valid bits, no speakers */
        1,    0,    0,    0,    0,    0,    0x10, 0, 0x80, 0,    0,  0xAA,
        0,    0x38, 0x9B, 0x71, /* SUBTYPE_PCM */
    };
    const struct reel_format format = {48000, 8, 3, REEL_PCM};
    uint8_t header[REEL_WAV_VIEW_HEADER_MAX];

    (void)state;
    assert_int_equal(reel_wav_view_header(&format, 1, NULL, 0, header), 12 + 48 + 8);
    assert_memory_equal(header + 12, fmt, sizeof fmt);
}

/* EBU Tech 3306: RF64, 32-bit sizes all ones, ds64 (28 bytes) the first chunk. */
static void test_view_past_4_gib_is_rf64(void **state)
{
    static const uint8_t start[48] = {
        'R', 'F', '6', '4',  UNKNOWN_4, 'W', 'A', 'V', 'E', 'd', 's', '6', '4',
        28,  0,   0,   0,    72,        0,   0,   0,   1,   0,   0,   0, /* riff: 2^32 + 80 - 8 */
        0,   0,   0,   0,    1,         0,   0,   0,                     /* data: 2^32 */
        0,   0,   0,   0x80, 0,         0,   0,   0,                     /* samples: 2^31 */
        0,   0,   0,   0,
    };
    static const uint8_t end[8] = {'d', 'a', 't', 'a', UNKNOWN_4};
    uint8_t header[REEL_WAV_VIEW_HEADER_MAX];

    (void)state;
    assert_int_equal(reel_wav_view_header(&speech, 1ull << 31, NULL, 0, header), 80);
    assert_memory_equal(header, start, sizeof start);
    assert_memory_equal(header + 72, end, sizeof end);
}

static void test_longest_view_header_fits(void **state)
{
    const struct reel_format format = {768000, 64, 8, REEL_FLOAT};
    uint8_t header[REEL_WAV_VIEW_HEADER_MAX];

    (void)state;
    assert_int_equal(reel_wav_view_header(&format, 1ull << 40, NULL, 0, header),
                     12 + 36 + 48 + 12 + 8);
}

static void test_file_header_plain_chunks(void **state)
{
    struct reel_recording recording = example(speech);
    uint8_t header[REEL_WAV_DATA_OFFSET];
    size_t at = 12;

    (void)state;
    reel_wav_file_header(&recording, 100, REEL_WAV_SIZES_PLAIN, header);
    assert_memory_equal(header, "RIFF", 4);
    assert_int_equal(little_endian(header + 4, 4), 1024 - 8 + 200);
    assert_memory_equal(header + 8, "WAVE", 4);

    assert_memory_equal(header + at, "JUNK\x1c\0\0\0", 8); /* room for ds64 */
    at += 8 + 28;
    assert_memory_equal(header + at, "fmt \x10\0\0\0", 8);
    at += 8 + 16;
    assert_memory_equal(header + at, "bext\x5a\x02\0\0", 8); /* 602 */
    at += 8 + 602;
    assert_memory_equal(header + at, "JUNK", 4);
    at += 8 + (size_t)little_endian(header + at + 4, 4);
    assert_int_equal(at, 1016);
    assert_memory_equal(header + at, "data\xc8\0\0\0", 8);
}

static void test_file_header_bext_fields(void **state)
{
    struct reel_recording recording = example(speech);
    uint8_t header[REEL_WAV_DATA_OFFSET];
    const uint8_t *bext = header + 12 + 36 + 24 + 8;

    (void)state;
    reel_wav_file_header(&recording, 0, REEL_WAV_SIZES_PLAIN, header);
    assert_string_equal((const char *)bext, "mic-1/2026-01-02");
    assert_string_equal((const char *)bext + 256, "reel");
    assert_memory_equal(bext + 288, "0123456789abcdef", 16);
    assert_int_equal(bext[288 + 16], 0);
    assert_memory_equal(bext + 320, "2026-01-02", 10);
    assert_memory_equal(bext + 330, "03:04:05", 8);
    assert_int_equal(little_endian(bext + 338, 8), (3 * 3600 + 4 * 60 + 5) * 16000 + 8000);
    assert_int_equal(little_endian(bext + 346, 2), 1);
    for (size_t i = 348; i < 602; i++)
        assert_int_equal(bext[i], 0);
}

static void test_file_header_time_reference_is_64_bits_wide(void **state)
{
    struct reel_recording recording = example((struct reel_format){768000, 1, 2, REEL_PCM});
    uint8_t header[REEL_WAV_DATA_OFFSET];
    struct reel_wav_info info;

    (void)state;
    assert_true(reel_time_parse("2026-01-02T23:59:59.000000Z", &recording.started_us));
    reel_wav_file_header(&recording, 0, REEL_WAV_SIZES_PLAIN, header);
    assert_int_equal(little_endian(header + 80 + 338, 8), 86399ull * 768000);
    assert_true(reel_wav_parse(header, sizeof header, &info));
    assert_true(info.started_us == recording.started_us);
}

static void test_file_header_float_has_fact_before_bext(void **state)
{
    struct reel_recording recording = example((struct reel_format){48000, 3, 8, REEL_FLOAT});
    uint8_t header[REEL_WAV_DATA_OFFSET];

    (void)state;
    reel_wav_file_header(&recording, 7, REEL_WAV_SIZES_PLAIN, header);
    assert_memory_equal(header + 48, "fmt \x28\0\0\0\xfe\xff\x03\0", 12);
    assert_int_equal(little_endian(header + 48 + 8 + 24, 2), 3); /* SUBTYPE_IEEE_FLOAT */
    assert_memory_equal(header + 96, "fact\x04\0\0\0\x07\0\0\0", 12);
    assert_memory_equal(header + 108, "bext", 4);
    assert_memory_equal(header + 1016, "data\xa8\0\0\0", 8); /* 7 * 24 */
}

static void test_file_header_crossing_then_rf64(void **state)
{
    struct reel_recording recording = example(speech);
    uint8_t crossing[REEL_WAV_DATA_OFFSET];
    uint8_t rf64[REEL_WAV_DATA_OFFSET];
    const uint64_t frames = 3ull << 30;

    (void)state;
    reel_wav_file_header(&recording, frames, REEL_WAV_SIZES_CROSSING, crossing);
    assert_memory_equal(crossing, "RIFF\xff\xff\xff\xff", 8);
    assert_memory_equal(crossing + 12, "JUNK", 4);
    assert_memory_equal(crossing + 1016, "data\xff\xff\xff\xff", 8);

    reel_wav_file_header(&recording, frames, REEL_WAV_SIZES_RF64, rf64);
    assert_memory_equal(rf64, "RF64\xff\xff\xff\xff", 8);
    assert_memory_equal(rf64 + 12, "ds64\x1c\0\0\0", 8);
    assert_int_equal(little_endian(rf64 + 20, 8), 1024 - 8 + frames * 2);
    assert_int_equal(little_endian(rf64 + 28, 8), frames * 2);
    assert_int_equal(little_endian(rf64 + 36, 8), frames);
    assert_int_equal(little_endian(rf64 + 44, 4), 0);
    assert_memory_equal(rf64 + 1016, "data\xff\xff\xff\xff", 8);
    /* What changes between the two lies in one sector, so a torn write leaves one or the other. */
    assert_memory_equal(rf64 + 48, crossing + 48, REEL_WAV_DATA_OFFSET - 48);
}

/* A RIFF size is 32 bits wide, and all ones means something else. */
static void test_sizes_switch_where_32_bits_end(void **state)
{
    const struct reel_format bytes = {8000, 1, 1, REEL_PCM};
    const uint64_t most = 0xFFFFFFFEull - 1016;

    (void)state;
    assert_int_equal(reel_wav_sizes_for(&bytes, most), REEL_WAV_SIZES_PLAIN);
    assert_int_equal(reel_wav_sizes_for(&bytes, most + 1), REEL_WAV_SIZES_RF64);
    assert_int_equal(reel_wav_file_bytes(&bytes, 3), 1024 + 3 + 1);
    assert_int_equal(reel_wav_file_bytes(&speech, 3), 1024 + 6);
}

static void test_parse_reads_our_own(void **state)
{
    struct reel_recording recording = example((struct reel_format){44100, 2, 3, REEL_PCM});
    uint8_t header[REEL_WAV_DATA_OFFSET];
    struct reel_wav_info info;

    (void)state;
    reel_wav_file_header(&recording, 11, REEL_WAV_SIZES_PLAIN, header);
    assert_true(reel_wav_parse(header, sizeof header, &info));
    assert_true(reel_format_equal(&info.format, &recording.format));
    assert_int_equal(info.data_bytes, 66);
    assert_int_equal(info.data_offset, 1024);
    assert_true(info.id == recording.id);
    assert_string_equal(info.device, "mic-1");
    assert_string_equal(info.session, "2026-01-02");
    assert_true(info.started_us == recording.started_us);

    reel_wav_file_header(&recording, 1ull << 31, REEL_WAV_SIZES_CROSSING, header);
    assert_true(reel_wav_parse(header, sizeof header, &info));
    assert_true(info.data_bytes == UINT64_MAX);

    reel_wav_file_header(&recording, 1ull << 31, REEL_WAV_SIZES_RF64, header);
    assert_true(reel_wav_parse(header, sizeof header, &info));
    assert_int_equal(info.data_bytes, 6ull << 31);
}

static void test_parse_reads_a_stranger(void **state)
{
    /* An odd chunk with its pad byte, then fmt and data; no bext. */
    static const uint8_t head[] = {
        'R', 'I', 'F', 'F', 100, 0, 0,   0,   'W',  'A',  'V', 'E', 'L',  'I',
        'S', 'T', 3,   0,   0,   0, 'a', 'b', 'c',  0,    'f', 'm', 't',  ' ',
        16,  0,   0,   0,   1,   0, 2,   0,   0x44, 0xAC, 0,   0,   0x10, 0xB1,
        2,   0,   4,   0,   16,  0, 'd', 'a', 't',  'a',  40,  0,   0,    0,
    };
    struct reel_wav_info info;

    (void)state;
    assert_true(reel_wav_parse(head, sizeof head, &info));
    assert_int_equal(info.format.rate, 44100);
    assert_int_equal(info.format.channels, 2);
    assert_int_equal(info.format.sample_bytes, 2);
    assert_int_equal(info.data_offset, sizeof head);
    assert_int_equal(info.data_bytes, 40);
    assert_int_equal(info.id, 0);
    assert_string_equal(info.device, "");
}

static void test_parse_refuses_what_is_none(void **state)
{
    struct reel_recording recording = example(speech);
    uint8_t header[REEL_WAV_DATA_OFFSET];
    struct reel_wav_info info;

    (void)state;
    reel_wav_file_header(&recording, 1, REEL_WAV_SIZES_PLAIN, header);
    for (size_t bytes = 0; bytes < REEL_WAV_DATA_OFFSET; bytes++) {
        uint8_t copy[REEL_WAV_DATA_OFFSET];

        memcpy(copy, header, bytes);
        memset(copy + bytes, 0, sizeof copy - bytes);
        assert_false(reel_wav_parse(copy, bytes, &info));
    }
    header[0] = 'X';
    assert_false(reel_wav_parse(header, sizeof header, &info));
    header[0] = 'R';
    header[48 + 8] = 2; /* ADPCM */
    assert_false(reel_wav_parse(header, sizeof header, &info));
    header[48 + 8] = 1;
    header[48 + 8 + 12] = 3; /* block alignment that contradicts channels and bits */
    assert_false(reel_wav_parse(header, sizeof header, &info));
}

static void test_parse_takes_no_names_from_a_strange_bext(void **state)
{
    struct reel_recording recording = example(speech);
    uint8_t header[REEL_WAV_DATA_OFFSET];
    uint8_t *bext = header + 12 + 36 + 24 + 8;
    struct reel_wav_info info;

    (void)state;
    reel_wav_file_header(&recording, 1, REEL_WAV_SIZES_PLAIN, header);
    memcpy(bext, "../../etc", 10);
    assert_true(reel_wav_parse(header, sizeof header, &info));
    assert_string_equal(info.device, "");
    assert_int_equal(info.id, 0);

    memset(bext, 'a', 256); /* no terminator, no slash */
    assert_true(reel_wav_parse(header, sizeof header, &info));
    assert_string_equal(info.device, "");
}

/* Seen by the sanitizers: nothing behind the bytes given is read. */
static void test_parse_does_not_trust_a_short_bext(void **state)
{
    static const uint8_t head[] = {
        'R',  'I',  'F', 'F', 100, 0, 0,   0,   'W', 'A', 'V',  'E',  'f', 'm',
        't',  ' ',  16,  0,   0,   0, 1,   0,   1,   0,   0x40, 0x1F, 0,   0,
        0x80, 0x3E, 0,   0,   2,   0, 16,  0,   'b', 'e', 'x',  't',  4,   0,
        0,    0,    'a', '/', 'b', 0, 'd', 'a', 't', 'a', 0,    0,    0,   0,
    };
    struct reel_wav_info info;
    uint8_t *copy = malloc(sizeof head);

    (void)state;
    assert_non_null(copy);
    memcpy(copy, head, sizeof head);
    assert_true(reel_wav_parse(copy, sizeof head, &info));
    assert_string_equal(info.device, "");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_pcm_is_the_classic_44_bytes),
        cmocka_unit_test(test_view_counts_the_pad_byte_in_riff_only),
        cmocka_unit_test(test_view_float_has_cbsize_and_fact),
        cmocka_unit_test(test_view_companded_tags),
        cmocka_unit_test(test_view_of_many_channels_is_extensible),
        cmocka_unit_test(test_view_past_4_gib_is_rf64),
        cmocka_unit_test(test_longest_view_header_fits),
        cmocka_unit_test(test_file_header_plain_chunks),
        cmocka_unit_test(test_file_header_bext_fields),
        cmocka_unit_test(test_file_header_time_reference_is_64_bits_wide),
        cmocka_unit_test(test_file_header_float_has_fact_before_bext),
        cmocka_unit_test(test_file_header_crossing_then_rf64),
        cmocka_unit_test(test_sizes_switch_where_32_bits_end),
        cmocka_unit_test(test_parse_reads_our_own),
        cmocka_unit_test(test_parse_reads_a_stranger),
        cmocka_unit_test(test_parse_refuses_what_is_none),
        cmocka_unit_test(test_parse_takes_no_names_from_a_strange_bext),
        cmocka_unit_test(test_parse_does_not_trust_a_short_bext),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
