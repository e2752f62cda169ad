/* Quarantine: payloads come back byte for byte, the oldest go first, and files and rows agree after
 * every commit and every crash. */
#include "store/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/quarantine.h"

struct place {
    const char *folder;
    struct reel_catalog *catalog;
    struct reel_sync sync;
    struct reel_quarantine *quarantine;
};

static void open_place(struct place *place, const char *folder, uint64_t max_bytes)
{
    char path[PATH_BYTES];

    place->folder = folder;
    assert_ok(reel_catalog_open(path_in(folder, "catalog.db", path), REEL_CATALOG_WRITE,
                                &place->catalog, err));
    reel_sync_init(&place->sync, REEL_SYNC_AUTO, NULL);
    assert_ok(reel_quarantine_open(folder, place->catalog, max_bytes, &place->sync,
                                   &place->quarantine, err));
}

static void close_place(struct place *place)
{
    reel_quarantine_close(place->quarantine);
    reel_catalog_close(place->catalog);
}

static void begin(struct place *place)
{
    assert_ok(reel_catalog_begin(place->catalog, err));
}

static void commit(struct place *place)
{
    assert_ok(reel_quarantine_sync(place->quarantine, err));
    assert_ok(reel_catalog_commit(place->catalog, err));
    assert_ok(reel_quarantine_committed(place->quarantine, err));
}

static struct reel_reject reject_of(uint64_t bytes)
{
    struct reel_reject reject = {.topic = "reel/v1/audio/mic1/s1",
                                 .device = "mic1",
                                 .session = "s1",
                                 .time_us = 1700000000000000,
                                 .bytes = bytes};

    reel_error_set(&reject.error, REEL_E_BAD_REQUEST, "metadata.audio.rate", "rate is %d", 0);
    return reject;
}

/* Bytes that tell by themselves which payload they are. */
static void fill(uint8_t *payload, uint64_t bytes, uint64_t seed)
{
    struct chance chance = {seed};

    for (uint64_t i = 0; i < bytes; i++)
        payload[i] = (uint8_t)chance_u64(&chance);
}

static uint64_t put(struct place *place, uint64_t bytes, uint64_t seed)
{
    struct reel_reject reject = reject_of(bytes);
    uint8_t payload[4096];
    uint64_t id = 0;

    assert_true(bytes <= sizeof payload);
    fill(payload, bytes, seed);
    assert_ok(reel_quarantine_put(place->quarantine, &reject, payload, &id, err));
    assert_true(id > 0);
    return id;
}

static uint64_t put_alone(struct place *place, uint64_t bytes, uint64_t seed)
{
    uint64_t id;

    begin(place);
    id = put(place, bytes, seed);
    commit(place);
    return id;
}

static void assert_payload(const struct place *place, uint64_t id, uint64_t bytes, uint64_t seed)
{
    struct reel_buffer got = {0};
    uint8_t expected[4096];

    fill(expected, bytes, seed);
    assert_ok(reel_quarantine_read(place->folder, id, &got, err));
    assert_int_equal(got.size, bytes);
    if (bytes > 0)
        assert_memory_equal(got.bytes, expected, bytes);
    reel_buffer_finish(&got);
}

static void assert_no_payload(const struct place *place, uint64_t id)
{
    struct reel_buffer got = {0};
    struct reel_error error;

    assert_int_equal(reel_quarantine_read(place->folder, id, &got, &error), REEL_E_NOT_FOUND);
    assert_int_equal(got.size, 0);
}

static bool has_row(const struct place *place, uint64_t id, bool *has_payload)
{
    char device[REEL_NAME_BYTES];
    struct reel_error error;
    enum reel_code code = reel_catalog_reject_find(place->catalog, id, device, has_payload, &error);

    if (code != REEL_OK)
        assert_int_equal(code, REEL_E_NOT_FOUND);
    else
        assert_string_equal(device, "mic1");
    return code == REEL_OK;
}

static uint64_t count_files(const char *folder)
{
    char path[PATH_BYTES];
    DIR *files = opendir(path_in(folder, "quarantine", path));
    uint64_t count = 0;

    assert_non_null(files);
    for (struct dirent *entry; (entry = readdir(files));)
        count += entry->d_name[0] != '.';
    closedir(files);
    return count;
}

/* Files on disk, rows, and what is told of them are one. */
static void assert_totals(const struct place *place, uint64_t rows, uint64_t files, uint64_t bytes)
{
    uint64_t told_count, told_bytes, count, sum;

    reel_quarantine_totals(place->quarantine, &told_count, &told_bytes);
    assert_ok(reel_catalog_reject_totals(place->catalog, &count, &sum, err));
    assert_int_equal(told_count, rows);
    assert_int_equal(told_bytes, bytes);
    assert_int_equal(count, rows);
    assert_int_equal(sum, bytes);
    assert_int_equal(count_files(place->folder), files);
}

