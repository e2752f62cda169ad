/* One test document in both of its forms: decoded as MessagePack, then as JSON. */
#ifndef REEL_TESTS_UNIT_FORMS_H
#define REEL_TESTS_UNIT_FORMS_H

#include "unit/documents.h"
#include "wire/fragment.h"

struct form {
    struct reel_scratch scratch;
    struct reel_fragment fragment;
    struct reel_error err;
    msgpack_sbuffer payload;
    char *text;
};

/* Decode a document that is written with ' for ". The caller finishes the form. */
static inline enum reel_code form_decode(struct form *form, const char *document, bool as_json)
{
    const uint8_t *payload;
    size_t bytes;

    memset(form, 0, sizeof *form);
    form->text = strdup(document);
    for (char *at = form->text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    form->payload = document_from_text(form->text);
    payload = as_json ? (const uint8_t *)form->text : (const uint8_t *)form->payload.data;
    bytes = as_json ? strlen(form->text) : form->payload.size;
    return reel_fragment_decode(payload, bytes, NULL, &form->scratch, &form->fragment, &form->err);
}

static inline void form_finish(struct form *form)
{
    reel_fragment_finish(&form->fragment);
    reel_scratch_finish(&form->scratch);
    msgpack_sbuffer_destroy(&form->payload);
    free(form->text);
}

#endif
