/* UTF-8: what a stranger's text must be before it is passed on (RFC 3629). */
#ifndef REEL_WIRE_UTF8_H
#define REEL_WIRE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Say whether `text` is UTF-8 without U+0000: no overlong forms, no surrogates, nothing past
 * U+10FFFF. The empty text is. */
bool reel_utf8_valid(const void *text, size_t bytes);

/* The same, and free of control characters (C0, DEL, C1) and noncharacters, which MQTT lets a
 * broker refuse. */
bool reel_utf8_clean(const void *text, size_t bytes);

#endif
