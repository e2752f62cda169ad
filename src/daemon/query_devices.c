/* Query, `devices`: a page of what is known of each device. */
#include <stdio.h>

#include "core/object.h"
#include "core/query_plan.h"
#include "daemon/query_page.h"
#include "io/loop.h"

/* As with `list`: a device with many recordings that grow takes its time. */
enum { SCAN_MOST_US = 50000 };

struct walk {
    const struct reel_devices_plan *plan;
    int64_t deadline_us;
    uint32_t shown;
    bool more;
    struct reel_page page;
};

static json_t *describe(const struct reel_device_figures *figures)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_text(&object, "device", figures->device);
    reel_object_put_time_or_null(&object, "heard_at", figures->has_heard, figures->heard_us);
    reel_object_put_bool(&object, "silent", figures->silent);
    reel_object_put_text_or_null(&object, "session", figures->session);
    reel_object_put_uint(&object, "recordings", figures->recordings);
    reel_object_put_uint(&object, "recordings_open", figures->recordings_open);
    reel_object_put_uint(&object, "frames", figures->frames);
    reel_object_put_uint(&object, "bytes", figures->bytes);
    reel_object_put_uint(&object, "fragments", figures->fragments);
    reel_object_put_uint(&object, "gap_frames", figures->gap_frames);
    reel_object_put_uint(&object, "rejected", figures->rejected);
    reel_object_put_uint(&object, "quarantined", figures->quarantined);
    return reel_object_take(&object);
}

/* The first is always on the page, or who follows the cursors would never see the end. */
static bool add_row(const struct reel_device_figures *figures, void *user)
{
    struct walk *walk = user;

    if (figures->recordings == 0 && figures->quarantined == 0)
        return true; /* nothing of it is left but that it was silent */
    walk->more = walk->shown == walk->plan->limit ||
                 (walk->shown > 0 && reel_monotonic_us() >= walk->deadline_us);
    if (!walk->more)
        walk->more = !reel_page_add(&walk->page, describe(figures));
    if (walk->more)
        return false;
    walk->shown++;
    reel_devices_cursor_encode(figures->device, walk->page.cursor);
    return true;
}

/* One alone: none where nothing is known of it. */
static enum reel_code add_one(struct reel_reader *reader, struct walk *walk,
                              struct reel_error *err_out)
{
    struct reel_device_figures figures;
    enum reel_code code = reel_reader_device(reader, walk->plan->device, &figures, err_out);

    if (code == REEL_OK)
        add_row(&figures, walk);
    return code == REEL_E_NOT_FOUND ? REEL_OK : code;
}

enum reel_code reel_query_devices(struct reel_request *request, struct reel_error *err_out)
{
    struct reel_reader *reader = request->links->reader;
    struct reel_devices_plan plan;
    struct walk walk = {.plan = &plan, .deadline_us = reel_monotonic_us() + SCAN_MOST_US};
    enum reel_code code =
        reel_devices_plan_decode(request->document, reel_request_device(request), &plan, err_out);

    if (code != REEL_OK)
        return code;
    reel_page_init(&walk.page, request, "devices");
    code = plan.has_device
               ? add_one(reader, &walk, err_out)
               : reel_reader_devices(reader, plan.after, INT64_MAX, add_row, &walk, err_out);
    if (code == REEL_OK)
        return reel_page_reply(&walk.page, request, json_object(), walk.more, err_out);
    reel_page_finish(&walk.page);
    return code;
}
