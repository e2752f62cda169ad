/* reel top: devices, rates, gaps and the disk, looked at again and again. */
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/top.h"
#include "cli/top_screen.h"
#include "io/loop.h"

enum { SECOND_US = 1000000, PAGE = 1000, EVERY_LEAST_US = SECOND_US / 10 };

struct values {
    const char *device;
    const char *sort;
    struct reel_seconds_option every;
    struct reel_uint_option count;
    bool once;
    bool batch;
};

#define FIELD(member) offsetof(struct values, member)

static const struct reel_option options[] = {
    {0, "device", "NAME", REEL_OPTION_TEXT, FIELD(device), "that one alone", NULL},
    {0, "sort", "KEY", REEL_OPTION_TEXT, FIELD(sort),
     "by device, heard, rate, size, gaps or wrong (what was refused); rate is the default", NULL},
    {0, "every", "TIME", REEL_OPTION_SECONDS, FIELD(every),
     "seconds between two looks (2), 0.1 at least", NULL},
    {'n', "count", "N", REEL_OPTION_UINT, FIELD(count), "end after so many looks", NULL},
    {0, "once", NULL, REEL_OPTION_FLAG, FIELD(once), "look once, and write it as plain text", NULL},
    {0, "batch", NULL, REEL_OPTION_FLAG, FIELD(batch),
     "plain text, as where standard output is no terminal", NULL},
    {0},
};

/* What is asked, and what stands open of it. */
struct looking {
    const struct reel_common *common;
    const char *device; /* that the questions are confined to, or NULL */
    json_t *request;    /* of `devices` */
    struct reel_client *client;
    struct reel_top top;
    struct reel_top_screen *screen; /* NULL: plain text */
    uint32_t status_number;         /* 0: answered */
    uint32_t devices_number;
    int64_t asked_us; /* monotonic */
    int64_t next_us;  /* monotonic: the next look */
    int64_t every_us;
    uint64_t looks_left;
    bool failed;                    /* the look under way */
    char note[REEL_TOP_LINE_BYTES]; /* on the screen: why the last look failed; "" if it did not */
    enum reel_code code;            /* why it is over, if not OK */
    struct reel_error error;
};

static void fail(struct looking *looking, enum reel_code code)
{
    if (looking->code == REEL_OK)
        looking->code = code;
}

static void ask_page(struct looking *looking)
{
    fail(looking, reel_client_request(looking->client, "devices", looking->device, looking->request,
                                      &looking->devices_number, &looking->error));
}

static void begin_look(struct looking *looking, int64_t now_us)
{
    looking->asked_us = now_us;
    looking->next_us = INT64_MAX;
    looking->failed = false;
    reel_top_begin(&looking->top);
    json_object_del(looking->request, "cursor");
    fail(looking, reel_client_request(looking->client, "status", looking->device, NULL,
                                      &looking->status_number, &looking->error));
    ask_page(looking);
}

/* ---- what comes ---- */

static void no_memory(struct looking *looking)
{
    fail(looking, reel_error_set(&looking->error, REEL_E_INTERNAL, NULL, "out of memory"));
}

/* Another page follows, or the devices are whole. */
static void take_page(struct looking *looking, const json_t *page, int64_t now_us)
{
    json_t *cursor = json_object_get(page, "next_cursor");

    looking->devices_number = 0;
    if (!reel_top_take_page(&looking->top, page)) {
        no_memory(looking);
    } else if (json_is_string(cursor)) {
        json_object_set(looking->request, "cursor", cursor);
        ask_page(looking);
    } else if (!reel_top_end(&looking->top, now_us)) {
        no_memory(looking);
    }
}

