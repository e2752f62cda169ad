/* Recover, second names: a WAV file that is also, or a copy of, another recording's. */
#include "store/recover_internal.h"

#include <stdio.h>

#include "store/wav.h"

/* Indexed, the very file of another would become this one's. A copy does that other no harm: it
 * counts where the catalog knows the owner, and one that is built anew cannot say. */
static enum reel_code judge(struct recovery *recovery, const struct reel_wav_owner *owner,
                            bool *second_out, struct reel_error *err_out)
{
    struct reel_recording recording;
    enum reel_code code;

    *second_out = owner->same_file;
    if (owner->same_file || recovery->home->rebuild)
        return REEL_OK;
    code = reel_catalog_load(recovery->home->catalog, owner->device, owner->session, &recording,
                             err_out);
    if (code != REEL_OK)
        return code == REEL_E_NOT_FOUND ? REEL_OK : code;
    *second_out = recording.id == owner->id;
    reel_recording_finish(&recording);
    return REEL_OK;
}

enum reel_code reel_recover_is_second(struct recovery *recovery, const struct found *found,
                                      bool *second_out, struct reel_error *err_out)
{
    char name[2 * REEL_NAME_BYTES + 8];
    struct reel_wav_owner owner;
    enum reel_code code;

    *second_out = false;
    snprintf(name, sizeof name, "%s.wav", found->key);
    if (!reel_wav_find_owner(recovery->home->recordings_fd, name, &owner))
        return REEL_OK;
    code = judge(recovery, &owner, second_out, err_out);
    if (code == REEL_OK && *second_out)
        reel_log_write_about(
            recovery->log, REEL_LOG_WARNING, REEL_LOG_OF(found->device, found->session),
            "store: %s.wav is %s of %s/%s.wav: left alone", found->key,
            owner.same_file ? "a second name" : "a copy", owner.device, owner.session);
    return code;
}
