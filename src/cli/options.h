/* Options: a table for each command says at once what is parsed and what --help tells. */
#ifndef REEL_CLI_OPTIONS_H
#define REEL_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reel_option_kind {
    REEL_OPTION_FLAG,    /* bool */
    REEL_OPTION_TEXT,    /* const char * */
    REEL_OPTION_UINT,    /* struct reel_uint_option */
    REEL_OPTION_SECONDS, /* struct reel_seconds_option: 12.5, 1:30, 1:02:03.5 */
    REEL_OPTION_TEXTS,   /* struct reel_texts_option: may be given several times */
};

enum { REEL_OPTION_TEXTS_MAX = 32 };

struct reel_uint_option {
    bool given;
    uint64_t value;
};

struct reel_seconds_option {
    bool given;
    double value;
};

struct reel_texts_option {
    const char *items[REEL_OPTION_TEXTS_MAX];
    size_t count;
};

/* One option. Tables end with an entry without a name. */
struct reel_option {
    char letter; /* 0: none */
    const char *name;
    const char *argument; /* what --help calls its value; NULL for a flag */
    enum reel_option_kind kind;
    size_t offset; /* of the value in the struct that the table fills */
    const char *help;
    const char *environment; /* variable that stands in for it; NULL: none */
};

/* What every command takes. Texts point into argv or the environment. */
struct reel_common {
    const char *host;
    struct reel_uint_option port;
    const char *username;
    const char *password;
    const char *cafile;
    const char *cert;
    const char *key;
    const char *psk;
    const char *psk_identity;
    const char *client_id;
    const char *prefix;
    struct reel_seconds_option timeout;
    bool json;
    bool quiet;
    bool help;
    bool version;
};

extern const struct reel_option reel_common_options[];

/* Fill in what nobody gave. */
void reel_common_defaults(struct reel_common *common);

/* A table and the struct that it fills. */
struct reel_option_set {
    const struct reel_option *options;
    void *values;
};

/* Take from the environment what it has for the table's options; to be done before parsing. False,
 * with a line on standard error, for a bad value. */
bool reel_options_environment(const struct reel_option_set *set);

/* Parse argv[1..] into the sets (at most two). `in_order`: stop at the first word that is no
 * option; else words and options may be mixed, and argv is permuted. `*next_out` is the index of
 * the first word that is left. False, with a line on standard error, for what is no option or has
 * a bad value. */
bool reel_options_parse(int argc, char **argv, const struct reel_option_set *sets,
                        size_t sets_count, bool in_order, int *next_out);

/* Write the table as --help shows it to standard output. */
void reel_options_help(const struct reel_option *options);

/* Read "12.5", "1:30" or "1:02:03.5" as seconds, 0 to 1e9. */
bool reel_seconds_parse(const char *text, double *seconds_out);

#endif
