/* Journal: where the daemon's lines go: to the systemd journal with their fields (REEL_DEVICE,
 * REEL_SESSION, REEL_SEQ, REEL_REASON), where standard error is connected to it, else to standard
 * error; and what repeats itself not every time. */
#ifndef REEL_DAEMON_JOURNAL_H
#define REEL_DAEMON_JOURNAL_H

#include <stdbool.h>

#include "base/log.h"

struct reel_journal;

/* Whether standard error is connected to the journal, which takes a line's priority from "<3>"
 * before it. */
bool reel_journal_is_stderr(void);

/* Set `log`, whose `most` stands, to write to a new journal. NULL if memory ran out: it writes to
 * standard error as before. */
struct reel_journal *reel_journal_create(struct reel_log *log);

/* Tell what was left out, and let `log` write to standard error again. Accepts a pointer to NULL.
 */
void reel_journal_destroy(struct reel_journal **journal, struct reel_log *log);

/* Tell of lines that were left out for long enough. Cheap, for a loop; any thread. Does nothing to
 * a log that writes elsewhere. */
void reel_journal_tick(const struct reel_log *log);

#endif
