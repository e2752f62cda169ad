/* Buried: the ids that files name, compared with the tombstone's. */
#include "store/buried.h"

#include <stdio.h>

#include "store/wav.h"

static bool wav_has_id(int root_fd, const char *device, const char *session, uint64_t id)
{
    char name[2 * REEL_NAME_BYTES + 8];
    uint64_t found_id;

    snprintf(name, sizeof name, "%s/%s.wav", device, session);
    return reel_wav_find_id(root_fd, name, &found_id) && found_id == id;
}

static bool sidecar_has_id(struct reel_sidecars *sidecars, const char *device, const char *session,
                           uint64_t id)
{
    struct reel_recording recording;
    bool plain_growth;
    bool has_id;

    if (reel_sidecars_read(sidecars, device, session, &recording, &plain_growth, NULL) != REEL_OK)
        return false;
    has_id = recording.id == id;
    reel_recording_finish(&recording);
    return has_id;
}

enum reel_code reel_buried_find(struct reel_catalog *catalog, struct reel_sidecars *sidecars,
                                int root_fd, const char *device, const char *session,
                                struct reel_buried *buried_out, struct reel_error *err_out)
{
    struct reel_tombstone tombstone;
    struct reel_error why;
    enum reel_code code = reel_catalog_tombstone(catalog, device, session, &tombstone, &why);

    *buried_out = (struct reel_buried){false, false};
    if (code == REEL_E_NOT_FOUND)
        return REEL_OK;
    if (code != REEL_OK) {
        if (err_out)
            *err_out = why;
        return code;
    }
    buried_out->wav = wav_has_id(root_fd, device, session, tombstone.id);
    buried_out->sidecar = sidecar_has_id(sidecars, device, session, tombstone.id);
    reel_tombstone_finish(&tombstone);
    return REEL_OK;
}
