/* Base64 (RFC 4648, section 4). */
#include "wire/message.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void reel_base64_encode(const void *bytes, size_t size, char *out)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i < 3 ? size - i : 3;
        uint32_t group = (uint32_t)at[i] << 16;

        if (left > 1)
            group |= (uint32_t)at[i + 1] << 8;
        if (left > 2)
            group |= at[i + 2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 0x3f];
        *out++ = left > 1 ? alphabet[group >> 6 & 0x3f] : '=';
        *out++ = left > 2 ? alphabet[group & 0x3f] : '=';
    }
    *out = '\0';
}

/* The six bits that a character stands for, or -1. */
static int bits_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

bool reel_base64_decode(const char *text, size_t size, uint8_t *out, size_t *size_out)
{
    uint32_t group = 0;
    size_t digits = 0;
    size_t padding = 0;
    size_t written = 0;

    for (size_t i = 0; i < size; i++) {
        int bits = bits_of(text[i]);

        if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'))
            continue;
        if (text[i] == '=') {
            padding++;
            continue;
        }
        if (bits < 0 || padding > 0)
            return false;
        group = group << 6 | (uint32_t)bits;
        digits++;
        if (digits % 4 != 1)
            out[written++] = (uint8_t)(group >> (6 - 2 * ((digits - 1) % 4)));
    }
    if (digits % 4 == 1 || (padding > 0 && (digits + padding) % 4 != 0) || padding > 2)
        return false;
    *size_out = written;
    return true;
}
