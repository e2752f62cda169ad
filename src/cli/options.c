/* Options: getopt_long fed from tables. */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 64, LONG_ONLY = 256, HELP_COLUMN = 28 };

/* Thirty years and more; so sums of times never wrap. */
#define SECONDS_MAX 1e9

#define FIELD(member) offsetof(struct reel_common, member)

const struct reel_option reel_common_options[] = {
    {'h', "host", "HOST", REEL_OPTION_TEXT, FIELD(host), "broker (localhost)", "REEL_HOST"},
    {'p', "port", "PORT", REEL_OPTION_UINT, FIELD(port), "its port (1883, with TLS 8883)",
     "REEL_PORT"},
    {'u', "username", "NAME", REEL_OPTION_TEXT, FIELD(username),
     "user at the broker, to be named with a certificate or key too", "REEL_USERNAME"},
    {'P', "password", "PASSWORD", REEL_OPTION_TEXT, FIELD(password),
     "better in the environment, where others do not see it", "REEL_PASSWORD"},
    {0, "cafile", "FILE", REEL_OPTION_TEXT, FIELD(cafile), "authorities to trust; turns on TLS",
     "REEL_CAFILE"},
    {0, "cert", "FILE", REEL_OPTION_TEXT, FIELD(cert), "certificate of this client", "REEL_CERT"},
    {0, "key", "FILE", REEL_OPTION_TEXT, FIELD(key), "its key", "REEL_KEY"},
    {0, "psk", "KEY", REEL_OPTION_TEXT, FIELD(psk),
     "pre-shared key in hexadecimal; turns on TLS; better in the environment", "REEL_PSK"},
    {0, "psk-identity", "NAME", REEL_OPTION_TEXT, FIELD(psk_identity), "whose key that is",
     "REEL_PSK_IDENTITY"},
    {'i', "id", "ID", REEL_OPTION_TEXT, FIELD(client_id), "client id (random)", NULL},
    {0, "prefix", "TOPIC", REEL_OPTION_TEXT, FIELD(prefix), "of all topics (reel/v1)",
     "REEL_PREFIX"},
    {0, "timeout", "SECONDS", REEL_OPTION_SECONDS, FIELD(timeout),
     "how long to wait for the sink without any progress", NULL},
    {0, "json", NULL, REEL_OPTION_FLAG, FIELD(json), "JSON for programs instead of text", NULL},
    {'q', "quiet", NULL, REEL_OPTION_FLAG, FIELD(quiet), "say nothing but errors", NULL},
    {0, "help", NULL, REEL_OPTION_FLAG, FIELD(help), "this text", NULL},
    {0, "version", NULL, REEL_OPTION_FLAG, FIELD(version), "the version", NULL},
    {0},
};

bool reel_seconds_parse(const char *text, double *seconds_out)
{
    double total = 0;

    for (int part = 0; part < 3; part++) {
        char *end;
        double value;

        if (*text < '0' || *text > '9')
            return false;
        value = strtod(text, &end);
        /* Digits and a point alone: no exponent, no hexadecimal. */
        if (end > text + strspn(text, "0123456789.") || (part > 0 && value >= 60))
            return false;
        total = total * 60 + value;
        if (total > SECONDS_MAX)
            return false;
        if (*end == '\0') {
            *seconds_out = total;
            return true;
        }
        /* Only the last part may have a fraction. */
        if (*end != ':' || value != floor(value))
            return false;
        text = end + 1;
    }
    return false;
}

static bool uint_parse(const char *text, uint64_t *value_out)
{
    char *end;
    unsigned long long value;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno || *end)
        return false;
    *value_out = value;
    return true;
}

static bool seconds_store(void *place, const char *text)
{
    struct reel_seconds_option *seconds = place;

    return seconds->given = reel_seconds_parse(text, &seconds->value);
}

static bool uint_store(void *place, const char *text)
{
    struct reel_uint_option *uint = place;

    return uint->given = uint_parse(text, &uint->value);
}

