/* Catalog delivery: the messages of the last batches, a row of packed bytes for each batch, since
 * one may hold tens of thousands of them and is always read and dropped as a whole. */
#include "store/catalog_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum { PACKED_BYTES = 11 };

static void pack(const struct reel_delivery *delivery, uint8_t out[PACKED_BYTES])
{
    out[0] = (uint8_t)(delivery->packet_id >> 8);
    out[1] = (uint8_t)delivery->packet_id;
    for (unsigned i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(delivery->hash >> (56 - 8 * i));
    out[10] = delivery->refused;
}

static void unpack(const uint8_t in[PACKED_BYTES], struct reel_delivery *delivery)
{
    delivery->packet_id = (uint16_t)(in[0] << 8 | in[1]);
    delivery->hash = 0;
    for (unsigned i = 0; i < 8; i++)
        delivery->hash = delivery->hash << 8 | in[2 + i];
    delivery->refused = in[10] != 0;
}

static enum reel_code add(struct reel_catalog *catalog, const struct reel_delivery *deliveries,
                          size_t count, struct reel_error *err_out)
{
    static const char doing[] = "noting deliveries";
    uint8_t *packed = reallocarray(NULL, count, PACKED_BYTES);
    struct reel_statement statement;
    enum reel_code code;

    if (!packed)
        return reel_error_set(err_out, REEL_E_STALLED, NULL, "catalog, %s: memory ran out", doing);
    for (size_t i = 0; i < count; i++)
        pack(&deliveries[i], packed + i * PACKED_BYTES);
    reel_statement_start(&statement, catalog, REEL_STATEMENT_ADD_DELIVERIES,
                         "INSERT INTO delivery (messages) VALUES (?1)");
    reel_bind_bytes(&statement, packed, count * PACKED_BYTES);
    code = reel_statement_run(&statement, doing, err_out);
    free(packed);
    return code;
}

/* Drop the batches before the last REEL_DELIVERY_BATCHES_MAX, and those after which enough came. */
static enum reel_code trim(struct reel_catalog *catalog, struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(
        &statement, catalog, REEL_STATEMENT_TRIM_DELIVERIES,
        "DELETE FROM delivery WHERE batch <= (SELECT max(batch) FROM delivery) - ?1"
        " OR batch IN (SELECT batch FROM (SELECT batch, sum(length(messages))"
        "   OVER (ORDER BY batch DESC) - length(messages) AS after FROM delivery)"
        "   WHERE after >= ?2)");
    reel_bind_i64(&statement, REEL_DELIVERY_BATCHES_MAX);
    reel_bind_i64(&statement, (int64_t)REEL_DELIVERIES_MAX * PACKED_BYTES);
    return reel_statement_run(&statement, "dropping old deliveries", err_out);
}

enum reel_code reel_catalog_add_deliveries(struct reel_catalog *catalog,
                                           const struct reel_delivery *deliveries, size_t count,
                                           struct reel_error *err_out)
{
    enum reel_code code;

    if (count == 0)
        return REEL_OK;
    code = add(catalog, deliveries, count, err_out);
    return code == REEL_OK ? trim(catalog, err_out) : code;
}

enum reel_code reel_catalog_forget_deliveries(struct reel_catalog *catalog,
                                              struct reel_error *err_out)
{
    struct reel_statement statement;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_FORGET_DELIVERIES,
                         "DELETE FROM delivery");
    return reel_statement_run(&statement, "forgetting deliveries", err_out);
}

/* Unpack a row's bytes behind the `*count` there are; a length that is no multiple contradicts the
 * schema. */
static void take_deliveries(struct reel_statement *statement, struct reel_delivery **deliveries,
                            size_t *count)
{
    size_t size;
    const uint8_t *packed = reel_take_bytes(statement, &size);
    size_t more = size / PACKED_BYTES;
    struct reel_delivery *grown;

    if (size == 0 || size % PACKED_BYTES != 0) {
        statement->contradicts = true;
        return;
    }
    grown = reallocarray(*deliveries, *count + more, sizeof *grown);
    if (!grown) {
        statement->result = SQLITE_NOMEM;
        return;
    }
    for (size_t i = 0; i < more; i++)
        unpack(packed + i * PACKED_BYTES, &grown[*count + i]);
    *deliveries = grown;
    *count += more;
}

enum reel_code reel_catalog_deliveries(struct reel_catalog *catalog,
                                       struct reel_delivery **deliveries_out, size_t *count_out,
                                       struct reel_error *err_out)
{
    struct reel_statement statement;
    struct reel_delivery *deliveries = NULL;
    size_t count = 0;
    size_t excess;
    enum reel_code code;

    reel_statement_start(&statement, catalog, REEL_STATEMENT_DELIVERIES,
                         "SELECT messages FROM delivery ORDER BY batch");
    while (reel_statement_next(&statement))
        take_deliveries(&statement, &deliveries, &count);
    code = reel_statement_end(&statement, "reading deliveries", err_out);
    if (code != REEL_OK) {
        free(deliveries);
        return code;
    }
    excess = count > REEL_DELIVERIES_MAX ? count - REEL_DELIVERIES_MAX : 0;
    if (excess > 0)
        memmove(deliveries, deliveries + excess, (count - excess) * sizeof *deliveries);
    *deliveries_out = deliveries;
    *count_out = count - excess;
    return REEL_OK;
}
