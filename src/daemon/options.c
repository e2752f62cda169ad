/* Options: read with getopt, settings in the order file, then command line. */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config_list.h"
#include "daemon/journal.h"

static const char usage[] =
    "usage: reeld [-c FILE] [-o SECTION.KEY=VALUE]...\n"
    "             [--check-config | --check-broker [--json] | --list-settings | --reindex |\n"
    "             --verify]\n"
    "\n"
    "The recorder sink for audio over MQTT.\n"
    "\n"
    "  -c, --config FILE    settings (default " REEL_CONFIG_FILE ", where there is one), and over\n"
    "                       them those in FILE.d that end in .conf, in the order of their names\n"
    "  -o SECTION.KEY=VALUE one setting, over the files'\n"
    "      --check-config   say whether the settings are right, or all that is wrong, and end\n"
    "      --check-broker   find out whether the broker does what the sink needs, say what to\n"
    "                       change, and end; also while a sink runs\n"
    "      --json           say that as JSON\n"
    "      --list-settings  say what settings there are, as JSON, and end\n"
    "      --reindex        rebuild the catalog from sidecars and WAV files, and end\n"
    "      --verify         compare every recording's file with the catalog, its sidecar and its\n"
    "                       sha256, say what differs, change nothing, and end; also while a sink\n"
    "                       runs. After a crash start the sink first: it mends what that left\n"
    "      --version        say which version this is, and end\n"
    "  -h, --help           this\n"
    "\n"
    "SIGHUP reads the settings again; what needs a restart is logged.\n"
    "\n"
    "Exit status: 0 ended as asked, 1 failed or something differs, 69 another sink has\n"
    "this name, 78 bad settings, or a store that is another user's or a newer version's.\n";

static void say_complaint(void *user, const char *text)
{
    fprintf(user, "%sreeld: %s\n", reel_journal_is_stderr() ? "<3>" : "", text);
}

static int read_settings(const struct reel_config_sources *sources, struct reel_config **config_out)
{
    struct reel_complaints complaints;

    reel_complaints_init(&complaints);
    *config_out = reel_config_load(sources, &complaints);
    reel_complaints_each(&complaints, say_complaint, stderr);
    return *config_out ? -1 : REEL_EXIT_CONFIG;
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

/* Take one option in. Returns -1 to go on, else the exit status. */
static int take(struct reel_options *options, int option)
{
    struct reel_config_sources *sources = &options->sources;

    if (option == 'c')
        sources->file = optarg;
    else if (option == 'o' && sources->assignments_count < REEL_ASSIGNMENTS_MAX)
        options->assignments[sources->assignments_count++] = optarg;
    else if (option == 'C')
        options->check_config = true;
    else if (option == 'L')
        options->list_settings = true;
    else if (option == 'R')
        options->reindex = true;
    else if (option == 'Y')
        options->verify = true;
    else if (option == 'B')
        options->check_broker = true;
    else if (option == 'J')
        options->json = true;
    else if (option == 'V')
        return say(stdout, "reeld " REEL_VERSION "\n");
    else if (option == 'h')
        return say(stdout, usage);
    else
        return usage_failed();
    return -1;
}

int reel_options_read(int argc, char **argv, struct reel_options *options_out,
                      struct reel_config **config_out)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},  {"check-config", no_argument, NULL, 'C'},
        {"list-settings", no_argument, NULL, 'L'}, {"reindex", no_argument, NULL, 'R'},
        {"verify", no_argument, NULL, 'Y'},        {"check-broker", no_argument, NULL, 'B'},
        {"json", no_argument, NULL, 'J'},          {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int status = -1;
    int option;

    memset(options_out, 0, sizeof *options_out);
    options_out->sources.assignments = options_out->assignments;
    while (status < 0 && (option = getopt_long(argc, argv, "c:o:h", long_options, NULL)) != -1)
        status = take(options_out, option);
    if (status >= 0)
        return status;
    if (optind != argc ||
        options_out->reindex + options_out->verify + options_out->check_broker > 1 ||
        (options_out->json && !options_out->check_broker))
        return usage_failed();
    if (options_out->list_settings)
        return reel_config_list(stdout) ? REEL_EXIT_OK : REEL_EXIT_FAILED;
    status = read_settings(&options_out->sources, config_out);
    if (status < 0 && options_out->check_config) {
        reel_config_destroy(config_out);
        return say(stdout, "the settings are right\n");
    }
    return status;
}