static bool texts_store(void *place, const char *text)
{
    struct reel_texts_option *texts = place;

    if (texts->count == REEL_OPTION_TEXTS_MAX)
        return false;
    texts->items[texts->count++] = text;
    return true;
}

/* `text` is NULL for a flag. */
static bool option_store(const struct reel_option *option, void *values, const char *text)
{
    void *place = (char *)values + option->offset;
    bool good = true;

    switch (option->kind) {
    case REEL_OPTION_FLAG:
        *(bool *)place = true;
        break;
    case REEL_OPTION_TEXT:
        *(const char **)place = text;
        break;
    case REEL_OPTION_UINT:
        good = uint_store(place, text);
        break;
    case REEL_OPTION_SECONDS:
        good = seconds_store(place, text);
        break;
    case REEL_OPTION_TEXTS:
        good = texts_store(place, text);
        break;
    }
    if (!good)
        fprintf(stderr, "reel: --%s: \"%s\" cannot be taken as %s\n", option->name, text,
                option->argument);
    return good;
}

bool reel_options_environment(const struct reel_option_set *set)
{
    for (const struct reel_option *option = set->options; option && option->name; option++) {
        const char *text = option->environment ? getenv(option->environment) : NULL;

        if (text && *text && !option_store(option, set->values, text))
            return false;
    }
    return true;
}

void reel_common_defaults(struct reel_common *common)
{
    if (!common->host)
        common->host = "localhost";
    if (!common->port.given)
        common->port.value = common->cafile || common->psk ? 8883 : 1883;
    if (!common->prefix)
        common->prefix = "reel/v1";
}

/* What getopt_long wants to know, and which option each of its answers is. */
struct getopt_tables {
    char letters[2 * OPTIONS_MAX + 3];
    struct option longs[OPTIONS_MAX + 1];
    const struct reel_option *options[OPTIONS_MAX];
    void *values[OPTIONS_MAX];
    int count;
};

static void tables_add(struct getopt_tables *tables, const struct reel_option_set *set)
{
    size_t used = strlen(tables->letters);

    for (const struct reel_option *option = set->options; option && option->name; option++) {
        int i = tables->count++;

        tables->longs[i] = (struct option){
            .name = option->name, .has_arg = option->argument ? 1 : 0, .val = LONG_ONLY + i};
        tables->options[i] = option;
        tables->values[i] = set->values;
        if (option->letter) {
            tables->letters[used++] = option->letter;
            if (option->argument)
                tables->letters[used++] = ':';
        }
    }
    tables->letters[used] = '\0';
}

static int tables_find(const struct getopt_tables *tables, int answer)
{
    if (answer >= LONG_ONLY)
        return answer - LONG_ONLY;
    for (int i = 0; i < tables->count; i++) {
        if (tables->options[i]->letter == answer)
            return i;
    }
    return -1;
}

bool reel_options_parse(int argc, char **argv, const struct reel_option_set *sets,
                        size_t sets_count, bool in_order, int *next_out)
{
    struct getopt_tables tables = {.letters = ""};
    int answer;

    if (in_order)
        strcpy(tables.letters, "+");
    for (size_t i = 0; i < sets_count; i++)
        tables_add(&tables, &sets[i]);
    optind = 0; /* start afresh: this runs twice */
    while ((answer = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
        int i = answer == '?' ? -1 : tables_find(&tables, answer);

        if (i < 0 || !option_store(tables.options[i], tables.values[i], optarg))
            return false;
    }
    *next_out = optind;
    return true;
}

void reel_options_help(const struct reel_option *options)
{
    for (const struct reel_option *option = options; option && option->name; option++) {
        char left[64];
        char letter[8] = "    ";

        if (option->letter)
            snprintf(letter, sizeof letter, "-%c, ", option->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
        printf("  %-*s %s", HELP_COLUMN, left, option->help);
        if (option->environment)
            printf(" [%s]", option->environment);
        putchar('\n');
    }
}