static void test_payloads_come_back(void **state)
{
    static const uint64_t sizes[] = {0, 1, 100, 4096, 5, 6, 7};
    struct place place;
    uint64_t ids[7];

    open_place(&place, *state, 1 << 20);
    begin(&place);
    for (unsigned i = 0; i < 7; i++)
        ids[i] = put(&place, sizes[i], i);
    commit(&place);
    for (unsigned i = 0; i < 7; i++)
        assert_payload(&place, ids[i], sizes[i], i);
    assert_totals(&place, 7, 7, 4215);
    close_place(&place);

    open_place(&place, *state, 1 << 20);
    for (unsigned i = 0; i < 7; i++)
        assert_payload(&place, ids[i], sizes[i], i);
    assert_totals(&place, 7, 7, 4215);
    assert_no_payload(&place, ids[6] + 1);
    close_place(&place);
}

/* Also one that the same batch put there: a jump and what confirms it may come in one. */
static void test_take(void **state)
{
    struct reel_buffer taken = {0};
    struct reel_error error;
    struct place place;
    uint64_t old, new;
    uint8_t expected[300];
    bool has_payload;

    open_place(&place, *state, 1 << 20);
    old = put_alone(&place, 100, 1);
    begin(&place);
    new = put(&place, 200, 2);
    assert_ok(reel_quarantine_take(place.quarantine, old, &taken, err));
    assert_ok(reel_quarantine_take(place.quarantine, new, &taken, err));
    fill(expected, 100, 1);
    fill(expected + 100, 200, 2);
    assert_int_equal(taken.size, 300);
    assert_memory_equal(taken.bytes, expected, 300);
    assert_int_equal(reel_quarantine_take(place.quarantine, old, &taken, &error), REEL_E_NOT_FOUND);
    assert_int_equal(taken.size, 300);
    assert_payload(&place, old, 100, 1); /* until the commit */
    commit(&place);
    assert_false(has_row(&place, old, &has_payload));
    assert_totals(&place, 0, 0, 0);
    assert_true(put_alone(&place, 1, 3) > new); /* ids are never used again */
    reel_buffer_finish(&taken);
    close_place(&place);
}

static void test_oldest_make_room(void **state)
{
    struct place place;
    uint64_t ids[10];
    bool has_payload;

    open_place(&place, *state, 550);
    for (unsigned i = 0; i < 10; i++)
        ids[i] = put_alone(&place, 100, i);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(has_row(&place, ids[i], &has_payload), i >= 5);
        if (i >= 5)
            assert_payload(&place, ids[i], 100, i);
        else
            assert_no_payload(&place, ids[i]);
    }
    assert_totals(&place, 5, 5, 500);
    put_alone(&place, 550, 11);
    assert_totals(&place, 1, 1, 550);
    close_place(&place);

    open_place(&place, *state, 50); /* a smaller bound counts from the next one on */
    put_alone(&place, 10, 12);
    assert_totals(&place, 1, 1, 10);
    close_place(&place);
}

static void test_batch_spares_its_own(void **state)
{
    struct place place;
    uint64_t old, own, late;
    bool has_payload = true;

    open_place(&place, *state, 250);
    old = put_alone(&place, 100, 1);
    begin(&place);
    own = put(&place, 100, 2);
    put(&place, 100, 3);
    late = put(&place, 100, 4);
    commit(&place);
    assert_false(has_row(&place, old, &has_payload));
    assert_payload(&place, own, 100, 2);
    assert_true(has_row(&place, late, &has_payload));
    assert_false(has_payload);
    assert_totals(&place, 3, 2, 200);
    put_alone(&place, 250, 5);
    assert_false(has_row(&place, own, &has_payload));
    assert_totals(&place, 2, 1, 250); /* the row alone takes no room */
    close_place(&place);
}

static void name_candidate(struct place *place, uint64_t id, struct reel_recording *recording)
{
    recording->candidate.kind = id ? REEL_CANDIDATE_JUMP : REEL_CANDIDATE_NONE;
    recording->candidate.quarantine_id = id;
    begin(place);
    assert_ok(reel_catalog_save(place->catalog, recording, err));
    commit(place);
}

static void test_candidates_are_spared(void **state)
{
    struct reel_format format = {16000, 1, 2, REEL_PCM};
    struct reel_recording recording;
    struct place place;
    uint64_t candidate, next;
    bool has_payload;

    open_place(&place, *state, 250);
    reel_recording_init(&recording, "mic1", "s1", &format, 0);
    candidate = put_alone(&place, 100, 1);
    name_candidate(&place, candidate, &recording);
    next = put_alone(&place, 100, 2);
    put_alone(&place, 100, 3);
    assert_payload(&place, candidate, 100, 1);
    assert_false(has_row(&place, next, &has_payload));
    assert_totals(&place, 2, 2, 200);

    name_candidate(&place, 0, &recording);
    put_alone(&place, 100, 4);
    assert_false(has_row(&place, candidate, &has_payload));
    reel_recording_finish(&recording);
    close_place(&place);
}

