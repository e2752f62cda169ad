/* Fragments as small WAV files: chunks with sizes that are wrong, and numbers in properties. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/fragment.h"

enum { HEADER_BYTES = 44 };

/* A WAV file as a satellite makes it: RIFF, fmt of 16 bytes, data. */
struct wav {
    uint8_t bytes[256];
    size_t size;
};

static void put(struct wav *wav, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        wav->bytes[wav->size++] = (uint8_t)(value >> (8 * i));
}

static void put_id(struct wav *wav, const char *id)
{
    memcpy(wav->bytes + wav->size, id, 4);
    wav->size += 4;
}

static void put_fmt(struct wav *wav, unsigned tag, unsigned channels, unsigned rate, unsigned bits)
{
    put_id(wav, "fmt ");
    put(wav, 16, 4);
    put(wav, tag, 2);
    put(wav, channels, 2);
    put(wav, rate, 4);
    put(wav, (uint64_t)rate * channels * bits / 8, 4);
    put(wav, channels * bits / 8, 2);
    put(wav, bits, 2);
}

static struct wav wav_begin(void)
{
    struct wav wav = {.size = 0};

    put_id(&wav, "RIFF");
    put(&wav, 0, 4);
    put_id(&wav, "WAVE");
    return wav;
}

static void put_data(struct wav *wav, uint32_t declared, size_t present)
{
    put_id(wav, "data");
    put(wav, declared, 4);
    for (size_t i = 0; i < present; i++)
        put(wav, i + 1, 1);
}

static struct wav mono16(uint32_t declared, size_t present)
{
    struct wav wav = wav_begin();

    put_fmt(&wav, 1, 1, 16000, 16);
    put_data(&wav, declared, present);
    return wav;
}

struct decoded {
    struct reel_scratch scratch;
    struct reel_fragment fragment;
    struct reel_error err;
    uint8_t *exact;
};

static enum reel_code decode(struct decoded *decoded, const struct wav *wav,
                             const struct reel_property *properties, size_t count)
{
    const struct reel_envelope envelope = {"audio/wav", properties, count};

    memset(decoded, 0, sizeof *decoded);
    decoded->exact = malloc(wav->size);
    memcpy(decoded->exact, wav->bytes, wav->size);
    return reel_fragment_decode(decoded->exact, wav->size, &envelope, &decoded->scratch,
                                &decoded->fragment, &decoded->err);
}

static void finish(struct decoded *decoded)
{
    reel_fragment_finish(&decoded->fragment);
    reel_scratch_finish(&decoded->scratch);
    free(decoded->exact);
}

static void assert_frames(struct wav wav, uint32_t frames)
{
    struct decoded decoded;

    if (decode(&decoded, &wav, NULL, 0) != REEL_OK)
        fail_msg("%s (%s)", decoded.err.message, decoded.err.field);
    assert_int_equal(decoded.fragment.kind, REEL_PAYLOAD_WAV);
    assert_int_equal(decoded.fragment.numbers.frames, frames);
    assert_int_equal(decoded.fragment.data_bytes,
                     frames * reel_format_frame_bytes(&decoded.fragment.format));
    finish(&decoded);
}

static void assert_refused(struct wav wav, const char *field)
{
    struct decoded decoded;

    assert_int_equal(decode(&decoded, &wav, NULL, 0), REEL_E_BAD_REQUEST);
    assert_string_equal(decoded.err.field, field);
    finish(&decoded);
}

static void the_header_gives_the_format(void **state)
{
    struct wav wav = mono16(4, 4);
    struct decoded decoded;

    (void)state;
    assert_int_equal(decode(&decoded, &wav, NULL, 0), REEL_OK);
    assert_int_equal(decoded.fragment.format.rate, 16000);
    assert_int_equal(decoded.fragment.format.channels, 1);
    assert_int_equal(decoded.fragment.format.sample_bytes, 2);
    assert_int_equal(decoded.fragment.format.encoding, REEL_PCM);
    assert_memory_equal(decoded.fragment.data, "\x01\x02\x03\x04", 4);
    assert_string_equal(decoded.fragment.session, "");
    finish(&decoded);
}

static void assert_format(struct wav wav, enum reel_encoding encoding, unsigned sample_bytes)
{
    struct decoded decoded;

    put_data(&wav, 16, 16);
    assert_int_equal(decode(&decoded, &wav, NULL, 0), REEL_OK);
    assert_int_equal(decoded.fragment.format.encoding, encoding);
    assert_int_equal(decoded.fragment.format.sample_bytes, sample_bytes);
    finish(&decoded);
}

static struct wav with_fmt(unsigned tag, unsigned channels, unsigned bits)
{
    struct wav wav = wav_begin();

