/* Part memory: a table of fixed size, in which each session has one place that others share. */
#include "daemon/part_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { PLACES = 1024 };

struct reel_part_memory {
    struct reel_parts places[PLACES];
};

struct reel_part_memory *reel_part_memory_create(void)
{
    return calloc(1, sizeof(struct reel_part_memory));
}

void reel_part_memory_destroy(struct reel_part_memory **memory)
{
    free(*memory);
    *memory = NULL;
}

static struct reel_parts *place_of(struct reel_part_memory *memory, const char *device,
                                   const char *session)
{
    uint64_t device_hash = XXH3_64bits(device, strlen(device));

    return &memory->places[XXH3_64bits_withSeed(session, strlen(session), device_hash) % PLACES];
}

struct reel_parts *reel_part_memory_find(struct reel_part_memory *memory, const char *device,
                                         const char *session)
{
    struct reel_parts *parts = place_of(memory, device, session);
    bool found = strcmp(parts->device, device) == 0 && strcmp(parts->session, session) == 0;

    return found ? parts : NULL;
}

struct reel_parts *reel_part_memory_note(struct reel_part_memory *memory, const char *device,
                                         const char *session, const char *last)
{
    struct reel_parts *parts = place_of(memory, device, session);

    *parts = (struct reel_parts){0};
    snprintf(parts->device, sizeof parts->device, "%s", device);
    snprintf(parts->session, sizeof parts->session, "%s", session);
    snprintf(parts->last, sizeof parts->last, "%s", last);
    return parts;
}
