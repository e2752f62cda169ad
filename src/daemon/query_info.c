/* Query, `info`: one recording with all that is known of it. */
#include "core/describe.h"
#include "core/fields.h"
#include "daemon/query_request.h"

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
    code = reel_request_reply(request, reel_describe_info(&recording), err_out);
    reel_recording_finish(&recording);
    return code;
}
