/* Hermes: topics of the satellites of voice assistants (protocol.md, "Satellites of the Hermes
 * protocol"), outside our prefix. Their sites and sessions are made names of ours. */
#ifndef REEL_WIRE_HERMES_H
#define REEL_WIRE_HERMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

/* What there is to subscribe to. */
enum { REEL_HERMES_FILTERS = 2 };
extern const char *const reel_hermes_filters[REEL_HERMES_FILTERS];

/* Topics that match them, at which a broker is checked; no satellite's. */
#define REEL_HERMES_CHECKS                                                                         \
    "hermes/audioServer/$check/audioFrame", "hermes/audioServer/$check/$check/audioSessionFrame"

struct reel_hermes_topic {
    const char *site; /* as it stands in the topic, `site_bytes` of it */
    size_t site_bytes;
    char device[REEL_NAME_BYTES];  /* the site, made a name */
    char session[REEL_NAME_BYTES]; /* the session, made a name; "" where the topic has none */
};

/* Take a topic apart. False, `*out` undefined, for one that matches no filter, or is a check's.
 */
bool reel_hermes_parse(const char *topic, struct reel_hermes_topic *out);

/* Make a name of any text of `bytes`. One that is a name stays as it is; of another each character
 * that may not be there becomes `-` (the first, which must be a letter or digit, `x`), it is cut to
 * 59, and `-` and the four hex digits of the text's CRC-16 (polynomial 0x1021 from 0, XMODEM's) are
 * added: texts that differ are told apart, though not against somebody who tries. */
void reel_hermes_name(const char *text, size_t bytes, char out[REEL_NAME_BYTES]);

/* Say whether the site stands in the list: sites parted by commas, white space around them; an
 * empty list holds all. */
bool reel_hermes_listed(const char *list, const char *site, size_t site_bytes);

#endif