/* The sink says no, perhaps for now: the plain text ends with that, the screen goes on asking. */
static void take_refusal(struct looking *looking)
{
    if (!looking->screen) {
        fail(looking, looking->error.code);
        return;
    }
    looking->failed = true;
    looking->status_number = looking->devices_number = 0;
    snprintf(looking->note, sizeof looking->note, "%s: %s", reel_code_name(looking->error.code),
             looking->error.message);
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct looking *looking = user;
    uint32_t number = reel_client_number(message);
    int64_t now_us = reel_monotonic_us();
    json_t *data = NULL;

    if (number == 0 || (number != looking->status_number && number != looking->devices_number))
        return;
    looking->asked_us = now_us;
    if (reel_answer_decode(message, &data, &looking->error)) {
        take_refusal(looking);
    } else if (number == looking->devices_number) {
        take_page(looking, data, now_us);
    } else {
        looking->status_number = 0;
        reel_top_take_status(&looking->top, json_incref(data), now_us);
    }
    json_decref(data);
}

/* ---- what is shown ---- */

static void print(const struct looking *looking)
{
    char head[REEL_TOP_HEAD_LINES][REEL_TOP_LINE_BYTES];
    char cells[REEL_TOP_COLUMNS][REEL_HUMAN_BYTES + REEL_NAME_BYTES];
    struct reel_table *table = reel_table_create(reel_top_columns, REEL_TOP_COLUMNS);

    reel_top_head(&looking->top, head);
    for (int i = 0; i < REEL_TOP_HEAD_LINES; i++)
        reel_report_line("%s", head[i]);
    for (size_t i = 0; table && i < looking->top.shown.count; i++) {
        reel_top_cells(&looking->top.shown.items[i], reel_wall_us(), cells);
        for (int k = 0; k < REEL_TOP_COLUMNS; k++)
            reel_table_cell(table, "%s", cells[k]);
    }
    if (table)
        reel_table_print(table, true);
    reel_table_destroy(&table);
    fflush(stdout);
}

static void draw(const struct looking *looking)
{
    reel_top_screen_draw(looking->screen, &looking->top, looking->note, reel_wall_us());
}

/* A look is whole, or failed: show it, and say when the next is. */
static void end_look(struct looking *looking, int64_t now_us)
{
    bool is_last = --looking->looks_left == 0;

    looking->next_us = is_last ? INT64_MAX : now_us + looking->every_us;
    if (!looking->failed)
        looking->note[0] = '\0';
    if (looking->screen)
        draw(looking);
    else
        print(looking);
    if (!looking->screen && !is_last)
        reel_report_line("%s", "");
}

/* ---- the loop ---- */

static bool asks(const struct looking *looking)
{
    return looking->status_number || looking->devices_number;
}

/* --timeout */
static int64_t patience_us(const struct looking *looking)
{
    return (int64_t)(looking->common->timeout.value * SECOND_US);
}

/* Who does not answer for --timeout: the plain text ends with that, the screen goes on asking. */
static void give_up(struct looking *looking, int64_t now_us)
{
    snprintf(looking->note, sizeof looking->note, "the sink does not answer");
    looking->status_number = looking->devices_number = 0;
    looking->next_us = now_us + looking->every_us;
    if (looking->screen)
        draw(looking);
    else
        fail(looking,
             reel_error_set(&looking->error, REEL_E_STALLED, NULL, "the sink does not answer%s",
                            reel_client_presence(looking->client)));
}

static void reconnect(struct looking *looking)
{
    if (looking->screen)
        reel_top_screen_leave(looking->screen);
    looking->code = reel_client_reconnect(
        looking->client, reel_monotonic_us() + patience_us(looking), &looking->error);
    looking->status_number = looking->devices_number = 0;
    looking->next_us = 0;
}

/* One turn; false when it is time to end. */
static bool turn(struct looking *looking, int interrupt_fd)
{
    bool asked = asks(looking);
    int64_t deadline_us = asked ? looking->asked_us + patience_us(looking) : looking->next_us;
    struct pollfd also[2] = {{.fd = interrupt_fd, .events = POLLIN},
                             {.fd = looking->screen ? STDIN_FILENO : -1, .events = POLLIN}};
    int64_t now_us;

    if (reel_client_run(looking->client, also, 2, deadline_us, &looking->error)) {
        reconnect(looking);
        return looking->code == REEL_OK;
    }
    now_us = reel_monotonic_us();
    if (reel_interrupt_take(interrupt_fd) || (also[1].revents & (POLLHUP | POLLERR)) ||
        looking->code)
        return false;
    if (asked && !asks(looking))
        end_look(looking, now_us);
    else if (asked && now_us >= looking->asked_us + patience_us(looking))
        give_up(looking, now_us);
    if (!asks(looking) && now_us >= looking->next_us)
        begin_look(looking, now_us);
    if (looking->screen && !reel_top_screen_keys(looking->screen, &looking->top))
        return false;
    if (looking->screen)
        draw(looking);
    return looking->looks_left > 0 && looking->code == REEL_OK && !ferror(stdout);
}

