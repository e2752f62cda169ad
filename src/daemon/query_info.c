/* Query, `info`: one recording with all that is known of it. */
#include "core/describe.h"
#include "core/fields.h"
#include "daemon/query_request.h"

/* The walk over the gaps, which are described one at a time. */
struct gaps {
    const struct reel_recording *recording;
    struct reel_gap_cursor cursor;
};

static json_t *next_gap(void *user)
{
    struct gaps *gaps = user;
    struct reel_gap gap;

    return reel_recording_next_gap(gaps->recording, &gaps->cursor, &gap)
               ? reel_describe_gap(gaps->recording, &gap)
               : NULL;
}

static enum reel_code reply(struct reel_request *request, const struct reel_recording *recording,
                            struct reel_error *err_out)
{
    struct gaps gaps = {.recording = recording};
    struct reel_elements elements = {.name = "gaps", .next = next_gap, .user = &gaps};
    struct reel_gap_cursor cursor = {0};
    struct reel_gap gap;

    while (reel_recording_next_gap(recording, &cursor, &gap))
        elements.count++;
    return reel_request_reply_elements(request, reel_describe_info(recording), &elements, err_out);
}

enum reel_code reel_query_info(struct reel_request *request, struct reel_error *err_out)
{
    struct reel_fields fields = {.document = request->document, .err_out = err_out};
    struct reel_recording recording;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    enum reel_code code;

    reel_fields_need(&fields, "device", reel_fields_name(&fields, "device", device));
    reel_fields_need(&fields, "session", reel_fields_name(&fields, "session", session));
    if (fields.code != REEL_OK)
        return fields.code;
    code = reel_reader_load(request->links->reader, device, session, &recording, err_out);
    if (code != REEL_OK)
        return code;
    code = reply(request, &recording, err_out);
    reel_recording_finish(&recording);
    return code;
}
