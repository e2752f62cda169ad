/* Ask: one request, and the wait for its one answer. */
#ifndef REEL_CLI_ASK_H
#define REEL_CLI_ASK_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "cli/client.h"
#include "wire/message.h"

/* The device that a request about `device` (may be NULL) is confined to: itself where the user is
 * that device, which the broker may let ask about itself alone, else none (NULL). */
const char *reel_ask_confined(const struct reel_common *common, const char *device);

/* What to say besides where nobody answers, or may be asked: with a certificate or key of its own
 * and without a name a client has answers sent where the sink may not send them. */
const char *reel_ask_unnamed(const struct reel_common *common);

/* Put a text into a request; NULL: nothing. */
void reel_ask_text(json_t *request, const char *name, const char *text);

/* Ask the sink and wait, as long as --timeout says, for the `data` of its response, which the
 * caller owns. The connection must stand; the client's handlers are replaced. Errors: what the
 * sink answered; STALLED where it did not answer or the connection was lost. */
enum reel_code reel_ask(struct reel_client *client, const struct reel_common *common,
                        const char *op, const char *device, const json_t *request,
                        json_t **data_out, struct reel_error *err_out);

/* The same for what is answered with bytes instead of a document. The caller finishes `bytes`. */
enum reel_code reel_ask_bytes(struct reel_client *client, const struct reel_common *common,
                              const char *op, const json_t *request, struct reel_buffer *bytes,
                              struct reel_error *err_out);

/* Connect, ask once, disconnect: what most commands do. */
enum reel_code reel_ask_once(const struct reel_common *common, const char *op, const char *device,
                             const json_t *request, json_t **data_out, struct reel_error *err_out);

/* The same for all that is known of one recording. */
enum reel_code reel_ask_info(const struct reel_common *common, const char *device,
                             const char *session, json_t **info_out, struct reel_error *err_out);

/* Take a response apart: its data, or its error as ours. */
enum reel_code reel_answer_decode(const struct reel_bus_message *message, json_t **data_out,
                                  struct reel_error *err_out);

/* Fill `err_out` from the member `error` of a document. */
enum reel_code reel_answer_error(const json_t *document, struct reel_error *err_out);

#endif