static enum reel_code look(struct looking *looking, struct reel_error *err_out)
{
    const struct reel_client_handlers handlers = {.user = looking, .message = on_message};
    int interrupt_fd;

    reel_client_handle(looking->client, &handlers);
    looking->code = reel_client_connect(
        looking->client, reel_monotonic_us() + REEL_CLIENT_CONNECT_US, &looking->error);
    interrupt_fd = reel_interrupt_open();
    while (looking->code == REEL_OK && turn(looking, interrupt_fd))
        continue;
    reel_interrupt_close(interrupt_fd);
    if (looking->code)
        *err_out = looking->error;
    return looking->code;
}

static bool find_sort(const char *name, enum reel_top_sort *sort_out)
{
    *sort_out = REEL_TOP_RATE;
    if (!name)
        return true;
    for (unsigned sort = 0; sort < REEL_TOP_SORTS; sort++) {
        if (strcmp(reel_top_sort_names[sort], name) != 0)
            continue;
        *sort_out = (enum reel_top_sort)sort;
        return true;
    }
    return false;
}

static enum reel_code begin(struct looking *looking, const struct values *values,
                            struct reel_error *err_out)
{
    bool plain = values->once || values->batch || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
    enum reel_code code = REEL_OK;

    looking->request = json_object();
    if (!looking->request)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    json_object_set_new(looking->request, "limit", json_integer(PAGE));
    reel_ask_text(looking->request, "device", values->device);
    code = reel_client_create(looking->common, looking->device, &looking->client, err_out);
    if (code == REEL_OK && !plain)
        code = reel_top_screen_open(&looking->screen, err_out);
    return code;
}

static enum reel_exit run(const struct reel_common *common, const void *given,
                          const struct reel_arguments *arguments)
{
    const struct values *values = given;
    struct looking looking = {
        .common = common,
        .device = reel_ask_confined(common, values->device),
        .every_us = (int64_t)((values->every.given ? values->every.value : 2) * SECOND_US),
        .looks_left = values->once          ? 1
                      : values->count.given ? values->count.value
                                            : UINT64_MAX,
    };
    enum reel_top_sort sort;
    struct reel_error error;
    enum reel_code code;

    (void)arguments;
    if (!find_sort(values->sort, &sort))
        return reel_report_usage("--sort: device, heard, rate, size, gaps or wrong");
    if (looking.looks_left == 0)
        return reel_report_usage("--count: 1 and above");
    if (looking.every_us < EVERY_LEAST_US)
        return reel_report_usage("--every: 0.1 s and above");
    reel_top_init(&looking.top, sort);
    code = begin(&looking, values, &error);
    if (code == REEL_OK)
        code = look(&looking, &error);
    reel_top_screen_close(&looking.screen);
    reel_client_destroy(&looking.client);
    reel_top_finish(&looking.top);
    json_decref(looking.request);
    return code ? reel_report_failed(&error) : REEL_EXIT_OK;
}

const struct reel_command reel_cmd_top = {
    .name = "top",
    .arguments = "",
    .summary = "watch devices, rates, gaps and the disk on a live screen",
    .help = "Keys: q ends it; d, h, r, s, g, w sort by device, heard, rate, size, gaps, refused; "
            "arrows\n"
            "and page keys move. MISSING counts frames of silence that stand for audio that did "
            "not come.\n"
            "Where standard output is no terminal, each look is written as plain text.\n",
    .options = options,
    .values_bytes = sizeof(struct values),
    .timeout_s = 10,
    .run = run,
};
