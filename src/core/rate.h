/* Rate: how many recordings each device may begin a minute. Bounded memory. */
#ifndef REEL_CORE_RATE_H
#define REEL_CORE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct reel_rate;

struct reel_rate *reel_rate_create(uint64_t per_minute); /* NULL if memory ran out */
void reel_rate_destroy(struct reel_rate **rate);

/* Let it be so many from now on, also in the minutes that run. */
void reel_rate_set(struct reel_rate *rate, uint64_t per_minute);

/* Take one of `device`'s share of the running minute; false when it is used up. Without memory none
 * is counted: that must not refuse what an honest device begins. `now_us` is monotonic. */
bool reel_rate_take(struct reel_rate *rate, const char *device, int64_t now_us);

#endif
