/* Line limit: a small table by kind and device. */
#include "core/line_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Without memory the entry is left out of the table, its hh.tbl NULL; else uthash ends the process.
 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/hash.h"

enum { PLACES_MAX = 512, PRIORITY_ERROR = 3 };

#define WINDOW_US ((int64_t)REEL_LINES_WINDOW_S * 1000000)

struct key {
    uint64_t kind;
    char device[REEL_NAME_BYTES];
};

struct place {
    struct key key;
    int64_t since_us; /* of the first line */
    unsigned written;
    struct reel_left_out left_out;
    UT_hash_handle hh;
};

struct reel_line_limit {
    struct place *places;
    size_t waiting; /* places with a count */
};

struct reel_line_limit *reel_line_limit_create(void)
{
    return calloc(1, sizeof(struct reel_line_limit));
}

static void forget(struct reel_line_limit *limit, struct place *place)
{
    HASH_DEL(limit->places, place);
    free(place);
}

void reel_line_limit_destroy(struct reel_line_limit **limit)
{
    if (!*limit)
        return;
    while ((*limit)->places)
        forget(*limit, (*limit)->places);
    free(*limit);
    *limit = NULL;
}

static uint64_t hash_of(const char *kind)
{
    uint64_t hash = REEL_HASH_START;

    for (; *kind; kind++) {
        if (*kind < '0' || *kind > '9')
            hash = reel_hash_byte(hash, (unsigned char)*kind);
    }
    return hash;
}

static struct place *find(struct reel_line_limit *limit, uint64_t kind, const char *device)
{
    struct place *place = NULL;
    struct key key;

    memset(&key, 0, sizeof key);
    key.kind = kind;
    snprintf(key.device, sizeof key.device, "%s", device);
    HASH_FIND(hh, limit->places, &key, sizeof key, place);
    return place;
}

static struct place *add(struct reel_line_limit *limit, uint64_t kind, const char *device,
                         int64_t now_us)
{
    struct place *place = calloc(1, sizeof *place);

    if (!place)
        return NULL;
    place->key.kind = kind;
    snprintf(place->key.device, sizeof place->key.device, "%s", device);
    place->since_us = now_us;
    HASH_ADD(hh, limit->places, key, sizeof place->key, place);
    if (!place->hh.tbl) {
        free(place);
        return NULL;
    }
    return place;
}

static bool is_over(const struct place *place, int64_t now_us)
{
    return now_us - place->since_us >= WINDOW_US;
}

/* Where there are too many places, those whose time is over and that have nothing to tell go. */
static void make_room(struct reel_line_limit *limit, int64_t now_us)
{
    struct place *place;
    struct place *next;

    HASH_ITER (hh, limit->places, place, next) {
        if (is_over(place, now_us) && place->left_out.count == 0)
            forget(limit, place);
    }
}

static struct place *place_for(struct reel_line_limit *limit,
                               const struct reel_repeating_line *line, int64_t now_us)
{
    uint64_t kind = hash_of(line->kind);
    const char *device = line->device;
    struct place *place = find(limit, kind, device);

    if (!place && HASH_COUNT(limit->places) >= PLACES_MAX)
        make_room(limit, now_us);
    if (!place && HASH_COUNT(limit->places) >= PLACES_MAX) {
        kind = device[0] ? kind : 0;
        device = "";
        place = find(limit, kind, device);
    }
    return place ? place : add(limit, kind, device, now_us);
}

static void leave_out(struct reel_line_limit *limit, struct place *place,
                      const struct reel_repeating_line *line)
{
    struct reel_left_out *left_out = &place->left_out;

    limit->waiting += left_out->count == 0;
    left_out->count++;
    left_out->priority = line->priority;
    snprintf(left_out->device, sizeof left_out->device, "%s", place->key.device);
    snprintf(left_out->text, sizeof left_out->text, "%s", line->text);
}

bool reel_line_limit_passes(struct reel_line_limit *limit, const struct reel_repeating_line *line,
                            int64_t now_us)
{
    struct place *place;

    if (!line->device[0] && line->priority <= PRIORITY_ERROR)
        return true;
    place = place_for(limit, line, now_us);
    if (!place)
        return true; /* no memory: rather one line too many */
    if (place->left_out.count == 0 && is_over(place, now_us)) {
        place->since_us = now_us;
        place->written = 0;
    }
    if (place->written < REEL_LINES_AT_ONCE) {
        place->written++;
        return true;
    }
    leave_out(limit, place, line);
    return false;
}

bool reel_line_limit_take(struct reel_line_limit *limit, int64_t now_us, bool all,
                          struct reel_left_out *out)
{
    if (limit->waiting == 0)
        return false;
    for (struct place *place = limit->places; place; place = place->hh.next) {
        if (place->left_out.count == 0 || !(all || is_over(place, now_us)))
            continue;
        *out = place->left_out;
        limit->waiting--;
        forget(limit, place);
        return true;
    }
    return false;
}
