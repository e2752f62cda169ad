/* Tags: from texts and documents, and back. */
#include "cli/tags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

static bool is_number(const char *text, double *number_out)
{
    char *end;

    if (!strchr("-0123456789", *text))
        return false;
    *number_out = strtod(text, &end);
    return *end == '\0' && end != text && isfinite(*number_out);
}

enum reel_exit reel_tags_take(const char *const *texts, size_t count, struct reel_tags *out)
{
    if (count > REEL_TAGS_MAX)
        return reel_report_usage("a recording has at most %d tags", REEL_TAGS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(texts[i], '=');
        struct reel_recorder_tag *tag = &out->items[out->count];

        if (!equals || equals == texts[i] || equals - texts[i] > REEL_TAG_NAME_BYTES ||
            strlen(equals + 1) > REEL_TAG_VALUE_BYTES) {
            reel_tags_finish(out);
            return reel_report_usage("%s is no tag: NAME=VALUE, at most %d and %d bytes", texts[i],
                                     REEL_TAG_NAME_BYTES, REEL_TAG_VALUE_BYTES);
        }
        tag->name = strndup(texts[i], (size_t)(equals - texts[i]));
        if (!tag->name) {
            reel_tags_finish(out);
            return REEL_EXIT_FAILED;
        }
        tag->text = is_number(equals + 1, &tag->number) ? NULL : equals + 1;
        out->count++;
    }
    return REEL_EXIT_OK;
}

bool reel_tags_of_document(const json_t *document, struct reel_tags *out)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)document, name, value) {
        struct reel_recorder_tag *tag = &out->items[out->count];

        if (out->count == REEL_TAGS_MAX)
            break;
        tag->name = strdup(name);
        if (!tag->name) {
            reel_tags_finish(out);
            return false;
        }
        tag->text = json_string_value(value);
        tag->number = json_number_value(value);
        out->count++;
    }
    return true;
}

void reel_tags_finish(struct reel_tags *tags)
{
    while (tags->count)
        free((void *)(uintptr_t)tags->items[--tags->count].name);
}

json_t *reel_tags_document(const struct reel_tags *tags)
{
    json_t *document = json_object();

    for (size_t i = 0; document && i < tags->count; i++) {
        const struct reel_recorder_tag *tag = &tags->items[i];

        if (json_object_set_new(document, tag->name,
                                tag->text ? json_string(tag->text) : json_real(tag->number))) {
            json_decref(document);
            return NULL;
        }
    }
    return document;
}
