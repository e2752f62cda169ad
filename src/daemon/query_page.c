/* Query, pages: rows and their encoded size. */
#include "daemon/query_page.h"

#include "core/object.h"

/* Status, cursor, counts and the transaction, whatever the encoding; and what parts the rows. A
 * thousand recordings with a few tags each go onto a page; rows that are longer make it shorter,
 * since as trees they take several times their text. */
enum { ENVELOPE_BYTES = 4096, SEPARATOR_BYTES = 2, PAGE_MAX_BYTES = 2 << 20 };

void reel_page_init(struct reel_page *page, const struct reel_request *request)
{
    uint64_t max_bytes = request->links->config->max_response_bytes;

    if (max_bytes > PAGE_MAX_BYTES)
        max_bytes = PAGE_MAX_BYTES;
    *page = (struct reel_page){
        .kind = request->kind,
        .left_bytes = max_bytes > ENVELOPE_BYTES ? max_bytes - ENVELOPE_BYTES : 0,
        .rows = json_array(),
    };
}

bool reel_page_add(struct reel_page *page, json_t *row)
{
    struct reel_buffer buffer = {0};
    bool encoded = row && reel_document_encode(row, page->kind, NULL, 0, &buffer);
    uint64_t bytes = buffer.size + SEPARATOR_BYTES;

    reel_buffer_finish(&buffer);
    if (encoded && bytes > page->left_bytes && json_array_size(page->rows) > 0) {
        json_decref(row);
        return false;
    }
    page->left_bytes -= bytes < page->left_bytes ? bytes : page->left_bytes;
    if (!encoded) {
        json_decref(row);
        row = NULL; /* fails the page */
    }
    reel_array_append(&page->rows, row);
    return page->rows != NULL;
}

json_t *reel_page_finish(struct reel_page *page, const char *name, bool more)
{
    struct reel_object object;

    reel_object_init(&object);
    reel_object_put(&object, name, page->rows);
    page->rows = NULL;
    reel_object_put_text_or_null(&object, "next_cursor", more ? page->cursor : "");
    return reel_object_take(&object);
}