static void test_too_large_is_a_row(void **state)
{
    struct reel_buffer taken = {0};
    struct reel_error error;
    struct place place;
    uint64_t small, large, found, bytes;
    bool has_payload = true;

    open_place(&place, *state, 100);
    small = put_alone(&place, 100, 1);
    large = put_alone(&place, 101, 2);
    assert_true(has_row(&place, large, &has_payload));
    assert_false(has_payload);
    assert_payload(&place, small, 100, 1);
    assert_no_payload(&place, large);
    assert_totals(&place, 2, 1, 100);
    assert_ok(reel_catalog_reject_next_payload(place.catalog, 0, &found, &bytes, err));
    assert_int_equal(found, small);
    assert_int_equal(reel_catalog_reject_next_payload(place.catalog, small, &found, &bytes, &error),
                     REEL_E_NOT_FOUND);
    begin(&place);
    assert_int_equal(reel_quarantine_take(place.quarantine, large, &taken, &error),
                     REEL_E_NOT_FOUND);
    commit(&place);
    close_place(&place);
}

static void test_rows_are_bounded(void **state)
{
    struct place place;

    open_place(&place, *state, 0);
    begin(&place);
    for (unsigned i = 0; i < REEL_QUARANTINE_ROWS_MAX + 10; i++)
        put(&place, 1, i);
    commit(&place);
    put_alone(&place, 1, 0);
    assert_totals(&place, REEL_QUARANTINE_ROWS_MAX, 0, 0);
    close_place(&place);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[PATH_BYTES];
    FILE *file = fopen(path_in(folder, name, path), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_start_makes_files_and_rows_agree(void **state)
{
    struct place place;
    uint64_t whole, gone, cut;
    bool has_payload;
    char name[64], path[PATH_BYTES];

    open_place(&place, *state, 1 << 20);
    whole = put_alone(&place, 100, 1);
    gone = put_alone(&place, 100, 2);
    cut = put_alone(&place, 100, 3);
    close_place(&place);
    write_file(*state, "quarantine/999.bin", "without a row");
    write_file(*state, "quarantine/0999.bin", "not our name");
    snprintf(name, sizeof name, "quarantine/%llu.bin", (unsigned long long)gone);
    assert_int_equal(unlink(path_in(*state, name, path)), 0);
    snprintf(name, sizeof name, "quarantine/%llu.bin", (unsigned long long)cut);
    write_file(*state, name, "cut short");

    open_place(&place, *state, 1 << 20);
    assert_payload(&place, whole, 100, 1);
    assert_true(has_row(&place, gone, &has_payload));
    assert_false(has_payload);
    assert_true(has_row(&place, cut, &has_payload));
    assert_false(has_payload);
    assert_totals(&place, 3, 2, 100); /* the whole one, and the file that is not ours */
    assert_int_equal(access(path_in(*state, "quarantine/0999.bin", path), F_OK), 0);
    close_place(&place);
}

/* The child is gone after the sync and before the commit. */
static void test_crash_before_commit(void **state)
{
    struct place place;
    uint64_t kept;
    int status;
    pid_t child;

    open_place(&place, *state, 150);
    kept = put_alone(&place, 100, 1);
    close_place(&place);
    child = fork();
    if (child == 0) {
        open_place(&place, *state, 150);
        begin(&place);
        put(&place, 100, 2); /* in place of the first */
        if (reel_quarantine_sync(place.quarantine, NULL) != REEL_OK)
            _exit(1);
        _exit(count_files(*state) == 2 ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);

    open_place(&place, *state, 150);
    assert_payload(&place, kept, 100, 1);
    assert_totals(&place, 1, 1, 100);
    close_place(&place);
}

/* A folder that is in the way of a payload's file is a disk that fails. */
static void test_failing_disk(void **state)
{
    struct reel_reject reject = reject_of(1);
    struct reel_error error;
    struct place place;
    char path[PATH_BYTES];
    uint64_t id = 77;

    open_place(&place, *state, 1 << 20);
    assert_int_equal(mkdir(path_in(*state, "quarantine/1.bin", path), 0700), 0);
    begin(&place);
    assert_int_equal(reel_quarantine_put(place.quarantine, &reject, "x", &id, &error),
                     REEL_E_STALLED);
    assert_int_equal(error.code, REEL_E_STALLED);
    assert_int_equal(id, 77);
    reel_catalog_rollback(place.catalog);
    close_place(&place);
}

int main(void)
{
#define FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        FOLDER(test_payloads_come_back),    FOLDER(test_take),
        FOLDER(test_oldest_make_room),      FOLDER(test_batch_spares_its_own),
        FOLDER(test_candidates_are_spared), FOLDER(test_too_large_is_a_row),
        FOLDER(test_rows_are_bounded),      FOLDER(test_start_makes_files_and_rows_agree),
        FOLDER(test_crash_before_commit),   FOLDER(test_failing_disk),
    };

    return cmocka_run_group_tests_name("quarantine", tests, NULL, NULL);
}
