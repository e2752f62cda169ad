/* What a setting of ingest.commit_interval_ms costs.
 *
 *   bench_commit DIR [RECORDINGS [SIMULATED_S [INTERVAL_MS...]]]
 *
 * Prints a table, of some intervals; a line of JSON for each rate and interval where these are
 * given. In DIR, on a file system that nobody else writes to meanwhile: recordings of 16 kHz and of
 * 48 kHz, 16 bits, in fragments of 1920 bytes, none sent at the same moment as another. Time is
 * simulated, as it is a parameter of the store; what a commit takes is measured, and added to it. A
 * batch opens with its first fragment and is committed when the interval is over, as by the daemon.
 *
 * Bytes are those that the block device under DIR says were written to it, journal and all. The
 * latency is from the arrival of a fragment to the end of the commit that covers it: without the
 * broker and the network. */
#include <sys/sysmacros.h>

#include "bench/load.h"
#include "core/wav_header.h"
#include "store/reader.h"

enum { PATH_BYTES = LOAD_PATH_BYTES, BATCH_MAX = 1 << 16 };

/* What is asked for. */
struct plan {
    size_t recordings;
    double simulated_s;
    uint32_t rate_hz;
    int64_t interval_us;
    bool json;
};

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
    load_ahead_us = load->now_us - monotonic_us();
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

/* What a run comes to, whichever way it is printed. */
struct summary {
    double commits_per_s;
    double bytes; /* this and the next two: for each byte of audio */
    double header_bytes;
    double catalog_bytes;
    double median_ms;
    double high_ms;
};

static struct summary summarize(struct figures *figures, double simulated_s)
{
    double audio_bytes = (double)figures->fragments * FRAGMENT_BYTES;

    return (struct summary){
        .commits_per_s = (double)figures->commits / simulated_s,
        .bytes = (double)figures->device_bytes / audio_bytes,
        .header_bytes = ((double)figures->file_bytes - audio_bytes) / audio_bytes,
        .catalog_bytes = (double)figures->catalog_bytes / audio_bytes,
        .median_ms = at_share_ms(figures->latency_us, figures->fragments, 0.5),
        .high_ms = at_share_ms(figures->latency_us, figures->fragments, 0.99),
    };
}

static void print_row(const struct plan *plan, const struct summary *summary)
{
    printf("| %2u kHz | %4lld | %6.1f | %5.2f | %5.2f | %5.2f | %7.1f | %7.1f |\n",
           plan->rate_hz / 1000, (long long)plan->interval_us / 1000, summary->commits_per_s,
           summary->bytes, summary->header_bytes, summary->catalog_bytes, summary->median_ms,
           summary->high_ms);
    fflush(stdout);
}

static void print_json(const struct plan *plan, const struct summary *summary)
{
    printf("{\"rate_hz\": %u, \"interval_ms\": %lld, \"commits_per_s\": %.2f, \"bytes\": %.4f, "
           "\"header_bytes\": %.4f, \"catalog_bytes\": %.4f, \"median_ms\": %.2f, "
           "\"high_ms\": %.2f}\n",
           plan->rate_hz, (long long)plan->interval_us / 1000, summary->commits_per_s,
           summary->bytes, summary->header_bytes, summary->catalog_bytes, summary->median_ms,
           summary->high_ms);
    fflush(stdout);
}

/* Whether the file of one recording holds the fragments that it got, each in its place. */
static void check_file(const char *store, size_t which, uint64_t fragments)
{
    char path[PATH_BYTES + 96];
    char device[32];
    int16_t expected[FRAGMENT_FRAMES];
    int16_t found[FRAGMENT_FRAMES];
    FILE *file;

    snprintf(path, sizeof path, "%s/recordings/%s/s1.wav", store, device_of(which, device));
    file = fopen(path, "re");
    demand(file != NULL && fseek(file, REEL_WAV_DATA_OFFSET, SEEK_SET) == 0, path);
    for (uint64_t seq = 0; seq < fragments; seq++) {
        load_frames(which, seq, expected);
        demand(fread(found, sizeof found, 1, file) == 1 &&
                   memcmp(found, expected, sizeof found) == 0,
               path);
    }
    demand(fgetc(file) == EOF, path);
    fclose(file);
}

