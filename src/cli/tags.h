/* Tags: NAME=VALUE from the command line, or those that a recording has. */
#ifndef REEL_CLI_TAGS_H
#define REEL_CLI_TAGS_H

#include <jansson.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "reel/fragment.h"

/* Names are copies, values point into what they were taken of. */
struct reel_tags {
    struct reel_recorder_tag items[REEL_TAGS_MAX];
    size_t count;
};

/* Take `count` texts apart. USAGE, with a line on standard error, for one without a name or `=`, or
 * for more than a recording has. A value that is a JSON number is one. */
enum reel_exit reel_tags_take(const char *const *texts, size_t count, struct reel_tags *out);
void reel_tags_finish(struct reel_tags *tags);

/* Take those of a recording, as the sink describes it. Values point into `document`. False if
 * memory ran out: nothing is to be finished then. */
bool reel_tags_of_document(const json_t *document, struct reel_tags *out);

/* The same as a document; the caller owns it. NULL if memory ran out. */
json_t *reel_tags_document(const struct reel_tags *tags);

#endif