    put_fmt(&wav, tag, channels, 8000, bits);
    return wav;
}

static struct wav extensible(unsigned tag, unsigned bits, uint8_t guid_last)
{
    static const uint8_t guid[14] = {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71};
    struct wav wav = with_fmt(0xFFFE, 1, bits);

    wav.bytes[16] = 40;
    put(&wav, 22, 2);
    put(&wav, bits, 2);
    put(&wav, 4, 4);
    put(&wav, tag, 2);
    memcpy(wav.bytes + wav.size, guid, sizeof guid);
    wav.size += sizeof guid;
    wav.bytes[wav.size - 1] = guid_last;
    return wav;
}

static void every_encoding_has_its_tag(void **state)
{
    struct wav packed = with_fmt(1, 1, 24);

    (void)state;
    assert_format(with_fmt(1, 1, 8), REEL_PCM, 1);
    assert_format(with_fmt(1, 2, 16), REEL_PCM, 2);
    assert_format(with_fmt(1, 1, 32), REEL_PCM, 4);
    assert_format(with_fmt(3, 1, 32), REEL_FLOAT, 4);
    assert_format(with_fmt(3, 1, 64), REEL_FLOAT, 8);
    assert_format(with_fmt(6, 1, 8), REEL_ALAW, 1);
    assert_format(with_fmt(7, 1, 8), REEL_ULAW, 1);
    assert_format(extensible(1, 16, 0x71), REEL_PCM, 2);
    assert_format(extensible(3, 32, 0x71), REEL_FLOAT, 4);
    assert_refused(extensible(1, 16, 0x72), "metadata.audio.encoding");
    assert_refused(with_fmt(0x55, 1, 16), "metadata.audio.encoding");
    packed.bytes[32] = 4; /* block align: 24 bits in four bytes */
    assert_format(packed, REEL_PCM, 4);
}

static void a_wrong_size_is_no_reason_to_refuse(void **state)
{
    struct wav listed = wav_begin();
    struct wav long_list = wav_begin();

    (void)state;
    assert_frames(mono16(8, 8), 4);
    assert_frames(mono16(1024, 8), 4);       /* more declared than sent */
    assert_frames(mono16(1024, 9), 4);       /* the cut left half a frame */
    assert_frames(mono16(4, 8), 2);          /* other chunks may follow */
    assert_frames(mono16(0, 8), 4);          /* written to a pipe */
    assert_frames(mono16(UINT32_MAX, 8), 4); /* the same */
    assert_frames(mono16(0x7fffffff, 9), 4);
    put_fmt(&listed, 1, 1, 16000, 16);
    put_id(&listed, "LIST");
    put(&listed, 3, 4);
    put(&listed, 0x61626364, 4); /* three bytes and a pad */
    put_data(&listed, 4, 4);
    assert_frames(listed, 2);
    put_fmt(&long_list, 1, 1, 16000, 16);
    put_id(&long_list, "LIST");
    put(&long_list, 4000, 4);
    put_data(&long_list, 4, 4);
    assert_refused(long_list, "data");
}

static void rf64_takes_its_size_from_ds64(void **state)
{
    struct wav wav = {.size = 0};

    (void)state;
    put_id(&wav, "RF64");
    put(&wav, UINT32_MAX, 4);
    put_id(&wav, "WAVE");
    put_id(&wav, "ds64");
    put(&wav, 28, 4);
    put(&wav, 0, 8);
    put(&wav, 6, 8);
    put(&wav, 3, 8);
    put(&wav, 0, 4);
    put_fmt(&wav, 1, 1, 16000, 16);
    put_data(&wav, UINT32_MAX, 10);
    assert_frames(wav, 3);
}

static void what_is_no_audio_is_refused(void **state)
{
    struct wav contradiction = mono16(4, 4);
    struct wav no_fmt = wav_begin();
    struct wav no_data = with_fmt(1, 1, 16);
    struct wav no_wave = mono16(4, 4);

    (void)state;
    assert_refused(mono16(3, 3), "data"); /* a true size, and half a frame */
    assert_refused(mono16(3, 8), "data");
    assert_refused(mono16(0, 0), "data");
    assert_refused(mono16(1024, 1), "data");
    assert_refused(with_fmt(1, 0, 16), "metadata.audio.channels");
    assert_refused(with_fmt(1, 65, 16), "metadata.audio.channels");
    assert_refused(with_fmt(1, 1, 0), "metadata.audio.sample_size");
    assert_refused(with_fmt(1, 1, 160), "metadata.audio.sample_size");
    contradiction.bytes[32] = 3;
    assert_refused(contradiction, "metadata.audio.sample_size");
    put_data(&no_fmt, 4, 4);
    assert_refused(no_fmt, "payload");
    assert_refused(no_data, "data");
    memcpy(no_wave.bytes + 8, "AVI ", 4);
    assert_refused(no_wave, "payload");
}

