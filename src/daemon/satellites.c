/* Satellites: a table of sites. */
#include "daemon/satellites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Without memory the entry is left out of the table, its hh.tbl NULL; else uthash ends the process.
 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct site {
    UT_hash_handle hh;
    char device[REEL_NAME_BYTES];
    char session[REEL_NAME_BYTES];
    int64_t started_us;
};

struct reel_satellites {
    struct site *sites; /* by device */
};

struct reel_satellites *reel_satellites_create(void)
{
    return calloc(1, sizeof(struct reel_satellites));
}

void reel_satellites_destroy(struct reel_satellites **satellites)
{
    if (!*satellites)
        return;
    reel_satellites_forget_all(*satellites);
    free(*satellites);
    *satellites = NULL;
}

static struct site *find(const struct reel_satellites *satellites, const char *device)
{
    struct site *site;

    HASH_FIND_STR(satellites->sites, device, site);
    return site;
}

const char *reel_satellites_find(const struct reel_satellites *satellites, const char *device)
{
    const struct site *site = find(satellites, device);

    return site ? site->session : NULL;
}

static struct site *add(struct reel_satellites *satellites, const char *device)
{
    struct site *site = calloc(1, sizeof *site);

    if (!site)
        return NULL;
    site->started_us = INT64_MIN;
    snprintf(site->device, sizeof site->device, "%s", device);
    HASH_ADD_STR(satellites->sites, device, site);
    if (site->hh.tbl)
        return site;
    free(site);
    return NULL;
}

void reel_satellites_note(struct reel_satellites *satellites, const char *device,
                          const char *session, int64_t started_us)
{
    struct site *site = find(satellites, device);

    if (!site)
        site = add(satellites, device);
    if (!site || started_us < site->started_us)
        return;
    snprintf(site->session, sizeof site->session, "%s", session);
    site->started_us = started_us;
}

static void drop(struct reel_satellites *satellites, struct site *site)
{
    HASH_DEL(satellites->sites, site);
    free(site);
}

void reel_satellites_forget(struct reel_satellites *satellites, const char *device,
                            const char *session)
{
    struct site *site = find(satellites, device);

    if (site && strcmp(site->session, session) == 0)
        drop(satellites, site);
}

void reel_satellites_forget_all(struct reel_satellites *satellites)
{
    struct site *site;
    struct site *after;

    HASH_ITER (hh, satellites->sites, site, after)
        drop(satellites, site);
}
