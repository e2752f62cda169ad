/* Allowance: how many messages a second each device may send. Bounded memory.
 *
 * It is for floods, not for audio that comes late: the broker keeps what was sent while the sink
 * was away, a recorder what it could not send, and either comes as fast as it can. So a message
 * that carries audio is paid for by the time that its audio lasts, however fast it comes, and what
 * a device has not used for REEL_ALLOWANCE_BURST_S it may use at once. */
#ifndef REEL_CORE_ALLOWANCE_H
#define REEL_CORE_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

struct reel_allowance;

enum { REEL_ALLOWANCE_BURST_S = 10 };

struct reel_allowance *reel_allowance_create(void);             /* NULL if memory ran out */
void reel_allowance_destroy(struct reel_allowance **allowance); /* accepts a pointer to NULL */

/* Whether a device that may send `per_s` messages a second (0: any number) may send this one,
 * which carries `audio_us` of audio. It is taken off what is left to it; one that may not be sent
 * takes nothing. Without memory none is counted. `now_us` is monotonic. */
bool reel_allowance_take(struct reel_allowance *allowance, const char *device, uint64_t per_s,
                         uint64_t audio_us, int64_t now_us);

#endif
