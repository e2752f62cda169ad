/* Object: a document's map, built member by member. Memory that ran out on the way shows once, at
 * the end. Pure.
 *
 *   struct reel_object object;
 *   reel_object_init(&object);
 *   reel_object_put_text(&object, "state", "ok");
 *   return reel_object_take(&object); */
#ifndef REEL_CORE_OBJECT_H
#define REEL_CORE_OBJECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct reel_object {
    json_t *json; /* NULL once memory ran out */
};

void reel_object_init(struct reel_object *object);

/* Add on to `json`, whose reference it takes over (NULL: the object fails). */
void reel_object_extend(struct reel_object *object, json_t *json);

/* Put a member in; the reference to `value` is taken over, NULL is memory that ran out. */
void reel_object_put(struct reel_object *object, const char *name, json_t *value);

void reel_object_put_text(struct reel_object *object, const char *name, const char *text);
void reel_object_put_bool(struct reel_object *object, const char *name, bool value);
void reel_object_put_uint(struct reel_object *object, const char *name, uint64_t value);

/* The same, and null where there is none: an empty text, or `present` false. */
void reel_object_put_text_or_null(struct reel_object *object, const char *name, const char *text);
void reel_object_put_uint_or_null(struct reel_object *object, const char *name, bool present,
                                  uint64_t value);
/* RFC 3339. */
void reel_object_put_time_or_null(struct reel_object *object, const char *name, bool present,
                                  int64_t time_us);

/* The finished map, for the caller to own; NULL if memory ran out. */
json_t *reel_object_take(struct reel_object *object);

/* Append to an array; `*array` becomes NULL, released, if memory ran out. Takes `value` over. */
void reel_array_append(json_t **array, json_t *value);

#endif
