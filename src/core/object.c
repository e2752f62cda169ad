/* Object: building maps and arrays. */
#include "core/object.h"

#include "core/timestamp.h"

void reel_object_init(struct reel_object *object)
{
    object->json = json_object();
}

void reel_object_extend(struct reel_object *object, json_t *json)
{
    object->json = json;
}

void reel_object_put(struct reel_object *object, const char *name, json_t *value)
{
    /* jansson takes the value over also where it fails. */
    if (json_object_set_new(object->json, name, value) == 0)
        return;
    json_decref(object->json);
    object->json = NULL;
}

void reel_object_put_text(struct reel_object *object, const char *name, const char *text)
{
    reel_object_put(object, name, json_string(text));
}

void reel_object_put_bool(struct reel_object *object, const char *name, bool value)
{
    reel_object_put(object, name, json_boolean(value));
}

void reel_object_put_uint(struct reel_object *object, const char *name, uint64_t value)
{
    reel_object_put(object, name, json_integer((json_int_t)value));
}

void reel_object_put_text_or_null(struct reel_object *object, const char *name, const char *text)
{
    reel_object_put(object, name, *text ? json_string(text) : json_null());
}

void reel_object_put_uint_or_null(struct reel_object *object, const char *name, bool present,
                                  uint64_t value)
{
    reel_object_put(object, name, present ? json_integer((json_int_t)value) : json_null());
}

void reel_object_put_time_or_null(struct reel_object *object, const char *name, bool present,
                                  int64_t time_us)
{
    char text[REEL_TIME_BYTES] = "";

    if (present)
        reel_time_format(time_us, text);
    reel_object_put_text_or_null(object, name, text);
}

json_t *reel_object_take(struct reel_object *object)
{
    json_t *json = object->json;

    object->json = NULL;
    return json;
}

void reel_array_append(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value) == 0)
        return;
    json_decref(*array);
    *array = NULL;
}
