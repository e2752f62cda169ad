/* Discovery: tables of what is shown, and the documents made from them. */
#include "core/discovery.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "core/object.h"
#include "core/timestamp.h"
#include "wire/topic.h"

enum { HASH_DIGITS = 8, ID_BYTES = REEL_NAME_BYTES + 1 + HASH_DIGITS };

struct thing {
    const char *component;
    const char *id;    /* of the object, behind the device's */
    const char *name;  /* as it is shown */
    const char *topic; /* below broker.prefix, before the sink's name; NULL: the device's state */
    const char *template;
    const char *device_class; /* NULL: none; as the next two */
    const char *state_class;
    const char *unit;
};

static const struct thing of_sink[REEL_DISCOVERY_OF_SINK] = {
    {"binary_sensor", "sink_problem", "Problem", "status",
     "{{ 'OFF' if value_json.state | default('ok') == 'ok' else 'ON' }}", "problem", NULL, NULL},
    {"sensor", "sink_disk_free", "Disk free", "metrics",
     "{{ value_json.reel_disk_free_bytes | default(none) }}", "data_size", "measurement", "B"},
    {"sensor", "sink_recordings_open", "Open recordings", "metrics",
     "{{ value_json.reel_recordings_open }}", NULL, "measurement", NULL},
    {"sensor", "sink_rejected", "Fragments refused", "metrics",
     "{{ value_json.reel_rejected_total }}", NULL, "total_increasing", NULL},
    {"sensor", "sink_gaps", "Gaps", "metrics", "{{ value_json.reel_gaps_total }}", NULL,
     "total_increasing", NULL},
};

static const struct thing of_device[REEL_DISCOVERY_OF_DEVICE] = {
    {"binary_sensor", "heard", "Heard", NULL, "{{ 'ON' if value_json.heard else 'OFF' }}",
     "connectivity", NULL, NULL},
    {"binary_sensor", "recording", "Recording", NULL,
     "{{ 'ON' if value_json.recording else 'OFF' }}", "running", NULL, NULL},
    {"sensor", "last_heard", "Last heard", NULL, "{{ value_json.heard_at }}", "timestamp", NULL,
     NULL},
    {"sensor", "missing", "Missing frames", NULL, "{{ value_json.gap_frames }}", NULL,
     "measurement", NULL},
    {"sensor", "rejected", "Fragments refused", NULL, "{{ value_json.rejected }}", NULL,
     "measurement", NULL},
};

static const struct thing *thing_of(const char *device, size_t i)
{
    return device ? &of_device[i] : &of_sink[i];
}

/* Does the name end like one to which a hash was added? */
static bool ends_like_a_hash(const char *name, size_t length)
{
    size_t start = length - HASH_DIGITS;

    return length > HASH_DIGITS && name[start - 1] == '_' &&
           strspn(name + start, "0123456789abcdef") == HASH_DIGITS;
}

/* A name as an id may be; a hash tells apart what becomes alike. */
static void make_id(const char *name, char out[ID_BYTES])
{
    uint64_t hash = REEL_HASH_START;
    bool changed = false;
    size_t length = 0;

    for (; name[length] && length < REEL_NAME_BYTES - 1; length++) {
        hash = reel_hash_byte(hash, (unsigned char)name[length]);
        changed = changed || name[length] == '.';
        out[length] = name[length] == '.' ? '_' : name[length];
    }
    out[length] = '\0';
    if (changed || ends_like_a_hash(name, length))
        snprintf(out + length, ID_BYTES - length, "_%08x",
                 (unsigned)((hash >> 32 ^ hash) & 0xffffffff));
}

void reel_discovery_filter(const struct reel_discovery *discovery,
                           char out[REEL_DISCOVERY_TOPIC_BYTES])
{
    char node[ID_BYTES];

    make_id(discovery->sink, node);
    snprintf(out, REEL_DISCOVERY_TOPIC_BYTES, "%s/+/reel_%s/+/config", discovery->home, node);
}

void reel_discovery_check(const struct reel_discovery *discovery,
                          char filter_out[REEL_DISCOVERY_TOPIC_BYTES],
                          char topic_out[REEL_DISCOVERY_TOPIC_BYTES])
{
    char node[ID_BYTES];

    make_id(discovery->sink, node);
    snprintf(filter_out, REEL_DISCOVERY_TOPIC_BYTES, "%s/+/reel_%s/#", discovery->home, node);
    snprintf(topic_out, REEL_DISCOVERY_TOPIC_BYTES, "%s/reel/reel_%s/" REEL_TOPIC_CHECK,
             discovery->home, node);
}

static void object_id(const char *device, size_t i, char *out, size_t capacity)
{
    char id[ID_BYTES];

    if (device)
        make_id(device, id);
    snprintf(out, capacity, "%s%s%s%s", device ? "device_" : "", device ? id : "",
             device ? "_" : "", thing_of(device, i)->id);
}

