/* UTF-8: one code point at a time. */
#include "wire/utf8.h"

#include <stdint.h>

/* How many bytes follow a first byte, or -1; `*bits_out` are the code point's bits in it. */
static int bytes_following(uint8_t head, uint32_t *bits_out)
{
    if (head < 0x80) {
        *bits_out = head;
        return 0;
    }
    if (head >= 0xc2 && head < 0xe0) {
        *bits_out = head & 0x1fu;
        return 1;
    }
    if (head >= 0xe0 && head < 0xf0) {
        *bits_out = head & 0x0fu;
        return 2;
    }
    if (head >= 0xf0 && head < 0xf5) {
        *bits_out = head & 0x07u;
        return 3;
    }
    return -1;
}

static bool next(const uint8_t **at, const uint8_t *end, uint32_t *point_out)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t point;
    int following = bytes_following(*(*at)++, &point);

    if (following < 0 || end - *at < following)
        return false;
    for (int i = 0; i < following; i++) {
        if ((**at & 0xc0) != 0x80)
            return false;
        point = point << 6 | (*(*at)++ & 0x3fu);
    }
    *point_out = point;
    return point >= least[following] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

static bool is_control_or_noncharacter(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe;
}

bool reel_utf8_valid(const void *text, size_t bytes)
{
    const uint8_t *at = text;
    const uint8_t *end = at + bytes;
    uint32_t point;

    while (at < end) {
        if (!next(&at, end, &point) || point == 0)
            return false;
    }
    return true;
}

bool reel_utf8_clean(const void *text, size_t bytes)
{
    const uint8_t *at = text;
    const uint8_t *end = at + bytes;
    uint32_t point;

    while (at < end) {
        if (!next(&at, end, &point) || is_control_or_noncharacter(point))
            return false;
    }
    return true;
}