/* Whether the catalog claims all that was sent, and the files hold it. */
static void check_store(const char *store, const struct load *load)
{
    struct reel_recording recording;
    struct reel_reader *reader;
    struct reel_error error;
    char device[32];

    demand_ok(reel_reader_open(store, &reader, &error), &error);
    for (size_t i = 0; i < load->count; i++) {
        demand_ok(reel_reader_load(reader, device_of(i, device), "s1", &recording, &error), &error);
        demand(recording.frames == load->next_seq[i] * FRAGMENT_FRAMES, device);
        reel_recording_finish(&recording);
        check_file(store, i, load->next_seq[i]);
    }
    reel_reader_close(reader);
}

static void measure(const char *dir, const struct plan *plan)
{
    double apart_us = 1e6 * FRAGMENT_FRAMES / plan->rate_hz / (double)plan->recordings;
    size_t fragments = (size_t)(plan->simulated_s * 1e6 / apart_us);
    struct figures figures = {.latency_us = calloc(fragments, sizeof(int64_t))};
    struct summary summary;
    char path[PATH_BYTES + 32];
    uint64_t before_bytes;
    struct load load;

    demand(figures.latency_us != NULL, "memory");
    snprintf(path, sizeof path, "%s/store", dir);
    load_open(&load, path, REEL_SYNC_AUTO, plan->recordings, plan->rate_hz);
    load_commit(&load, NULL, 0);
    before_bytes = device_bytes(dir);
    memset(&counted.now, 0, sizeof counted.now);
    play(&load, plan->interval_us, apart_us, fragments, &figures);
    figures.file_bytes = counted.now.file_bytes;
    figures.catalog_bytes = counted.now.catalog_bytes;
    figures.device_bytes = device_bytes(dir) - before_bytes;
    summary = summarize(&figures, plan->simulated_s);
    (plan->json ? print_json : print_row)(plan, &summary);
    reel_store_close(load.store);
    check_store(path, &load);
    free(load.next_seq);
    remove_tree(path);
    free(figures.latency_us);
}

static void print_heading(const struct plan *plan)
{
    if (plan->json)
        return;
    printf(
        "%zu recordings: commits a second; bytes written to the disk for each byte of audio; of "
        "them\nheaders and sidecars, and the catalog, as handed to the kernel; ms from arrival to "
        "acknowledgement.\n"
        "| rate | interval ms | commits a s | bytes | headers | catalog | median | 99 %% |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
        plan->recordings);
}

/* At interval 0 commits are many: less of it says as much. */
static void measure_interval(const char *dir, struct plan plan, int64_t interval_ms,
                             uint32_t rate_hz)
{
    plan.interval_us = interval_ms * 1000;
    plan.rate_hz = rate_hz;
    if (interval_ms == 0)
        plan.simulated_s /= 6;
    measure(dir, &plan);
}

int main(int argc, char **argv)
{
    static const uint32_t rates_hz[] = {16000, 48000};
    static const int64_t intervals_ms[] = {0, 100, 250, 500, 1000, 2000, 5000};
    struct plan plan = {
        .recordings = argc > 2 ? strtoul(argv[2], NULL, 10) : 20,
        .simulated_s = argc > 3 ? strtod(argv[3], NULL) : 120,
        .json = argc > 4,
    };
    size_t intervals = plan.json ? (size_t)argc - 4 : sizeof intervals_ms / sizeof *intervals_ms;
    const char *dir;

    demand(argc >= 2 && plan.recordings > 0 && plan.simulated_s > 0,
           "bench_commit DIR [RECORDINGS [SIMULATED_S [INTERVAL_MS...]]]");
    allow_many_descriptors();
    dir = make_load_folder(argv[1], "bench-commit");
    print_heading(&plan);
    for (size_t r = 0; r < sizeof rates_hz / sizeof *rates_hz; r++) {
        for (size_t i = 0; i < intervals; i++)
            measure_interval(dir, plan, plan.json ? atoll(argv[4 + i]) : intervals_ms[i],
                             rates_hz[r]);
    }
    return 0;
}
