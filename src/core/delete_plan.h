/* Delete plan: what `delete` asks, checked. Pure. */
#ifndef REEL_CORE_DELETE_PLAN_H
#define REEL_CORE_DELETE_PLAN_H

#include <jansson.h>
#include <stdbool.h>

#include "core/query_plan.h"

struct reel_delete_plan {
    struct reel_list_plan list; /* what goes, by name */
    bool one;                   /* the recording list.device/list.session_prefix, no prefix then */
    bool force;                 /* kept ones too */
    bool dry_run;
};

/* Read the request's document. BAD_REQUEST with the field: what the list's filters refuse; no
 * filter at all without `all`, where the device of a request that its topic confined (`confined`:
 * the document names it too) is none; a filter beside device and session, which name one recording;
 * `limit`, `cursor` or `sort`, which would seem to bound what goes; a field that is none of these.
 */
enum reel_code reel_delete_plan_decode(json_t *request, bool confined, struct reel_delete_plan *out,
                                       struct reel_error *err_out);
void reel_delete_plan_finish(struct reel_delete_plan *plan);

#endif