/* Every cut ends in an error, or in the whole frames that are left. */
static void truncation_keeps_whole_frames(void **state)
{
    struct wav wav = mono16(8, 8);
    size_t full = wav.size;

    (void)state;
    for (wav.size = 4; wav.size <= full; wav.size++) {
        struct decoded decoded;
        enum reel_code code = decode(&decoded, &wav, NULL, 0);

        if (wav.size < HEADER_BYTES + 2)
            assert_int_equal(code, REEL_E_BAD_REQUEST);
        else
            assert_int_equal(decoded.fragment.numbers.frames, (wav.size - HEADER_BYTES) / 2);
        finish(&decoded);
    }
}

static void the_numbers_come_as_properties(void **state)
{
    static const struct reel_property properties[] = {
        {"session", "s1"}, {"seq", "007"},  {"frame", "4611686018427387903"},
        {"time", "17"},    {"boot", "b-1"}, {"end", "true"},
        {"reply_to", "r"}, {"other", "x"},  {"id", "no"},
    };
    struct wav wav = mono16(4, 4);
    struct decoded decoded;

    (void)state;
    assert_int_equal(decode(&decoded, &wav, properties, sizeof properties / sizeof *properties),
                     REEL_OK);
    assert_string_equal(decoded.fragment.session, "s1");
    assert_true(decoded.fragment.numbers.has_seq);
    assert_int_equal(decoded.fragment.numbers.seq, 7);
    assert_true(decoded.fragment.numbers.has_frame);
    assert_int_equal(decoded.fragment.numbers.frame, 4611686018427387903);
    assert_true(decoded.fragment.has_time);
    assert_int_equal(decoded.fragment.time_us, 17);
    assert_string_equal(decoded.fragment.numbers.boot.text, "b-1");
    assert_true(decoded.fragment.numbers.end);
    assert_string_equal(decoded.fragment.reply_to, "r");
    finish(&decoded);
}

static void the_end_may_be_empty(void **state)
{
    static const char *const ends[] = {"true", "1", "false", "0"};
    struct wav wav = mono16(0, 0);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct reel_property end = {"end", ends[i]};
        struct decoded decoded;
        enum reel_code code = decode(&decoded, &wav, &end, 1);

        assert_int_equal(code, i < 2 ? REEL_OK : REEL_E_BAD_REQUEST);
        assert_int_equal(decoded.fragment.numbers.end, i < 2);
        finish(&decoded);
    }
}

static void a_property_at_fault_is_named(void **state)
{
    static const struct reel_property properties[] = {
        {"session", "a b"},
        {"session", ""},
        {"seq", ""},
        {"seq", "-1"},
        {"seq", "+1"},
        {"seq", " 1"},
        {"seq", "1.0"},
        {"seq", "0x10"},
        {"seq", "4611686018427387904"},
        {"seq", "18446744073709551616"},
        {"frame", "1e3"},
        {"time", "now"},
        {"end", "yes"},
        {"end", ""},
        {"boot", ""},
    };
    struct wav wav = mono16(4, 4);

    (void)state;
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        struct decoded decoded;

        if (decode(&decoded, &wav, &properties[i], 1) != REEL_E_BAD_REQUEST)
            fail_msg("taken: %s = '%s'", properties[i].name, properties[i].value);
        assert_string_equal(decoded.err.field, properties[i].name);
        finish(&decoded);
    }
}

static void a_property_given_twice_is_refused(void **state)
{
    static const struct reel_property properties[] = {{"seq", "1"}, {"seq", "1"}};
    struct wav wav = mono16(4, 4);
    struct decoded decoded;

    (void)state;
    assert_int_equal(decode(&decoded, &wav, properties, 2), REEL_E_BAD_REQUEST);
    assert_string_equal(decoded.err.field, "seq");
    finish(&decoded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_gives_the_format),
        cmocka_unit_test(every_encoding_has_its_tag),
        cmocka_unit_test(a_wrong_size_is_no_reason_to_refuse),
        cmocka_unit_test(rf64_takes_its_size_from_ds64),
        cmocka_unit_test(what_is_no_audio_is_refused),
        cmocka_unit_test(truncation_keeps_whole_frames),
        cmocka_unit_test(the_numbers_come_as_properties),
        cmocka_unit_test(the_end_may_be_empty),
        cmocka_unit_test(a_property_at_fault_is_named),
        cmocka_unit_test(a_property_given_twice_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
