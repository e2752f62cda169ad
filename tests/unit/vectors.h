/* The golden messages of tests/vectors, one by one. Run from the top of the tree. */
#ifndef REEL_TESTS_UNIT_VECTORS_H
#define REEL_TESTS_UNIT_VECTORS_H

#include <dirent.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/fragment.h"

enum { VECTOR_PROPERTIES_MAX = 16 };

struct vector {
    char name[256];
    uint8_t *payload; /* of just that size, so that the sanitizer sees a byte too many */
    size_t bytes;
    json_t *expected;
    struct reel_property properties[VECTOR_PROPERTIES_MAX];
    struct reel_envelope envelope;
};

static inline void *vector_file(const char *name, const char *suffix, size_t *bytes_out)
{
    char path[600];
    FILE *file;
    uint8_t *bytes = NULL;
    long size;

    snprintf(path, sizeof path, "tests/vectors/%s%s", name, suffix);
    file = fopen(path, "rb");
    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
        abort();
    rewind(file);
    bytes = malloc(size > 0 ? (size_t)size : 1);
    if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size)
        abort();
    fclose(file);
    *bytes_out = (size_t)size;
    return bytes;
}

static inline void vector_properties(struct vector *vector)
{
    const char *name;
    json_t *value;
    size_t count = 0;

    json_object_foreach (json_object_get(vector->expected, "properties"), name, value) {
        if (count == VECTOR_PROPERTIES_MAX)
            abort();
        vector->properties[count++] = (struct reel_property){name, json_string_value(value)};
    }
    vector->envelope = (struct reel_envelope){NULL, vector->properties, count};
}

/* Load the vector of that name; what is missing or broken ends the program. */
static inline void vector_load(struct vector *vector, const char *name)
{
    static const char *const suffixes[] = {".msgpack", ".payload.json", ".wav"};
    char path[600];

    memset(vector, 0, sizeof *vector);
    snprintf(vector->name, sizeof vector->name, "%s", name);
    snprintf(path, sizeof path, "tests/vectors/%s.expect.json", name);
    vector->expected = json_load_file(path, 0, NULL);
    for (size_t i = 0; i < 3 && !vector->payload; i++)
        vector->payload = vector_file(name, suffixes[i], &vector->bytes);
    if (!vector->expected || !vector->payload) {
        fprintf(stderr, "%s: no such vector\n", path);
        abort();
    }
    vector_properties(vector);
}

static inline void vector_finish(struct vector *vector)
{
    json_decref(vector->expected);
    free(vector->payload);
}

static inline bool vector_is(const struct vector *vector, const char *kind)
{
    return strcmp(json_string_value(json_object_get(vector->expected, "kind")), kind) == 0;
}

static inline bool vector_is_good(const struct vector *vector)
{
    return json_object_get(vector->expected, "error") == NULL;
}

/* Call `each` with every vector, in no order; returns how many there are. */
static inline size_t vectors_each(void (*each)(const struct vector *vector))
{
    static const char suffix[] = ".expect.json";
    DIR *folder = opendir("tests/vectors");
    struct dirent *entry;
    size_t count = 0;

    while (folder && (entry = readdir(folder))) {
        size_t bytes = strlen(entry->d_name);
        struct vector vector;

        if (bytes < sizeof suffix || strcmp(entry->d_name + bytes - strlen(suffix), suffix) != 0)
            continue;
        entry->d_name[bytes - strlen(suffix)] = '\0';
        vector_load(&vector, entry->d_name);
        each(&vector);
        vector_finish(&vector);
        count++;
    }
    if (folder)
        closedir(folder);
    return count;
}

#endif
