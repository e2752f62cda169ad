/* Home Assistant: a pass by all devices now and then, some at a time; what was told of each is
 * remembered, and who is not come by any more is gone. */
#include "daemon/homeassistant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/devices.h"
#include "core/silence.h"
#include "daemon/homeassistant_internal.h"

enum { SECOND_US = 1000000, PASS_US = 10 * SECOND_US, SLICE_DEVICES = 16 };
/* Where something happened, the next pass comes sooner, but not sooner than this after the last. */
enum { REST_US = 2 * SECOND_US };
/* A device that records is heard all the time: its time is told so often. */
enum { HEARD_US = 60 * SECOND_US };
/* Without device.silent_after_s one counts as heard for so long. */
enum { HEARD_LATELY_S = 300 };
/* Fewer than core/devices remembers: none is forgotten that is shown. */
enum { SHOWN_MAX = 8192 };

struct slice {
    struct reel_homeassistant *home;
    struct reel_bus *bus;
    int64_t wall_us;
    unsigned seen;
    bool more;
};

void reel_homeassistant_renew(struct reel_homeassistant *home, const struct reel_config *config)
{
    home->config = config;
    home->discovery = (struct reel_discovery){config->homeassistant_prefix, config->broker_prefix,
                                              config->sink_name, REEL_VERSION};
}

struct reel_homeassistant *reel_homeassistant_create(const struct reel_config *config,
                                                     const struct reel_log *log,
                                                     struct reel_reader *reader)
{
    struct reel_homeassistant *home = calloc(1, sizeof *home);

    if (!home)
        return NULL;
    home->log = log;
    home->reader = reader;
    reel_homeassistant_renew(home, config);
    reel_discovery_filter(&home->discovery, home->filter);
    home->next_us = INT64_MAX;
    home->devices = reel_devices_create(sizeof(struct reel_told));
    if (!home->devices)
        reel_homeassistant_destroy(&home);
    return home;
}

void reel_homeassistant_destroy(struct reel_homeassistant **home)
{
    if (!*home)
        return;
    reel_devices_destroy(&(*home)->devices);
    free(*home);
    *home = NULL;
}

struct reel_told *reel_homeassistant_find(struct reel_homeassistant *home, const char *device)
{
    struct reel_told *told = reel_devices_find(home->devices, device);

    if (!told && reel_devices_count(home->devices) < SHOWN_MAX) {
        told = reel_devices_add(home->devices, device);
        if (told)
            snprintf(told->device, sizeof told->device, "%s", device);
    }
    return told;
}

static struct reel_discovery_state state_of(const struct reel_config *config,
                                            const struct reel_device_figures *figures,
                                            int64_t wall_us)
{
    int64_t latest_us = wall_us + REEL_SILENCE_STEP_US;
    int64_t heard_us = reel_device_heard_us(figures, latest_us);
    bool records = figures->recordings_open > 0;
    struct reel_device_settings settings;
    uint64_t lately_s;
    bool is_late, is_ahead;

    reel_config_device(config, figures->device, &settings);
    lately_s = settings.silent_after_s ? settings.silent_after_s : HEARD_LATELY_S;
    is_late = wall_us - heard_us >= (int64_t)lately_s * SECOND_US;
    is_ahead = heard_us > latest_us; /* a clock that was: nobody knows when */
    return (struct reel_discovery_state){
        .is_heard = figures->has_heard && !is_late && !is_ahead,
        .records = records,
        .has_heard = figures->has_heard,
        .heard_us = heard_us,
        .gap_frames = figures->gap_frames,
        .rejected =
            figures->rejected > figures->quarantined ? figures->rejected : figures->quarantined,
    };
}

static bool is_news(const struct reel_told *told, const struct reel_discovery_state *state)
{
    const struct reel_discovery_state *before = &told->state;

    return !told->has_state || before->is_heard != state->is_heard ||
           before->records != state->records || before->gap_frames != state->gap_frames ||
           before->rejected != state->rejected || before->has_heard != state->has_heard ||
           (before->heard_us != state->heard_us &&
            (!state->records || llabs(state->heard_us - before->heard_us) >= HEARD_US));
}

static void tell_of_bound(struct reel_homeassistant *home)
{
    if (!home->bound_told)
        reel_log_write(home->log, REEL_LOG_WARNING,
                       "Home Assistant is not shown all devices: there are more than %d",
                       (int)SHOWN_MAX);
    home->bound_told = true;
}

static bool visit(const struct reel_device_figures *figures, void *user)
{
    struct slice *slice = user;
    struct reel_homeassistant *home = slice->home;
    struct reel_discovery_state state;
    struct reel_told *told;

    slice->more = slice->seen == SLICE_DEVICES;
    if (slice->more)
        return false;
    slice->seen++;
    memcpy(home->device, figures->device, sizeof home->device);
    if (figures->recordings == 0)
        return true; /* perhaps a stranger's */
    told = reel_homeassistant_find(home, figures->device);
    if (!told) {
        tell_of_bound(home);
        return true; /* the next pass tries again */
    }
    told->pass = home->pass;
    reel_devices_put_last(home->devices, told);
    if (told->connection != home->connection) {
        reel_homeassistant_tell_documents(home, slice->bus, told->device);
        told->connection = home->connection;
        told->has_state = false;
    }
    state = state_of(home->config, figures, slice->wall_us);
    if (is_news(told, &state))
        reel_homeassistant_tell_state(home, slice->bus, told, &state);
    return true;
}

/* Those that the pass did not come by stand first. Some at a time; false: there are more. */
static bool take_back_gone(struct reel_homeassistant *home, struct reel_bus *bus)
{
    struct reel_told *told;

    for (unsigned i = 0; i < SLICE_DEVICES; i++) {
        told = reel_devices_first(home->devices);
        if (!told || told->pass == home->pass)
            return true;
        reel_homeassistant_take_back(home, bus, told->device);
        reel_devices_forget(home->devices, told);
    }
    return false;
}

static void begin_pass(struct reel_homeassistant *home, struct reel_bus *bus)
{
    home->passing = true;
    home->pass++;
    home->device[0] = '\0';
    if (!home->sink_told)
        reel_homeassistant_tell_documents(home, bus, NULL);
    home->sink_told = true;
}

static void end_pass(struct reel_homeassistant *home, int64_t monotonic_us)
{
    home->passing = false;
    home->next_us = monotonic_us + PASS_US;
    home->rested_us = monotonic_us + REST_US;
}

void reel_homeassistant_work(struct reel_homeassistant *home, struct reel_bus *bus,
                             int64_t monotonic_us, int64_t wall_us)
{
    struct slice slice = {home, bus, wall_us, 0, false};
    struct reel_error error;

    if (monotonic_us < home->next_us)
        return;
    if (!home->passing && home->sink_told)
        reel_home_refusals_whole(&home->refusals);
    if (!home->passing)
        begin_pass(home, bus);
    /* Where the disk fails, nothing is known to be gone. */
    if (reel_reader_devices(home->reader, home->device, wall_us + REEL_SILENCE_STEP_US, visit,
                            &slice, &error) ||
        (!slice.more && take_back_gone(home, bus)))
        end_pass(home, monotonic_us);
}

void reel_homeassistant_soon(struct reel_homeassistant *home)
{
    if (home->config->homeassistant_enabled && home->rested_us < home->next_us)
        home->next_us = home->rested_us;
}

int64_t reel_homeassistant_due_us(const struct reel_homeassistant *home)
{
    return home->next_us;
}
