/* Store, devices: what is asked of it by who watches them. */
#include "store/store_internal.h"

enum reel_code reel_store_devices(struct reel_store *store, const char *after, int64_t latest_us,
                                  reel_device_fn *row, void *user, struct reel_error *err_out)
{
    return reel_catalog_devices(store->home.catalog, after, latest_us, row, user, err_out);
}

enum reel_code reel_store_note_silent(struct reel_store *store, const char *device,
                                      int64_t heard_us, struct reel_error *err_out)
{
    enum reel_code code = reel_store_begin(store, err_out);

    if (code == REEL_OK)
        code = reel_catalog_silent_add(store->home.catalog, device, heard_us, err_out);
    return reel_store_outcome(store, code);
}

enum reel_code reel_store_forget_silent(struct reel_store *store, const char *device,
                                        struct reel_error *err_out)
{
    enum reel_code code = reel_store_begin(store, err_out);

    if (code == REEL_OK)
        code = reel_catalog_silent_remove(store->home.catalog, device, err_out);
    return reel_store_outcome(store, code);
}

enum reel_code reel_store_last_session(struct reel_store *store, const char *device,
                                       char session_out[REEL_NAME_BYTES],
                                       struct reel_error *err_out)
{
    return reel_catalog_last_session(store->home.catalog, device, session_out, err_out);
}

enum reel_code reel_store_last_heard(struct reel_store *store, int64_t *heard_us_out,
                                     struct reel_error *err_out)
{
    return reel_catalog_last_heard(store->home.catalog, heard_us_out, err_out);
}
