/* Catalog delivery: the messages of the last batch, one row of packed bytes, since a batch may hold
 * tens of thousands of them and is always read and replaced as a whole. */
#include "store/catalog_internal.h"

#include <stdlib.h>

enum { PACKED_BYTES = 10 };

static void pack(const struct reel_delivery *delivery, uint8_t out[PACKED_BYTES])
{
    out[0] = (uint8_t)(delivery->packet_id >> 8);
    out[1] = (uint8_t)delivery->packet_id;
    for (unsigned i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(delivery->hash >> (56 - 8 * i));
}

static void unpack(const uint8_t in[PACKED_BYTES], struct reel_delivery *delivery)
{
    delivery->packet_id = (uint16_t)(in[0] << 8 | in[1]);
    delivery->hash = 0;
    for (unsigned i = 0; i < 8; i++)
        delivery->hash = delivery->hash << 8 | in[2 + i];
}

enum reel_code reel_catalog_set_deliveries(struct reel_catalog *catalog,
                                           const struct reel_delivery *deliveries, size_t count,
                                           struct reel_error *err_out)
{
    static const char doing[] = "noting deliveries";
    struct reel_statement statement;
    uint8_t *packed = NULL;
    enum reel_code code;

    if (count > 0) {
        packed = reallocarray(NULL, count, PACKED_BYTES);
        if (!packed)
            return reel_error_set(err_out, REEL_E_STALLED, NULL, "catalog, %s: memory ran out",
                                  doing);
    }
    for (size_t i = 0; i < count; i++)
        pack(&deliveries[i], packed + i * PACKED_BYTES);
    reel_statement_start(&statement, catalog, REEL_STATEMENT_SET_DELIVERIES,
                         "INSERT INTO delivery (batch, messages) VALUES (1, ?1)"
                         " ON CONFLICT DO UPDATE SET messages = ?1");
    reel_bind_bytes(&statement, packed, count * PACKED_BYTES);
    code = reel_statement_run(&statement, doing, err_out);
    free(packed);
    return code;
}

/* Unpack a row's bytes; a length that is no multiple contradicts the schema. */
static void take_deliveries(struct reel_statement *statement, struct reel_delivery **out,
                            size_t *count_out)
{
    size_t size;
    const uint8_t *packed = reel_take_bytes(statement, &size);

    if (size % PACKED_BYTES != 0) {
        statement->contradicts = true;
        return;
    }
    *out = size > 0 ? calloc(size / PACKED_BYTES, sizeof **out) : NULL;
    if (size > 0 && !*out) {
        statement->result = SQLITE_NOMEM;
        return;
    }
    *count_out = size / PACKED_BYTES;
    for (size_t i = 0; i < *count_out; i++)
        unpack(packed + i * PACKED_BYTES, &(*out)[i]);
}

enum reel_code reel_catalog_deliveries(struct reel_catalog *catalog,
                                       struct reel_delivery **deliveries_out, size_t *count_out,
                                       struct reel_error *err_out)
{
    struct reel_statement statement;
    struct reel_delivery *deliveries = NULL;
    size_t count = 0;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_DELIVERIES,
                         "SELECT messages FROM delivery WHERE batch = 1");
    if (reel_statement_next(&statement))
        take_deliveries(&statement, &deliveries, &count);
    code = reel_statement_end(&statement, "reading deliveries", err_out);
    if (code != REEL_OK) {
        free(deliveries);
        return code;
    }
    *deliveries_out = deliveries;
    *count_out = count;
    return REEL_OK;
}
