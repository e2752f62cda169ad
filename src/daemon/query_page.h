/* Query, pages: rows gathered for `list` and `rejects` until limits.max_response_bytes. */
#ifndef REEL_DAEMON_QUERY_PAGE_H
#define REEL_DAEMON_QUERY_PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/query_request.h"

struct reel_page {
    enum reel_document_kind kind;
    uint64_t left_bytes;           /* for further rows */
    struct reel_elements elements; /* the rows ... */
    struct reel_buffer rows;       /* ... encoded: as trees they would take several times that */
    bool no_memory;
    char cursor[REEL_CURSOR_TEXT_BYTES]; /* after the last row; the caller writes it */
};

/* Begin a page that leaves room for the rest of the response, where the rows become the member
 * `name`. It must not be moved; reel_page_reply or reel_page_finish ends it. */
void reel_page_init(struct reel_page *page, const struct reel_request *request, const char *name);

/* Add a row, whose reference is taken over (NULL: memory ran out). False if it did not fit any
 * more, or memory ran out; the first row always fits. */
bool reel_page_add(struct reel_page *page, json_t *row);

/* Answer with the page and the members of `data`, whose reference is taken over (NULL: memory ran
 * out), and `next_cursor`, null unless `more` follows. INTERNAL where memory ran out. */
enum reel_code reel_page_reply(struct reel_page *page, struct reel_request *request, json_t *data,
                               bool more, struct reel_error *err_out);

/* Give it up. */
void reel_page_finish(struct reel_page *page);

#endif
