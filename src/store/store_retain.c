/* Store, retention: what is asked of it by who keeps it within bounds. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "store/store_internal.h"

enum reel_code reel_store_removable(struct reel_store *store, const char *device,
                                    const struct reel_removable_place *after,
                                    struct reel_removable *out, size_t capacity, size_t *count_out,
                                    struct reel_error *err_out)
{
    return reel_catalog_removable(store->home.catalog, device, after, out, capacity, count_out,
                                  err_out);
}

enum reel_code reel_store_usage_behind(struct reel_store *store, const char *after,
                                       char device_out[REEL_NAME_BYTES],
                                       struct reel_usage *usage_out, struct reel_error *err_out)
{
    return reel_catalog_usage_behind(store->home.catalog, after, device_out, usage_out, err_out);
}

enum reel_code reel_store_latest_end(struct reel_store *store, int64_t *ended_us_out,
                                     struct reel_error *err_out)
{
    return reel_catalog_latest_end(store->home.catalog, ended_us_out, err_out);
}

enum reel_code reel_store_free_bytes(const struct reel_store *store, uint64_t *free_out,
                                     struct reel_error *err_out)
{
    struct statvfs status;

    if (fstatvfs(store->home.recordings_fd, &status) != 0)
        return reel_error_errno(err_out, errno, "look at the disk of %s", store->home.dir);
    *free_out = (uint64_t)status.f_bavail * status.f_frsize;
    return REEL_OK;
}

bool reel_store_shares_disk(const struct reel_store *store, const char *device)
{
    struct stat root;
    struct stat folder;

    return fstat(store->home.recordings_fd, &root) == 0 &&
           fstatat(store->home.recordings_fd, device, &folder, 0) == 0 &&
           root.st_dev == folder.st_dev;
}
