/* reel: the client. Finds the command, parses what it takes, runs it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/report.h"
#include "io/bus.h"
#include "io/memory.h"

static const struct reel_command *const commands[] = {
    &reel_cmd_publish, &reel_cmd_upload, &reel_cmd_list,    &reel_cmd_info, &reel_cmd_get,
    &reel_cmd_watch,   &reel_cmd_keep,   &reel_cmd_tag,     &reel_cmd_rm,   &reel_cmd_replay,
    &reel_cmd_rejects, &reel_cmd_status, &reel_cmd_devices, &reel_cmd_top,  &reel_cmd_verify,
};

enum { COMMANDS_COUNT = sizeof commands / sizeof *commands };

static const char exit_help[] =
    "\nExit status: 0 done, 1 failed or refused, 2 usage, 3 no such recording, 4 not now and "
    "worth\n"
    "trying again (no broker, no answer, sink busy or its disk failing), 130 interrupted.\n";

static const struct reel_command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static void help_all(void)
{
    puts("usage: reel [OPTION]... COMMAND [OPTION]... [ARGUMENT]...\n\n"
         "Publish audio to the sink, see what it has recorded, get it back, all over MQTT.\n");
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    puts("\nOptions of every command, and the environment that stands in for them:");
    reel_options_help(reel_common_options);
    puts("\n`reel COMMAND --help` tells what a command takes besides.");
    fputs(exit_help, stdout);
}

static void synopsis(FILE *out, const struct reel_command *command)
{
    fprintf(out, "usage: reel %s [OPTION]...%s%s\n", command->name, *command->arguments ? " " : "",
            command->arguments);
}

static void help_command(const struct reel_command *command)
{
    synopsis(stdout, command);
    printf("\n%s.\n", command->summary);
    if (command->help)
        printf("\n%s", command->help);
    if (command->options) {
        puts("\nOptions:");
        reel_options_help(command->options);
    }
    puts("\nOptions of every command:");
    reel_options_help(reel_common_options);
    printf("--timeout is %g s where it is not given.\n", command->timeout_s);
    fputs(exit_help, stdout);
}

static enum reel_exit version(void)
{
    puts("reel " REEL_VERSION);
    return REEL_EXIT_OK;
}

/* `what` is NULL where the reason has been told. */
static enum reel_exit usage(const struct reel_command *command, const char *what)
{
    if (what)
        reel_report_note("%s", what);
    if (command)
        synopsis(stderr, command);
    fprintf(stderr, "`reel %s%s--help` tells more\n", command ? command->name : "",
            command ? " " : "");
    return REEL_EXIT_USAGE;
}

/* `argv` begins with the program's name, as getopt shows it. */
static enum reel_exit command_run(const struct reel_command *command, struct reel_common *common,
                                  void *values, int argc, char **argv)
{
    const struct reel_option_set sets[] = {{reel_common_options, common},
                                           {command->options, values}};
    struct reel_arguments arguments;
    struct reel_error error;
    enum reel_exit status;
    int next;

    if (!reel_options_environment(&sets[1]) ||
        !reel_options_parse(argc, argv, sets, 2, false, &next))
        return usage(command, NULL);
    if (common->version)
        return version();
    if (common->help) {
        help_command(command);
        return REEL_EXIT_OK;
    }
    arguments = (struct reel_arguments){argv + next, (size_t)(argc - next)};
    if (arguments.count < command->arguments_min)
        return usage(command, "an argument is missing");
    if (arguments.count > command->arguments_max)
        return usage(command, "too many arguments");
    reel_common_defaults(common);
    if (common->port.value == 0 || common->port.value > 65535)
        return usage(command, "--port: 1 to 65535");
    if (!common->timeout.given)
        common->timeout.value = command->timeout_s;
    if (reel_bus_library_init(&error))
        return reel_report_failed(&error);
    status = command->run(common, values, &arguments);
    reel_bus_library_finish();
    return status;
}

static enum reel_exit run(int argc, char **argv)
{
    struct reel_common common = {0};
    const struct reel_option_set set = {reel_common_options, &common};
    const struct reel_command *command;
    enum reel_exit status;
    char name[] = "reel"; /* for getopt's messages */
    void *values;
    int next;

    reel_memory_guard_json();
    signal(SIGPIPE, SIG_IGN);
    if (argc > 0)
        argv[0] = name;
    if (!reel_options_environment(&set) || !reel_options_parse(argc, argv, &set, 1, true, &next))
        return usage(NULL, NULL);
    if (common.version)
        return reel_report_flush(version());
    if (next == argc) {
        if (!common.help)
            return usage(NULL, "a command is missing");
        help_all();
        return reel_report_flush(REEL_EXIT_OK);
    }
    command = command_find(argv[next]);
    if (!command) {
        reel_report_note("there is no command %s", argv[next]);
        return usage(NULL, NULL);
    }
    argv[next] = name;
    values = calloc(1, command->values_bytes ? command->values_bytes : 1);
    if (!values)
        return REEL_EXIT_FAILED;
    status = command_run(command, &common, values, argc - next, argv + next);
    free(values);
    return reel_report_flush(status);
}

int main(int argc, char **argv)
{
    return (int)run(argc, argv);
}
