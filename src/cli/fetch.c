/* Fetch: a window of requests over the view. */
#include "cli/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/ask.h"
#include "cli/progress.h"
#include "io/loop.h"

enum {
    WINDOW = 4, /* requests in flight */
    CHUNK_BYTES = REEL_DOWNLOAD_LENGTH_MAX,
    CHUNK_BLOCKS = CHUNK_BYTES / REEL_FETCH_BLOCK_BYTES,
    AGAIN_US = 4000000, /* a request of which nothing came for so long is made again */
    RETRY_US = 1000000,
};

/* What one request asks for. */
struct chunk {
    uint64_t offset;
    size_t size;
    uint32_t number;  /* of the request; 0: none is under way */
    int64_t again_us; /* when it is made again */
    bool have[CHUNK_BLOCKS];
    uint8_t *bytes;
};

struct fetching {
    struct reel_fetch *fetch;
    struct reel_client *client;
    struct chunk chunks[WINDOW]; /* a ring: chunks[first], `count` of them, in order */
    size_t first, count;
    uint64_t next_offset; /* of the next chunk */
    bool known;           /* version and size are */
    bool refused;
    int64_t heard_us;
    enum reel_code code; /* what ended it, from within on_message */
    struct reel_error *err_out;
    struct reel_progress progress;
};

static struct chunk *chunk_at(struct fetching *fetching, size_t i)
{
    return &fetching->chunks[(fetching->first + i) % WINDOW];
}

static uint64_t property_uint(const struct reel_bus_message *message, const char *name)
{
    const char *text = reel_client_property(message, name);

    return text ? strtoull(text, NULL, 10) : UINT64_MAX;
}

/* The first answer says what the view is. */
static enum reel_code view_learn(struct fetching *fetching, const struct reel_bus_message *message)
{
    struct reel_fetch *fetch = fetching->fetch;
    const char *version = reel_client_property(message, "version");

    if (!version || strlen(version) >= sizeof fetch->version ||
        property_uint(message, "size") == UINT64_MAX)
        return reel_error_set(fetching->err_out, REEL_E_INTERNAL, NULL,
                              "the sink answers without version and size");
    if (fetching->known)
        return REEL_OK;
    strcpy(fetch->version, version);
    fetch->size = property_uint(message, "size");
    fetch->from_frame = property_uint(message, "from_frame");
    fetch->to_frame = property_uint(message, "to_frame");
    fetching->known = true;
    return fetch->begin ? fetch->begin(fetch->user, fetch, fetching->err_out) : REEL_OK;
}

/* A chunk ends where the view does. */
static size_t chunk_size(const struct fetching *fetching, const struct chunk *chunk)
{
    uint64_t left = fetching->fetch->size - chunk->offset;

    return left < chunk->size ? (size_t)left : chunk->size;
}

static enum reel_code block_take(struct fetching *fetching, struct chunk *chunk,
                                 const struct reel_bus_message *message)
{
    uint64_t offset = property_uint(message, "offset");
    size_t size, at, wanted;

    if (offset < chunk->offset || offset - chunk->offset > chunk->size ||
        chunk->offset > fetching->fetch->size ||
        strcmp(reel_client_property(message, "version"), fetching->fetch->version) != 0)
        return reel_error_set(fetching->err_out, REEL_E_INTERNAL, NULL,
                              "the sink answers with what was not asked for");
    size = chunk_size(fetching, chunk);
    at = (size_t)(offset - chunk->offset);
    if (at == size) /* nothing is left, and it says so */
        return REEL_OK;
    wanted = size - at < REEL_FETCH_BLOCK_BYTES ? size - at : REEL_FETCH_BLOCK_BYTES;
    if (at % REEL_FETCH_BLOCK_BYTES != 0 || message->payload_bytes != wanted)
        return reel_error_set(fetching->err_out, REEL_E_INTERNAL, NULL,
                              "the sink answers with a block of %zu bytes where %zu were asked for",
                              message->payload_bytes, wanted);
    memcpy(chunk->bytes + at, message->payload, wanted);
    chunk->have[at / REEL_FETCH_BLOCK_BYTES] = true;
    return REEL_OK;
}

static enum reel_code error_take(struct fetching *fetching, struct chunk *chunk,
                                 const struct reel_bus_message *message, int64_t now_us)
{
    json_t *data = NULL;
    enum reel_code code = reel_answer_decode(message, &data, fetching->err_out);

    json_decref(data);
    if (code == REEL_E_BUSY || code == REEL_E_STALLED) {
        chunk->number = 0;
        chunk->again_us = now_us + RETRY_US;
        return REEL_OK;
    }
    return code;
}

