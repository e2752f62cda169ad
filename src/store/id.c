/* Id: from the system's randomness. */
#include "store/id.h"

#include <errno.h>
#include <sys/random.h>

enum reel_code reel_id_make(uint64_t *id_out, struct reel_error *err_out)
{
    uint64_t id = 0;

    while (id == 0) {
        if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
            return reel_error_errno(err_out, errno, "random id");
    }
    *id_out = id;
    return REEL_OK;
}
