/* Id: what tells a recording from an earlier one of the same name. */
#ifndef REEL_STORE_ID_H
#define REEL_STORE_ID_H

#include <stdint.h>

#include "base/err.h"

/* A random id, never 0, which stands for "none". STALLED where the system gives no randomness. */
enum reel_code reel_id_make(uint64_t *id_out, struct reel_error *err_out);

#endif
