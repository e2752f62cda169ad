/* What a commit costs, by the way in which its files are synced.
 *
 *   bench_sync DIR [ROUNDS [RECORDINGS_MOST]]
 *
 * In DIR, on the file system that matters, a store for each way; in each, N recordings get one
 * fragment a round, then a commit. The ways take turns in every round, so that they meet the same
 * disk. Time is a parameter of the store: a second passes with each commit, so headers and sidecars
 * come as often as in use. Where it says so, another program (a file of that size, new each time)
 * has left its data unsynced before every commit. */
#include "bench/load.h"

enum { PATH_BYTES = LOAD_PATH_BYTES, ROUNDS_MAX = 1000 };

static const struct way {
    const char *name;
    enum reel_sync_way way;
    bool no_head_start;
} ways[] = {
    {"fdatasync each", REEL_SYNC_FILES, true},
    {"sync_file_range all, fdatasync each", REEL_SYNC_FILES, false},
    {"syncfs", REEL_SYNC_FILE_SYSTEM, false},
    {"auto", REEL_SYNC_AUTO, false},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

/* One store, synced one way. */
struct run {
    const struct way *way;
    struct load load;
    int64_t commit_us[ROUNDS_MAX];
    int64_t files_us[ROUNDS_MAX];
    int64_t catalog_us[ROUNDS_MAX];
    uint64_t file_syncs;
    uint64_t catalog_syncs;
};

/* What another program leaves: a new file, unsynced. */
static void dirty_others(const char *path, size_t bytes)
{
    static char block[MIB];
    int fd;

    if (bytes == 0)
        return;
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    demand(fd >= 0, path);
    for (size_t done = 0; done < bytes; done += sizeof block)
        demand(write(fd, block, sizeof block) == (ssize_t)sizeof block, path);
    close(fd);
}

/* Its figures go to `round`, which a later one may overwrite. */
static void commit(struct run *run, size_t round)
{
    for (size_t i = 0; i < run->load.count; i++)
        load_fragment(&run->load, i);
    run->load.now_us += 1000000;
    memset(&counted.now, 0, sizeof counted.now);
    counted.no_head_start = run->way->no_head_start;
    run->commit_us[round] = load_commit(&run->load, NULL, 0);
    run->files_us[round] = counted.now.file_syncs_us;
    run->catalog_us[round] = counted.now.catalog_syncs_us;
    run->file_syncs += counted.now.file_syncs;
    run->catalog_syncs += counted.now.catalog_syncs;
}

static void begin(struct run *run, const struct way *way, const char *dir, size_t count)
{
    memset(run, 0, sizeof *run);
    run->way = way;
    load_open(&run->load, dir, way->way, count, 16000);
    for (int i = 0; i < 2; i++) /* which make files and sidecars */
        commit(run, 0);
    run->file_syncs = run->catalog_syncs = 0;
}

static double mean_ms(const int64_t *values_us, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)values_us[i] / 1000;
    return sum / (double)count;
}

static void print_run(struct run *run, size_t others_mib, size_t rounds)
{
    double count = (double)rounds;
    double mean = mean_ms(run->commit_us, rounds);

    printf("| %4zu | %2zu | %-35s | %7.2f | %7.2f | %7.2f | %7.2f | %5.2f | %6.1f | %4.2f |\n",
           run->load.count, others_mib, run->way->name, at_share_ms(run->commit_us, rounds, 0.5),
           mean, at_share_ms(run->commit_us, rounds, 0.99), at_share_ms(run->files_us, rounds, 0.5),
           at_share_ms(run->catalog_us, rounds, 0.5), (double)run->file_syncs / count,
           (double)run->catalog_syncs / count);
    fflush(stdout);
}

/* All ways with so many recordings, in turns. */
static void measure(const char *dir, size_t count, size_t others_mib, size_t rounds)
{
    static struct run runs[WAYS];
    char path[PATH_BYTES + 32];
    char others[PATH_BYTES + 32];

    snprintf(others, sizeof others, "%s/others", dir);
    for (size_t i = 0; i < WAYS; i++) {
        snprintf(path, sizeof path, "%s/store%zu", dir, i);
        begin(&runs[i], &ways[i], path, count);
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < WAYS; i++) {
            dirty_others(others, others_mib * MIB);
            commit(&runs[(round + i) % WAYS], round);
        }
    }
    for (size_t i = 0; i < WAYS; i++) {
        print_run(&runs[i], others_mib, rounds);
        load_close(&runs[i].load);
        snprintf(path, sizeof path, "%s/store%zu", dir, i);
        remove_tree(path);
    }
    unlink(others);
}

int main(int argc, char **argv)
{
    static const size_t counts[] = {1, 2, 4, 8, 16, 32, 100, 1000};
    static const size_t others_mib[] = {0, 16};
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 41;
    size_t count_most = argc > 3 ? strtoul(argv[3], NULL, 10) : SIZE_MAX;
    const char *dir;

    demand(argc >= 2 && rounds > 0 && rounds <= ROUNDS_MAX,
           "bench_sync DIR [ROUNDS [RECORDINGS_MOST]]");
    allow_many_descriptors();
    dir = make_load_folder(argv[1], "bench-sync");
    printf(
        "Milliseconds a commit (median, mean, 99 %%), of them in syncs (medians), syncs a commit.\n"
        "| recordings | others' MiB | way | median | mean | 99 %% | files | catalog | syncs of "
        "files | of the catalog |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t o = 0; o < sizeof others_mib / sizeof *others_mib; o++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts && counts[c] <= count_most; c++)
            measure(dir, counts[c], others_mib[o], counts[c] < 1000 ? rounds : (rounds + 3) / 4);
    }
    return 0;
}
