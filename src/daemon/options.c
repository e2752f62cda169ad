/* Options: read with getopt, settings in the order file, then command line. */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/reel/reeld.conf"
enum { ASSIGNMENTS_MAX = 128 };

static const char usage[] =
    "usage: reeld [-c FILE] [-o section.key=value]...\n"
    "             [--check-config | --check-broker [--json] | --reindex | --verify]\n"
    "\n"
    "The recorder sink for audio over MQTT.\n"
    "\n"
    "  -c, --config FILE    settings (default " DEFAULT_FILE ", where there is one)\n"
    "  -o SECTION.KEY=VALUE one setting, over the file's\n"
    "      --check-config   say whether the settings are right, and end\n"
    "      --check-broker   find out whether the broker does what the sink needs, say what to\n"
    "                       change, and end; also while a sink runs. With --json for programs\n"
    "      --reindex        rebuild the catalog from sidecars and WAV files, and end\n"
    "      --verify         compare every recording's file with the catalog, its sidecar and its\n"
    "                       sha256, say what differs, change nothing, and end; also while a sink\n"
    "                       runs. After a crash start the sink first: it mends what that left\n"
    "      --version        say which version this is, and end\n"
    "      --help           this\n"
    "\n"
    "Exit status: 0 ended as asked, 1 failed or something differs, 69 another sink has\n"
    "this name, 78 bad settings.\n";

struct given {
    const char *file;
    const char *assignments[ASSIGNMENTS_MAX];
    int assignments_count;
};

static int config_failed(const struct reel_error *error)
{
    fprintf(stderr, "reeld: %s\n", error->message);
    return REEL_EXIT_CONFIG;
}

static int read_settings(const struct given *given, struct reel_config *config)
{
    struct reel_error error;
    const char *file = given->file;

    reel_config_default(config);
    if (!file && access(DEFAULT_FILE, F_OK) == 0)
        file = DEFAULT_FILE;
    if (file && reel_config_read(config, file, &error))
        return config_failed(&error);
    for (int i = 0; i < given->assignments_count; i++) {
        if (reel_config_option(config, given->assignments[i], &error))
            return config_failed(&error);
    }
    if (reel_config_finish(config, &error))
        return config_failed(&error);
    return -1;
}

static int say(FILE *file, const char *text)
{
    return fputs(text, file) == EOF || fflush(file) != 0 ? REEL_EXIT_FAILED : REEL_EXIT_OK;
}

static int usage_failed(void)
{
    say(stderr, usage);
    return REEL_EXIT_CONFIG;
}

int reel_options_read(int argc, char **argv, struct reel_options *options_out,
                      struct reel_config *config_out)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, 'C'},
        {"reindex", no_argument, NULL, 'R'},
        {"verify", no_argument, NULL, 'Y'},
        {"check-broker", no_argument, NULL, 'B'},
        {"json", no_argument, NULL, 'J'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct given given = {.file = NULL};
    int status;
    int option;

    memset(options_out, 0, sizeof *options_out);
    while ((option = getopt_long(argc, argv, "c:o:h", long_options, NULL)) != -1) {
        if (option == 'c')
            given.file = optarg;
        else if (option == 'o' && given.assignments_count < ASSIGNMENTS_MAX)
            given.assignments[given.assignments_count++] = optarg;
        else if (option == 'C')
            options_out->check_config = true;
        else if (option == 'R')
            options_out->reindex = true;
        else if (option == 'Y')
            options_out->verify = true;
        else if (option == 'B')
            options_out->check_broker = true;
        else if (option == 'J')
            options_out->json = true;
        else if (option == 'V')
            return say(stdout, "reeld " REEL_VERSION "\n");
        else if (option == 'h')
            return say(stdout, usage);
        else
            return usage_failed();
    }
    if (optind != argc ||
        options_out->reindex + options_out->verify + options_out->check_broker > 1 ||
        (options_out->json && !options_out->check_broker))
        return usage_failed();
    status = read_settings(&given, config_out);
    if (status < 0 && options_out->check_config) {
        say(stdout, "the settings are right\n");
        return REEL_EXIT_OK;
    }
    return status;
}
