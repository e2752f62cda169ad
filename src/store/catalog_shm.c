/* Catalog, its shared memory: SQLite writes its index of the log into a file that is mapped. On a
 * full ext4 (Linux 6.1, 6.18) a first write into a page there may need room that is not left, and
 * is a SIGBUS then, though SQLite has written a byte into each page before. So each part is made
 * writable when it is mapped, which fails where a write would have ended the process.
 *
 * Where the file does not open for writing, SQLite takes one that is read-only, for all connections
 * of the process, and tries for ten seconds to make do with it: that fails at once here. */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "store/catalog_internal.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE                                                                        \
    23 /* Linux 5.14; an older one says EINVAL, and nothing is won or lost */
#endif

static struct reel_catalog_shm *shm_of(sqlite3_file *file)
{
    const char *methods = (const char *)file->pMethods;

    return (struct reel_catalog_shm *)(uintptr_t)(methods -
                                                  offsetof(struct reel_catalog_shm, methods));
}

static int map(sqlite3_file *file, int region, int bytes, int extend, void volatile **memory_out)
{
    const struct reel_catalog_shm *shm = shm_of(file);
    int result = shm->base->xShmMap(file, region, bytes, extend, memory_out);

    if ((result & 0xff) == SQLITE_READONLY && !shm->may_be_read_only) {
        *memory_out = NULL;
        return SQLITE_IOERR_SHMOPEN;
    }
    if (result != SQLITE_OK || !*memory_out ||
        madvise((void *)(uintptr_t)*memory_out, (size_t)bytes, MADV_POPULATE_WRITE) == 0 ||
        errno == EINVAL) /* mapped for reading only, or an old kernel */
        return result;
    *memory_out = NULL;
    return SQLITE_FULL;
}

int reel_catalog_guard_shm(struct reel_catalog *catalog, bool may_be_read_only)
{
    sqlite3_file *file = NULL;
    int result = sqlite3_file_control(catalog->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

    if (result != SQLITE_OK || !file || !file->pMethods)
        return result;
    catalog->shm.may_be_read_only = may_be_read_only;
    catalog->shm.base = file->pMethods;
    catalog->shm.methods = *file->pMethods;
    catalog->shm.methods.xShmMap = map;
    file->pMethods = &catalog->shm.methods;
    return SQLITE_OK;
}