static void on_message(void *user, const struct reel_bus_message *message)
{
    struct fetching *fetching = user;
    uint32_t number = reel_client_number(message);
    const char *status = reel_client_property(message, "status");
    int64_t now_us = reel_monotonic_us();

    for (size_t i = 0; number && !fetching->code && i < fetching->count; i++) {
        struct chunk *chunk = chunk_at(fetching, i);

        if (chunk->number != number)
            continue;
        if (!status || strcmp(status, "ok") != 0) {
            fetching->code = error_take(fetching, chunk, message, now_us);
            return;
        }
        fetching->heard_us = now_us;
        chunk->again_us = now_us + AGAIN_US;
        fetching->code = view_learn(fetching, message);
        if (!fetching->code)
            fetching->code = block_take(fetching, chunk, message);
    }
}

static void on_refused(void *user, int publication_id)
{
    (void)publication_id;
    ((struct fetching *)user)->refused = true;
}

static enum reel_code chunk_ask(struct fetching *fetching, struct chunk *chunk, int64_t now_us)
{
    const struct reel_fetch *fetch = fetching->fetch;
    json_t *request = json_deep_copy(fetch->view);
    enum reel_code code;

    if (fetch->version[0]) {
        json_object_del(request, "from");
        json_object_del(request, "to");
        json_object_set_new(request, "version", json_string(fetch->version));
    }
    json_object_set_new(request, "offset", json_integer((json_int_t)chunk->offset));
    json_object_set_new(request, "length", json_integer((json_int_t)chunk->size));
    json_object_set_new(request, "block_size", json_integer((json_int_t)REEL_FETCH_BLOCK_BYTES));
    code = reel_client_request(fetching->client, "download",
                               reel_ask_confined(fetch->common, fetch->device), request,
                               &chunk->number, fetching->err_out);
    json_decref(request);
    chunk->again_us = now_us + AGAIN_US;
    return code;
}

/* Open the window: one request until the view is known, then as many as it holds. */
static bool chunk_add(struct fetching *fetching)
{
    size_t most = fetching->known ? WINDOW : 1;
    struct chunk *chunk;

    if (fetching->count == most ||
        (fetching->known && fetching->next_offset >= fetching->fetch->size))
        return false;
    chunk = chunk_at(fetching, fetching->count++);
    chunk->offset = fetching->next_offset;
    chunk->size = CHUNK_BYTES;
    chunk->number = 0;
    chunk->again_us = 0;
    memset(chunk->have, 0, sizeof chunk->have);
    if (fetching->known)
        chunk->size = chunk_size(fetching, chunk);
    fetching->next_offset += chunk->size;
    return true;
}

static bool chunk_whole(const struct fetching *fetching, const struct chunk *chunk)
{
    size_t size = chunk_size(fetching, chunk);

    for (size_t at = 0; at < size; at += REEL_FETCH_BLOCK_BYTES) {
        if (!chunk->have[at / REEL_FETCH_BLOCK_BYTES])
            return false;
    }
    return true;
}

/* Ask the receiver. Its time is not the sink's: nobody has to be heard from meanwhile. */
static enum reel_code room_ask(struct fetching *fetching, bool *room_out, struct pollfd *wait_out)
{
    const struct reel_fetch *fetch = fetching->fetch;
    enum reel_code code = REEL_OK;

    *room_out = true;
    *wait_out = (struct pollfd){.fd = -1};
    if (fetch->room)
        code = fetch->room(fetch->user, room_out, wait_out, fetching->err_out);
    if (!*room_out)
        fetching->heard_us = reel_monotonic_us();
    return code;
}

/* Hand on what stands whole at the front, as long as there is room. */
static enum reel_code chunks_write(struct fetching *fetching, struct pollfd *wait_out)
{
    struct reel_fetch *fetch = fetching->fetch;
    bool room;
    enum reel_code code = room_ask(fetching, &room, wait_out);

    while (!code && room && fetching->known && fetching->count) {
        struct chunk *chunk = chunk_at(fetching, 0);
        size_t size = chunk_size(fetching, chunk);

        if (!chunk_whole(fetching, chunk))
            break;
        code = fetch->write(fetch->user, chunk->offset, chunk->bytes, size, fetching->err_out);
        if (code)
            break;
        fetching->first = (fetching->first + 1) % WINDOW;
        fetching->count--;
        fetch->offset = chunk->offset + size;
        code = room_ask(fetching, &room, wait_out);
    }
    return code;
}

