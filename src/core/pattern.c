/* Pattern: matching without recursion, and a search for a name that two patterns share. */
#include "core/pattern.h"

#include <string.h>

#include "wire/topic.h"

/* Stands where a pattern leaves the character open. */
enum { ANY = '0' };

bool reel_pattern_valid(const char *pattern)
{
    char name[REEL_NAME_BYTES];
    size_t length = strlen(pattern);

    if (length >= sizeof name)
        return false;
    for (size_t i = 0; i <= length; i++)
        name[i] = (char)(pattern[i] == '*' || pattern[i] == '?' ? ANY : pattern[i]);
    return reel_name_valid(name, length);
}

/* Where what follows the last star does not fit, that star takes one character more: no earlier one
 * needs to be thought of again. */
bool reel_pattern_matches(const char *pattern, const char *name)
{
    const char *star = NULL;
    const char *behind_star = NULL;

    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            behind_star = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++behind_star;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

/* How the rest of both may be gone through: a bit for each pair of rests that leads nowhere. */
struct search {
    bool vain[REEL_NAME_BYTES][REEL_NAME_BYTES];
    const char *a;
    const char *b;
};

/* Put what the rests share into `out`, of `room` characters. */
static bool share(struct search *search, const char *a, const char *b, char *out, size_t room)
{
    bool *vain = &search->vain[a - search->a][b - search->b];
    bool found = false;

    *out = '\0';
    if (*vain || (*a == '\0' && *b == '\0'))
        return !*vain;
    if (*a == '*' || *b == '*') {
        bool a_is = *a == '*';
        const char *other = a_is ? b : a;

        /* The star ends here, or it stands for what the other goes on with. */
        found = share(search, a + a_is, b + !a_is, out, room);
        if (!found && *other == '*')
            found = share(search, a, b + 1, out, room);
        else if (!found && *other && room > 0) {
            out[0] = (char)(*other == '?' ? ANY : *other);
            found = share(search, a + !a_is, b + a_is, out + 1, room - 1);
        }
    } else if (*a && *b && room > 0 && (*a == *b || *a == '?' || *b == '?')) {
        out[0] = (char)(*a != '?' ? *a : *b != '?' ? *b : ANY);
        found = share(search, a + 1, b + 1, out + 1, room - 1);
    }
    *vain = !found;
    return found;
}

bool reel_pattern_common(const char *a, const char *b, char name_out[REEL_NAME_BYTES])
{
    struct search search = {.a = a, .b = b};
    char name[REEL_NAME_BYTES + 1] = {ANY};
    const char *found = name + 1;

    if (!share(&search, a, b, name + 1, REEL_NAME_BYTES - 1))
        return false;
    /* What no name begins with stands behind a star of both. */
    if (!reel_name_valid(found, strlen(found)))
        found = name;
    if (!reel_name_valid(found, strlen(found)) || !reel_pattern_matches(a, found) ||
        !reel_pattern_matches(b, found))
        return false;
    memcpy(name_out, found, strlen(found) + 1);
    return true;
}
