/* Store: the parts of a session that grew past session.max_duration_s. */
#include "store/store_internal.h"

enum reel_code reel_store_part(struct reel_store *store, const struct reel_part_question *question,
                               struct reel_entry **entry_out, struct reel_error *err_out)
{
    char session[REEL_NAME_BYTES];
    enum reel_code code = reel_catalog_part(store->home.catalog, question, session, err_out);

    if (code == REEL_OK)
        code = reel_store_get(store, question->device, session, entry_out, err_out);
    return code;
}

enum reel_code reel_store_stage(struct reel_store *store, struct reel_entry *entry,
                                struct reel_error *err_out)
{
    enum reel_code code = reel_store_begin(store, err_out);

    if (code == REEL_OK)
        code = reel_catalog_save(store->home.catalog, &entry->recording, err_out);
    return reel_store_outcome(store, code);
}
