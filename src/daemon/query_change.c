/* Query, what changes the store: handed to ingest, which answers. */
#include "daemon/change.h"
#include "daemon/query_request.h"

enum reel_code reel_query_change(struct reel_request *request, struct reel_error *err_out)
{
    const struct reel_bus_message *message = request->message;
    const struct reel_answer_place place = {
        .topic = request->place,
        .kind = request->kind,
        .correlation = message->correlation,
        .correlation_bytes = message->correlation_bytes,
        .transaction = request->transaction,
    };
    struct reel_change *change = reel_change_create(&request->topic, request->document, &place);

    if (!change)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    if (!reel_mailbox_post(request->links->changes, change,
                           reel_change_bytes(message->payload_bytes))) {
        reel_change_destroy(change);
        return reel_error_set(err_out, REEL_E_BUSY, NULL,
                              "too many changes wait to be carried out: ask again");
    }
    request->answered = true;
    return REEL_OK;
}
