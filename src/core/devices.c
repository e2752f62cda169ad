/* Devices: a hash table, and a list that keeps the order: to put one last needs no memory. */
#include "core/devices.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
/* Without memory the entry is left out of the table, its hh.tbl NULL; else uthash ends the process.
 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/limits.h"

enum { DEVICES_MAX = 16384 };

struct place {
    UT_hash_handle hh;
    struct place *prev, *next;
    char device[REEL_NAME_BYTES];
    alignas(max_align_t) unsigned char note[];
};

struct reel_devices {
    size_t note_bytes;
    struct place *places; /* by device */
    struct place *first;  /* the list */
};

static struct place *place_of(void *note)
{
    return (struct place *)((char *)note - offsetof(struct place, note));
}

struct reel_devices *reel_devices_create(size_t note_bytes)
{
    struct reel_devices *devices = calloc(1, sizeof *devices);

    if (devices)
        devices->note_bytes = note_bytes;
    return devices;
}

void reel_devices_destroy(struct reel_devices **devices)
{
    if (!*devices)
        return;
    while ((*devices)->first)
        reel_devices_forget(*devices, (*devices)->first->note);
    free(*devices);
    *devices = NULL;
}

void *reel_devices_find(struct reel_devices *devices, const char *device)
{
    struct place *place = NULL;

    HASH_FIND_STR(devices->places, device, place);
    return place ? place->note : NULL;
}

void *reel_devices_add(struct reel_devices *devices, const char *device)
{
    struct place *place = calloc(1, sizeof *place + devices->note_bytes);

    if (!place)
        return NULL;
    if (HASH_COUNT(devices->places) >= DEVICES_MAX)
        reel_devices_forget(devices, devices->first->note);
    snprintf(place->device, sizeof place->device, "%s", device);
    HASH_ADD_STR(devices->places, device, place);
    if (!place->hh.tbl) {
        free(place);
        return NULL;
    }
    DL_APPEND(devices->first, place);
    return place->note;
}

size_t reel_devices_count(struct reel_devices *devices)
{
    return HASH_COUNT(devices->places);
}

void *reel_devices_first(struct reel_devices *devices)
{
    return devices->first ? devices->first->note : NULL;
}

void reel_devices_put_last(struct reel_devices *devices, void *note)
{
    struct place *place = place_of(note);

    DL_DELETE(devices->first, place);
    DL_APPEND(devices->first, place);
}

void reel_devices_forget(struct reel_devices *devices, void *note)
{
    struct place *place = place_of(note);

    HASH_DEL(devices->places, place);
    DL_DELETE(devices->first, place);
    free(place);
}
