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
    uint64_t left_bytes;                 /* for further rows, encoded */
    json_t *rows;                        /* NULL once memory ran out */
    char cursor[REEL_CURSOR_TEXT_BYTES]; /* after the last row; the caller writes it */
};

/* Begin a page that leaves room for the rest of the response. */
void reel_page_init(struct reel_page *page, const struct reel_request *request);

/* Add a row, whose reference is taken over (NULL: memory ran out). False if it did not fit any
 * more, or memory ran out; the first row always fits. */
bool reel_page_add(struct reel_page *page, json_t *row);

/* The page as the response's data: the rows as the member `name`, and `next_cursor`, null unless
 * `more` follows. Takes the rows over; NULL if memory ran out. */
json_t *reel_page_finish(struct reel_page *page, const char *name, bool more);

#endif
