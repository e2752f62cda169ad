/* The catalog's log after a sync that failed: the kernel takes what it was for for clean, so that
 * no later sync brings it to the disk. Here it is told in which order the log and the database are
 * written and synced, and one sync of the log fails. */
#include <limits.h>
#include <sys/syscall.h>

#include "store/scene.h"

enum { EVENTS_MAX = 256, HEAD_BYTES = 4096 };

enum kind { LOG_WRITE, LOG_SYNC, DATABASE_WRITE };

static struct {
    bool listens;
    unsigned failures; /* of the next syncs of the log */
    struct {
        enum kind kind;
        uint64_t from;
        uint64_t to;
    } events[EVENTS_MAX];
    size_t count;
} disk;

static bool ends_with(int fd, const char *suffix)
{
    char path[PATH_BYTES];
    char link[64];
    ssize_t bytes;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bytes = readlink(link, path, sizeof path - 1);
    path[bytes > 0 ? bytes : 0] = '\0';
    return bytes >= (ssize_t)strlen(suffix) && strcmp(path + bytes - strlen(suffix), suffix) == 0;
}

static void note(enum kind kind, uint64_t from, uint64_t to)
{
    if (!disk.listens)
        return;
    assert_true(disk.count < EVENTS_MAX);
    disk.events[disk.count].kind = kind;
    disk.events[disk.count].from = from;
    disk.events[disk.count++].to = to;
}

static ssize_t write_at(int fd, const void *data, size_t bytes, off_t offset)
{
    if (ends_with(fd, "/catalog.db-wal"))
        note(LOG_WRITE, (uint64_t)offset, (uint64_t)offset + bytes);
    else if (ends_with(fd, "/catalog.db"))
        note(DATABASE_WRITE, (uint64_t)offset, (uint64_t)offset + bytes);
    return syscall(SYS_pwrite64, fd, data, bytes, offset);
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset)
{
    return write_at(fd, data, bytes, offset);
}

static int sync_one(int fd)
{
    if (!ends_with(fd, "/catalog.db-wal"))
        return 0;
    if (disk.failures > 0) {
        disk.failures--;
        errno = EIO;
        return -1;
    }
    note(LOG_SYNC, 0, 0);
    return 0;
}

int fdatasync(int fd)
{
    return sync_one(fd);
}

int fsync(int fd)
{
    return sync_one(fd);
}

#define DATABASE "catalog.db"
#define LOG      "catalog.db-wal"

/* As a killed process leaves it: with a log that holds something. */
static uint64_t crash_with_log(struct scene *scene)
{
    path_copy(scene_path(scene, DATABASE), scene_path(scene, "database"));
    path_copy(scene_path(scene, LOG), scene_path(scene, "log"));
    scene_crash(scene);
    assert_int_equal(rename(scene_path(scene, "database"), scene_path(scene, DATABASE)), 0);
    assert_int_equal(rename(scene_path(scene, "log"), scene_path(scene, LOG)), 0);
    return path_bytes(scene_path(scene, LOG));
}

static void listen_to(bool on)
{
    disk.listens = on;
    if (on)
        disk.count = 0;
}

/* That the first thing which was heard was that: its head, then the rest, each synced. */
static void assert_brought_to_the_disk(uint64_t log_bytes)
{
    uint64_t written;
    size_t at = 2;

    assert_true(log_bytes > HEAD_BYTES);
    assert_int_equal(disk.events[0].kind, LOG_WRITE);
    assert_int_equal(disk.events[0].from, 0);
    assert_int_equal(disk.events[0].to, HEAD_BYTES);
    assert_int_equal(disk.events[1].kind, LOG_SYNC);
    for (written = HEAD_BYTES; disk.events[at].kind == LOG_WRITE; at++) {
        assert_int_equal(disk.events[at].from, written);
        written = disk.events[at].to;
    }
    assert_int_equal(written, log_bytes);
    assert_int_equal(disk.events[at].kind, LOG_SYNC);
}

static void a_log_is_brought_to_the_disk_before_it_is_taken_in(void **state)
{
    struct scene *scene = *state;
    uint64_t log_bytes;

    record(scene, 3);
    log_bytes = crash_with_log(scene);
    listen_to(true);
    scene_open(scene);
    listen_to(false);
    assert_brought_to_the_disk(log_bytes);
    assert_fragments(scene, 3);
}

static void assert_commit_fails(struct scene *scene, unsigned failures)
{
    publish_seq(scene, scene_get(scene, "mic1", "s1"), 3);
    disk.failures = failures;
    assert_int_equal(reel_store_commit(scene->store, NULL, 0, scene->now_us, NULL), REEL_E_STALLED);
}

static void one_whose_sync_failed_is_brought_there_when_it_is_closed(void **state)
{
    struct scene *scene = *state;
    uint64_t log_bytes;

    record(scene, 3);
    assert_commit_fails(scene, 1);
    log_bytes = path_bytes(scene_path(scene, LOG));
    listen_to(true);
    scene_crash(scene);
    listen_to(false);
    assert_brought_to_the_disk(log_bytes);
    scene_open(scene);
    assert_fragments(scene, 3);
}

/* It was taken in when the connection was closed, and again when the next was opened. */
static void one_that_cannot_be_brought_there_is_left_as_it_is(void **state)
{
    struct scene *scene = *state;
    uint8_t *before;
    uint8_t *after;
    size_t bytes_before;
    size_t bytes_after;

    record(scene, 3);
    before = path_read(scene_path(scene, DATABASE), &bytes_before);
    assert_commit_fails(scene, UINT_MAX);
    scene_crash(scene);
    disk.failures = 0;
    assert_true(path_bytes(scene_path(scene, LOG)) > 0);
    after = path_read(scene_path(scene, DATABASE), &bytes_after);
    assert_int_equal(bytes_after, bytes_before);
    assert_memory_equal(after, before, bytes_before);
    free(before);
    free(after);
    scene_open(scene);
    assert_fragments(scene, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_log_is_brought_to_the_disk_before_it_is_taken_in),
        TEST(one_whose_sync_failed_is_brought_there_when_it_is_closed),
        TEST(one_that_cannot_be_brought_there_is_left_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
