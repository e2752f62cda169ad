/* Query, pages: rows and their encoded size. */
#include "daemon/query_page.h"

#include "core/object.h"

/* Status, cursor, counts and the transaction, whatever the encoding. A thousand recordings with a
 * few tags each go onto a page; rows that are longer make it shorter. */
enum { ENVELOPE_BYTES = 4096, PAGE_MAX_BYTES = 2 << 20 };

void reel_page_init(struct reel_page *page, const struct reel_request *request, const char *name)
{
    uint64_t max_bytes = request->links->config->max_response_bytes;

    if (max_bytes > PAGE_MAX_BYTES)
        max_bytes = PAGE_MAX_BYTES;
    *page = (struct reel_page){
        .kind = request->kind,
        .left_bytes = max_bytes > ENVELOPE_BYTES ? max_bytes - ENVELOPE_BYTES : 0,
        .elements = {.name = name},
    };
    page->elements.encoded = &page->rows;
}

bool reel_page_add(struct reel_page *page, json_t *row)
{
    bool is_first = page->elements.count == 0;
    size_t before_bytes = page->rows.size;
    uint64_t bytes;

    page->no_memory = !row || !reel_element_encode(&page->elements, row, page->kind, &page->rows);
    json_decref(row);
    if (page->no_memory)
        return false;
    bytes = page->rows.size - before_bytes;
    if (bytes > page->left_bytes && !is_first) {
        page->rows.size = before_bytes;
        page->elements.count--;
        return false;
    }
    page->left_bytes -= bytes < page->left_bytes ? bytes : page->left_bytes;
    return true;
}

enum reel_code reel_page_reply(struct reel_page *page, struct reel_request *request, json_t *data,
                               bool more, struct reel_error *err_out)
{
    struct reel_object object;
    enum reel_code code;

    reel_object_extend(&object, data);
    reel_object_put_text_or_null(&object, "next_cursor", more ? page->cursor : "");
    data = reel_object_take(&object);
    if (page->no_memory) {
        json_decref(data);
        data = NULL; /* which is told as such */
    }
    code = reel_request_reply_elements(request, data, &page->elements, err_out);
    reel_page_finish(page);
    return code;
}

void reel_page_finish(struct reel_page *page)
{
    reel_buffer_finish(&page->rows);
}
