/* Complaints: all that is wrong with the settings, as far as it is worth reading at once. */
#ifndef REEL_DAEMON_COMPLAINTS_H
#define REEL_DAEMON_COMPLAINTS_H

#include <stdbool.h>
#include <stddef.h>

enum { REEL_COMPLAINTS_SHOWN = 32, REEL_COMPLAINT_BYTES = 768 };

struct reel_complaints {
    char texts[REEL_COMPLAINTS_SHOWN][REEL_COMPLAINT_BYTES]; /* printable ASCII, a line each */
    size_t count;                                            /* with those that have no text */
};

void reel_complaints_init(struct reel_complaints *complaints);

/* Add "PLACE: MESSAGE", or the message alone where the place is "". Those past
 * REEL_COMPLAINTS_SHOWN are only counted. */
void reel_complain(struct reel_complaints *complaints, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether one that has its text begins so. */
bool reel_complaints_has(const struct reel_complaints *complaints, const char *beginning);

/* Call `say` with the text of each, and at the end with how many more there are. */
typedef void reel_complaints_say_fn(void *user, const char *text);
void reel_complaints_each(const struct reel_complaints *complaints, reel_complaints_say_fn *say,
                          void *user);

#endif