void reel_discovery_topic(const struct reel_discovery *discovery, const char *device, size_t i,
                          char out[REEL_DISCOVERY_TOPIC_BYTES])
{
    char node[ID_BYTES];
    char object[2 * ID_BYTES];

    make_id(discovery->sink, node);
    object_id(device, i, object, sizeof object);
    snprintf(out, REEL_DISCOVERY_TOPIC_BYTES, "%s/%s/reel_%s/%s/config", discovery->home,
             thing_of(device, i)->component, node, object);
}

void reel_discovery_state_topic(const struct reel_discovery *discovery, const char *device,
                                char out[REEL_DISCOVERY_TOPIC_BYTES])
{
    char node[ID_BYTES];
    char id[ID_BYTES];

    make_id(discovery->sink, node);
    make_id(device, id);
    snprintf(out, REEL_DISCOVERY_TOPIC_BYTES, "%s/reel/reel_%s/device_%s/state", discovery->home,
             node, id);
}

/* Who it is: the sink, or a device that stands behind it. */
static json_t *describe_device(const struct reel_discovery *discovery, const char *device)
{
    struct reel_object object;
    char id[2 * REEL_NAME_BYTES + 8];
    char sink_id[REEL_NAME_BYTES + 8];

    snprintf(sink_id, sizeof sink_id, "reel_%s", discovery->sink);
    snprintf(id, sizeof id, "%s%s%s", sink_id, device ? "/" : "", device ? device : "");
    reel_object_init(&object);
    reel_object_put(&object, "identifiers", json_pack("[s]", id));
    reel_object_put_text(&object, "name", device ? device : sink_id);
    reel_object_put_text(&object, "model", device ? "recorder" : "reeld");
    if (device)
        reel_object_put_text(&object, "via_device", sink_id);
    else
        reel_object_put_text(&object, "sw_version", discovery->version);
    return reel_object_take(&object);
}

static void put_if(struct reel_object *object, const char *name, const char *text)
{
    if (text)
        reel_object_put_text(object, name, text);
}

json_t *reel_discovery_document(const struct reel_discovery *discovery, const char *device,
                                size_t i)
{
    const struct thing *thing = thing_of(device, i);
    char topic[REEL_DISCOVERY_TOPIC_BYTES];
    char id[REEL_DISCOVERY_TOPIC_BYTES];
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_text(&object, "name", thing->name);
    snprintf(id, sizeof id, "reel/%s/%s/%s", discovery->sink, device ? device : "", thing->id);
    reel_object_put_text(&object, "unique_id", id);
    if (thing->topic)
        snprintf(topic, sizeof topic, "%s/%s/%s", discovery->prefix, thing->topic, discovery->sink);
    else
        reel_discovery_state_topic(discovery, device, topic);
    reel_object_put_text(&object, "state_topic", topic);
    reel_object_put_text(&object, "value_template", thing->template);
    put_if(&object, "device_class", thing->device_class);
    put_if(&object, "state_class", thing->state_class);
    put_if(&object, "unit_of_measurement", thing->unit);
    snprintf(topic, sizeof topic, "%s/status/%s", discovery->prefix, discovery->sink);
    reel_object_put_text(&object, "availability_topic", topic);
    reel_object_put_text(&object, "availability_template",
                         "{{ 'online' if value_json.online else 'offline' }}");
    reel_object_put(&object, "device", describe_device(discovery, device));
    return reel_object_take(&object);
}

json_t *reel_discovery_state(const struct reel_discovery_state *state)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put_bool(&object, "heard", state->is_heard);
    reel_object_put_bool(&object, "recording", state->records);
    reel_object_put_time_or_null(&object, "heard_at", state->has_heard, state->heard_us);
    reel_object_put_uint(&object, "gap_frames", state->gap_frames);
    reel_object_put_uint(&object, "rejected", state->rejected);
    return reel_object_take(&object);
}

static bool stands_at(const struct reel_discovery *discovery, const char *device, size_t count,
                      const char *topic)
{
    char expected[REEL_DISCOVERY_TOPIC_BYTES];

    for (size_t i = 0; i < count; i++) {
        reel_discovery_topic(discovery, device, i, expected);
        if (strcmp(topic, expected) == 0)
            return true;
    }
    return false;
}

bool reel_discovery_recognise(const struct reel_discovery *discovery, const char *topic,
                              const json_t *document, char device_out[REEL_NAME_BYTES])
{
    const json_t *block = json_object_get(document, "device");
    const char *name = json_string_value(json_object_get(block, "name"));

    device_out[0] = '\0';
    if (stands_at(discovery, NULL, REEL_DISCOVERY_OF_SINK, topic))
        return true;
    if (!name || !reel_name_valid(name, strlen(name)) ||
        !stands_at(discovery, name, REEL_DISCOVERY_OF_DEVICE, topic))
        return false;
    snprintf(device_out, REEL_NAME_BYTES, "%s", name);
    return true;
}