static enum reel_code chunks_ask(struct fetching *fetching, int64_t now_us)
{
    while (chunk_add(fetching))
        continue;
    for (size_t i = 0; i < fetching->count; i++) {
        struct chunk *chunk = chunk_at(fetching, i);
        enum reel_code code = REEL_OK;

        if (now_us >= chunk->again_us && !(fetching->known && chunk_whole(fetching, chunk)))
            code = chunk_ask(fetching, chunk, now_us);
        if (code)
            return code;
    }
    return REEL_OK;
}

static enum reel_code reconnect(struct fetching *fetching)
{
    int64_t patience_us = (int64_t)(fetching->fetch->common->timeout.value * 1e6);
    enum reel_code code = reel_client_reconnect(fetching->client, fetching->heard_us + patience_us,
                                                fetching->err_out);

    for (size_t i = 0; i < fetching->count; i++)
        chunk_at(fetching, i)->again_us = 0;
    return code;
}

static enum reel_code overdue(struct fetching *fetching, int64_t now_us)
{
    const struct reel_common *common = fetching->fetch->common;

    if (now_us < fetching->heard_us + (int64_t)(common->timeout.value * 1e6))
        return REEL_OK;
    return reel_error_set(fetching->err_out, REEL_E_STALLED, NULL,
                          "no sink answered `download` under %s within %g s%s%s", common->prefix,
                          common->timeout.value, reel_client_presence(fetching->client),
                          reel_ask_unnamed(common));
}

static enum reel_code step(struct fetching *fetching)
{
    struct reel_fetch *fetch = fetching->fetch;
    int64_t now_us = reel_monotonic_us();
    struct pollfd wait;
    enum reel_code code = chunks_write(fetching, &wait);

    if (!code)
        code = chunks_ask(fetching, now_us);
    if (!code)
        code = reel_client_run(fetching->client, &wait, 1, now_us + 200000, fetching->err_out);
    if (fetching->refused) /* some brokers close the connection besides */
        return reel_error_set(fetching->err_out, REEL_E_NOT_ALLOWED, NULL,
                              "the broker does not let us ask for a download");
    if (code == REEL_E_STALLED)
        code = reconnect(fetching);
    if (!code)
        code = fetching->code;
    if (!code)
        code = chunks_write(fetching, &wait);
    if (!code)
        code = overdue(fetching, reel_monotonic_us());
    if (fetching->known)
        reel_progress_show(&fetching->progress, fetch->label, fetch->offset, fetch->size, now_us);
    return code;
}

static enum reel_code fetch_all(struct fetching *fetching)
{
    enum reel_code code = reel_client_connect(
        fetching->client, reel_monotonic_us() + REEL_CLIENT_CONNECT_US, fetching->err_out);

    fetching->heard_us = reel_monotonic_us();
    while (!code && !(fetching->known && fetching->count == 0 &&
                      fetching->next_offset >= fetching->fetch->size))
        code = step(fetching);
    return code;
}

json_t *reel_fetch_view(const char *device, const char *session,
                        const struct reel_seconds_option *from,
                        const struct reel_seconds_option *to)
{
    json_t *view = json_pack("{s:s, s:s}", "device", device, "session", session);

    if (view && from->given)
        json_object_set_new(view, "from", json_real(from->value));
    if (view && to->given)
        json_object_set_new(view, "to", json_real(to->value));
    return view;
}

enum reel_code reel_fetch_run(struct reel_fetch *fetch, struct reel_error *err_out)
{
    struct fetching fetching = {.fetch = fetch, .next_offset = fetch->offset, .err_out = err_out};
    const struct reel_client_handlers handlers = {
        .user = &fetching, .message = on_message, .refused = on_refused};
    uint8_t *memory = malloc((size_t)WINDOW * CHUNK_BYTES);
    enum reel_code code;

    if (!memory)
        return reel_error_set(err_out, REEL_E_INTERNAL, NULL, "out of memory");
    for (size_t i = 0; i < WINDOW; i++)
        fetching.chunks[i].bytes = memory + i * CHUNK_BYTES;
    code = reel_client_create(fetch->common, reel_ask_confined(fetch->common, fetch->device),
                              &fetching.client, err_out);
    if (!code) {
        reel_client_handle(fetching.client, &handlers);
        reel_progress_init(&fetching.progress, fetch->common);
        code = fetch_all(&fetching);
        reel_progress_finish(&fetching.progress);
    }
    reel_client_destroy(&fetching.client);
    free(memory);
    return code;
}
