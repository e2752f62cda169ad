/* The write path alone: messages of a captured file on their way through the sink's own ingest,
 * against plain pwrite of the same audio into as many files.
 *
 *   bench_replay --capture FILE RECORDINGS FRAGMENTS AUDIO_BYTES
 *   bench_replay FILE DIR ROUNDS [--reply TOPIC] [--only NAME] [section.key=value...]
 *
 * In DIR, on the file system that matters. The ways take turns in every round; each begins with
 * empty files and ends when its last fragment is durable. A batch of pwrite is of as many bytes as
 * the sink's, and ends with one syncfs, or with fdatasync of each file. After each run all is read
 * back and compared. The first run of the sink is not timed: whenever it acknowledges, the catalog
 * is asked whether it holds as much. A line of JSON for each timed run. */
#include <sqlite3.h>
#include <time.h>

#include "bench/allocations.h"
#include "bench/capture_check.h"
#include "bench/replay_sink.h"
#include "core/wav_header.h"

enum { PATH_BYTES = LOAD_PATH_BYTES + 64, SETTINGS_MAX = 16 };

struct bench {
    struct capture capture;
    const char *dir;
    const char *response_topic;
    const char *only; /* NULL: all */
    const char *settings[SETTINGS_MAX + 2];
    size_t settings_count;
    char store_dir[PATH_BYTES];
    char store_setting[PATH_BYTES + 16];
};

/* What one run took. */
struct run {
    int64_t wall_us;
    int64_t user_us;
    int64_t system_us;
    uint64_t batches;
    uint64_t publications;
    uint64_t allocations;
};

/* ---- time ---- */

