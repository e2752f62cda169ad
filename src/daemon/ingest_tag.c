/* Ingest, the request `tag`: tags of a recording set, changed or taken away. */
#include "core/describe.h"
#include "core/fields.h"
#include "core/tags.h"
#include "daemon/change.h"
#include "daemon/events.h"
#include "daemon/ingest_changes.h"
#include "io/loop.h"

/* What is asked, checked but for what only the recording's own tags can tell. */
static enum reel_code read_request(const json_t *document, char device[REEL_NAME_BYTES],
                                   char session[REEL_NAME_BYTES], bool *replace_out,
                                   struct reel_error *err_out)
{
    struct reel_fields fields = {.document = document, .err_out = err_out};

    reel_fields_need(&fields, "device", reel_fields_name(&fields, "device", device));
    reel_fields_need(&fields, "session", reel_fields_name(&fields, "session", session));
    reel_fields_bool(&fields, "replace", replace_out);
    reel_fields_need(&fields, "tags", json_object_get(document, "tags") != NULL);
    return fields.code;
}

enum reel_code reel_ingest_tag(struct reel_ingest *ingest, struct reel_change *change,
                               json_t **data_out, struct reel_error *err_out)
{
    char device[REEL_NAME_BYTES], session[REEL_NAME_BYTES];
    struct reel_recording *recording;
    struct reel_entry *entry;
    bool replace = false;
    json_t *tags;
    enum reel_code code = read_request(change->document, device, session, &replace, err_out);

    if (code == REEL_OK)
        code = reel_ingest_get(ingest, device, session, &entry, err_out);
    if (code != REEL_OK)
        return code;
    recording = reel_entry_recording(entry);
    code = reel_tags_change(recording->tags, json_object_get(change->document, "tags"), replace,
                            &tags, err_out);
    if (code != REEL_OK)
        return code;
    if (reel_tags_equal(recording->tags, tags)) {
        json_decref(tags);
    } else {
        json_decref(recording->tags);
        recording->tags = tags;
        reel_store_touch_said(ingest->store, entry);
        reel_ingest_event(ingest, device, session,
                          reel_event_plain("tagged", recording, reel_wall_us()));
    }
    *data_out = reel_describe_recording(recording);
    return REEL_OK;
}
