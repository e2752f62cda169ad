/* Complaints: a list with a bound. */
#include "daemon/complaints.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

void reel_complaints_init(struct reel_complaints *complaints)
{
    complaints->count = 0;
}

static size_t shown(const struct reel_complaints *complaints)
{
    return complaints->count < REEL_COMPLAINTS_SHOWN ? complaints->count : REEL_COMPLAINTS_SHOWN;
}

void reel_complain(struct reel_complaints *complaints, const char *place, const char *format, ...)
{
    char text[REEL_COMPLAINT_BYTES];
    va_list args;
    int used;

    if (complaints->count++ >= REEL_COMPLAINTS_SHOWN)
        return;
    used = snprintf(text, sizeof text / 2, "%s%s", place, place[0] ? ": " : "");
    if (used >= (int)sizeof text / 2)
        used = (int)sizeof text / 2 - 1;
    va_start(args, format);
    vsnprintf(text + used, sizeof text - (size_t)used, format, args);
    va_end(args);
    reel_printable(complaints->texts[complaints->count - 1], REEL_COMPLAINT_BYTES, text,
                   strlen(text));
}

bool reel_complaints_has(const struct reel_complaints *complaints, const char *beginning)
{
    char printable[REEL_COMPLAINT_BYTES];
    size_t length;

    reel_printable(printable, sizeof printable, beginning, strlen(beginning));
    length = strlen(printable);
    for (size_t i = 0; i < shown(complaints); i++) {
        if (strncmp(complaints->texts[i], printable, length) == 0)
            return true;
    }
    return false;
}

void reel_complaints_each(const struct reel_complaints *complaints, reel_complaints_say_fn *say,
                          void *user)
{
    char more[64];

    for (size_t i = 0; i < shown(complaints); i++)
        say(user, complaints->texts[i]);
    if (complaints->count <= REEL_COMPLAINTS_SHOWN)
        return;
    snprintf(more, sizeof more, "%zu more mistakes are not shown",
             complaints->count - REEL_COMPLAINTS_SHOWN);
    say(user, more);
}
