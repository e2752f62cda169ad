/* Reject limit: a small table by device and code. */
#include "core/reject_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Without memory the entry is left out of the table, its hh.tbl NULL; else uthash ends the process.
 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum { PAIRS_MAX = 1024, INTERVAL_US = 1000000 };

struct key {
    char device[REEL_NAME_BYTES];
    unsigned char code;
};

struct pair {
    struct key key;
    int64_t told_us; /* when an event of it was last given out; INT64_MIN: never */
    struct reel_rejection last;
    UT_hash_handle hh;
};

struct reel_reject_limit {
    struct pair *pairs;
    size_t waiting; /* pairs with a count */
};

struct reel_reject_limit *reel_reject_limit_create(void)
{
    return calloc(1, sizeof(struct reel_reject_limit));
}

void reel_reject_limit_destroy(struct reel_reject_limit **limit)
{
    struct pair *pair;
    struct pair *next;

    if (!*limit)
        return;
    HASH_ITER (hh, (*limit)->pairs, pair, next) {
        HASH_DEL((*limit)->pairs, pair);
        free(pair);
    }
    free(*limit);
    *limit = NULL;
}

static int64_t due_us(const struct pair *pair)
{
    return pair->told_us == INT64_MIN ? INT64_MIN : pair->told_us + INTERVAL_US;
}

static struct pair *pair_for(struct reel_reject_limit *limit, const struct reel_rejection *what)
{
    struct key key;
    struct pair *pair = NULL;

    memset(&key, 0, sizeof key);
    key.code = (unsigned char)what->error.code;
    snprintf(key.device, sizeof key.device, "%s",
             HASH_COUNT(limit->pairs) < PAIRS_MAX ? what->device : "-");
    HASH_FIND(hh, limit->pairs, &key, sizeof key, pair);
    if (pair)
        return pair;
    pair = calloc(1, sizeof *pair);
    if (!pair)
        return NULL;
    pair->key = key;
    pair->told_us = INT64_MIN;
    HASH_ADD(hh, limit->pairs, key, sizeof pair->key, pair);
    if (!pair->hh.tbl) {
        free(pair);
        return NULL;
    }
    return pair;
}

void reel_reject_limit_note(struct reel_reject_limit *limit, const struct reel_rejection *what)
{
    struct pair *pair = pair_for(limit, what);
    uint64_t count;

    if (!pair)
        return; /* it is counted and in quarantine; only the event is missed */
    count = pair->last.count + 1;
    if (count == 1)
        limit->waiting++;
    pair->last = *what;
    pair->last.count = count;
}

bool reel_reject_limit_due(struct reel_reject_limit *limit, int64_t now_us,
                           struct reel_rejection *what_out)
{
    struct pair *pair;
    struct pair *next;

    if (limit->waiting == 0)
        return false;
    HASH_ITER (hh, limit->pairs, pair, next) {
        if (pair->last.count == 0 && now_us >= due_us(pair)) {
            HASH_DEL(limit->pairs, pair);
            free(pair);
        } else if (pair->last.count > 0 && now_us >= due_us(pair)) {
            *what_out = pair->last;
            pair->last.count = 0;
            pair->told_us = now_us;
            limit->waiting--;
            return true;
        }
    }
    return false;
}

int64_t reel_reject_limit_next_us(const struct reel_reject_limit *limit)
{
    int64_t next_us = INT64_MAX;

    if (limit->waiting == 0)
        return INT64_MAX;
    for (const struct pair *pair = limit->pairs; pair; pair = pair->hh.next) {
        if (pair->last.count > 0 && due_us(pair) < next_us)
            next_us = due_us(pair);
    }
    return next_us;
}