static int64_t us_of(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

/* Called twice: what was noted first is taken off. */
static void note_time(struct run *run)
{
    struct rusage usage;

    demand(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage");
    run->wall_us = reel_monotonic_us() - run->wall_us;
    run->user_us = us_of(usage.ru_utime) - run->user_us;
    run->system_us = us_of(usage.ru_stime) - run->system_us;
    run->allocations = allocations_so_far() - run->allocations;
}

/* ---- the sink ---- */

static sqlite3 *open_catalog(const struct bench *bench)
{
    char path[PATH_BYTES + 16];
    sqlite3 *catalog;

    snprintf(path, sizeof path, "%s/catalog.db", bench->store_dir);
    demand(sqlite3_open_v2(path, &catalog, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK, path);
    return catalog;
}

/* Fragments that the catalog holds. */
static uint64_t count_held(const struct bench *bench)
{
    sqlite3 *catalog = open_catalog(bench);
    sqlite3_stmt *statement;
    uint64_t count;

    demand(sqlite3_prepare_v2(catalog, "SELECT total(fragments) FROM recording", -1, &statement,
                              NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW,
           "asking the catalog");
    count = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(catalog);
    return count;
}

static void check_acknowledged(void *user, uint64_t count)
{
    demand(count_held(user) >= count, "what was acknowledged is not in the catalog");
}

static void check_sink(const struct bench *bench, const struct replay *replay)
{
    const struct capture *capture = &bench->capture;
    struct check check;
    char path[PATH_BYTES + 48];

    demand(replay->written == capture->size.fragments, "not all was acknowledged");
    demand(count_held(bench) == capture->size.fragments, "the catalog lacks fragments");
    check_open(&check, capture);
    for (size_t i = 0; i < check.count; i++) {
        snprintf(path, sizeof path, "%s/recordings/mic%zu/s1.wav", bench->store_dir, i);
        check_add(&check, i, path, REEL_WAV_DATA_OFFSET);
    }
    check_all(&check, capture);
}

/* The last acknowledgement ends the time; what follows is an orderly end. */
static void note_acknowledged(void *user, uint64_t count)
{
    if (count == replaying->capture->size.fragments)
        note_time(user);
}

static void play(struct bench *bench, bool checked, struct run *run_out)
{
    static struct replay_sink sink;
    struct replay replay;

    remove_tree(bench->store_dir);
    replay_sink_open(&sink, bench->settings);
    replay_begin(&replay, &bench->capture, sink.stop_fd);
    replay.response_topic = bench->response_topic;
    replay.acknowledged = checked ? check_acknowledged : note_acknowledged;
    replay.user = checked ? (void *)bench : run_out;
    note_time(run_out);
    replay_sink_run(&sink);
    run_out->batches = replay.writes;
    run_out->publications = replay.publications;
    replay_sink_close(&sink);
    replay_end(&replay);
    check_sink(bench, &replay);
}

static void run_sink(struct bench *bench, struct run *run_out)
{
    play(bench, false, run_out);
}

/* ---- plain pwrite ---- */

struct plain {
    int folder_fd;
    bool whole; /* one syncfs ends a batch, not fdatasync of each file */
    size_t count;
    int *fds;
    uint64_t *ends;
    bool *dirty;
};

static void plain_path(const struct bench *bench, size_t which, char out[PATH_BYTES + 32])
{
    snprintf(out, PATH_BYTES + 32, "%s/plain/%zu.raw", bench->dir, which);
}

static void plain_open(const struct bench *bench, struct plain *plain, bool whole)
{
    char path[PATH_BYTES + 32];

    *plain = (struct plain){.whole = whole, .count = bench->capture.size.recordings};
    plain->fds = calloc(plain->count, sizeof *plain->fds);
    plain->ends = calloc(plain->count, sizeof *plain->ends);
    plain->dirty = calloc(plain->count, sizeof *plain->dirty);
    demand(plain->fds && plain->ends && plain->dirty, "memory");
    snprintf(path, sizeof path, "%s/plain", bench->dir);
    remove_tree(path);
    demand(mkdir(path, 0755) == 0, path);
    plain->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    demand(plain->folder_fd >= 0, path);
    for (size_t i = 0; i < plain->count; i++) {
        plain_path(bench, i, path);
        plain->fds[i] = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        demand(plain->fds[i] >= 0, path);
    }
}

static void plain_close(struct plain *plain)
{
    for (size_t i = 0; i < plain->count; i++)
        demand(close(plain->fds[i]) == 0, "close");
    demand(close(plain->folder_fd) == 0, "close");
    free(plain->fds);
    free(plain->ends);
    free(plain->dirty);
}

static void plain_write(struct plain *plain, const struct captured *message)
{
    size_t which = message->recording;

    demand(pwrite(plain->fds[which], captured_audio(message), message->audio_bytes,
                  (off_t)plain->ends[which]) == (ssize_t)message->audio_bytes,
           "pwrite");
    plain->ends[which] += message->audio_bytes;
    plain->dirty[which] = true;
}

static void plain_sync(struct plain *plain)
{
    if (plain->whole)
        demand(syncfs(plain->folder_fd) == 0, "syncfs");
    for (size_t i = 0; i < plain->count && !plain->whole; i++) {
        if (plain->dirty[i])
            demand(fdatasync(plain->fds[i]) == 0, "fdatasync");
        plain->dirty[i] = false;
    }
}

/* Batches of as many bytes as the sink's. */
static void plain_play(const struct bench *bench, struct plain *plain, struct run *run)
{
    uint64_t batch_bytes = 0;
    uint64_t most_bytes;
    struct reel_config config;

    reel_config_default(&config);
    most_bytes = config.ingest_commit_bytes;
    for (const struct captured *at = capture_next(&bench->capture, NULL); at;
         at = capture_next(&bench->capture, at)) {
        plain_write(plain, at);
        batch_bytes += at->payload_bytes;
        if (batch_bytes < most_bytes)
            continue;
        plain_sync(plain);
        batch_bytes = 0;
        run->batches++;
    }
    if (batch_bytes > 0) {
        plain_sync(plain);
        run->batches++;
    }
}

static void run_plain(struct bench *bench, bool whole, struct run *run_out)
{
    struct plain plain;
    struct check check;
    char path[PATH_BYTES + 32];

    plain_open(bench, &plain, whole);
    note_time(run_out);
    plain_play(bench, &plain, run_out);
    note_time(run_out);
    plain_close(&plain);
    check_open(&check, &bench->capture);
    for (size_t i = 0; i < check.count; i++) {
        plain_path(bench, i, path);
        check_add(&check, i, path, 0);
    }
    check_all(&check, &bench->capture);
}

static void run_plain_whole(struct bench *bench, struct run *run_out)
{
    run_plain(bench, true, run_out);
}

static void run_plain_each(struct bench *bench, struct run *run_out)
{
    run_plain(bench, false, run_out);
}

/* ---- the rounds ---- */

static const struct way {
    const char *name;
    void (*run)(struct bench *bench, struct run *run_out);
} ways[] = {
    {"sink", run_sink},
    {"pwrite, syncfs", run_plain_whole},
    {"pwrite, fdatasync each", run_plain_each},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static void report(const struct bench *bench, const char *name, const struct run *run)
{
    printf("{\"way\": \"%s\", \"fragments\": %llu, \"wall_us\": %lld, \"user_us\": %lld, "
           "\"system_us\": %lld, \"batches\": %llu, \"publications\": %llu, "
           "\"allocations\": %llu}\n",
           name, (unsigned long long)bench->capture.size.fragments, (long long)run->wall_us,
           (long long)run->user_us, (long long)run->system_us, (unsigned long long)run->batches,
           (unsigned long long)run->publications, (unsigned long long)run->allocations);
    fflush(stdout);
}

static void measure(struct bench *bench, size_t rounds)
{
    struct run unused = {0};

    if (!bench->only)
        play(bench, true, &unused);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < WAYS; i++) {
            const struct way *way = &ways[(round + i) % WAYS];
            struct run run = {0};

            if (bench->only && strcmp(bench->only, way->name) != 0)
                continue;
            sync(); /* what others left is not ours to wait for */
            way->run(bench, &run);
            report(bench, way->name, &run);
        }
    }
}

static const char usage[] =
    "bench_replay --capture FILE RECORDINGS FRAGMENTS AUDIO_BYTES\n"
    "bench_replay FILE DIR ROUNDS [--reply TOPIC] [--only NAME] [section.key=value...]";

static int capture_file(int argc, char **argv)
{
    struct capture_size size;

    demand(argc == 6, usage);
    size = (struct capture_size){strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
                                 strtoull(argv[5], NULL, 10)};
    demand(size.recordings > 0 && size.audio_bytes > 0 && size.audio_bytes % 2 == 0, usage);
    capture_make(argv[2], &size);
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench bench;

    if (argc > 1 && strcmp(argv[1], "--capture") == 0)
        return capture_file(argc, argv);
    demand(argc >= 4, usage);
    allow_many_descriptors();
    capture_map(argv[1], &bench.capture);
    bench.dir = make_load_folder(argv[2], "bench-replay");
    snprintf(bench.store_dir, sizeof bench.store_dir, "%s/store", bench.dir);
    snprintf(bench.store_setting, sizeof bench.store_setting, "store.dir=%s", bench.store_dir);
    bench.settings[bench.settings_count++] = bench.store_setting;
    for (int i = 4; i < argc; i++) {
        if (strcmp(argv[i], "--reply") == 0 && i + 1 < argc)
            bench.response_topic = argv[++i];
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            bench.only = argv[++i];
        else if (bench.settings_count <= SETTINGS_MAX)
            bench.settings[bench.settings_count++] = argv[i];
    }
    measure(&bench, strtoull(argv[3], NULL, 10));
    return 0;
}
