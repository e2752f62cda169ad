/* Fragment: which form it is in, and what all forms must meet. */
#include "wire/fragment.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wire/fragment_internal.h"
#include "wire/json.h"

enum reel_payload_kind reel_payload_kind_of(const uint8_t *payload, size_t bytes)
{
    if (bytes >= 4 && (memcmp(payload, "RIFF", 4) == 0 || memcmp(payload, "RF64", 4) == 0))
        return REEL_PAYLOAD_WAV;
    return reel_json_begins(payload, bytes) ? REEL_PAYLOAD_JSON : REEL_PAYLOAD_MSGPACK;
}

/* The form that a Content Type declares; false if it is none that we know. Parameters after `;`
 * and the case of letters do not count. */
static bool declared_kind(const char *content_type, enum reel_payload_kind *kind_out)
{
    static const struct {
        const char *name;
        enum reel_payload_kind kind;
    } types[] = {
        {"application/msgpack", REEL_PAYLOAD_MSGPACK},
        {"application/x-msgpack", REEL_PAYLOAD_MSGPACK},
        {"application/vnd.msgpack", REEL_PAYLOAD_MSGPACK},
        {"application/json", REEL_PAYLOAD_JSON},
        {"audio/wav", REEL_PAYLOAD_WAV},
        {"audio/x-wav", REEL_PAYLOAD_WAV},
        {"audio/wave", REEL_PAYLOAD_WAV},
        {"audio/vnd.wave", REEL_PAYLOAD_WAV},
    };
    const char *begin = content_type + strspn(content_type, " \t");
    size_t bytes = strcspn(begin, "; \t");

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strlen(types[i].name) == bytes && strncasecmp(types[i].name, begin, bytes) == 0) {
            *kind_out = types[i].kind;
            return true;
        }
    }
    return false;
}

static void check_content_type(struct reel_decoding *decoding, const char *content_type)
{
    static const char *const forms[] = {
        [REEL_PAYLOAD_MSGPACK] = "MessagePack",
        [REEL_PAYLOAD_JSON] = "JSON",
        [REEL_PAYLOAD_WAV] = "WAV",
    };
    enum reel_payload_kind declared;

    if (content_type && declared_kind(content_type, &declared) && declared != decoding->out->kind)
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, "content_type",
                           "says %s, but the payload does not begin like it", forms[declared]);
}

static void need(struct reel_decoding *decoding, enum reel_field_id id)
{
    if (!(decoding->present & 1u << id))
        reel_fragment_fail(decoding, REEL_E_BAD_REQUEST, reel_field_get(id)->path, "is missing");
}

void reel_fragment_complete(struct reel_decoding *decoding)
{
    struct reel_error err;

    need(decoding, REEL_FIELD_METADATA);
    need(decoding, REEL_FIELD_AUDIO);
    need(decoding, REEL_FIELD_CHANNELS);
    need(decoding, REEL_FIELD_RATE);
    need(decoding, REEL_FIELD_SAMPLE_SIZE);
    if (decoding->err.code == REEL_OK && reel_format_check(&decoding->out->format, &err) != REEL_OK)
        decoding->err = err;
    if (!decoding->out->numbers.end)
        need(decoding, REEL_FIELD_DATA);
    if (decoding->err.code == REEL_OK)
        reel_fragment_take_data(decoding);
}

/* After an error only what the answer needs stays. */
static void reduce(struct reel_fragment *fragment)
{
    struct reel_fragment kept = {
        .kind = fragment->kind,
        .numbers = fragment->numbers,
        .reply_to_unusable = fragment->reply_to_unusable,
    };

    memcpy(kept.session, fragment->session, sizeof kept.session);
    memcpy(kept.reply_to, fragment->reply_to, sizeof kept.reply_to);
    reel_fragment_finish(fragment);
    *fragment = kept;
}

enum reel_code reel_fragment_decode(const uint8_t *payload, size_t payload_bytes,
                                    const struct reel_envelope *envelope,
                                    struct reel_scratch *scratch, struct reel_fragment *out,
                                    struct reel_error *err_out)
{
    static const struct reel_envelope no_envelope;
    struct reel_decoding decoding = {.out = out, .scratch = scratch};

    if (!envelope)
        envelope = &no_envelope;
    memset(out, 0, sizeof *out);
    out->kind = reel_payload_kind_of(payload, payload_bytes);
    check_content_type(&decoding, envelope->content_type);
    if (payload_bytes == 0)
        reel_fragment_fail(&decoding, REEL_E_BAD_REQUEST, "payload", "is empty");
    else if (out->kind == REEL_PAYLOAD_WAV)
        reel_fragment_walk_wav(&decoding, payload, payload_bytes, envelope);
    else if (out->kind == REEL_PAYLOAD_JSON)
        reel_fragment_walk_json(&decoding, payload, payload_bytes);
    else
        reel_fragment_walk_msgpack(&decoding, payload, payload_bytes);
    if (out->kind != REEL_PAYLOAD_JSON)
        reel_fragment_complete(&decoding);
    if (decoding.err.code == REEL_OK)
        return REEL_OK;
    reduce(out);
    if (err_out)
        *err_out = decoding.err;
    return decoding.err.code;
}

const uint8_t *reel_fragment_at(const struct reel_fragment *fragment, uint32_t offset_frames)
{
    return fragment->data + (size_t)offset_frames * reel_format_frame_bytes(&fragment->format);
}

void reel_fragment_finish(struct reel_fragment *fragment)
{
    json_decref(fragment->tags);
    fragment->tags = NULL;
}

void reel_scratch_finish(struct reel_scratch *scratch)
{
    free(scratch->bytes);
    *scratch = (struct reel_scratch){0};
}
