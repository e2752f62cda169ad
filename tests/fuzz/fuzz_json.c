/* Fuzz: a fragment in JSON, with its envelope; and base64, of any bytes and from any text. */
#include "fuzz/fuzz_fragment.h"

/* What a JSON document holds, the same in MessagePack is taken for. */
static void in_both_encodings(const struct message *message)
{
    struct reel_scratch scratch[2] = {{0}, {0}};
    struct reel_fragment fragments[2];
    struct reel_buffer packed = {0};
    struct reel_error err;
    enum reel_document_kind kind;
    enum reel_code codes[2];
    json_t *document;

    if (reel_document_decode_response(message->payload, message->bytes, &document, &kind, &err) !=
        REEL_OK)
        return;
    assert_true(reel_document_encode(document, REEL_DOCUMENT_MSGPACK, NULL, 0, &packed));
    codes[0] = reel_fragment_decode(message->payload, message->bytes, NULL, &scratch[0],
                                    &fragments[0], NULL);
    codes[1] =
        reel_fragment_decode(packed.bytes, packed.size, NULL, &scratch[1], &fragments[1], NULL);
    /* A text is base64 in JSON, in MessagePack the bytes as they are. */
    if (codes[0] == REEL_OK && !json_is_string(json_object_get(document, "data"))) {
        assert_int_equal(codes[1], REEL_OK);
        assert_same(&fragments[0], &fragments[1]);
        assert_same_tags(fragments[0].tags, fragments[1].tags);
    }
    for (int i = 0; i < 2; i++) {
        reel_fragment_finish(&fragments[i]);
        reel_scratch_finish(&scratch[i]);
    }
    reel_buffer_finish(&packed);
    json_decref(document);
}

static void base64(const uint8_t *bytes, size_t size)
{
    size_t text_bytes = 4 * ((size + 2) / 3);
    char *text = malloc(text_bytes + 1);
    uint8_t *again = malloc(3 * (text_bytes / 4) + 3);
    uint8_t *other = malloc(3 * (size / 4) + 3);
    size_t again_bytes;

    reel_base64_encode(bytes, size, text);
    assert_int_equal(strlen(text), text_bytes);
    assert_true(reel_base64_decode(text, text_bytes, again, &again_bytes));
    assert_int_equal(again_bytes, size);
    if (size > 0)
        assert_memory_equal(again, bytes, size);
    reel_base64_decode((const char *)bytes, size, other, &again_bytes);
    free(other);
    free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct message message;

    message_take(&message, data, bytes);
    if (reel_payload_kind_of(message.payload, message.bytes) == REEL_PAYLOAD_JSON) {
        fuzz_message(&message);
        in_both_encodings(&message);
    } else {
        base64(message.payload, message.bytes);
    }
    free(message.text);
    return 0;
}
