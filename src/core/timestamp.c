/* Timestamp: RFC 3339 from and to microseconds since 1970. */
#include "core/timestamp.h"

#include <stdio.h>
#include <string.h>

#define SECOND_US    INT64_C(1000000)
#define DAY_US       (86400 * SECOND_US)
#define YEAR_0_US    (INT64_C(-62167219200) * SECOND_US)     /* 0000-01-01T00:00:00Z */
#define YEAR_9999_US (INT64_C(253402300800) * SECOND_US - 1) /* 9999-12-31T23:59:59.999999Z */

struct civil {
    int64_t year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar. Counted in years that begin in March,
 * so that the leap day is the last of its year, and in eras of 400 years, which are all alike. */
static int64_t days_from_civil(struct civil date)
{
    int64_t year = date.month > 2 ? date.year : date.year - 1;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static struct civil civil_from_days(int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct civil date;

    date.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    date.month = (int)(month < 10 ? month + 3 : month - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

void reel_time_format(int64_t time_us, char out[REEL_TIME_BYTES])
{
    int64_t days;
    int64_t us;
    struct civil date;

    if (time_us < YEAR_0_US)
        time_us = YEAR_0_US;
    if (time_us > YEAR_9999_US)
        time_us = YEAR_9999_US;
    days = time_us / DAY_US;
    us = time_us % DAY_US;
    if (us < 0) {
        us += DAY_US;
        days--;
    }
    date = civil_from_days(days);
    snprintf(out, REEL_TIME_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
             (unsigned)date.year % 10000, (unsigned)date.month % 100, (unsigned)date.day % 100,
             (unsigned)(us / (3600 * SECOND_US)), (unsigned)(us / (60 * SECOND_US) % 60),
             (unsigned)(us / SECOND_US % 60), (unsigned)(us % SECOND_US));
}

void reel_time_format_name(int64_t time_us, bool exact, char out[REEL_TIME_BYTES])
{
    char text[REEL_TIME_BYTES];
    size_t used = 0;

    reel_time_format(time_us, text);
    for (const char *at = text; *at; at++) {
        if (*at == '.' && !exact)
            at += strspn(at, ".0123456789");
        if (*at != '-' && *at != ':')
            out[used++] = *at;
    }
    out[used] = '\0';
}

bool reel_time_is_name(const char *text)
{
    static const char *const patterns[] = {"99999999T999999Z", "99999999T999999.999999Z"};

    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        const char *pattern = patterns[i];
        const char *at = text;

        while (*at && (*pattern == '9' ? *at >= '0' && *at <= '9' : *at == *pattern)) {
            at++;
            pattern++;
        }
        if (*at == '\0' && *pattern == '\0')
            return true;
    }
    return false;
}

/* Read exactly `count` digits; false where there are fewer. */
static bool take_digits(const char **at, int count, int *value_out)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9')
            return false;
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += count;
    *value_out = value;
    return true;
}

static bool take_char(const char **at, const char *any_of)
{
    if (**at == '\0' || !strchr(any_of, **at))
        return false;
    (*at)++;
    return true;
}

static bool take_date(const char **at, int64_t *days_out)
{
    struct civil date;
    struct civil back;
    int year;

    if (!take_digits(at, 4, &year) || !take_char(at, "-") || !take_digits(at, 2, &date.month) ||
        !take_char(at, "-") || !take_digits(at, 2, &date.day))
        return false;
    date.year = year;
    if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31)
        return false;
    *days_out = days_from_civil(date);
    back = civil_from_days(*days_out); /* 30 February comes back as another day */
    return back.day == date.day;
}

static bool take_clock(const char **at, int64_t *us_out)
{
    int hours;
    int minutes;
    int seconds;
    int64_t us = 0;

    if (!take_digits(at, 2, &hours) || !take_char(at, ":") || !take_digits(at, 2, &minutes) ||
        !take_char(at, ":") || !take_digits(at, 2, &seconds))
        return false;
    if (hours > 23 || minutes > 59 || seconds > 60)
        return false;
    if (take_char(at, ".")) {
        int64_t unit = SECOND_US;
        int digit;

        if (!take_digits(at, 1, &digit))
            return false;
        do {
            unit /= 10;
            us += digit * unit;
        } while (take_digits(at, 1, &digit));
    }
    *us_out = ((hours * 60 + minutes) * 60 + seconds) * SECOND_US + us;
    return true;
}

static bool take_offset(const char **at, int64_t *us_out)
{
    int hours;
    int minutes;
    bool west = **at == '-';

    *us_out = 0;
    if (take_char(at, "Zz"))
        return true;
    if (!take_char(at, "+-") || !take_digits(at, 2, &hours) || !take_char(at, ":") ||
        !take_digits(at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *us_out = (hours * 60 + minutes) * 60 * SECOND_US * (west ? -1 : 1);
    return true;
}

bool reel_time_parse(const char *text, int64_t *time_us_out)
{
    int64_t days;
    int64_t clock_us;
    int64_t offset_us;

    if (!take_date(&text, &days) || !take_char(&text, "Tt ") || !take_clock(&text, &clock_us) ||
        !take_offset(&text, &offset_us) || *text != '\0')
        return false;
    *time_us_out = days * DAY_US + clock_us - offset_us;
    return true;
}
