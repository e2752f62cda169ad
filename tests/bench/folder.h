/* Folder: where a bench works, removed at its end. */
#ifndef REEL_TESTS_BENCH_FOLDER_H
#define REEL_TESTS_BENCH_FOLDER_H

#include <ftw.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/err.h"
#include "bench/demand.h"

enum { LOAD_PATH_BYTES = 512 };

static inline void demand_ok(enum reel_code code, const struct reel_error *error)
{
    if (code == REEL_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static inline int remove_one(const char *path, const struct stat *status, int kind,
                             struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS);
}

static char load_folder[LOAD_PATH_BYTES];

static inline void remove_load_folder(void)
{
    remove_tree(load_folder);
}

/* A new folder in `dir`, named after the bench; it is removed however the program exits. */
static inline const char *make_load_folder(const char *dir, const char *bench)
{
    snprintf(load_folder, sizeof load_folder, "%s/%s-XXXXXX", dir, bench);
    demand(mkdtemp(load_folder) != NULL, load_folder);
    demand(atexit(remove_load_folder) == 0, "memory");
    return load_folder;
}

static inline void allow_many_descriptors(void)
{
    struct rlimit limit;

    demand(getrlimit(RLIMIT_NOFILE, &limit) == 0, "limits");
    limit.rlim_cur = limit.rlim_max;
    demand(setrlimit(RLIMIT_NOFILE, &limit) == 0, "limits");
}

#endif
