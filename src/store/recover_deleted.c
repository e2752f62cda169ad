/* Recover, deletions that were committed and did not come to remove their files. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "store/buried.h"
#include "store/recover_internal.h"

enum reel_code reel_recover_unlink(struct recovery *recovery, const struct found *found,
                                   const char *suffix, struct reel_error *err_out)
{
    char name[2 * REEL_NAME_BYTES + 8];

    snprintf(name, sizeof name, "%s%s", found->key, suffix);
    return unlinkat(recovery->home->recordings_fd, name, 0) == 0
               ? REEL_OK
               : reel_error_errno(err_out, errno, "remove %s", name);
}

enum reel_code reel_recover_deletion(struct recovery *recovery, struct found *found,
                                     struct reel_error *err_out)
{
    struct reel_buried buried;
    enum reel_code code =
        reel_buried_find(recovery->home->catalog, recovery->sidecars, recovery->home->recordings_fd,
                         found->device, found->session, &buried, err_out);

    if (code == REEL_OK && buried.wav) {
        code = reel_recover_unlink(recovery, found, ".wav", err_out);
        found->has_wav = false;
    }
    if (code == REEL_OK && buried.sidecar) {
        code = reel_recover_unlink(recovery, found, ".json", err_out);
        found->has_sidecar = false;
    }
    return code;
}
