/* Store, deliveries: which messages the last durable batches took in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_internal.h"

/* Room for `all`; it grows to what the largest batches need, and stays. */
static enum reel_code make_delivery_room(struct reel_store *store, size_t all,
                                         struct reel_error *err_out)
{
    size_t capacity = all > 2 * store->deliveries_capacity ? all : 2 * store->deliveries_capacity;
    struct reel_delivery *grown;

    if (all <= store->deliveries_capacity)
        return REEL_OK;
    grown = reallocarray(store->deliveries, capacity, sizeof *grown);
    if (!grown)
        return reel_error_errno(err_out, ENOMEM, "deliveries");
    store->deliveries = grown;
    store->deliveries_capacity = capacity;
    return REEL_OK;
}

enum reel_code reel_store_keep_deliveries(struct reel_store *store,
                                          const struct reel_delivery *deliveries, size_t count,
                                          struct reel_error *err_out)
{
    size_t all = store->deliveries_count + count;
    size_t excess = all > REEL_DELIVERIES_MAX ? all - REEL_DELIVERIES_MAX : 0;
    struct reel_delivery *kept;

    if (make_delivery_room(store, all, err_out) != REEL_OK)
        return REEL_E_STALLED;
    kept = store->deliveries;
    if (count > 0)
        memcpy(kept + store->deliveries_count, deliveries, count * sizeof *kept);
    if (excess > 0)
        memmove(kept, kept + excess, (all - excess) * sizeof *kept);
    store->deliveries_count = all - excess;
    return REEL_OK;
}

void reel_store_deliveries(struct reel_store *store, const struct reel_delivery **deliveries_out,
                           size_t *count_out)
{
    *deliveries_out = store->deliveries;
    *count_out = store->deliveries_count;
}

enum reel_code reel_store_forget_deliveries(struct reel_store *store, struct reel_error *err_out)
{
    struct reel_catalog *catalog = store->home.catalog;
    bool batch = store->in_transaction;
    enum reel_code code;

    if (store->deliveries_count == 0)
        return REEL_OK;
    code = reel_store_begin(store, err_out);
    if (code == REEL_OK)
        code = reel_catalog_forget_deliveries(catalog, err_out);
    if (code == REEL_OK && !batch)
        code = reel_catalog_commit(catalog, err_out);
    if (code == REEL_OK) {
        store->deliveries_count = 0;
        store->in_transaction = batch;
    }
    return reel_store_outcome(store, code);
}
