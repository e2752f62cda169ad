/* What a setting of ingest.commit_interval_ms costs.
 *
 *   bench_commit DIR [RECORDINGS [SIMULATED_S]]
 *
 * In DIR, on a file system that nobody else writes to meanwhile: recordings of 16 kHz and of 48
 * kHz, 16 bits, in fragments of 1920 bytes, none sent at the same moment as another. Time is
 * simulated, as it is a parameter of the store; what a commit takes is measured, and added to it. A
 * batch opens with its first fragment and is committed when the interval is over, as by the daemon.
 *
 * Bytes are those that the block device under DIR says were written to it, journal and all. The
 * latency is from the arrival of a fragment to the end of the commit that covers it: without the
 * broker and the network. */
#include <sys/sysmacros.h>

#include "bench/load.h"

enum { PATH_BYTES = LOAD_PATH_BYTES, BATCH_MAX = 1 << 16 };

struct batch {
    struct reel_delivery deliveries[BATCH_MAX];
    int64_t arrived_us[BATCH_MAX];
    size_t count;
};

struct figures {
    int64_t *latency_us;
    size_t fragments;
    size_t commits;
    uint64_t file_bytes;
    uint64_t catalog_bytes;
    uint64_t device_bytes;
};

/* What was ever written to the device that holds `dir`. */
static uint64_t device_bytes(const char *dir)
{
    struct stat status;
    char path[PATH_BYTES];
    unsigned long long sectors;
    FILE *file;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    demand(fd >= 0 && syncfs(fd) == 0 && fstat(fd, &status) == 0, dir);
    close(fd);
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/stat", major(status.st_dev),
             minor(status.st_dev));
    file = fopen(path, "re");
    demand(file != NULL, path);
    demand(fscanf(file, "%*u %*u %*u %*u %*u %*u %llu", &sectors) == 1, path);
    fclose(file);
    return sectors * 512;
}

static void receive(struct load *load, struct batch *batch, size_t which, int64_t arrived_us)
{
    static uint64_t number;

    demand(batch->count < BATCH_MAX, "batch");
    load_fragment(load, which);
    number++;
    batch->deliveries[batch->count] =
        (struct reel_delivery){(uint16_t)number, number * UINT64_C(0x9e3779b97f4a7c15), false};
    batch->arrived_us[batch->count++] = arrived_us;
}

/* Commit at the simulated time `at_us`; the time when it has ended. */
static int64_t commit(struct load *load, struct batch *batch, int64_t at_us, int64_t began_us,
                      struct figures *figures)
{
    int64_t end_us;

    load->now_us = began_us + at_us;
    end_us = at_us + load_commit(load, batch->deliveries, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        figures->latency_us[figures->fragments++] = end_us - batch->arrived_us[i];
    figures->commits++;
    batch->count = 0;
    return end_us;
}

/* `fragments` of them, one every `apart_us`, from one recording after the other. */
static void play(struct load *load, int64_t interval_us, double apart_us, size_t fragments,
                 struct figures *figures)
{
    static struct batch batch;
    int64_t began_us = load->now_us;
    int64_t free_us = 0;     /* the end of the last commit */
    int64_t deadline_us = 0; /* of the open batch */

    batch.count = 0;
    for (size_t i = 0; i < fragments; i++) {
        int64_t arrived_us = (int64_t)((double)i * apart_us);

        if (batch.count > 0 && arrived_us > deadline_us)
            free_us = commit(load, &batch, deadline_us, began_us, figures);
        if (batch.count == 0)
            deadline_us = (arrived_us > free_us ? arrived_us : free_us) + interval_us;
        receive(load, &batch, i % load->count, arrived_us);
    }
    commit(load, &batch, deadline_us, began_us, figures);
}

static void print_figures(struct figures *figures, uint32_t rate_hz, int64_t interval_us,
                          double simulated_s)
{
    double audio_bytes = (double)figures->fragments * FRAGMENT_BYTES;

    printf("| %2u kHz | %4lld | %6.1f | %5.2f | %5.2f | %5.2f | %7.1f | %7.1f |\n", rate_hz / 1000,
           (long long)interval_us / 1000, (double)figures->commits / simulated_s,
           (double)figures->device_bytes / audio_bytes,
           ((double)figures->file_bytes - audio_bytes) / audio_bytes,
           (double)figures->catalog_bytes / audio_bytes,
           at_share_ms(figures->latency_us, figures->fragments, 0.5),
           at_share_ms(figures->latency_us, figures->fragments, 0.99));
    fflush(stdout);
}

static void measure(const char *dir, size_t recordings, uint32_t rate_hz, int64_t interval_us,
                    double simulated_s)
{
    double apart_us = 1e6 * FRAGMENT_FRAMES / rate_hz / (double)recordings;
    size_t fragments = (size_t)(simulated_s * 1e6 / apart_us);
    struct figures figures = {.latency_us = calloc(fragments, sizeof(int64_t))};
    char path[PATH_BYTES + 32];
    uint64_t before_bytes;
    struct load load;

    demand(figures.latency_us != NULL, "memory");
    snprintf(path, sizeof path, "%s/store", dir);
    load_open(&load, path, REEL_SYNC_AUTO, recordings, rate_hz);
    load_commit(&load, NULL, 0);
    before_bytes = device_bytes(dir);
    memset(&counted.now, 0, sizeof counted.now);
    play(&load, interval_us, apart_us, fragments, &figures);
    figures.file_bytes = counted.now.file_bytes;
    figures.catalog_bytes = counted.now.catalog_bytes;
    figures.device_bytes = device_bytes(dir) - before_bytes;
    print_figures(&figures, rate_hz, interval_us, simulated_s);
    load_close(&load);
    remove_tree(path);
    free(figures.latency_us);
}

int main(int argc, char **argv)
{
    static const uint32_t rates_hz[] = {16000, 48000};
    static const int64_t intervals_ms[] = {0, 100, 250, 500, 1000, 2000, 5000};
    size_t recordings = argc > 2 ? strtoul(argv[2], NULL, 10) : 20;
    double simulated_s = argc > 3 ? strtod(argv[3], NULL) : 120;
    const char *dir;

    demand(argc >= 2 && recordings > 0 && simulated_s > 0,
           "bench_commit DIR [RECORDINGS [SIMULATED_S]]");
    allow_many_descriptors();
    dir = make_load_folder(argv[1], "bench-commit");
    printf(
        "%zu recordings: commits a second; bytes written to the disk for each byte of audio; of "
        "them\nheaders and sidecars, and the catalog, as handed to the kernel; ms from arrival to "
        "acknowledgement.\n"
        "| rate | interval ms | commits a s | bytes | headers | catalog | median | 99 %% |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
        recordings);
    for (size_t r = 0; r < sizeof rates_hz / sizeof *rates_hz; r++) {
        for (size_t i = 0; i < sizeof intervals_ms / sizeof *intervals_ms; i++)
            measure(dir, recordings, rates_hz[r], intervals_ms[i] * 1000,
                    intervals_ms[i] > 0 ? simulated_s : simulated_s / 6);
    }
    return 0;
}
